//! The policy, the schema, and variables that are numbers or words.

use aws_calls::sdk::Sdk;
use fraud_aws::config::{
    CacheSettings, Environment, PolicySources, SchemaSource, event_time_bounds, label_delay, window_rule,
};

use fraud_core::policy::Policy;
use fraud_core::shadow::Policies;

use super::finding::{Finding, Wrong};

/// What is found, and the policies if they can be used.
pub(super) async fn check(environment: Environment<'_>, sdk: &Sdk) -> (Vec<Finding>, Option<Policies>) {
    let source = environment.get("FRAUD_POLICY").unwrap_or_else(|| "builtin:default".to_owned());
    let (policies, told) = match policies(environment, sdk).await {
        Ok(policies) => {
            let told = told(policies.active());
            (Some(policies), Ok(told))
        }
        Err(wrong) => (None, Err(wrong)),
    };
    let schema_source = environment.get("TRANSACTION_SCHEMA").unwrap_or_else(|| "builtin:default".to_owned());
    let shadow = policies.as_ref().and_then(Policies::shadow).map(|shadow| {
        let source = environment.get("SHADOW_POLICY").unwrap_or_default();
        Finding::ok("shadow policy", source, shadow.id())
    });
    let mut findings = vec![
        Finding::of("policy", source, told),
        Finding::of("schema", schema_source, schema(environment)),
        Finding::of("settings", "", settings(environment)),
    ];
    findings.extend(shadow);
    (findings, policies)
}

async fn policies(environment: Environment<'_>, sdk: &Sdk) -> Result<Policies, Wrong> {
    let sources = PolicySources::from_environment(environment).map_err(Wrong::setting)?;
    let mend =
        "fraudctl score <file> --profiles <file> --policy <policy> tries a policy; name one that works";
    sources.load(sdk).await.map_err(|error| Wrong::new(error, mend))
}

fn told(policy: &Policy) -> String {
    let silences: Vec<String> = policy.silences().iter().map(ToString::to_string).collect();
    match silences.is_empty() {
        true => policy.id().to_owned(),
        false => format!("{}, which never raises an alert for {}", policy.id(), silences.join("; ")),
    }
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
    label_delay(environment).map_err(Wrong::setting)?;
    let rule = window_rule(environment).map_err(Wrong::setting)?;
    Ok(format!("windows of {} seconds", rule.seconds))
}
