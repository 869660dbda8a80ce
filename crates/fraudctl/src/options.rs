//! What options name, and the variables that they stand for.

use std::path::Path;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use fraud_aws::config::{self, Environment, PolicySource};
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;

use crate::Failure;

/// How a variable is looked up: an option that stands for it comes first, then the process's environment.
pub(crate) fn with_options<'a>(
    options: &'a [(&'static str, Option<String>)],
) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let option = options.iter().find(|(variable, _)| *variable == name);
        option.and_then(|(_, value)| value.clone()).or_else(|| std::env::var(name).ok())
    }
}

/// After how many days the labels of merchants have come: as an option says, else `LABEL_DELAY_DAYS`.
///
/// # Errors
/// [`Failure::Input`] if it is not a whole number of days up to 60.
pub(crate) fn label_delay(days: Option<&str>) -> Result<LabelDelay, Failure> {
    let options = [("LABEL_DELAY_DAYS", days.map(str::to_owned))];
    config::label_delay(Environment::new(&with_options(&options))).map_err(Failure::input)
}

/// The table of `dynamodb:<table>`.
pub(crate) fn table_name(target: &str) -> Result<String, String> {
    match target.split_once(':') {
        Some(("dynamodb", table)) if !table.is_empty() => Ok(table.to_owned()),
        _ => Err("it must be `dynamodb:<table>`".to_owned()),
    }
}

/// Who makes a change: `--by`, else the user of this machine.
///
/// # Errors
/// [`Failure::Input`] if neither says.
pub(crate) fn who(by: Option<&str>) -> Result<String, Failure> {
    let user = std::env::var("USER").ok();
    let name = by.or(user.as_deref()).map(str::trim).filter(|name| !name.is_empty());
    let nobody = || {
        Failure::input(anyhow!("nobody is named as who makes the change: give --by NAME (USER is not set)"))
    };
    name.map(str::to_owned).ok_or_else(nobody)
}

/// The policy that `--policy` names: `store:<id>` is one of `POLICY_STORE`, `builtin:default` and nothing the built-in policy,
/// anything else a file.
///
/// # Errors
/// [`Failure::Input`] if it cannot be used.
pub async fn policy(named: Option<&Path>) -> Result<Policy, Failure> {
    let source = policy_source(named).map_err(Failure::input)?;
    source.load(&Sdk::new()).await.map_err(Failure::input)
}

fn policy_source(named: Option<&Path>) -> Result<PolicySource, fraud_aws::config::ConfigError> {
    let Some(path) = named else { return Ok(PolicySource::BuiltinDefault) };
    match path.to_str().filter(|named| named.starts_with("store:") || *named == "builtin:default") {
        Some(named) => {
            let options = [("FRAUD_POLICY", Some(named.to_owned()))];
            PolicySource::from_environment(Environment::new(&with_options(&options)))
        }
        None => Ok(PolicySource::File { path: path.to_owned() }),
    }
}
