//! Sending a file to Kinesis or Firehose.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::Bytes;
use clap::Args;
use fraud_core::transaction::{Asked, Reading};
use futures_util::{Stream, StreamExt};
use indicatif::ProgressBar;
use serde_json::json;
use stream_client::firehose::DeliveryStream;
use stream_client::kinesis::KinesisStream;
use stream_client::producer::{self, Record, SendResult, Settings, Target};

use crate::Failure;
use crate::display::{counted, note, per_second, print_line, progress, thousands};
use crate::input::{self, Entry, Fault, Input, InputError, Source, SourceLocations};
use crate::schema::SchemaArgs;

mod partition_key;

pub use partition_key::partition_key;

/// This many failures are reported one by one; the others are counted.
const FAILURES_TOLD: u64 = 10;

/// Send transactions from files to a Kinesis stream or a Firehose delivery stream.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl produce tx.ndjson --stream transactions
  fraudctl produce tx.ndjson --stream transactions --rate 800
  fraudctl produce raw --stream transactions
  fraudctl produce 'lake/dt=2026-01-*/*.parquet' --stream transactions
  generate-transactions | fraudctl produce - --firehose transactions-to-lake --json

Files hold JSON objects: one a line, one after the other, or in an array, also compressed with gzip or zstd. This includes the
raw backup as Firehose writes it. Each object is sent as it is written, with all its digits. A row of a CSV or Parquet file is
sent as the object of its columns; those without a value are left out. --schema and --map say where a transaction's customer
is, by which it is put on a shard. A folder stands for the files below it, a pattern in quotes for
those that match. Other kinds of files are refused before anything is sent; an entry further on that is not an object is
reported by its line and not sent. A customer's transactions keep their order on a stream. Only failed entries are sent again.

Exit status: 0 everything was sent, 1 something was not sent, 2 the input, or part of it, is wrong.")]
pub struct ProduceArgs {
    /// Files, folders or patterns, in this order; `-` is standard input.
    #[arg(value_name = "FILE|DIR|PATTERN|-", required = true)]
    input: Vec<Source>,
    #[command(flatten)]
    target: TargetArgs,
    /// Send at most this many records a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    #[command(flatten)]
    schema: SchemaArgs,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TargetArgs {
    /// The Kinesis stream's name.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// The Firehose delivery stream's name.
    #[arg(long, value_name = "NAME")]
    firehose: Option<String>,
}

/// The counts of an input's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProduceSummary {
    /// Records that arrived.
    pub sent: u64,
    /// Records that were given up.
    pub failed: u64,
    /// Entries that were not sent because they are not objects.
    pub refused: u64,
    /// How often records were sent again.
    pub retries: u64,
}

