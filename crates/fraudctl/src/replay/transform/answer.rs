//! The transform's answer as lines, each with the file that it belongs to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exact_text::json::ObjectWriter;
use firehose_transform::response::PARTITION_KEYS;
use serde::Deserialize;

use super::Part;

/// Where the template's delivery stream puts lines: before the partition's keys.
pub(super) const LAKE: &str = "transactions";
/// Where failed records are, as Firehose names their kind.
pub(super) const FAILED: &str = "processing-failed";

/// Lines by the folder that they belong to, each with its line break.
#[derive(Debug, Default)]
pub(super) struct Answered(pub(super) BTreeMap<String, Vec<u8>>);

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    records: Vec<ResponseRecord<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseRecord<'a> {
    #[serde(borrow)]
    result: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    partition_keys: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Answered {
    /// Adds the lines of the records behind these.
    pub(super) fn append(&mut self, behind: Answered) {
        for (folder, lines) in behind.0 {
            self.0.entry(folder).or_default().extend(lines);
        }
    }

    fn line(&mut self, folder: String, line: &[u8]) {
        let lines = self.0.entry(folder).or_default();
        lines.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        lines.push(b'\n');
    }
}

/// Reads the answer for these records of a shard.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_answers(response: &str, shard: &str, parts: &[Part<'_>]) -> Result<Answered, String> {
    let response: Response<'_> =
        serde_json::from_str(response).map_err(|error| format!("the answer cannot be read: {error}"))?;
    if response.records.len() != parts.len() {
        return Err("the answer is not one for each record".to_owned());
    }
    let mut answered = Answered::default();
    for (answer, part) in response.records.iter().zip(parts) {
        match (&*answer.result, &answer.metadata) {
            ("Ok", Some(metadata)) => {
                let line = base64_simd::STANDARD.decode_to_vec(answer.data.as_bytes());
                let line = line.map_err(|_| "the answer holds data that are not base64")?;
                answered.line(partition(metadata)?, &line);
            }
            _ => answered.line(FAILED.to_owned(), failed(shard, part).as_bytes()),
        }
    }
    Ok(answered)
}

/// The folder of a partition, as the template's delivery stream names it.
fn partition(metadata: &Metadata<'_>) -> Result<String, String> {
    let mut folder = LAKE.to_owned();
    for (key, _) in PARTITION_KEYS {
        let value = metadata.partition_keys.get(key).ok_or("the answer lacks a key of its partition")?;
        // They are digits; anything else could name another folder.
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the answer has a key of its partition that is not a number".to_owned());
        }
        folder.push_str(&format!("/{key}={value}"));
    }
    Ok(folder)
}

/// A failed record with what Firehose writes of one
/// (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html>), and its position.
fn failed(shard: &str, part: &Part<'_>) -> String {
    let mut object = ObjectWriter::new();
    object
        .json("arrivalTimestamp", &part.record.approximate_arrival.millis().to_string())
        .text("errorCode", "Lambda.ProcessingFailedStatus")
        .text("shardId", shard)
        .text("sequenceNumber", part.record.sequence_number.as_str())
        .json("subsequenceNumber", &part.sub_sequence_number.to_string())
        .text("rawData", &base64_simd::STANDARD.encode_to_string(&part.data));
    object.finish()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use exact_text::timestamp::Timestamp;
    use stream_client::consumer::{Record, SequenceNumber};

    use super::*;

    fn record() -> Record {
        Record {
            sequence_number: SequenceNumber::parse("4965").unwrap(),
            partition_key: "C1".to_owned(),
            data: Bytes::from_static(b"x"),
            approximate_arrival: Timestamp::from_millis(1_705_287_600_007).unwrap(),
        }
    }

    #[test]
    fn lines_are_in_the_partitions_of_the_templates_delivery_stream() {
        let template = include_str!("../../../../../template.yaml");
        let keys =
            PARTITION_KEYS.map(|(key, _)| format!("{key}=!{{partitionKeyFromLambda:{key}}}/")).concat();
        assert!(template.contains(&format!("Prefix: \"{LAKE}/{keys}\"")));
    }

    #[test]
    fn an_answer_is_read_in_the_records_order_and_what_failed_is_kept_with_its_bytes() {
        let record = record();
        let part =
            |sub_sequence_number| Part { record: &record, sub_sequence_number, data: record.data.clone() };
        let keys = r#""metadata":{"partitionKeys":{"year":"2026","month":"01","day":"15","hour":"07"}}"#;
        let ok = |data: &str| format!(r#"{{"recordId":"0","result":"Ok","data":"{data}",{keys}}}"#);
        let failed = r#"{"recordId":"1","result":"ProcessingFailed","data":"eA=="}"#;
        let response = format!(r#"{{"records":[{},{failed},{}]}}"#, ok("YQo="), ok("Yg=="));
        let Answered(lines) = read_answers(&response, "shardId-0", &[part(0), part(1), part(2)]).unwrap();
        let expected = concat!(
            r#"{"arrivalTimestamp":1705287600007,"errorCode":"Lambda.ProcessingFailedStatus","shardId":"shardId-0","#,
            r#""sequenceNumber":"4965","subsequenceNumber":1,"rawData":"eA=="}"#,
            "\n"
        );
        let expected = [
            (FAILED.to_owned(), expected.as_bytes().to_vec()),
            ("transactions/year=2026/month=01/day=15/hour=07".to_owned(), b"a\nb\n".to_vec()),
        ];
        assert_eq!(lines, expected.into());
        for wrong in [
            r#"{"records":[]}"#.to_owned(),
            "7".to_owned(),
            format!(r#"{{"records":[{}]}}"#, ok("Y")),
            format!(r#"{{"records":[{}]}}"#, ok("").replace("2026", "../..")),
            format!(r#"{{"records":[{}]}}"#, ok("").replace("hour", "our")),
        ] {
            assert!(read_answers(&wrong, "shardId-0", &[part(0)]).is_err(), "{wrong}");
        }
    }
}
