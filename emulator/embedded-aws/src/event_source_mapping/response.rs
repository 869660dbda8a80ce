//! What a function's answer says about its batch.

use std::collections::HashMap;

use serde_json::Value;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All records are done.
    Done,
    /// The records before this index are done; it and all after it are delivered again, whether they failed or not.
    DoneBefore(usize),
    /// No record is done.
    Failed,
}

/// Reads the answer of a function under `ReportBatchItemFailures`. `sequence_numbers` are those of its batch, in their order.
///
/// Source: Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda". An
/// empty or null answer and an empty or null list are a complete success. Otherwise the lowest sequence number is
/// the checkpoint. An empty or null `itemIdentifier` or a bad key name is a complete failure; so is here all else
/// that the guide does not name: an identifier of another batch, or what is not a JSON object.
#[must_use]
pub fn verdict<'a>(answer: &str, sequence_numbers: impl Iterator<Item = &'a str>) -> Verdict {
    if answer.trim().is_empty() {
        return Verdict::Done;
    }
    let failures = match serde_json::from_str(answer) {
        Ok(Value::Null) => return Verdict::Done,
        Ok(Value::String(text)) if text.is_empty() => return Verdict::Done,
        Ok(Value::Object(mut answer)) => answer.remove("batchItemFailures"),
        _ => return Verdict::Failed,
    };
    let failures = match failures {
        None | Some(Value::Null) => return Verdict::Done,
        Some(Value::Array(failures)) if failures.is_empty() => return Verdict::Done,
        Some(Value::Array(failures)) => failures,
        Some(_) => return Verdict::Failed,
    };
    // A sequence number that is twice in a batch is taken at its first place.
    let mut indices = HashMap::new();
    for (index, sequence_number) in sequence_numbers.enumerate() {
        indices.entry(sequence_number).or_insert(index);
    }
    let index = |failure: &Value| indices.get(failure.get("itemIdentifier")?.as_str()?).copied();
    let lowest = failures.iter().map(index).try_fold(usize::MAX, |lowest, index| Some(lowest.min(index?)));
    lowest.map_or(Verdict::Failed, Verdict::DoneBefore)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Verdict {
        verdict(answer, ["10", "11", "12"].into_iter())
    }

    #[test]
    fn an_empty_or_null_answer_or_list_is_a_complete_success() {
        for answer in
            ["", " ", "null", "\"\"", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#]
        {
            assert_eq!(read(answer), Verdict::Done, "{answer}");
        }
    }

    #[test]
    fn the_lowest_sequence_number_is_the_checkpoint_in_whatever_order_they_come() {
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}"#),
            Verdict::DoneBefore(1)
        );
        assert_eq!(read(r#"{"batchItemFailures":[{"itemIdentifier":"10"}]}"#), Verdict::DoneBefore(0));
    }

    #[test]
    fn an_identifier_that_names_no_record_of_the_batch_is_a_complete_failure() {
        for failures in [
            r#"[{"itemIdentifier":""}]"#,
            r#"[{"itemIdentifier":null}]"#,
            r#"[{"itemIdentifier":12}]"#,
            r#"[{"itemIdentifier":"13"}]"#,
            r#"[{"itemIdentifier":"11"},{"itemIdentifier":"13"}]"#,
            r#"[{"id":"11"}]"#,
            r#"["11"]"#,
            r#"{"itemIdentifier":"11"}"#,
            r#""11""#,
        ] {
            assert_eq!(read(&format!("{{\"batchItemFailures\":{failures}}}")), Verdict::Failed, "{failures}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_a_complete_failure() {
        for answer in ["[]", "1", "\"ok\"", "true", "{", "ok"] {
            assert_eq!(read(answer), Verdict::Failed, "{answer}");
        }
    }
}
