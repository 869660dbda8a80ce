//! The stream that is read, and the one that totals go to.

use aws_calls::sdk::Sdk;
use aws_sdk_kinesis::Client;
use fraud_aws::config::{
    AggregateSinkTarget, AggregatesTarget, AlertLedgerTarget, Environment, event_time_bounds,
};
use stream_client::streams::{StreamError, Summary, describe};

use super::finding::{Finding, Wrong};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

pub(super) async fn source(
    environment: Environment<'_>,
    stream: Option<&str>,
    sdk: &Sdk,
    can_call: bool,
) -> Vec<Finding> {
    let check = "stream";
    let Some(name) = stream else {
        return vec![Finding::ok(check, "", "not checked: --stream says which")];
    };
    if !can_call {
        return Vec::new();
    }
    match look(name, sdk).await {
        Err(wrong) => vec![Finding::wrong(check, name, wrong)],
        Ok((stream, found)) => {
            let mut findings = vec![Finding::ok(check, name, found)];
            findings.extend(
                stream.max_record_kib.map(|most| Finding::of(check, name, takes_records(name, most))),
            );
            findings.push(Finding::of(check, name, is_outlived_by_the_ledger(&stream, environment)));
            findings.push(Finding::of(check, name, is_outlived_by_the_aggregates(&stream, environment)));
            findings
        }
    }
}

pub(super) async fn sink(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "aggregate sink";
    match AggregateSinkTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(AggregateSinkTarget::None) => vec![Finding::ok(check, "none:", "totals are not sent")],
        Ok(AggregateSinkTarget::Stdout) => vec![Finding::ok(check, "stdout:", "for development")],
        Ok(AggregateSinkTarget::Kinesis { .. }) if !can_call => Vec::new(),
        Ok(AggregateSinkTarget::Kinesis { stream }) => {
            let found = look(&stream, sdk).await.map(|(_, found)| found);
            vec![Finding::of(check, format!("kinesis:{stream}"), found)]
        }
    }
}

/// Whether a stream is there and active.
async fn look(name: &str, sdk: &Sdk) -> Result<(Summary, String), Wrong> {
    let client = Client::new(sdk.config().await);
    let description = describe(&client, name).await.map_err(|error| match error {
        StreamError::NoSuchStream(_) => Wrong::new(
            "the stream does not exist in this region",
            format!("fraudctl stream create {name} --retention-hours 168 --shard-metrics"),
        ),
        StreamError::Call { action, error } => {
            Wrong::call("kinesis", &format!("kinesis:{action}"), &error.code)
        }
        error @ StreamError::NotActive { .. } => Wrong::new(error, "wait until it is ACTIVE"),
    })?;
    let stream = description.summary;
    if !stream.is_active() && stream.status != "UPDATING" {
        return Err(Wrong::new(format!("it is {}", stream.status), "wait until it is ACTIVE"));
    }
    let found = format!(
        "active, {} open shards, records kept for {} hours",
        stream.open_shards, stream.retention_hours
    );
    Ok((stream, found))
}

/// The largest record that a stream takes, in KiB, as the template sets it.
const MAX_RECORD_KIB: u32 = 1024;

/// A record of more than about 4.4 MiB does not fit, in base64, into an event of 6 MB: its shard would be blocked.
fn takes_records(name: &str, most_kib: u32) -> Result<String, Wrong> {
    if most_kib > MAX_RECORD_KIB {
        return Err(Wrong::new(
            format!(
                "it accepts records of {most_kib} KiB, but an event cannot carry one larger than about 4,500 KiB"
            ),
            format!(
                "aws kinesis update-max-record-size --stream-arn <arn of {name}> --max-record-size-in-ki-b {MAX_RECORD_KIB}"
            ),
        ));
    }
    Ok(format!("takes records of up to {most_kib} KiB"))
}

/// A record that is read again after its alert was forgotten is alerted again.
fn is_outlived_by_the_ledger(stream: &Summary, environment: Environment<'_>) -> Result<String, Wrong> {
    let kept = u64::from(stream.retention_hours) * HOUR;
    match AlertLedgerTarget::from_environment(environment) {
        Ok(AlertLedgerTarget::DynamoDb { retention, .. }) if retention.as_secs() <= kept => Err(Wrong::new(
            format!(
                "ALERT_LEDGER_DAYS is {}, and records are kept for {} hours: one that is replayed could be alerted again",
                retention.as_secs() / DAY,
                stream.retention_hours
            ),
            format!("set ALERT_LEDGER_DAYS to {} at least", kept / DAY + 1),
        )),
        Ok(AlertLedgerTarget::DynamoDb { retention, .. }) => {
            Ok(format!("alerts are remembered for {} days, which is longer", retention.as_secs() / DAY))
        }
        // What is wrong with the variable is said of the ledger.
        Ok(AlertLedgerTarget::Memory) | Err(_) => Ok("no ledger to compare with".to_owned()),
    }
}

/// A record that is read again after its window's row was deleted begins a new row.
fn is_outlived_by_the_aggregates(stream: &Summary, environment: Environment<'_>) -> Result<String, Wrong> {
    let age = event_time_bounds(environment).ok().and_then(|bounds| bounds.max_age).unwrap_or_default();
    let needed = u64::from(stream.retention_hours) * HOUR + age.as_secs();
    match AggregatesTarget::from_environment(environment) {
        Ok(AggregatesTarget::DynamoDb { retention, .. }) if retention.as_secs() <= needed => Err(Wrong::new(
            format!(
                "AGGREGATE_DAYS is {}: a replayed record could start its window again",
                retention.as_secs() / DAY
            ),
            format!("set AGGREGATE_DAYS to {} at least", needed / DAY + 1),
        )),
        Ok(AggregatesTarget::DynamoDb { retention, .. }) => {
            Ok(format!("aggregates are kept for {} days, which is longer", retention.as_secs() / DAY))
        }
        Ok(AggregatesTarget::Memory { .. }) | Err(_) => Ok("no aggregates to compare with".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_takes_larger_records_than_events_carry_is_wrong() {
        assert_eq!(takes_records("transactions", 1024), Ok("takes records of up to 1024 KiB".to_owned()));
        let wrong = takes_records("transactions", 10_240).unwrap_err();
        assert!(wrong.what.starts_with("it accepts records of 10240 KiB, but "), "{wrong:?}");
        assert!(wrong.mend.starts_with("aws kinesis update-max-record-size "), "{wrong:?}");
    }
}
