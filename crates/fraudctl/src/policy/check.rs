//! Checking policies.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use fraud_core::policy::{Policy, PolicyError};
use serde_json::{Value, json};

use crate::Failure;
use crate::display::{counted, note, print_line};

/// Check policies: every mistake, what can never alert, and what missing inputs cost.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy check card.toml
  fraudctl policy check policies/*.toml --json
  fraudctl policy check builtin:default

A mistake is shown as <file>:<line>: <what is wrong>.
Exit status: 0 all are valid, 2 at least one is not.")]
pub struct CheckArgs {
    /// The policies (TOML); `builtin:default` is the one that is compiled in.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<(), Failure> {
    let mut wrong = 0;
    for file in &arguments.files {
        let path = file.display().to_string();
        let policy = super::read(file)?;
        wrong += u64::from(policy.is_err());
        match (policy, arguments.json) {
            (policy, true) => print_line(to_json(&path, &policy))?,
            (Ok(policy), false) => show(&path, &policy)?,
            (Err(error), false) => {
                for mistake in &error.mistakes {
                    print_line(format_args!("{path}:{}: {}", mistake.line, mistake.problem))?;
                }
                note!("{path}: {}", counted(error.mistakes.len() as u64, "mistake"));
            }
        }
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::input(anyhow!("1 policy is not valid, see above"))),
        wrong => Err(Failure::input(anyhow!("{wrong} policies are not valid, see above"))),
    }
}

fn show(path: &str, policy: &Policy) -> anyhow::Result<()> {
    print_line(format_args!("{path}: {} is valid", policy.id()))?;
    let (highest, threshold) = (policy.highest_score(), policy.threshold());
    print_line(format_args!("  scores from 0 to {highest}, alerts above {threshold}"))?;
    for need in needs(policy) {
        print_line(format_args!("  needs {need}"))?;
    }
    for silence in policy.silences() {
        print_line(format_args!("  never alerts for {silence}"))?;
    }
    for cost in policy.missing_costs() {
        print_line(format_args!("  without {} the highest score is {}", cost.lacking, cost.highest))?;
    }
    Ok(())
}

/// What must be there for all inputs of a policy to have values.
fn needs(policy: &Policy) -> Vec<String> {
    let mut needs = Vec::new();
    let asked = policy.asked();
    if !asked.fields.is_empty() {
        let fields: Vec<_> = asked.fields.iter().map(|field| format!("`{field}`")).collect();
        needs.push(format!("fields {}", fields.join(", ")));
    }
    if !asked.entities.is_empty() {
        let kinds: Vec<_> = asked.entities.iter().map(|kind| kind.as_str()).collect();
        needs.push(format!("entities (ENTITY_SOURCE): {}", kinds.join(", ")));
    }
    if policy.needs_history().is_some() {
        needs.push("the customers' history (HISTORY)".to_owned());
    }
    if policy.looks_at_merchants_days() {
        needs.push(
            "labels and merchants' counts (fraudctl labels apply, fraudctl merchants count)".to_owned(),
        );
    }
    needs
}

fn to_json(path: &str, policy: &Result<Policy, PolicyError>) -> Value {
    match policy {
        Ok(policy) => json!({
            "file": path,
            "valid": true,
            "policy": policy.id(),
            "highest_score": policy.highest_score(),
            "threshold": policy.threshold(),
            "needs": needs(policy),
            "never_alerts_for": policy.silences().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "without": policy.missing_costs().iter().map(|cost| json!({
                "input": cost.lacking.to_string(),
                "highest_score": cost.highest,
            })).collect::<Vec<_>>(),
        }),
        Err(error) => json!({
            "file": path,
            "valid": false,
            "mistakes": error.mistakes.iter().map(|mistake| json!({
                "line": mistake.line,
                "problem": mistake.problem.to_string(),
            })).collect::<Vec<_>>(),
        }),
    }
}
