//! The tutorial's rules as a Firehose transform in Rust as most would write it: the published event types and
//! `serde_json::Value`. What the functions are compared with.

use std::collections::HashMap;

use aws_lambda_events::firehose::{
    KinesisFirehoseEvent, KinesisFirehoseEventRecord, KinesisFirehoseResponse, KinesisFirehoseResponseRecord,
    KinesisFirehoseResponseRecordMetadata,
};
use chrono::{DateTime, FixedOffset, Timelike};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

type Profiles = HashMap<String, Value>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let profiles: Profiles = serde_json::from_str(&std::fs::read_to_string(std::env::var("PROFILES")?)?)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<KinesisFirehoseEvent>| {
        let records = event.payload.records.iter().map(|record| transform(record, &profiles));
        let mut response = KinesisFirehoseResponse::default();
        response.records = records.collect::<Result<_, Error>>()?;
        Ok::<_, Error>(response)
    }))
    .await
}

fn transform(
    entry: &KinesisFirehoseEventRecord,
    profiles: &Profiles,
) -> Result<KinesisFirehoseResponseRecord, Error> {
    let mut record: Value = serde_json::from_slice(&entry.data)?;
    let customer = record["customer_id"].as_str().unwrap_or_default().to_owned();
    let profile = profiles.get(&customer);
    if let Some(profile) = profile {
        record["customer_segment"] = profile["segment"].clone();
        record["customer_lifetime_value"] = profile["lifetime_value"].clone();
        record["customer_risk_score"] = profile["risk_score"].clone();
    }
    let time = DateTime::parse_from_rfc3339(record["event_time"].as_str().unwrap_or_default())?;
    let (score, reasons) = score(&record, time);
    record["fraud_score"] = json!(score);
    record["fraud_reasons"] = json!(reasons);
    let transaction = record["transaction_id"].as_str().unwrap_or_default();
    record["decision_id"] = json!(format!("{customer}/{transaction}"));
    record["enrichment"] = json!(if profile.is_some() { "profile" } else { "no_profile" });
    record["ingested_at"] = json!(entry.approximate_arrival_timestamp.0.to_rfc3339());

    let mut answer = KinesisFirehoseResponseRecord::default();
    answer.record_id = entry.record_id.clone();
    answer.result = Some("Ok".to_owned());
    answer.data.0 = serde_json::to_vec(&record)?;
    answer.data.0.push(b'\n');
    let mut metadata = KinesisFirehoseResponseRecordMetadata::default();
    let parts = [("year", "%Y"), ("month", "%m"), ("day", "%d"), ("hour", "%H")];
    metadata.partition_keys =
        parts.iter().map(|(key, part)| ((*key).to_owned(), time.format(part).to_string())).collect();
    answer.metadata = metadata;
    Ok(answer)
}

fn score(record: &Value, time: DateTime<FixedOffset>) -> (f64, Vec<&'static str>) {
    let (mut points, mut reasons) = (0.0, Vec::new());
    let amount = record["amount"].as_f64().unwrap_or(0.0);
    if amount > 5000.0 {
        points += if amount > 10_000.0 { 0.3 } else { 0.2 };
        reasons.push("amount");
    }
    let risk = record["customer_risk_score"].as_f64().unwrap_or(0.5) * 0.4;
    if risk > 0.0 {
        points += risk;
        reasons.push("customer_risk");
    }
    if time.hour() < 6 {
        points += 0.2;
        reasons.push("time_of_day");
    }
    (f64::min(points, 1.0), reasons)
}
