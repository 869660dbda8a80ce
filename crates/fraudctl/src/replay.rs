//! Replays a part of a stream through a function: what was alerted or counted before is not alerted or counted again, and
//! the lake's lines are written anew.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::{Args, ValueEnum};
use exact_text::timestamp::Timestamp;
use fraud_aws::config::Environment;
use stream_client::consumer::checkpoints::MemoryCheckpoints;
use stream_client::consumer::{self, Consumer, ConsumerError, From, KinesisSource, Settings, Until};

use crate::Failure;
use crate::display::print_line;
use crate::function::{FunctionName, InvocationTotals, Invoke, StreamFunction};
use crate::interrupt::Interrupt;
use crate::reading::{BatchArgs, FunctionHandler, ReadingStatus, owner, past_time, time};

mod dry_run;
mod summary;
mod transform;

use dry_run::DryRun;
use summary::ReplaySummary;
use transform::{Replay, TransformHandler, TransformTotals};

/// Invoke a function again with the records that arrived in a span of time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl replay --stream transactions --from 2026-01-15T08:00:00Z --to 2026-01-15T09:00:00Z --handler alerts --dry-run
  fraudctl replay --stream transactions --from -1h --handler analytics --json
  fraudctl replay --stream transactions --from 2026-01-15T08:00:00Z --to 2026-01-15T09:00:00Z --handler transform --out lake

Nothing is alerted or counted twice: the ledger and the aggregates remember what was done. Records that can never succeed go
to the dead letters once more, under the same id. A dry run looks everything up and prints what would be done; it writes and
sends nothing. Functions are configured by the environment as on Lambda. An interrupted replay starts from the beginning the
next time.

The transform writes the lake's lines again, as NDJSON in gzip: below --out, in the lake's partitions, a file for each shard;
what it returns as failed is below processing-failed/. The same replay writes the same files, once all of its span was read.
Live, the transform does without what it cannot look up in time; a replay waits for it.")]
pub struct ReplayArgs {
    /// The Kinesis stream's name.
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// Replay from this arrival time on: RFC 3339, a date, or -1h. The stream must still hold the records of that time.
    #[arg(long, value_name = "TIME", value_parser = past_time, allow_hyphen_values = true)]
    from: Timestamp,
    /// Replay up to this arrival time, not including it. A time in the future is waited for.
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true, default_value = "now")]
    to: Timestamp,
    /// The function to invoke.
    #[arg(long, value_enum)]
    handler: ReplayHandler,
    /// Write the transform's lines below this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    batches: BatchArgs,
}

/// What records are replayed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReplayHandler {
    /// `kinesis-alerts`: needs PROFILE_SOURCE, ALERT_SINK, ALERT_LEDGER and DEAD_LETTERS.
    Alerts,
    /// `customer-analytics`: needs AGGREGATES and DEAD_LETTERS.
    Analytics,
    /// `firehose-transform`: needs PROFILE_SOURCE, and --out.
    Transform,
}

