//! Events for tests.

use serde_json::json;

/// The event of one shard with these records' data.
pub(crate) fn event(payloads: &[&[u8]]) -> String {
    let record = |(index, payload): (usize, &&[u8])| {
        json!({
            "kinesis": {
                "sequenceNumber": (1000 + index).to_string(),
                "data": base64_simd::STANDARD.encode_to_string(payload),
                "approximateArrivalTimestamp": 1_705_291_200.25,
            },
            "eventID": format!("shardId-000000000006:{}", 1000 + index),
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
        })
    };
    json!({ "Records": payloads.iter().enumerate().map(record).collect::<Vec<_>>() }).to_string()
}

/// A KPL aggregate of these user records.
pub(crate) fn aggregate(payloads: &[&[u8]]) -> bytes::Bytes {
    let entry = |data| kpl_aggregation::Entry { partition_key: "C1", explicit_hash_key: None, data };
    kpl_aggregation::encode(&payloads.iter().map(|&data| entry(data)).collect::<Vec<_>>()).unwrap()
}
