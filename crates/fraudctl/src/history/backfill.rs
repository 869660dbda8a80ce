//! Histories of the past that is in the lake.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use exact_text::timestamp::Timestamp;

use super::HistoryTable;
use crate::Failure;
use crate::display::{counted, print_line};
use crate::input::{Input, Source};
use crate::interrupt::Interrupt;
use crate::options::policy;
use crate::reading::past_time;

mod lines;
mod past;
mod rows;
mod summary;

use lines::LineReader;
use rows::RowWriter;
use summary::BackfillSummary;

/// Write the customers' histories from the lake's lines, before the functions look at them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl history backfill lake --policy card.toml --until 2026-01-15T08:00:00Z --to dynamodb:customer_history --dry-run
  fraudctl history backfill lake --policy card.toml --until 2026-01-15T08:00:00Z --to dynamodb:customer_history
  fraudctl history backfill 'lake/year=2026/**/*.parquet' --policy store:$ID --until 2026-01-15T08:00:00Z --to dynamodb:customer_history

Order: keep the mapping of kinesis-alerts disabled; choose --until so that the lake has all that arrived before it (Firehose
buffers: an hour ago); backfill; enable the mapping from --until or earlier. What it reads again before --until is not taken in
twice. Ten weeks of files are enough for all inputs but days_known.

Each line needs ingested_at, customer_id, amount, and transaction_id or decision_id; event_time, merchant_id, currency, position
and the profile's fields are used if it has them. Files may be in any order: each customer's lines are sorted by arrival, then
position, then as they are. Parquet has amounts as DOUBLE: one of more than 17 digits is another amount there, and a copy that
the producer sends again after --until then counts as a new transaction. Values of entities are not in the rows, and where a
profile had no risk the row has the policy's default_risk.

A row that is there is left as it is and counted. Run again after an interruption, the same command writes what is missing.

Exit status: 0 done, 1 interrupted or the table refused, 2 the files, a line, the policy or the time are wrong.")]
pub struct BackfillHistoryArgs {
    /// Files of scored lines, folders or patterns; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    /// The policy (TOML) whose [history] says what an outlier is, or a published one of POLICY_STORE.
    #[arg(long, value_name = "FILE|store:ID")]
    policy: PathBuf,
    /// Take what arrived before this time, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = past_time)]
    until: Timestamp,
    /// The table to write: `dynamodb:<table>`, whose key is customer_id [env: HISTORY]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Hold records in this much memory, in MiB; if they are more, the files are read several times.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    memory_mib: u32,
    /// Print what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

impl BackfillHistoryArgs {
    /// In bytes.
    fn memory(&self) -> usize {
        usize::try_from(self.memory_mib).unwrap_or(usize::MAX).saturating_mul(1024 * 1024)
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, a line is no scored record, or the policy has no `[history]`;
/// [`Failure::Failed`] if the table does not take a row or the run was interrupted.
pub(super) async fn run(arguments: &BackfillHistoryArgs) -> Result<(), Failure> {
    let policy = policy(Some(&arguments.policy)).await?;
    let Some(settings) = policy.history() else {
        return Err(Failure::input(anyhow!(
            "the policy {} has no [history]: it does not say what an outlier is",
            policy.id()
        )));
    };
    let to = super::table("--to", arguments.to.as_deref())?;
    // Opened first, so that a wrong file is told before anything else is needed.
    let first = Input::open(&arguments.input).map_err(Failure::input)?;
    let table = HistoryTable::open(to.clone()).await?;
    let interrupt = Interrupt::listen();
    let start = Instant::now();
    let mut summary = BackfillSummary {
        table: to,
        until: arguments.until.to_string(),
        dry_run: arguments.dry_run,
        ..BackfillSummary::default()
    };
    let reader = LineReader::new(&arguments.input, &policy, arguments.until, arguments.memory());
    let writer = RowWriter { table: &table, settings, until: arguments.until, dry_run: arguments.dry_run };
    let result = backfill(&reader, &writer, first, &interrupt, &mut summary).await;
    summary.complete = result.is_ok() && !interrupt.has_come();
    summary.seconds = start.elapsed().as_secs_f64();
    match arguments.json {
        true => print_line(summary.json())?,
        false => print_line(summary.text())?,
    }
    result?;
    match (summary.complete, summary.lines, summary.refused) {
        (false, ..) => Err(anyhow!("interrupted: run it again to write the rows that are missing").into()),
        (true, 0, _) => Err(Failure::input(anyhow!("the input holds no line"))),
        (true, _, 0) => Ok(()),
        (true, _, refused) => {
            Err(Failure::input(anyhow!("{} not used, see above", counted(refused, "line"))))
        }
    }
}

async fn backfill(
    reader: &LineReader<'_>,
    writer: &RowWriter<'_>,
    first: Input,
    interrupt: &Interrupt,
    summary: &mut BackfillSummary,
) -> Result<(), Failure> {
    let (mut input, mut from) = (Some(first), Some(0));
    while let Some(next) = from {
        let input = match input.take() {
            Some(input) => input,
            None => reader.open_again()?,
        };
        let past = reader.read(input, next, interrupt, summary)?;
        if interrupt.has_come() {
            return Ok(());
        }
        from = past.next();
        writer.write(past, interrupt, summary).await?;
        if interrupt.has_come() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
