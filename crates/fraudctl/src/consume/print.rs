//! Records as lines on standard output.

use std::io::{self, Write};

use bytes::Bytes;
use kpl_aggregation::{Payload, split};
use serde::Serialize;
use serde_json::value::RawValue;
use stream_client::consumer::{Batch, Handled, Handler, HandlerError, Record};

use crate::display::escaped;

/// Prints each record: one JSON object a line.
#[derive(Debug)]
pub(super) struct PrintHandler;

impl Handler for PrintHandler {
    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, HandlerError> {
        let mut lines = String::new();
        for record in batch.records {
            write(batch.shard_id, record, &mut lines)?;
        }
        // The reader of the output may pause for as long as it likes: nothing else must wait for that.
        tokio::task::spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(escaped(&lines).as_bytes()).and_then(|()| stdout.flush())
        })
        .await?
        .map_err(|error| format!("cannot write to standard output: {error}"))?;
        Ok(Handled::All)
    }
}

/// A record, or one out of an aggregate.
#[derive(Serialize)]
struct RecordLine<'a> {
    shard: &'a str,
    sequence_number: &'a str,
    /// The place inside an aggregate; absent for a record that is alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_sequence_number: Option<u64>,
    arrival: String,
    partition_key: &'a str,
    #[serde(flatten)]
    data: RecordData<'a>,
}

#[derive(Serialize)]
enum RecordData<'a> {
    /// JSON, unchanged.
    #[serde(rename = "data")]
    Json(Box<RawValue>),
    /// Other text.
    #[serde(rename = "data")]
    Text(&'a str),
    /// Bytes that are not UTF-8.
    #[serde(rename = "data_base64")]
    Base64(String),
}

impl<'a> RecordData<'a> {
    fn of(data: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(data) else {
            return RecordData::Base64(base64_simd::STANDARD.encode_to_string(data));
        };
        // Inside a JSON text a line break can only be between tokens, where a space means the same.
        let line = text.replace(['\n', '\r'], " ");
        RawValue::from_string(line).map_or(RecordData::Text(text), RecordData::Json)
    }
}

fn write(shard: &str, record: &Record, lines: &mut String) -> Result<(), HandlerError> {
    let mut line = |sub_sequence_number, partition_key: &str, data: &Bytes| {
        let line = RecordLine {
            shard,
            sequence_number: record.sequence_number.as_str(),
            sub_sequence_number,
            arrival: record.approximate_arrival.to_string(),
            partition_key,
            data: RecordData::of(data),
        };
        lines.push_str(&serde_json::to_string(&line)?);
        lines.push('\n');
        Ok::<_, HandlerError>(())
    };
    match split(record.data.clone()) {
        Payload::Plain(data) => line(None, &record.partition_key, &data),
        Payload::Aggregate(users) => users.iter().try_for_each(|user| {
            let key = user.partition_key.as_deref().unwrap_or(&record.partition_key);
            line(Some(user.sub_sequence_number), key, &user.data)
        }),
    }
}

#[cfg(test)]
mod tests {
    use exact_text::timestamp::Timestamp;
    use kpl_aggregation::{Entry, encode};
    use stream_client::consumer::SequenceNumber;

    use super::*;

    fn lines(data: impl Into<Bytes>) -> String {
        let record = Record {
            sequence_number: SequenceNumber::parse("4965").unwrap(),
            partition_key: "C1".to_owned(),
            data: data.into(),
            approximate_arrival: Timestamp::from_millis(1_705_287_600_007).unwrap(),
        };
        let mut lines = String::new();
        write("shardId-000000000006", &record, &mut lines).unwrap();
        lines
    }

    #[test]
    fn json_is_printed_as_it_came_on_one_line_other_text_as_text_and_the_rest_in_base64() {
        let begin = "{\"shard\":\"shardId-000000000006\",\"sequence_number\":\"4965\",\
                     \"arrival\":\"2024-01-15T03:00:00.007Z\",\"partition_key\":\"C1\",";
        let digits = "{\"amount\": 1.2300000000000000000000001,\r\n \"a\":\"\\n\"}";
        assert_eq!(
            lines(digits),
            format!("{begin}\"data\":{{\"amount\": 1.2300000000000000000000001,   \"a\":\"\\n\"}}}}\n")
        );
        assert_eq!(lines("a\n\"b\""), format!("{begin}\"data\":\"a\\n\\\"b\\\"\"}}\n"));
        assert_eq!(lines(vec![0xff, 0]), format!("{begin}\"data_base64\":\"/wA=\"}}\n"));
        assert_eq!(lines(""), format!("{begin}\"data\":\"\"}}\n"));
    }

    #[test]
    fn an_aggregate_is_as_many_lines_as_it_has_records_each_with_its_key_and_place() {
        let entry = |partition_key, data| Entry { partition_key, explicit_hash_key: None, data };
        let text = lines(encode(&[entry("A", b"1"), entry("B", b"{}")]).unwrap());
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line["partition_key"].as_str().unwrap(),
                    line["sub_sequence_number"].as_u64().unwrap(),
                    &line["data"],
                )
            })
            .collect();
        assert_eq!(shown, [("A", 0, &serde_json::json!(1)), ("B", 1, &serde_json::json!({}))]);
    }
}
