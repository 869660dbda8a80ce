//! Which combinations of inputs alert under a policy.

use std::path::PathBuf;

use clap::Args;
use fraud_core::policy::{Combination, Policy};
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::display::{counted, note, print_line, table};

/// Show which combinations of inputs raise an alert under a policy.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy explain builtin:default
  fraudctl policy explain card.toml --limit 50
  fraudctl policy explain card.toml --json

Each row is one combination: a transaction alerts if it is in one of them. An input that a row leaves empty can be anything.
A row that is marked \"by sum\" alerts only for those values that give enough points together.")]
pub struct ExplainArgs {
    /// The policy (TOML); `builtin:default` is the one that is compiled in.
    #[arg(value_name = "FILE", default_value = super::BUILTIN)]
    policy: PathBuf,
    /// Show at most this many combinations.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print one JSON object a line, of all combinations.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ExplainArgs) -> Result<(), Failure> {
    let policy = super::read(&arguments.policy)?.map_err(Failure::input)?;
    let explanation = policy.explain();
    let combinations = &explanation.combinations;
    if arguments.json {
        for combination in combinations {
            print_line(to_json(combination))?;
        }
    } else {
        show(&policy, combinations, arguments.limit)?;
    }
    let all = combinations.len() as u64;
    note!("{} of {} alerts above {}", counted(all, "combination"), policy.id(), policy.threshold());
    if !arguments.json && combinations.len() > arguments.limit {
        note!("only the first {} are shown; --limit {all} shows all", arguments.limit);
    }
    if !explanation.is_complete {
        note!("the policy has more combinations than can be told: these are the first");
    }
    Ok(())
}

fn show(policy: &Policy, combinations: &[Combination], limit: usize) -> anyhow::Result<()> {
    // One column for each input that counts somewhere, in the policy's order.
    let mut inputs: Vec<&str> = Vec::new();
    for combination in combinations {
        for (input, _) in &combination.conditions {
            if !inputs.contains(&input.as_str()) {
                inputs.push(input);
            }
        }
    }
    let columns: Vec<&str> = inputs.iter().copied().chain(["score"]).collect();
    let mut shown = table(&columns, &[]);
    for combination in combinations.iter().take(limit) {
        let words = inputs.iter().map(|input| {
            let condition = combination.conditions.iter().find(|(name, _)| name == input);
            condition.map_or(String::new(), |(_, words)| words.clone())
        });
        shown.add_row(words.chain([score(policy, combination)]));
    }
    print_line(shown)
}

fn score(policy: &Policy, combination: &Combination) -> String {
    let (least, most) = combination.scores;
    let shown = |score: f64| format!("{score:.3}");
    match combination.by_sum {
        true => format!("above {} to {}, by sum", policy.threshold(), shown(most)),
        false if shown(least) == shown(most) => shown(most),
        false => format!("{} to {}", shown(least), shown(most)),
    }
}

fn to_json(combination: &Combination) -> Value {
    let conditions: Map<String, Value> =
        combination.conditions.iter().map(|(input, words)| (input.clone(), words.clone().into())).collect();
    let (least, most) = combination.scores;
    json!({ "inputs": conditions, "by_sum": combination.by_sum, "least_score": least, "highest_score": most })
}
