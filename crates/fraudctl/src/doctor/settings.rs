//! What needs no service: the policy, the schema, and variables that are numbers or words.

use fraud_aws::config::{
    CacheSettings, Environment, PolicySource, SchemaSource, event_time_bounds, window_rule,
};

use super::finding::{Finding, Wrong};

pub(super) fn check(environment: Environment<'_>) -> Vec<Finding> {
    let source = environment.get("FRAUD_POLICY").unwrap_or_else(|| "builtin:default".to_owned());
    let schema_source = environment.get("TRANSACTION_SCHEMA").unwrap_or_else(|| "builtin:default".to_owned());
    vec![
        Finding::of("policy", source, policy(environment)),
        Finding::of("schema", schema_source, schema(environment)),
        Finding::of("settings", "", settings(environment)),
    ]
}

fn policy(environment: Environment<'_>) -> Result<String, Wrong> {
    let source = PolicySource::from_environment(environment).map_err(Wrong::setting)?;
    let mend =
        "fraudctl score <file> --profiles <file> --policy <policy> tries a policy; name one that works";
    let policy = source.load().map_err(|error| Wrong::new(error, mend))?;
    let silences: Vec<String> = policy.silences().iter().map(ToString::to_string).collect();
    Ok(match silences.is_empty() {
        true => policy.id().to_owned(),
        false => format!("{}, which never raises an alert for {}", policy.id(), silences.join("; ")),
    })
}

fn schema(environment: Environment<'_>) -> Result<String, Wrong> {
    let source = SchemaSource::from_environment(environment).map_err(Wrong::setting)?;
    let mend =
        "fraudctl schema check <file> shows what is wrong, and what a schema reads; name one that works";
    let schema = source.load().map_err(|error| Wrong::new(error, mend))?;
    Ok(schema.id().to_owned())
}

fn settings(environment: Environment<'_>) -> Result<String, Wrong> {
    CacheSettings::from_environment(environment).map_err(Wrong::setting)?;
    event_time_bounds(environment).map_err(Wrong::setting)?;
    let rule = window_rule(environment).map_err(Wrong::setting)?;
    Ok(format!("windows of {} seconds", rule.seconds))
}
