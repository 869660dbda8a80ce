//! Prefixes of objects' keys, with expressions that are evaluated for each object.
//!
//! Source, also of what is refused: Firehose developer guide, "Understand custom prefixes for Amazon S3 objects".

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// Why a prefix was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// `!{` without `}`, or no `namespace:value` between them.
    #[error("{0:?} is not an expression of the form !{{namespace:value}}")]
    Expression(String),
    /// A namespace or a value that this place cannot have.
    #[error("!{{{0}}} cannot be here")]
    Unsupported(String),
    /// A letter of a timestamp pattern that is not one of `yyyy uuuu MM dd DDD HH mm ss`.
    #[error("embedded-aws has no {0:?} in a timestamp pattern")]
    Timestamp(String),
    /// An error output prefix without `!{firehose:error-output-type}`.
    #[error("an error output prefix must contain !{{firehose:error-output-type}}")]
    NoErrorOutputType,
}

/// What a prefix is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Delivery,
    Errors,
    RawBackup,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A pattern of chrono's.
    Timestamp(String),
    PartitionKey(String),
    ErrorOutputType,
    RandomString,
}

/// A prefix that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix(Vec<Part>);

/// What expressions stand for in one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    /// The arrival of the object's oldest record.
    pub(super) oldest_arrival: SystemTime,
    /// In the order of [`Prefix::partition_keys`].
    pub(super) partition: &'a [String],
    pub(super) error_output_type: &'a str,
}

impl Prefix {
    pub(super) fn parse(text: &str, purpose: Use) -> Result<Self, PrefixError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("!{") {
            let (expression, behind) =
                behind.split_once('}').ok_or_else(|| PrefixError::Expression(format!("!{{{behind}")))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part(expression, purpose)?);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if purpose == Use::Errors && !parts.contains(&Part::ErrorOutputType) {
            return Err(PrefixError::NoErrorOutputType);
        }
        // "If you specify a prefix that doesn't contain a timestamp namespace expression, Firehose appends the
        // expression !{timestamp:yyyy/MM/dd/HH/}": so it is without dynamic partitioning.
        let dated = |part: &Part| matches!(part, Part::Timestamp(_) | Part::PartitionKey(_));
        if purpose != Use::Errors && !parts.iter().any(dated) {
            parts.push(Part::Timestamp("%Y/%m/%d/%H/".to_owned()));
        }
        Ok(Self(parts))
    }

    /// The partition keys that it needs, each once.
    pub(super) fn partition_keys(&self) -> Vec<&str> {
        let mut keys = Vec::new();
        for part in &self.0 {
            if let Part::PartitionKey(key) = part
                && !keys.contains(&key.as_str())
            {
                keys.push(key.as_str());
            }
        }
        keys
    }

    pub(super) fn evaluate(&self, values: Values<'_>, random: &mut fastrand::Rng) -> String {
        let keys = self.partition_keys();
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Timestamp(pattern) => text.push_str(&formatted(values.oldest_arrival, pattern)),
                Part::PartitionKey(key) => {
                    let value = keys.iter().position(|known| known == key);
                    text.push_str(value.and_then(|at| values.partition.get(at)).map_or("", String::as_str));
                }
                Part::ErrorOutputType => text.push_str(values.error_output_type),
                Part::RandomString => text.extend((0..11).map(|_| random.alphanumeric())),
            }
        }
        text
    }
}

/// A time in UTC by a pattern of chrono's.
pub(super) fn formatted(time: SystemTime, pattern: &str) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    time.unwrap_or_default().format(pattern).to_string()
}

fn part(expression: &str, purpose: Use) -> Result<Part, PrefixError> {
    let malformed = || PrefixError::Expression(format!("!{{{expression}}}"));
    let (namespace, value) = expression.split_once(':').ok_or_else(malformed)?;
    match (namespace, value) {
        (_, "") => Err(malformed()),
        ("timestamp", pattern) => Ok(Part::Timestamp(pattern_of_chrono(pattern)?)),
        ("partitionKeyFromLambda", key) if purpose == Use::Delivery => Ok(Part::PartitionKey(key.to_owned())),
        ("firehose", "error-output-type") if purpose == Use::Errors => Ok(Part::ErrorOutputType),
        ("firehose", "random-string") => Ok(Part::RandomString),
        _ => Err(PrefixError::Unsupported(expression.to_owned())),
    }
}

