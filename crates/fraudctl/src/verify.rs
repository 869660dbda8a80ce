//! Decisions computed again from their own lines.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::config::{Environment, event_time_bounds};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::verify::Verifier;

use crate::Failure;
use crate::display::{counted, print_line, progress, thousands};
use crate::in_turn::{Turn, in_turn};
use crate::input::{Entry, Input, Source};
use crate::interrupt::Interrupt;
use crate::options::with_options;
use crate::policy::known_policies;

use lines::LineChecker;
use tally::Tally;

mod columns;
mod lines;
mod partition;
mod print;
mod tally;

/// Entries that are read at once.
const CHUNK: usize = 512;

/// Compute decisions again from their own lines and the policies' text, and tell where they differ.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl verify out/scored
  fraudctl verify out/scored out/alerts.ndjson --policies policies
  fraudctl verify 'lake/year=2026/**/*.parquet' --policies dynamodb:policies --json | jq .differences

Lines are scored records of the lake (JSON or Parquet) or messages of alerts. Nothing is taken from a score or a reason in the
line. A decision of a policy that looks at amount, customer_risk and hour alone is computed from the record's own fields, any other
from fraud_inputs, which are held against the record's own fields. A line with shadow_score and shadow_policy is computed by that
policy, too. In folders year=/month=/day=/hour= the hour is held against the transaction's.

no_inputs: the line does not tell what its decision was made from, so that nothing is said of it. A table can have lost it (a
column, an event_time that is not text), and an alert of a policy without fraud_inputs does not have the profile's risk: verify its
line in the lake.

Not covered: fields of the producer that no decision uses; inputs from entities and history that give the same score and reasons
with another value, as beyond the cap; `profile` against `invalid_profile`; why a history was not used; out_of_bounds in
event_time_fault, unless --max-age-hours or --max-ahead-hours says what the functions had.

Exit status: 0 all lines are verified, 1 a line differs, names a policy that is not known, or is no_inputs (but for
--allow-no-inputs), 2 a file or a policy cannot be read, or an entry is neither a scored record nor an alert.")]
pub struct VerifyArgs {
    /// Files of scored lines or alerts, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    /// The policies beside the built-in one: a file, a folder of `.toml` files, `dynamodb:<table>`, or `store` for POLICY_STORE.
    #[arg(long, value_name = "FILE|DIR|STORE")]
    policies: Vec<PathBuf>,
    /// Count lines that do not tell their inputs, and do not fail because of them.
    #[arg(long)]
    allow_no_inputs: bool,
    /// Name this many lines of each kind.
    #[arg(long, value_name = "N", default_value_t = 5)]
    limit: usize,
    /// EVENT_TIME_MAX_AGE_HOURS as the functions had it; 168 if only the other bound is given.
    #[arg(long, value_name = "HOURS")]
    max_age_hours: Option<u32>,
    /// EVENT_TIME_MAX_AHEAD_HOURS as the functions had it; 1 if only the other bound is given.
    #[arg(long, value_name = "HOURS")]
    max_ahead_hours: Option<u32>,
    /// Compute by this many threads; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    fn bounds(&self) -> Result<Option<EventTimeBounds>, Failure> {
        if self.max_age_hours.is_none() && self.max_ahead_hours.is_none() {
            return Ok(None);
        }
        let hours = |hours: Option<u32>, default: u32| Some(hours.unwrap_or(default).to_string());
        let options = [
            ("EVENT_TIME_MAX_AGE_HOURS", hours(self.max_age_hours, 168)),
            ("EVENT_TIME_MAX_AHEAD_HOURS", hours(self.max_ahead_hours, 1)),
        ];
        event_time_bounds(Environment::new(&with_options(&options))).map(Some).map_err(Failure::input)
    }

    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file or a policy cannot be read or an entry is not a decision; [`Failure::Failed`] if a decision is not
/// verified, or the run was interrupted.
pub async fn run(arguments: &VerifyArgs) -> Result<(), Failure> {
    let verifier = Verifier::new(known_policies(&arguments.policies).await?, arguments.bounds()?);
    let input = Input::open(&arguments.input).map_err(Failure::input)?;
    let lost = columns::lost(input.headers());
    let interrupt = Interrupt::listen();
    let start = Instant::now();
    let checker = LineChecker::new(&verifier, &arguments.input, lost, arguments.limit);
    let tally = check(&checker, input, arguments, &interrupt)?;
    match arguments.json {
        true => print_line(print::json(&tally, start.elapsed()))?,
        false => print_line(print::text(&tally, start.elapsed()))?,
    }
    outcome(&tally, arguments.allow_no_inputs)
}

fn check(
    checker: &LineChecker<'_>,
    mut input: Input,
    arguments: &VerifyArgs,
    interrupt: &Interrupt,
) -> Result<Tally, Failure> {
    let bar = progress(input.size());
    let (read, mut tally) = (input.bytes_read(), Tally::new(arguments.limit));
    let next = || -> Result<Option<Vec<Entry>>, Failure> {
        if interrupt.has_come() {
            return Err(anyhow!("interrupted: nothing is said of a part").into());
        }
        let entries: Result<Vec<_>, _> = input.by_ref().take(CHUNK).collect();
        let entries = entries.map_err(Failure::input)?;
        Ok((!entries.is_empty()).then_some(entries))
    };
    in_turn(arguments.threads(), &mut tally, next, |entries, turn: Turn<'_, Tally>| {
        let part = checker.check(&entries);
        turn.finish(|tally| {
            tally.add(part);
            bar.set_position(read.get());
            bar.set_message(format!(
                "{}, {} not verified",
                counted(tally.lines, "line"),
                thousands(tally.not_verified())
            ));
            Ok(())
        })
    })?;
    bar.finish_and_clear();
    Ok(tally)
}

fn outcome(tally: &Tally, allow_no_inputs: bool) -> Result<(), Failure> {
    let wrong = tally.different + tally.unknown_policy;
    let unsaid = if allow_no_inputs { 0 } else { tally.no_inputs };
    match (tally.lines, wrong + unsaid, tally.not_decisions) {
        (0, ..) => Err(Failure::input(anyhow!("the input holds no line"))),
        (_, 0, 0) => Ok(()),
        (_, 0, refused) => Err(Failure::input(anyhow!(
            "{} neither a scored record nor an alert, see above",
            counted(refused, "line")
        ))),
        (_, not_verified, _) => {
            Err(anyhow!("{} not verified, see above", counted(not_verified, "line")).into())
        }
    }
}
