//! What the code says of itself is what it does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use fraud_aws::config::{ConfigError, Environment, Variable};
use fraud_aws::entities::EntityCounts;
use fraud_aws::history::HistoryCounts;
use fraud_aws::reason::FailureReason;
use fraud_aws::telemetry::{Failures, Metric, MetricLine, metric};
use fraud_batch::RetryReason;
use fraud_core::refusal::Refusal;
use fraud_core::shadow::ShadowCounts;
use system_tests::description::FUNCTIONS;

const REASON: FailureReason = FailureReason::Refused(Refusal::NotJson);

/// A value for every variable that must be set.
fn required(name: &str) -> Option<String> {
    let value = match name {
        "PROFILE_SOURCE" => "dynamodb:profiles",
        "ALERT_SINK" | "DEAD_LETTERS" => "stdout:",
        "ALERT_LEDGER" | "AGGREGATES" => "memory:",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The names of the variables that a configuration asks for.
fn asked<T>(read: impl FnOnce(Environment<'_>) -> Result<T, ConfigError>) -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        required(name)
    };
    assert_eq!(read(Environment::new(&lookup)).map(drop), Ok(()));
    asked.into_inner()
}

fn names(variables: &[&[Variable]]) -> BTreeSet<String> {
    variables.concat().iter().map(|variable| variable.name.to_owned()).collect()
}

#[test]
fn functions_read_the_variables_that_they_are_said_to_read() {
    use customer_analytics::config::Config as Analytics;
    use firehose_transform::config::Config as Transform;
    use kinesis_alerts::config::Config as Alerts;
    assert_eq!(asked(Analytics::from_environment), names(Analytics::VARIABLES));
    assert_eq!(asked(Transform::from_environment), names(Transform::VARIABLES));
    assert_eq!(asked(Alerts::from_environment), names(Alerts::VARIABLES));
}

#[test]
fn every_port_is_opened_by_a_variable_that_its_function_reads() {
    for function in FUNCTIONS {
        let variables = names(function.variables);
        // A variable with a scheme that opens no port says which policy scores.
        let with_scheme = function.variables.concat().into_iter();
        let with_scheme = with_scheme.filter(|variable| !variable.schemes.is_empty());
        let with_scheme: BTreeSet<_> = with_scheme.map(|variable| variable.name).collect();
        let opened: BTreeSet<_> = function.ports.iter().map(|port| port.variable.name).collect();
        assert_eq!(
            &with_scheme - &BTreeSet::from(["FRAUD_POLICY", "SHADOW_POLICY", "TRANSACTION_SCHEMA"]),
            opened,
            "{}",
            function.binary
        );
        assert!(opened.iter().all(|name| variables.contains(*name)));
    }
}

/// Fails unless a line's metrics and the duration, which the runtime's side adds, are those that are described.
fn assert_written(line: &MetricLine, described: &[&[Metric]]) {
    let mut expected = BTreeMap::new();
    for metric in described.concat() {
        assert_eq!(
            expected.insert(metric.name.to_owned(), metric),
            None,
            "{} is described twice",
            metric.name
        );
    }
    let by_reason = described.concat().into_iter().filter(|metric| metric.by_reason);
    let by_reason: BTreeSet<String> = by_reason.map(|metric| metric.name.to_owned()).collect();
    let (reasons, names): (Vec<&str>, Vec<&str>) = line.names().partition(|name| name.contains('.'));
    let mut written: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
    written.insert(metric::DURATION.name.to_owned());
    assert_eq!(written, expected.into_keys().collect());
    let reasons: BTreeSet<String> =
        reasons.into_iter().filter_map(|name| Some(name.split_once('.')?.0.to_owned())).collect();
    assert_eq!(reasons, by_reason);
}

#[test]
fn functions_write_the_metrics_that_they_are_said_to_write() {
    let dead_lettered = BTreeMap::from([(REASON, 1)]);
    let retried = Some((RetryReason::OutOfTime, 1));

    let entities = Some(EntityCounts::default());
    let mut failed = Failures::default();
    failed.add(REASON, || "0".to_owned());
    let metrics = firehose_transform::metrics::BatchMetrics {
        failed,
        entities,
        history: Some(HistoryCounts::default()),
        unusable_fields: Some(0),
        shadow: Some(ShadowCounts::default()),
        ..Default::default()
    };
    assert_written(&metrics.line("N"), firehose_transform::metrics::METRICS);

    let metrics = kinesis_alerts::metrics::BatchMetrics {
        dead_lettered: dead_lettered.clone(),
        retried,
        history_rewrites: Some(0),
        merchant_counts_age: Some(0),
        detection_latency: vec![1],
        alerts_by_reason: BTreeMap::from([("amount".to_owned(), 1)]),
        alerts_by_policy: BTreeMap::from([("default@0".to_owned(), 1)]),
        entities,
        history: Some(HistoryCounts::default()),
        unusable_fields: Some(0),
        shadow: Some(ShadowCounts::default()),
        ..Default::default()
    };
    assert_written(&metrics.line("N"), kinesis_alerts::metrics::METRICS);

    let metrics = customer_analytics::metrics::BatchMetrics { dead_lettered, retried, ..Default::default() };
    assert_written(&metrics.line("N"), customer_analytics::metrics::METRICS);
}