/// A pattern of Java's DateTimeFormatter, as far as dates in keys need it, as one of chrono's.
fn pattern_of_chrono(java: &str) -> Result<String, PrefixError> {
    let mut chrono = String::new();
    let mut rest = java;
    while let Some(first) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(first).len();
        let (head, tail) = rest.split_at(run);
        rest = tail;
        match head {
            "yyyy" | "uuuu" => chrono.push_str("%Y"),
            "MM" => chrono.push_str("%m"),
            "dd" => chrono.push_str("%d"),
            "DDD" => chrono.push_str("%j"),
            "HH" => chrono.push_str("%H"),
            "mm" => chrono.push_str("%M"),
            "ss" => chrono.push_str("%S"),
            _ if first == '\'' && run == 1 => {
                let (quoted, tail) =
                    rest.split_once('\'').ok_or_else(|| PrefixError::Timestamp(java.to_owned()))?;
                chrono.push_str(&quoted.replace('%', "%%"));
                rest = tail;
            }
            _ if first.is_ascii_alphabetic() || "'[]{}#".contains(first) => {
                return Err(PrefixError::Timestamp(head.to_owned()));
            }
            other => chrono.push_str(&other.replace('%', "%%")),
        }
    }
    Ok(chrono)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn evaluated(text: &str, purpose: Use) -> Result<String, PrefixError> {
        let values = Values {
            // 2026-03-05T07:08:09Z
            oldest_arrival: UNIX_EPOCH + Duration::from_secs(1_772_694_489),
            partition: &["2026".to_owned(), "03".to_owned()],
            error_output_type: "processing-failed",
        };
        let prefix = Prefix::parse(text, purpose)?;
        Ok(prefix.evaluate(values, &mut fastrand::Rng::with_seed(1)))
    }

    #[test]
    fn expressions_are_replaced_by_times_partition_keys_and_the_kind_of_error() {
        let keys = "s/y=!{partitionKeyFromLambda:year}/m=!{partitionKeyFromLambda:month}/!{partitionKeyFromLambda:year}";
        assert_eq!(evaluated(keys, Use::Delivery).unwrap(), "s/y=2026/m=03/2026");
        let time = "raw/!{timestamp:yyyy/MM/dd/HH/mm-ss}/!{timestamp:'day='DDD}/";
        assert_eq!(evaluated(time, Use::RawBackup).unwrap(), "raw/2026/03/05/07/08-09/day=064/");
        let errors = "e/!{firehose:error-output-type}/";
        assert_eq!(evaluated(errors, Use::Errors).unwrap(), "e/processing-failed/");
        assert_eq!(
            evaluated("!{firehose:random-string}/!{timestamp:yyyy}", Use::Delivery).unwrap().len(),
            16
        );
    }

    #[test]
    fn a_prefix_without_date_and_partition_gets_a_date() {
        assert_eq!(evaluated("raw/", Use::RawBackup).unwrap(), "raw/2026/03/05/07/");
        assert_eq!(evaluated("", Use::Delivery).unwrap(), "2026/03/05/07/");
    }

    #[test]
    fn what_firehose_would_refuse_is_refused() {
        let refused = |text, purpose| evaluated(text, purpose).unwrap_err();
        assert_eq!(refused("e/", Use::Errors), PrefixError::NoErrorOutputType);
        for (text, purpose) in [
            ("!{firehose:error-output-type}", Use::Delivery),
            ("!{firehose:error-output-type}!{partitionKeyFromLambda:a}", Use::Errors),
            ("!{partitionKeyFromLambda:a}", Use::RawBackup),
            ("!{partitionKeyFromQuery:a}", Use::Delivery),
            ("!{nothing:a}", Use::Delivery),
        ] {
            assert!(matches!(refused(text, purpose), PrefixError::Unsupported(_)), "{text}");
        }
        for text in ["!{timestamp", "!{timestamp}", "!{timestamp:}"] {
            assert!(matches!(refused(text, Use::Delivery), PrefixError::Expression(_)), "{text}");
        }
        for text in ["!{timestamp:YYYY}", "!{timestamp:yyyy-M}", "!{timestamp:'a}"] {
            assert!(matches!(refused(text, Use::Delivery), PrefixError::Timestamp(_)), "{text}");
        }
    }
}
