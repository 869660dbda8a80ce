//! Hands dead letters back to their functions.

use anyhow::anyhow;
use clap::Args;

use super::LetterSourceArgs;
use super::selection::Selection;
use crate::Failure;
use crate::display::{counted, note, print_line, progress};

mod functions;
mod letter;
mod memory;
mod objects;
mod queue;
mod result;

use result::RedriveSummary;

/// Hand letters back to the functions that they name, and remove those that are accepted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl dead-letters redrive --queue sqs:$URL --dry-run
  fraudctl dead-letters redrive --queue sqs:$URL --function customer-analytics --reason aggregate_refused
  fraudctl dead-letters redrive --queue sqs:$URL --limit 10
  aws s3 cp s3://$BUCKET/aws/lambda/ given-up/ --recursive && fraudctl dead-letters redrive --objects given-up

The functions run in this process and are configured by the same variables as deployed: PROFILE_SOURCE, FRAUD_POLICY,
ALERT_SINK, ALERT_LEDGER for kinesis-alerts, AGGREGATES, AGGREGATE_SINK, WINDOW_SECONDS, WINDOW_TIME for customer-analytics.
Take their values from the deployed functions. A record keeps its position and arrival, so that it is alerted and counted
once, however often its letter is redriven. A letter stays in the queue if its record fails again, or is older than the table
remembers that prevents counting it twice: ALERT_LEDGER_DAYS for kinesis-alerts, AGGREGATE_DAYS for customer-analytics.

Records of a given-up batch (--objects) that can never succeed go to DEAD_LETTERS. An object that was accepted is renamed to
<name>.done. If the deployed function's name contains neither function's name, or both, --function must say which one it is.

Exit status: 0 all were accepted, 1 some stay or are hidden by another reader, 2 the configuration is wrong.")]
pub struct RedriveArgs {
    #[command(flatten)]
    source: LetterSourceArgs,
    #[command(flatten)]
    options: RedriveOptions,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// What is redriven, and how.
#[derive(Debug, Args)]
struct RedriveOptions {
    #[command(flatten)]
    selection: Selection,
    /// Take at most this many letters, or objects.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Also redrive records that are older than the function's table remembers (ALERT_LEDGER_DAYS, AGGREGATE_DAYS). They may
    /// be alerted or counted twice.
    #[arg(long)]
    beyond_memory: bool,
    /// Delete accepted objects instead of renaming them.
    #[arg(long, requires = "objects", conflicts_with = "queue")]
    delete: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a function's configuration is wrong; [`Failure::Failed`] if the queue cannot be read or
/// letters stay.
pub(super) async fn run(arguments: &RedriveArgs) -> Result<(), Failure> {
    arguments.options.selection.check_reason(arguments.source.objects.is_some())?;
    let bar = progress(None);
    let mut summary =
        RedriveSummary::of(if arguments.source.objects.is_some() { "object" } else { "letter" });
    let result = match &arguments.source.objects {
        Some(path) => objects::redrive_all(&arguments.options, path, &mut summary, &bar).await,
        None => queue::redrive_all(&arguments.options, &arguments.source.letters, &mut summary, &bar).await,
    };
    bar.finish_and_clear();
    // A run that could not start has no summary.
    if result.is_ok() || summary.accepted + summary.stayed > 0 {
        print_line(summary.text(arguments.options.dry_run, arguments.json))?;
    }
    if result? {
        return Err(anyhow!("interrupted: letters that were not redriven are unchanged").into());
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
