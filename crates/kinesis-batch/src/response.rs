//! What a function's response says about its batch.

use serde_json::Value;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchResult {
    /// All records are done.
    Done,
    /// The records before this index are done; the others must be delivered again.
    DoneBefore(usize),
    /// No record is done.
    Failed,
}

impl BatchResult {
    /// Reads a response as Lambda does under `ReportBatchItemFailures`; `sequence_numbers` are those of the batch, in
    /// order. No response, null, and no failures are a success. Else the lowest sequence number counts; a response that
    /// names none of the batch, or that is not of this form, is a failure of the whole batch. Source:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>.
    pub fn of_response<'a>(
        response: &str,
        mut sequence_numbers: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let failures = match serde_json::from_str(response) {
            _ if response.trim().is_empty() => Value::Null,
            Ok(Value::Object(mut response)) => response.remove("batchItemFailures").unwrap_or_default(),
            Ok(Value::Null) => Value::Null,
            _ => return BatchResult::Failed,
        };
        let failures = match failures {
            Value::Null => return BatchResult::Done,
            Value::Array(failures) => failures,
            _ => return BatchResult::Failed,
        };
        let failed: Option<Vec<&str>> =
            failures.iter().map(|failure| failure["itemIdentifier"].as_str()).collect();
        let Some(failed) = failed else { return BatchResult::Failed };
        if !failed.iter().all(|failed| sequence_numbers.clone().any(|number| number == *failed)) {
            return BatchResult::Failed;
        }
        let first = sequence_numbers.position(|number| failed.contains(&number));
        first.map_or(BatchResult::Done, BatchResult::DoneBefore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;
    use crate::{Batch, Progress};

    fn read(response: &str) -> BatchResult {
        BatchResult::of_response(response, ["10", "11", "12"].into_iter())
    }

    #[test]
    fn what_progress_answers_is_read_as_it_was_meant() {
        let event = event(&[b"{}", b"{}", b"{}"]);
        let batch = Batch::read(&event).unwrap();
        let numbers = ["1000", "1001", "1002"].into_iter();
        let mut progress = Progress::default();
        assert_eq!(BatchResult::of_response(&progress.response(&batch), numbers.clone()), BatchResult::Done);
        for index in [2, 0] {
            progress.stop_at(index, "out of time");
            let result = BatchResult::of_response(&progress.response(&batch), numbers.clone());
            assert_eq!(result, BatchResult::DoneBefore(index));
        }
    }

    #[test]
    fn an_empty_response_or_list_is_a_success_and_the_lowest_sequence_number_counts() {
        for response in
            ["", " ", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#]
        {
            assert_eq!(read(response), BatchResult::Done, "{response}");
        }
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}"#),
            BatchResult::DoneBefore(1)
        );
    }

    #[test]
    fn a_response_of_another_form_or_about_other_records_is_a_failure() {
        for response in [
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"11"},{"itemIdentifier":"13"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":12}]}"#,
            r#"{"batchItemFailures":["11"]}"#,
            r#"{"batchItemFailures":{"itemIdentifier":"11"}}"#,
            "[]",
            "{",
            "ok",
        ] {
            assert_eq!(read(response), BatchResult::Failed, "{response}");
        }
    }
}
