//! Letters back to their functions.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::MAX_RECEIVED;
use futures_util::future::join_all;
use indicatif::ProgressBar;

use super::memory::Memory;
use super::outcome::{Outcome, Stays, Summary};
use super::redriver::Redriver;
use super::selection::Selection;
use super::walk::{Found, Walk};
use super::{SourceArguments, objects};
use crate::Failure;
use crate::display::{counted, note, print_line, progress};
use crate::environment::with_options;

/// Hand letters back to the functions that they name, and remove those that are accepted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl dead-letters redrive --queue sqs:$URL --dry-run
  fraudctl dead-letters redrive --queue sqs:$URL --function customer-analytics --reason aggregate_refused
  fraudctl dead-letters redrive --queue sqs:$URL --limit 10
  aws s3 cp s3://$BUCKET/aws/lambda/ given-up/ --recursive && fraudctl dead-letters redrive --objects given-up

The functions run in this process and are configured by the same variables as deployed: PROFILE_SOURCE, FRAUD_POLICY,
ALERT_SINK, ALERT_LEDGER for kinesis-alerts, AGGREGATES, AGGREGATE_SINK, WINDOW_SECONDS, WINDOW_TIME for customer-analytics.
Take their values from the deployed functions: a letter is handled by what is set here. A record keeps its position and
arrival, so that it is alerted and counted once, however often its letter is redriven. What is poison still stays in the
queue, and so does what is older than the table remembers that keeps it from counting twice: ALERT_LEDGER_DAYS for
kinesis-alerts, AGGREGATE_DAYS for customer-analytics.

Of a given-up batch (--objects) what is poison goes to DEAD_LETTERS, as it would have. An object that was accepted is renamed
to <name>.done. --function says of which function a batch is where the deployed function's name contains neither function's
name, or both.

Exit status: 0 all were accepted, 1 some stay or are hidden by somebody else, 2 the configuration is wrong.")]
pub struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// No more letters, or objects, than this.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Also redrive what is older than its function's memory of it (ALERT_LEDGER_DAYS, AGGREGATE_DAYS). It may be alerted
    /// or counted twice.
    #[arg(long)]
    pub(super) beyond_memory: bool,
    /// Delete objects that were accepted in place of renaming them.
    #[arg(long, requires = "objects", conflicts_with = "queue")]
    pub(super) delete: bool,
    /// The summary as a JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] where a function's configuration is wrong; [`Failure::Failed`] where the queue cannot be read or
/// letters stay.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.selection.check_reason(arguments.source.objects.is_some())?;
    let bar = progress(None);
    let mut summary = Summary::of(if arguments.source.objects.is_some() { "object" } else { "letter" });
    let result = match &arguments.source.objects {
        Some(path) => {
            let options = [];
            let lookup = with_options(&options);
            objects::redrive::run(arguments, path, Environment::new(&lookup), &mut summary, &bar).await
        }
        None => redrive_queue(arguments, &mut summary, &bar).await,
    };
    bar.finish_and_clear();
    // One that could not begin has nothing to sum up.
    if result.is_ok() || summary.accepted + summary.stayed > 0 {
        print_line(summary.text(arguments.dry_run, arguments.json))?;
    }
    if result? {
        return Err(anyhow!("interrupted: what was not redriven is as it was").into());
    }
    match (summary.stayed, summary.hidden_by_others) {
        (0, None) => Ok(()),
        (0, Some(hidden)) => Err(anyhow!("{hidden}; redrive again then").into()),
        (stayed, hidden) => {
            if let Some(hidden) = hidden {
                note!("{hidden}");
            }
            Err(anyhow!("{} not redriven, see above", counted(stayed, summary.thing)).into())
        }
    }
}

/// Redrives the letters of a queue. Gives whether Ctrl-C ended it.
async fn redrive_queue(
    arguments: &Arguments,
    summary: &mut Summary,
    bar: &ProgressBar,
) -> Result<bool, Failure> {
    let letters = &arguments.source.letters;
    let (queue, sdk) = letters.open().await?;
    let options = [("DEAD_LETTERS", letters.queue.clone())];
    let lookup = with_options(&options);
    let environment = Environment::new(&lookup);
    let memory = Memory::new(environment, SystemClock.now(), arguments.beyond_memory);
    let mut redriver = Redriver::new(environment, &sdk, memory);
    let mut walk = Walk::new(&queue, letters.hidden());
    let result = redrive(arguments, &mut walk, &mut redriver, summary, bar).await;
    let interrupted = walk.was_interrupted();
    let redriven = summary.accepted + summary.stayed;
    let is_at_end = !interrupted && arguments.limit.is_none_or(|limit| redriven < u64::from(limit));
    let hidden = if result.is_ok() && is_at_end { walk.hidden_by_others().await } else { Ok(None) };
    walk.give_back().await;
    result?;
    summary.hidden_by_others = hidden?;
    Ok(interrupted)
}

async fn redrive(
    arguments: &Arguments,
    walk: &mut Walk<'_>,
    redriver: &mut Redriver<'_>,
    summary: &mut Summary,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut left = arguments.limit.map_or(usize::MAX, |limit| limit as usize);
    while left > 0 {
        // No more are hidden from others than can be worked on.
        let found = walk.next(MAX_RECEIVED.min(left)).await?;
        if found.is_empty() {
            break;
        }
        let chosen: Vec<&Found> =
            found.iter().filter(|found| is_chosen(&arguments.selection, found)).collect();
        for letter in chosen.iter().filter_map(|found| found.letter.as_ref().ok()) {
            redriver.prepare(letter).await?;
        }
        left = left.saturating_sub(chosen.len());
        let work = settle(redriver, &chosen, arguments.dry_run);
        for (found, mut outcome) in walk.while_hidden(work).await {
            if matches!(outcome, Outcome::Accepted) && !arguments.dry_run {
                let removed = walk.remove(&found.message.message_id).await;
                if let Err(fault) = removed {
                    outcome = Outcome::Stays(Stays::NotRemoved { error: fault.to_string() });
                }
            }
            if let Some(line) = summary.count(&found.id(), &outcome) {
                bar.suspend(|| note!("{line}"));
            }
        }
        bar.set_message(summary.progress());
        bar.tick();
    }
    Ok(())
}

fn is_chosen(selection: &Selection, found: &Found) -> bool {
    match &found.letter {
        Ok(letter) => selection.takes(letter),
        Err(_) => selection.is_all(),
    }
}

/// Sends letters back. Letters of one record go one after the other: a function would else find itself at work on it.
async fn settle<'f>(
    redriver: &Redriver<'_>,
    found: &[&'f Found],
    dry_run: bool,
) -> Vec<(&'f Found, Outcome)> {
    let mut records: BTreeMap<String, Vec<&Found>> = BTreeMap::new();
    for found in found {
        records.entry(found.id()).or_default().push(found);
    }
    let records = records.into_values().map(async |letters| {
        let mut outcomes = Vec::with_capacity(letters.len());
        for found in letters {
            let outcome = match &found.letter {
                Err(error) => Outcome::Stays(Stays::NotALetter(error.clone())),
                Ok(letter) if dry_run => redriver.foresee(letter),
                Ok(letter) => redriver.redrive(letter).await,
            };
            outcomes.push((found, outcome));
        }
        outcomes
    });
    join_all(records).await.into_iter().flatten().collect()
}
