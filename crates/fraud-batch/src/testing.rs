//! Events for tests.

use exact_text::timestamp::Timestamp;

use lambda_events::kinesis_json::{EventRecord, event_json};

/// The event of one shard with these records' data.
pub(crate) fn event(payloads: &[&[u8]]) -> String {
    let arrival = Timestamp::from_millis(1_705_291_200_250).unwrap();
    let numbers: Vec<String> = (1000..1000 + payloads.len()).map(|number| number.to_string()).collect();
    let records = numbers.iter().zip(payloads);
    let records = records
        .map(|(number, payload)| EventRecord::of_bytes("shardId-000000000006", number, payload, arrival));
    event_json("arn:aws:kinesis:us-east-1:123456789012:stream/transactions", records)
}

/// A KPL aggregate of these user records.
pub(crate) fn aggregate(payloads: &[&[u8]]) -> bytes::Bytes {
    let entry = |data| kpl_aggregation::Entry { partition_key: "C1", explicit_hash_key: None, data };
    kpl_aggregation::encode(&payloads.iter().map(|&data| entry(data)).collect::<Vec<_>>()).unwrap()
}
