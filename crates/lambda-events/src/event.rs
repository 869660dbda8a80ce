//! What both kinds of event have in common: an object with a list of records.

use exact_text::json::{JsonError, Scanner, Text};

/// Deeper than any event; a record's own payload is text here.
const MAX_DEPTH: usize = 64;

/// An event that is not of the kind that the function is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// Not JSON at all.
    #[error("the event is not JSON: {0}")]
    Json(#[from] JsonError),
    /// Something that every event of the kind has is missing.
    #[error("not a {kind} event: {what}")]
    OtherKind {
        /// The kind of event that was expected.
        kind: &'static str,
        /// What is wrong.
        what: String,
    },
}

impl From<InvalidEvent> for lambda_runtime::Diagnostic {
    fn from(error: InvalidEvent) -> Self {
        lambda_runtime::Diagnostic { error_type: "InvalidEvent".to_owned(), error_message: error.to_string() }
    }
}

/// One kind of event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// What it is called in errors.
    pub(crate) name: &'static str,
    /// The member that holds the records.
    pub(crate) list: &'static str,
}

impl Kind {
    /// Reads an event. `record` reads one element of the list, at its index; `other` reads the value of another member.
    ///
    /// # Errors
    /// [`InvalidEvent`] if the event has no such list, and what `record` and `other` give.
    #[inline(always)]
    pub(crate) fn read<'a, R>(
        self,
        event: &'a str,
        mut record: impl FnMut(&mut Scanner<'a>, usize) -> Result<R, InvalidEvent>,
        mut other: impl FnMut(Text<'a>, &mut Scanner<'a>) -> Result<(), JsonError>,
    ) -> Result<Vec<R>, InvalidEvent> {
        let mut scanner = Scanner::new(event, MAX_DEPTH);
        if scanner.peek() != Some(b'{') {
            scanner.value()?;
            return Err(self.invalid("it is not a JSON object".to_owned()));
        }
        let mut records = None;
        scanner.object(|key, scanner| {
            if key.decode().as_deref() == Some(self.list) {
                records = Some(self.records(scanner, &mut record)?);
            } else {
                other(key, scanner)?;
            }
            Ok::<_, InvalidEvent>(())
        })?;
        scanner.end()?;
        records.ok_or_else(|| self.invalid(format!("`{}` is missing", self.list)))
    }

    #[inline(always)]
    fn records<'a, R>(
        self,
        scanner: &mut Scanner<'a>,
        record: &mut impl FnMut(&mut Scanner<'a>, usize) -> Result<R, InvalidEvent>,
    ) -> Result<Vec<R>, InvalidEvent> {
        if scanner.peek() != Some(b'[') {
            scanner.value()?;
            return Err(self.invalid(format!("`{}` is not an array", self.list)));
        }
        let mut records = Vec::new();
        scanner.array(|scanner| {
            let index = records.len();
            if scanner.peek() != Some(b'{') {
                scanner.value()?;
                return Err(self.invalid(format!("`{}[{index}]` is not an object", self.list)));
            }
            records.push(record(scanner, index)?);
            Ok(())
        })?;
        Ok(records)
    }

    /// An error about the record at `index`: `what` begins with the path from there.
    pub(crate) fn invalid_record(self, index: usize, what: &str) -> InvalidEvent {
        self.invalid(format!("`{}[{index}]{what}", self.list))
    }

    fn invalid(self, what: String) -> InvalidEvent {
        InvalidEvent::OtherKind { kind: self.name, what }
    }
}

/// The stream's name in a stream's ARN or in that of a consumer of one: `transactions` of
/// `arn:aws:kinesis:us-east-1:123456789012:stream/transactions/consumer/alerts:1764000000`.
pub fn stream_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    resource.strip_prefix("stream/")?.split('/').next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streams_name_is_neither_its_arn_nor_its_consumers() {
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/transactions";
        assert_eq!(stream_name(arn), Some("transactions"));
        assert_eq!(stream_name(&format!("{arn}/consumer/alerts:1764000000")), Some("transactions"));
        assert_eq!(stream_name("arn:aws:kinesis:us-east-1:123456789012:stream/"), None);
        assert_eq!(stream_name("transactions"), None);
    }
}
