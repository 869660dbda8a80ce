//! The threshold that keeps to a budget of alerts.

use std::path::PathBuf;

use clap::Args;
use exact_text::json::ObjectWriter;

use crate::Failure;
use crate::backtest::{HELP, Past, PastArgs, Question, notes, positive, text};
use crate::display::print_line;
use crate::interrupt::Interrupt;
use crate::options::policy;

/// Find the threshold at which a policy keeps to a number of alerts a day.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:
  fraudctl policy threshold card.toml tx.ndjson --profiles profiles.json --alerts-per-day 100
  fraudctl policy threshold card.toml lake --order arrival --from 2026-02-01 --alerts-per-day 100 --json

The threshold is the smallest above which, over the measured days, are no more alerts than that on average. Many transactions can
have the same score: then fewer alerts than allowed are left, and it is said how many there would be with them.

{HELP}

Exit status: 0 done, 1 interrupted, 2 the files, the labels or the policy are wrong."))]
pub struct ThresholdArgs {
    /// The policy: a file (TOML), builtin:default, or a published one of POLICY_STORE.
    #[arg(value_name = "FILE|store:ID")]
    policy: PathBuf,
    #[command(flatten)]
    past: PastArgs,
    /// The alerts a day that somebody can look into.
    #[arg(long, value_name = "N", value_parser = positive)]
    alerts_per_day: f64,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]
pub(super) async fn run(arguments: &ThresholdArgs) -> Result<(), Failure> {
    let policy = policy(Some(&arguments.policy)).await?;
    let past = Past::open(&arguments.past, &[&policy])?;
    let question = Question {
        policies: vec![&policy],
        thresholds: vec![policy.threshold()],
        alerts_per_day: Some(arguments.alerts_per_day),
        keep_rows: false,
        without_factors: false,
    };
    let measured = past.measure(&question, &Interrupt::listen())?;
    if let Some(measures) = measured.measures.first() {
        match arguments.json {
            true => {
                let mut object = ObjectWriter::new();
                object.text("policy", &measures.policy).number("policy_threshold", policy.threshold());
                object.json("found", &measures.by_budget_json());
                print_line(object.finish())?;
            }
            false => print_line(text::threshold(measures).trim_end())?,
        }
    }
    notes::tell(&past, &measured);
    notes::refused(&measured)
}
