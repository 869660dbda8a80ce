//! What a function's answer says about its records.
//!
//! Source of the rules: Firehose developer guide, "Required parameters for data transformation" and "Handle failure in
//! data transformation". The codes and messages are those of the guide's "Monitor Amazon Data Firehose Using CloudWatch
//! Logs", and of error output that others have published: a record that the answer leaves out or names twice fails for
//! itself and is not tried again; an answer that cannot be read fails its whole batch.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why records failed, in Firehose's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessingError {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

pub(super) const FUNCTION_ERROR: ProcessingError = ProcessingError {
    code: "Lambda.FunctionError",
    message: "The Lambda function was successfully invoked but it returned an error result.",
};

pub(super) const UNREADABLE: ProcessingError = ProcessingError {
    code: "Lambda.JsonProcessingException",
    message: "There was an error parsing returned records from the Lambda function. Ensure that the returned records \
              follow the status model that is required by Amazon Data Firehose.",
};

pub(super) const MISSING: ProcessingError = ProcessingError {
    code: "Lambda.MissingRecordId",
    message: "One or more record Ids were not returned. Ensure that the Lambda function returns all received record \
              Ids.",
};

pub(super) const DUPLICATED: ProcessingError = ProcessingError {
    code: "Lambda.DuplicatedRecordId",
    message: "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique \
              record Id for each record.",
};

pub(super) const PROCESSING_FAILED: ProcessingError = ProcessingError {
    code: "Lambda.ProcessingFailedStatus",
    message: "ProcessingFailed status set for record",
};

pub(super) const NO_DATA: ProcessingError = ProcessingError {
    code: "Lambda.InvalidReturnFormat",
    message: "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing \
              result is Ok.",
};

/// What the function made of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Ok { data: Vec<u8>, partition_keys: Map<String, Value> },
    Dropped,
    Failed(ProcessingError),
}

#[derive(Deserialize)]
struct TransformResponse<'a> {
    #[serde(borrow)]
    records: Option<Vec<ResponseRecord<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseRecord<'a> {
    #[serde(borrow)]
    record_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    partition_keys: Option<Map<String, Value>>,
}

/// Reads an answer for the records of these ids; what it says of others is ignored. An error is the whole batch's.
pub(super) fn verdicts<'a>(
    answer: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<Verdict>, ProcessingError> {
    let answer: TransformResponse = serde_json::from_str(answer).map_err(|_| UNREADABLE)?;
    let mut by_id = HashMap::new();
    for entry in answer.records.unwrap_or_default() {
        let Some(id) = entry.record_id.clone() else { continue };
        let verdict = verdict(entry)?;
        match by_id.entry(id) {
            Slot::Vacant(slot) => {
                slot.insert(verdict);
            }
            Slot::Occupied(mut slot) => {
                slot.insert(Verdict::Failed(DUPLICATED));
            }
        }
    }
    Ok(ids.map(|id| by_id.remove(id).unwrap_or(Verdict::Failed(MISSING))).collect())
}

fn verdict(entry: ResponseRecord<'_>) -> Result<Verdict, ProcessingError> {
    match entry.result.as_deref() {
        Some("Dropped") => Ok(Verdict::Dropped),
        Some("ProcessingFailed") => Ok(Verdict::Failed(PROCESSING_FAILED)),
        Some("Ok") => {
            let Some(data) = entry.data else { return Ok(Verdict::Failed(NO_DATA)) };
            // One record of bad base64, or of another result, has been seen to fail its batch.
            let data = base64_simd::STANDARD.decode_to_vec(data.as_bytes()).map_err(|_| FUNCTION_ERROR)?;
            let partition_keys =
                entry.metadata.and_then(|metadata| metadata.partition_keys).unwrap_or_default();
            Ok(Verdict::Ok { data, partition_keys })
        }
        _ => Err(FUNCTION_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Vec<Verdict>, ProcessingError> {
        verdicts(answer, ["1", "2"].into_iter())
    }

    fn ok(data: &str) -> Verdict {
        Verdict::Ok { data: data.as_bytes().to_vec(), partition_keys: Map::new() }
    }

    #[test]
    fn every_record_has_its_result_in_whatever_order_they_come() {
        let answer = r#"{"records":[
            {"recordId":"2","result":"ProcessingFailed","data":"YQ=="},
            {"recordId":"1","result":"Ok","data":"YQ=="}]}"#;
        assert_eq!(read(answer), Ok(vec![ok("a"), Verdict::Failed(PROCESSING_FAILED)]));
        let answer =
            r#"{"records":[{"recordId":"1","result":"Dropped"},{"recordId":"2","result":"Ok","data":""}]}"#;
        assert_eq!(read(answer), Ok(vec![Verdict::Dropped, ok("")]));
    }

    #[test]
    fn a_record_that_is_missing_or_there_twice_fails_and_the_others_do_not() {
        let answer =
            r#"{"records":[{"recordId":"1","result":"Ok","data":""},{"recordId":"9","result":"Dropped"}]}"#;
        assert_eq!(read(answer), Ok(vec![ok(""), Verdict::Failed(MISSING)]));
        let answer = r#"{"records":[{"recordId":"1","result":"Ok","data":""},{"recordId":"1","result":"Dropped"},
            {"recordId":"2","result":"Dropped"}]}"#;
        assert_eq!(read(answer), Ok(vec![Verdict::Failed(DUPLICATED), Verdict::Dropped]));
        assert_eq!(read("{}"), Ok(vec![Verdict::Failed(MISSING), Verdict::Failed(MISSING)]));
        let answer =
            r#"{"records":[{"recordId":"1","result":"Ok","data":null},{"recordId":"2","result":"Dropped"}]}"#;
        assert_eq!(read(answer), Ok(vec![Verdict::Failed(NO_DATA), Verdict::Dropped]));
    }

    #[test]
    fn what_cannot_be_read_fails_the_batch() {
        for answer in ["", "null", "[]", "ok", r#"{"records":{}}"#, r#"{"records":[{"recordId":1}]}"#] {
            assert_eq!(read(answer), Err(UNREADABLE), "{answer}");
        }
        for entry in [r#""result":"ok""#, r#""result":null"#, r#""data":"""#, r#""result":"Ok","data":"a""#] {
            let answer = format!("{{\"records\":[{{\"recordId\":\"1\",{entry}}}]}}");
            assert_eq!(read(&answer), Err(FUNCTION_ERROR), "{answer}");
        }
    }
}
