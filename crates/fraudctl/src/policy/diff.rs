//! What one policy alerts and another does not.

use std::path::PathBuf;

use clap::Args;

use crate::Failure;
use crate::backtest::{HELP, Past, PastArgs, Wanted, notes, positive, text, write_report};
use crate::display::print_line;
use crate::interrupt::Interrupt;
use crate::options::policy_of;

/// Show which alerts a policy gains and loses against another, over transactions of the past.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:
  fraudctl policy diff builtin:default card.toml tx.ndjson --profiles profiles.json --labels labels.ndjson
  fraudctl policy diff store:$ACTIVE card.toml lake --order arrival --labels labels.ndjson
  fraudctl policy diff card.toml card-2.toml tx.ndjson --profiles profiles.json --alerts-per-day 100 --json

Of the alerts that the second policy gains and loses: how many, their value, how many of them are fraud, by segment and by factor
of the policy that alerts, and the twenty of the largest amounts with both policies' reasons.

{HELP}

Exit status: 0 done, 1 interrupted, 2 the files, the labels or a policy are wrong."))]
pub struct DiffArgs {
    /// The policy that is compared with: a file (TOML), builtin:default, or a published one of POLICY_STORE.
    #[arg(value_name = "FILE|store:ID")]
    first: PathBuf,
    /// The policy whose gains and losses are shown.
    #[arg(value_name = "FILE|store:ID")]
    second: PathBuf,
    #[command(flatten)]
    past: PastArgs,
    /// Compare at the thresholds that keep to this many alerts a day, instead of the policies'.
    #[arg(long, value_name = "N", value_parser = positive)]
    alerts_per_day: Option<f64>,
    /// Write a report of the second policy against the first, a page of its own, into this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]
pub(super) async fn run(arguments: &DiffArgs) -> Result<(), Failure> {
    let first = policy_of("the policy", Some(&arguments.first)).await?;
    let second = policy_of("the policy", Some(&arguments.second)).await?;
    let policies = vec![&first, &second];
    let past = Past::open(&arguments.past, &policies)?;
    let wanted = Wanted { alerts_per_day: arguments.alerts_per_day, report: arguments.report.as_deref() };
    let measured = past.at_thresholds(policies.clone(), wanted, &Interrupt::listen())?;
    if let Some(differences) = &measured.differences {
        match arguments.json {
            true => print_line(differences.to_json())?,
            false => print_line(text::gained_and_lost(differences))?,
        }
    }
    write_report(arguments.report.as_deref(), &policies, &measured)?;
    notes::tell(&past, &measured);
    notes::refused(&measured)
}
