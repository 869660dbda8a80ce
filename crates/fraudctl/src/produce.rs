//! Sending a file to Kinesis or Firehose.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use fraud_stream::firehose::DeliveryStream;
use fraud_stream::kinesis::KinesisStream;
use fraud_stream::producer::{self, Outcome, Record, Settings, Target, partition_key};
use futures_util::{Stream, StreamExt};
use indicatif::ProgressBar;
use serde_json::json;

use crate::Failure;
use crate::display::{counted, note, per_second, print_line, progress, thousands};
use crate::input::{self, Line, Lines, Source};

/// Failures told one by one; the rest are counted.
const FAILURES_TOLD: u64 = 10;

/// Send transactions from a file to a Kinesis stream or a Firehose delivery stream.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl produce tx.ndjson --stream transactions
  fraudctl produce tx.ndjson --stream transactions --rate 800
  generate-transactions | fraudctl produce - --firehose transactions-to-lake --json

Lines are sent as they are. A customer's transactions keep their order on a stream. Only what failed is sent again.")]
pub struct Arguments {
    /// The transactions, one JSON object a line; `-` is standard input.
    #[arg(value_name = "FILE|-")]
    input: Source,
    #[command(flatten)]
    target: TargetArguments,
    /// No more than so many records a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// The summary as a JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TargetArguments {
    /// The Kinesis stream's name.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// The Firehose delivery stream's name.
    #[arg(long, value_name = "NAME")]
    firehose: Option<String>,
}

/// What became of a file's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Records that arrived.
    pub sent: u64,
    /// Records that were given up.
    pub failed: u64,
    /// How often records were sent again.
    pub retries: u64,
}

impl Summary {
    /// Counts a record's outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome.result {
            Ok(()) => self.sent += 1,
            Err(_) => self.failed += 1,
        }
        self.retries += u64::from(outcome.attempts.saturating_sub(1));
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] where the input cannot be read or is empty, [`Failure::Failed`] where records were not sent.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let lines = arguments.input.open().map_err(Failure::input)?;
    let sdk = crate::aws::sdk().await?;
    let TargetArguments { stream, firehose } = &arguments.target;
    match (stream, firehose) {
        (Some(stream), _) => {
            let client = aws_sdk_kinesis::Client::new(sdk.config().await);
            produce(arguments, lines, &KinesisStream::new(client, stream), true).await
        }
        (None, Some(name)) => {
            let client = aws_sdk_firehose::Client::new(sdk.config().await);
            produce(arguments, lines, &DeliveryStream::new(client, name), false).await
        }
        (None, None) => Err(Failure::input(anyhow!("neither --stream nor --firehose is given"))),
    }
}

async fn produce(
    arguments: &Arguments,
    lines: Lines,
    target: &impl Target,
    with_keys: bool,
) -> Result<(), Failure> {
    let bar = progress(arguments.input.size());
    let mut read_error = None;
    let start = Instant::now();
    let summary = {
        let lines = paced(input::stream(lines), arguments.rate);
        let records = records(lines, with_keys, &bar, &mut read_error);
        let mut summary = Summary::default();
        let outcome = |outcome: Outcome| {
            summary.count(&outcome);
            if let Err(failure) = &outcome.result
                && summary.failed <= FAILURES_TOLD
            {
                bar.suspend(|| note!("line {}: {failure}", outcome.record.tag));
            }
            bar.set_message(format!("{} sent, {} failed", thousands(summary.sent), summary.failed));
        };
        producer::send(target, &Settings::default(), records, outcome).await;
        summary
    };
    bar.finish_and_clear();
    show(summary, start.elapsed(), arguments.json)?;
    if let Some(error) = read_error {
        return Err(Failure::input(anyhow!(error).context("cannot read the transactions to their end")));
    }
    match summary {
        Summary { sent: 0, failed: 0, .. } => Err(Failure::input(anyhow!("the input holds no record"))),
        Summary { failed: 0, .. } => Ok(()),
        Summary { failed, .. } => Err(anyhow!("{} not sent", counted(failed, "record")).into()),
    }
}

fn show(summary: Summary, time: Duration, json: bool) -> anyhow::Result<()> {
    let Summary { sent, failed, retries } = summary;
    let rate = per_second(sent, time);
    if json {
        let seconds = time.as_secs_f64();
        print_line(
            json!({ "sent": sent, "failed": failed, "retries": retries, "seconds": seconds, "records_per_second": rate }),
        )
    } else {
        print_line(format_args!(
            "{} sent in {:.1} s, {} a second; {} sent again, {failed} failed",
            counted(sent, "record"),
            time.as_secs_f64(),
            thousands(rate),
            thousands(retries),
        ))
    }
}

/// Lines as records. Ends at the first line that cannot be read, and leaves the error behind.
fn records(
    lines: impl Stream<Item = std::io::Result<Line>>,
    with_keys: bool,
    bar: &ProgressBar,
    error: &mut Option<std::io::Error>,
) -> impl Stream<Item = Record> {
    lines.scan((), move |(), line| {
        std::future::ready(match line {
            Ok(line) => {
                bar.inc(line.bytes.len() as u64 + 1);
                Some(record(line, with_keys))
            }
            Err(failure) => {
                *error = Some(failure);
                None
            }
        })
    })
}

/// A line as a record, with the key that decides its shard where the target has shards.
pub fn record(line: Line, with_key: bool) -> Record {
    let key = with_key.then(|| partition_key(&line.bytes));
    Record { key, data: line.bytes, tag: line.number }
}

/// Lets no more than so many items a second pass.
fn paced<T>(items: impl Stream<Item = T>, per_second: Option<u32>) -> impl Stream<Item = T> {
    let start = tokio::time::Instant::now();
    items.enumerate().then(move |(index, item)| async move {
        if let Some(rate) = per_second {
            // Integers: a rate of three must not drift.
            let due = Duration::from_nanos((index as u64).saturating_mul(1_000_000_000) / u64::from(rate));
            tokio::time::sleep_until(start + due).await;
        }
        item
    })
}
