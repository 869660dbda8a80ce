//! What the code says of itself: what the template, the documents and people who deploy must agree with.

use std::collections::BTreeMap;

use aws_calls::table::{Attribute, Table};
use fraud_aws::config::{METRICS_NAMESPACE, Variable};
use fraud_aws::port::Port;
use fraud_aws::telemetry::{DIMENSION, Metric};
use fraud_aws::{aggregates, entities, history, labels, ledger, policies, profiles};
use fraud_core::fields;
use serde_json::{Value, json};

/// What is known of a function without running it.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its folder and binary.
    pub binary: &'static str,
    /// What it calls itself in metrics.
    pub name_in_metrics: &'static str,
    /// The variables that it reads.
    pub variables: &'static [&'static [Variable]],
    /// The ports that it opens.
    pub ports: &'static [Port],
    /// The metrics that it writes.
    pub metrics: &'static [&'static [Metric]],
}

/// Every function.
pub const FUNCTIONS: [Function; 3] = [
    Function {
        binary: "customer-analytics",
        name_in_metrics: customer_analytics::FUNCTION,
        variables: customer_analytics::config::Config::VARIABLES,
        ports: customer_analytics::config::Config::PORTS,
        metrics: customer_analytics::metrics::METRICS,
    },
    Function {
        binary: "firehose-transform",
        name_in_metrics: firehose_transform::metrics::FUNCTION,
        variables: firehose_transform::config::Config::VARIABLES,
        ports: firehose_transform::config::Config::PORTS,
        metrics: firehose_transform::metrics::METRICS,
    },
    Function {
        binary: "kinesis-alerts",
        name_in_metrics: kinesis_alerts::FUNCTION,
        variables: kinesis_alerts::config::Config::VARIABLES,
        ports: kinesis_alerts::config::Config::PORTS,
        metrics: kinesis_alerts::metrics::METRICS,
    },
];

/// Every table.
const TABLES: [Table; 8] = [
    aggregates::TABLE,
    stream_client::consumer::checkpoints::TABLE,
    entities::table::TABLE,
    history::TABLE,
    labels::TABLE,
    ledger::TABLE,
    policies::table::TABLE,
    profiles::table::TABLE,
];

/// The description as JSON.
pub fn describe() -> Value {
    let functions: BTreeMap<_, _> =
        FUNCTIONS.iter().map(|described| (described.binary, function(described))).collect();
    let partition_key = |(key, digits)| json!({ "name": key, "digits": digits });
    json!({
        "functions": functions,
        "tables": TABLES.iter().map(|schema| (schema.name, table(schema))).collect::<BTreeMap<_, _>>(),
        "lake": {
            "fields_read": fields::READ,
            "fields_written": fields::WRITTEN,
            "partition_keys": firehose_transform::response::PARTITION_KEYS.map(partition_key),
        },
        "metrics": { "namespace": METRICS_NAMESPACE.default, "dimension": DIMENSION },
        "limits": {
            "dead_letter_bytes": fraud_aws::dead_letters::MAX_BODY_BYTES,
            "transform_response_bytes": firehose_transform::response::MAX_RESPONSE_BYTES,
            "smallest_record_bytes": firehose_transform::response::SMALLEST_RECORD_BYTES,
            "smallest_records_answer_bytes": firehose_transform::response::SMALLEST_RECORDS_ANSWER_BYTES,
        },
    })
}

fn table(schema: &Table) -> Value {
    let attribute =
        |attribute: &Attribute| json!({ "name": attribute.name, "type": attribute.kind.as_str() });
    json!({
        "keys": schema.keys().map(|(key, _)| attribute(&key)).collect::<Vec<_>>(),
        "attributes": schema.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "time_to_live": schema.time_to_live,
    })
}

fn function(described: &Function) -> Value {
    let variable = |variable: &Variable| {
        json!({
            "name": variable.name,
            "accepts": variable.accepts,
            "schemes": variable.schemes,
            "default": variable.default,
            "required": variable.default.is_none(),
        })
    };
    let port = |port: &Port| {
        let actions: Vec<_> = port.calls.iter().map(|call| call.action).collect();
        json!({ "name": port.name, "variable": port.variable.name, "actions": actions })
    };
    let metric = |metric: &Metric| {
        json!({
            "name": metric.name,
            "unit": metric.unit.as_str(),
            "meaning": metric.meaning,
            "by_reason": metric.by_reason,
        })
    };
    json!({
        "name_in_metrics": described.name_in_metrics,
        "variables": described.variables.concat().iter().map(variable).collect::<Vec<_>>(),
        "ports": described.ports.iter().map(port).collect::<Vec<_>>(),
        "metrics": described.metrics.concat().iter().map(metric).collect::<Vec<_>>(),
    })
}