/// What was done, as far as the handler knows it.
struct ReplayCounts {
    windows: Option<u64>,
    tally: InvocationTotals,
    transform: Option<TransformTotals>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the times, the environment or the folder are wrong, or the stream no longer has the span's begin;
/// [`Failure::Failed`] if the stream cannot be used, a file cannot be written or the replay was interrupted.
pub async fn run(arguments: &ReplayArgs) -> Result<(), Failure> {
    let ReplayArgs { from, to, handler, .. } = arguments;
    if from >= to {
        return Err(Failure::input(anyhow!("--from must be before --to")));
    }
    let name = match handler {
        ReplayHandler::Alerts => FunctionName::Alerts,
        ReplayHandler::Analytics => FunctionName::Analytics,
        ReplayHandler::Transform => return replay_transform(arguments).await,
    };
    if arguments.out.is_some() {
        return Err(Failure::input(anyhow!("--out is for --handler transform: the others write no files")));
    }
    let sdk = crate::aws::sdk().await?;
    let variable = |variable: &str| std::env::var(variable).ok();
    let environment = Environment::new(&variable);
    if arguments.dry_run {
        let function = DryRun::connect(name, environment, &sdk).await?;
        replay_function(arguments, &sdk, function, |function| function.windows()).await
    } else {
        name.refuse_development(environment)?;
        let function = StreamFunction::connect(name, environment, &sdk).await?;
        replay_function(arguments, &sdk, function, |_| None).await
    }
}

async fn replay_transform(arguments: &ReplayArgs) -> Result<(), Failure> {
    let ReplayArgs { stream, from, to, out, dry_run, .. } = arguments;
    if out.is_none() && !dry_run {
        return Err(Failure::input(anyhow!(
            "--handler transform needs --out DIR, the folder to write lines below"
        )));
    }
    let sdk = crate::aws::sdk().await?;
    let variable = |variable: &str| std::env::var(variable).ok();
    let environment = Environment::new(&variable);
    let status = ReadingStatus::new();
    let replayed = Replay { stream: stream.clone(), from: *from, to: *to };
    let out = out.as_deref().filter(|_| !dry_run).map(|out| (out, replayed));
    let limit = arguments.batches.timeout();
    let handler = TransformHandler::connect(environment, &sdk, limit, status.clone(), out).await?;
    replay(arguments, &sdk, &status, handler, |handler, is_complete| {
        let totals = handler.finish(is_complete)?;
        let (invocations, transactions) = (totals.invocations, totals.transactions());
        let tally = InvocationTotals { invocations, transactions, ..InvocationTotals::default() };
        Ok(ReplayCounts { tally, transform: Some(totals), windows: None })
    })
    .await
}

async fn replay_function<F: Invoke + 'static>(
    arguments: &ReplayArgs,
    sdk: &Sdk,
    function: F,
    windows: impl Fn(&F) -> Option<u64>,
) -> Result<(), Failure> {
    let status = ReadingStatus::new();
    let function = FunctionHandler::new(function, arguments.batches.timeout(), status.clone());
    replay(arguments, sdk, &status, function, |function, _| {
        Ok(ReplayCounts { windows: windows(function.inner()), tally: function.tally(), transform: None })
    })
    .await
}

/// Replays through a handler; `finish` is told whether all of the span was replayed.
async fn replay<H: consumer::Handler>(
    arguments: &ReplayArgs,
    sdk: &Sdk,
    status: &ReadingStatus,
    handler: H,
    finish: impl FnOnce(&H, bool) -> anyhow::Result<ReplayCounts>,
) -> Result<(), Failure> {
    let ReplayArgs { stream, from, to, dry_run, .. } = arguments;
    let source = KinesisSource::new(&aws_sdk_kinesis::Client::new(sdk.config().await), stream);
    let settings = Settings {
        from: From::Time(*from),
        until: Until::Time(*to),
        batch_size: arguments.batches.size(),
        // A replay is not there to be quick about what arrives, but to get through what there is.
        poll_interval: Duration::from_millis(500),
        ..Settings::new("replay", owner())
    };
    let consumer = Consumer::new(source, MemoryCheckpoints::default(), handler, settings);
    let interrupt = Interrupt::listen();
    let start = Instant::now();
    let result = status.during(&consumer, interrupt.clone().wait()).await;
    let is_complete = result.is_ok() && !interrupt.has_come();
    let ReplayCounts { windows, tally, transform } = finish(consumer.handler(), is_complete)?;
    let summary = ReplaySummary {
        stream: stream.clone(),
        from: from.to_string(),
        to: to.to_string(),
        dry_run: *dry_run,
        complete: is_complete,
        records: consumer.report().records,
        windows,
        tally,
        transform,
        seconds: start.elapsed().as_secs_f64(),
    };
    if arguments.json {
        print_line(summary.json())?;
    } else {
        print_line(summary.text())?;
    }
    result.map_err(explained)?;
    match is_complete {
        true => Ok(()),
        false => Err(anyhow!("interrupted before the end: replay the same span again").into()),
    }
}

/// The error with what can be done about it.
fn explained(error: ConsumerError) -> Failure {
    match &error {
        ConsumerError::BeforeRetention { horizon, .. } => {
            let hint = format!(
                "--from must be later than {horizon}; what is older is in the raw backup (docs/operations.md, Replay from \
                 the raw backup)"
            );
            Failure::input(anyhow!(error).context(hint))
        }
        _ => anyhow!(error).into(),
    }
}