impl ProduceSummary {
    /// Counts a record's outcome.
    pub fn count(&mut self, outcome: &SendResult) {
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
/// [`Failure::Input`] if the input cannot be read, is empty, or holds entries that are not objects; [`Failure::Failed`] if
/// records were not sent.
pub async fn run(arguments: &ProduceArgs) -> Result<(), Failure> {
    let schema = arguments.schema.load()?;
    let reading = Reading::new(&schema, &Asked::default());
    let input = arguments.schema.open(&arguments.input, &schema)?;
    let sdk = crate::aws::sdk().await?;
    let TargetArgs { stream, firehose } = &arguments.target;
    match (stream, firehose) {
        (Some(stream), _) => {
            let client = aws_sdk_kinesis::Client::new(sdk.config().await);
            produce(arguments, input, &KinesisStream::new(client, stream), Some(&reading)).await
        }
        (None, Some(name)) => {
            let client = aws_sdk_firehose::Client::new(sdk.config().await);
            produce(arguments, input, &DeliveryStream::new(client, name), None).await
        }
        (None, None) => Err(Failure::input(anyhow!("neither --stream nor --firehose is given"))),
    }
}

async fn produce(
    arguments: &ProduceArgs,
    input: Input,
    target: &impl Target,
    reading: Option<&Reading>,
) -> Result<(), Failure> {
    let bar = progress(input.size());
    let read = input.bytes_read();
    let (mut read_error, mut refused) = (None, 0);
    let locations = SourceLocations::default();
    let start = Instant::now();
    let mut summary = {
        let objects = objects(input::stream(input), &bar, &mut refused, &mut read_error);
        let records = paced(objects, arguments.rate).map(|entry| {
            let tag = locations.keep(entry.location);
            record(entry.bytes, tag, reading)
        });
        let mut summary = ProduceSummary::default();
        let outcome = |outcome: SendResult| {
            summary.count(&outcome);
            let location = locations.take(outcome.record.tag);
            if let Err(failure) = &outcome.result
                && summary.failed <= FAILURES_TOLD
            {
                bar.suspend(|| note!("{location}: {failure}"));
            }
            bar.set_position(read.get());
            bar.set_message(format!("{} sent, {} failed", thousands(summary.sent), summary.failed));
        };
        producer::send(target, &Settings::default(), records, outcome).await;
        summary
    };
    summary.refused = refused;
    bar.finish_and_clear();
    show(summary, start.elapsed(), arguments.json)?;
    if let Some(error) = read_error {
        return Err(Failure::input(error));
    }
    match summary {
        ProduceSummary { sent: 0, failed: 0, refused: 0, .. } => {
            Err(Failure::input(anyhow!("the input holds no record")))
        }
        ProduceSummary { failed: 0, refused: 0, .. } => Ok(()),
        ProduceSummary { failed: 0, refused, .. } => {
            Err(Failure::input(anyhow!("{} not sent: not an object, see above", counted_entries(refused))))
        }
        ProduceSummary { failed, .. } => Err(anyhow!("{} not sent", counted(failed, "record")).into()),
    }
}

fn counted_entries(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "entry" } else { "entries" })
}

fn show(summary: ProduceSummary, time: Duration, json: bool) -> anyhow::Result<()> {
    let ProduceSummary { sent, failed, refused, retries } = summary;
    let rate = per_second(sent, time);
    if json {
        let seconds = time.as_secs_f64();
        print_line(json!({
            "sent": sent, "failed": failed, "refused": refused, "retries": retries,
            "seconds": seconds, "records_per_second": rate,
        }))
    } else {
        let refused = match refused {
            0 => String::new(),
            refused => format!(", {} refused", thousands(refused)),
        };
        print_line(format_args!(
            "{} sent in {:.1} s, {} a second; {} sent again, {} failed{refused}",
            counted(sent, "record"),
            time.as_secs_f64(),
            thousands(rate),
            thousands(retries),
            thousands(failed),
        ))
    }
}

/// The objects of an input. Other entries are reported and counted in `refused`. Ends when the input cannot be read any
/// further, and sets `error`.
fn objects(
    entries: impl Stream<Item = Result<Entry, InputError>>,
    bar: &ProgressBar,
    refused: &mut u64,
    error: &mut Option<InputError>,
) -> impl Stream<Item = Entry> {
    let entries = entries.scan((), move |(), entry| {
        std::future::ready(match entry {
            Ok(entry) => Some(told(entry, bar, refused)),
            Err(failure) => {
                *error = Some(failure);
                None
            }
        })
    });
    entries.filter_map(std::future::ready)
}

/// The entry if it is an object; otherwise it is reported.
fn told(entry: Entry, bar: &ProgressBar, refused: &mut u64) -> Option<Entry> {
    let Some(fault) = entry.fault else { return Some(entry) };
    *refused += 1;
    if *refused <= FAILURES_TOLD {
        let cut_off = match entry.is_open && fault != Fault::CutOff {
            true => " (is the input cut off here?)",
            false => "",
        };
        bar.suspend(|| note!("{}: {fault}{cut_off}; not sent", entry.location));
    }
    None
}

/// A payload as a record; with a partition key by what `reading` finds if the target has shards.
pub fn record(data: Bytes, tag: u64, reading: Option<&Reading>) -> Record {
    let key = reading.map(|reading| partition_key(&data, reading));
    Record { key, data, tag }
}

/// Lets at most `per_second` items pass each second; without it all.
pub fn paced<T>(items: impl Stream<Item = T>, per_second: Option<u32>) -> impl Stream<Item = T> {
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
