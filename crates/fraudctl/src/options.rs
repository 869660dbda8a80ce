//! What options name, and the variables that they stand for.

use std::path::Path;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use fraud_aws::config::{self, ConfigError, Environment, PolicySource};
use fraud_aws::policies::PolicyFault;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::{Policy, PolicyError};

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

/// What a flag names, or the variable that it stands for.
///
/// Where it is unambiguous the scheme may be left out: a table's name, a queue's address, a topic's ARN.
///
/// # Errors
/// [`Failure::Input`] if neither says it, or what is said is not accepted; it names the flag that was typed, not the variable behind
/// it.
pub(crate) fn named<T>(
    flag: &'static str,
    variable: &'static str,
    value: Option<&str>,
    read: impl FnOnce(Environment<'_>) -> Result<T, ConfigError>,
) -> Result<T, Failure> {
    let options = [(variable, value.map(with_scheme))];
    let lookup = with_options(&options);
    read(Environment::new(&lookup)).map_err(|error| {
        Failure::input(match error {
            ConfigError::Missing { accepts, .. } => {
                anyhow!("{flag} is missing, and {variable} is not set; it accepts {accepts}")
            }
            ConfigError::Invalid { accepts, .. } if value.is_some() => {
                anyhow!("{flag} is `{}`; it accepts {accepts}", value.unwrap_or_default())
            }
            error => error.into(),
        })
    })
}

/// A value with the scheme that its form leaves no doubt of.
pub(crate) fn with_scheme(value: &str) -> String {
    let scheme = if value.starts_with("https://") || value.starts_with("http://") {
        "sqs:"
    } else if value.starts_with("arn:") {
        "sns:"
    } else if !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    {
        "dynamodb:"
    } else {
        ""
    };
    format!("{scheme}{value}")
}

/// After how many days the labels of merchants have come: as an option says, else `LABEL_DELAY_DAYS`.
///
/// # Errors
/// [`Failure::Input`] if it is not a whole number of days up to 60.
pub(crate) fn label_delay(days: Option<&str>) -> Result<LabelDelay, Failure> {
    let options = [("LABEL_DELAY_DAYS", days.map(str::to_owned))];
    config::label_delay(Environment::new(&with_options(&options))).map_err(|error| match days {
        Some(days) => Failure::input(anyhow!(
            "--label-delay-days is `{days}`; it accepts a whole number of days, 0 to 60"
        )),
        None => Failure::input(error),
    })
}

/// The table of `dynamodb:<table>`, or of its name alone.
pub(crate) fn table_name(target: &str) -> Result<String, String> {
    match with_scheme(target).split_once(':') {
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

/// The policy that `--policy` names, as FRAUD_POLICY does: `store:<id>` is one of `POLICY_STORE`, `builtin:default` and nothing the
/// built-in policy, anything else a file, with or without `file:`.
///
/// # Errors
/// [`Failure::Input`] if it cannot be used.
pub async fn policy(named: Option<&Path>) -> Result<Policy, Failure> {
    policy_of("--policy", named).await
}

/// The policy that another flag names, as [`policy`] does.
///
/// # Errors
/// [`Failure::Input`] if it cannot be used.
pub async fn policy_of(flag: &'static str, named: Option<&Path>) -> Result<Policy, Failure> {
    let source = policy_source(flag, named)?;
    source.load(&Sdk::new()).await.map_err(|error| Failure::input(as_typed(flag, error.fault)))
}

/// What is wrong with a policy that a flag names: each mistake on a line of its own.
fn as_typed(flag: &str, fault: PolicyFault) -> anyhow::Error {
    match fault {
        PolicyFault::Invalid { source_name, error } => mistakes(flag, &source_name, &error),
        fault => anyhow!("{flag}: {fault}"),
    }
}

/// The mistakes of a policy, each on a line of its own.
pub(crate) fn mistakes(flag: &str, source_name: &str, error: &PolicyError) -> anyhow::Error {
    let told =
        error.mistakes.iter().map(|mistake| format!("\n{source_name}:{}: {}", mistake.line, mistake.problem));
    let mistakes = crate::display::counted(error.mistakes.len() as u64, "mistake");
    anyhow!("{flag} {source_name} has {mistakes}:{}", told.collect::<String>())
}

fn policy_source(flag: &'static str, path: Option<&Path>) -> Result<PolicySource, Failure> {
    let Some(path) = path else { return Ok(PolicySource::BuiltinDefault) };
    let has_scheme =
        |text: &&str| ["builtin:", "file:", "store:"].iter().any(|scheme| text.starts_with(scheme));
    match path.to_str().filter(has_scheme) {
        Some(text) => named(flag, "FRAUD_POLICY", Some(text), PolicySource::from_environment),
        None => Ok(PolicySource::File { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_named_as_the_functions_variable_names_it_or_by_its_path() {
        let source = |text: &str| policy_source("--policy", Some(Path::new(text)));
        for path in ["card.toml", "file:card.toml"] {
            assert_eq!(source(path).unwrap(), PolicySource::File { path: "card.toml".into() }, "{path}");
        }
        assert_eq!(source("builtin:default").unwrap(), PolicySource::BuiltinDefault);
        for text in ["builtin:", "builtin:card", "file:"] {
            let error = source(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--policy is `{text}`; it accepts")), "{error}");
        }
    }

    #[test]
    fn a_scheme_is_added_where_the_form_leaves_no_doubt() {
        for (value, said) in [
            ("alert_ledger", "dynamodb:alert_ledger"),
            (
                "https://sqs.us-east-1.amazonaws.com/1/letters",
                "sqs:https://sqs.us-east-1.amazonaws.com/1/letters",
            ),
            ("arn:aws:sns:us-east-1:1:alerts", "sns:arn:aws:sns:us-east-1:1:alerts"),
            ("dynamodb:t", "dynamodb:t"),
            ("file:entities.json", "file:entities.json"),
            ("entities.json", "entities.json"),
            ("", ""),
        ] {
            assert_eq!(with_scheme(value), said);
        }
        assert_eq!(table_name("t"), Ok("t".to_owned()));
        assert!(table_name("sqs:t").is_err());
    }

    #[test]
    fn a_refusal_names_the_flag_that_was_typed() {
        let target =
            |value| named("--ledger", "ALERT_LEDGER", value, config::AlertLedgerTarget::from_environment);
        let refused = target(Some("file:x")).unwrap_err().to_string();
        assert!(refused.starts_with("--ledger is `file:x`; it accepts `dynamodb:<table>`"), "{refused}");
    }
}
