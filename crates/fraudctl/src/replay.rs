//! Replays a part of a stream through a function: what was alerted or counted before is not alerted or counted again.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::Args;
use exact_text::timestamp::Timestamp;
use fraud_aws::config::Environment;
use stream_client::consumer::checkpoints::MemoryCheckpoints;
use stream_client::consumer::{Consumer, ConsumerError, From, KinesisSource, Settings, Until};

use crate::Failure;
use crate::display::print_line;
use crate::function::{FunctionName, Invoke, StreamFunction};
use crate::interrupt::Interrupt;
use crate::reading::{BatchArgs, FunctionHandler, ReadingStatus, owner, past_time, time};

mod dry_run;
mod summary;

use dry_run::DryRun;
use summary::ReplaySummary;

/// Invoke a function again with the records that arrived in a span of time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl replay --stream transactions --from 2026-01-15T08:00:00Z --to 2026-01-15T09:00:00Z --handler alerts --dry-run
  fraudctl replay --stream transactions --from 2026-01-15T08:00:00Z --to 2026-01-15T09:00:00Z --handler analytics --json

Nothing is alerted or counted twice: the ledger and the aggregates remember what was done. Records that can never succeed go
to the dead letters once more, under the same id. A dry run looks everything up and prints what would be done; it writes and
sends nothing. Functions are configured by the environment as on Lambda. An interrupted replay starts from the beginning the
next time.")]
pub struct ReplayArgs {
    /// The Kinesis stream's name.
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// Replay from this arrival time on, RFC 3339. The stream must still hold the records of that time.
    #[arg(long, value_name = "TIME", value_parser = past_time)]
    from: Timestamp,
    /// Replay up to this arrival time, not including it, RFC 3339. A time in the future is waited for.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Timestamp,
    /// The function to invoke.
    #[arg(long, value_enum)]
    handler: FunctionName,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    batches: BatchArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the times or the environment are wrong, or the stream no longer has the span's begin;
/// [`Failure::Failed`] if the stream cannot be used or the replay was interrupted.
pub async fn run(arguments: &ReplayArgs) -> Result<(), Failure> {
    let ReplayArgs { from, to, handler, .. } = arguments;
    if from >= to {
        return Err(Failure::input(anyhow!("--from must be before --to")));
    }
    let sdk = crate::aws::sdk().await?;
    let variable = |variable: &str| std::env::var(variable).ok();
    let environment = Environment::new(&variable);
    if arguments.dry_run {
        let function = DryRun::connect(*handler, environment, &sdk).await?;
        replay(arguments, &sdk, function, |function| function.windows()).await
    } else {
        handler.refuse_development(environment)?;
        let function = StreamFunction::connect(*handler, environment, &sdk).await?;
        replay(arguments, &sdk, function, |_| None).await
    }
}

async fn replay<F: Invoke + 'static>(
    arguments: &ReplayArgs,
    sdk: &Sdk,
    function: F,
    windows: impl Fn(&F) -> Option<u64>,
) -> Result<(), Failure> {
    let ReplayArgs { stream, from, to, dry_run, .. } = arguments;
    let status = ReadingStatus::new();
    let function = FunctionHandler::new(function, arguments.batches.timeout(), status.clone());
    let source = KinesisSource::new(&aws_sdk_kinesis::Client::new(sdk.config().await), stream);
    let settings = Settings {
        from: From::Time(*from),
        until: Until::Time(*to),
        batch_size: arguments.batches.size(),
        // A replay is not there to be quick about what arrives, but to get through what there is.
        poll_interval: Duration::from_millis(500),
        ..Settings::new("replay", owner())
    };
    let consumer = Consumer::new(source, MemoryCheckpoints::default(), function, settings);
    let interrupt = Interrupt::listen();
    let start = Instant::now();
    let result = status.during(&consumer, interrupt.clone().wait()).await;
    let is_complete = result.is_ok() && !interrupt.has_come();
    let summary = ReplaySummary {
        stream: stream.clone(),
        from: from.to_string(),
        to: to.to_string(),
        dry_run: *dry_run,
        complete: is_complete,
        records: consumer.report().records,
        windows: windows(consumer.handler().inner()),
        tally: consumer.handler().tally(),
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
