//! Reads a stream with checkpoints, and prints its records or invokes a function with them.

use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use clap::{Args, ValueEnum};
use fraud_aws::config::Environment;
use stream_client::consumer::checkpoints::{CheckpointFault, DynamoDbCheckpoints};
use stream_client::consumer::{self, Consumer, ConsumerError, From, KinesisSource, Settings, Until};

use crate::Failure;
use crate::display::{counted, note, thousands};
use crate::function::{FunctionName, InvocationTotals, StreamFunction};
use crate::interrupt::Interrupt;
use crate::reading::{BatchArgs, FunctionHandler, ReadingStatus, owner, past_time};

mod print;

use print::PrintHandler;

/// Read a stream from where this consumer last stopped, and print its records or invoke a function with them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl consume --stream transactions --name look --checkpoints dynamodb:transactions-checkpoints --create-checkpoints
  fraudctl consume --stream transactions --name look --checkpoints dynamodb:transactions-checkpoints --until-caught-up
  fraudctl consume --stream transactions --name alerts --checkpoints dynamodb:transactions-checkpoints --handler alerts

Every record is handled at least once, and the records of a partition key in order. On Ctrl-C or SIGTERM the batches under
way are finished and checkpointed; the next start under the same name continues after them. Only one process at a time can
use a name. Records that a function reports as failed are retried without limit.
Functions are configured by the environment as on Lambda. The table has the key shard_id (S) and consumer_name (S).")]
pub struct ConsumeArgs {
    /// The Kinesis stream's name.
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// The consumer's name, under which its checkpoints are kept.
    #[arg(long, value_name = "NAME", value_parser = consumer_name)]
    name: String,
    /// The table of checkpoints: `dynamodb:<table>`. Consumers of several streams can share a table.
    #[arg(long, value_name = "TARGET", value_parser = crate::options::table_name)]
    checkpoints: String,
    /// Create the table of checkpoints, billed by request, if it does not exist.
    #[arg(long)]
    create_checkpoints: bool,
    /// Where to begin at the first start: `trim-horizon`, `latest`, or a time: RFC 3339, a date, or -1h.
    #[arg(long, value_name = "FROM", default_value = "trim-horizon", value_parser = from, allow_hyphen_values = true)]
    from: From,
    /// What to do with the records.
    #[arg(long, value_enum, default_value_t = RecordAction::Print)]
    handler: RecordAction,
    /// Stop when every shard was read to its tip.
    #[arg(long)]
    until_caught_up: bool,
    /// After how many seconds without a sign of life another process may take over.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    lease_seconds: u16,
    #[command(flatten)]
    batches: BatchArgs,
}

/// What is done with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RecordAction {
    /// One JSON object a record on standard output; KPL aggregates are taken apart.
    Print,
    /// `kinesis-alerts`: needs PROFILE_SOURCE, ALERT_SINK, ALERT_LEDGER and DEAD_LETTERS.
    Alerts,
    /// `customer-analytics`: needs AGGREGATES and DEAD_LETTERS.
    Analytics,
}

fn consumer_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it must not be empty".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn from(text: &str) -> Result<From, String> {
    match text {
        "trim-horizon" => Ok(From::TrimHorizon),
        "latest" => Ok(From::Latest),
        time => match past_time(time) {
            Ok(time) => Ok(From::Time(time)),
            Err(error) => Err(format!("it must be `trim-horizon`, `latest` or a time: {error}")),
        },
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the environment does not configure the function; [`Failure::Failed`] if the stream or the
/// checkpoints cannot be used, or another process has them.
pub async fn run(arguments: &ConsumeArgs) -> Result<(), Failure> {
    let sdk = crate::aws::sdk().await?;
    let status = ReadingStatus::new();
    match arguments.handler {
        RecordAction::Print => consume(arguments, &sdk, &status, PrintHandler, |_| None).await,
        RecordAction::Alerts => {
            let function = function(arguments, FunctionName::Alerts, &sdk, &status).await?;
            consume(arguments, &sdk, &status, function, |function| Some(function.tally())).await
        }
        RecordAction::Analytics => {
            let function = function(arguments, FunctionName::Analytics, &sdk, &status).await?;
            consume(arguments, &sdk, &status, function, |function| Some(function.tally())).await
        }
    }
}

async fn function(
    arguments: &ConsumeArgs,
    name: FunctionName,
    sdk: &Sdk,
    status: &ReadingStatus,
) -> Result<FunctionHandler<StreamFunction>, Failure> {
    let variable = |variable: &str| std::env::var(variable).ok();
    let environment = Environment::new(&variable);
    name.refuse_development(environment)?;
    let handler = StreamFunction::connect(name, environment, sdk).await?;
    Ok(FunctionHandler::new(handler, arguments.batches.timeout(), status.clone()))
}

/// Reads the stream through a handler; `tally` has the numbers of a function's invocations.
async fn consume<H: consumer::Handler>(
    arguments: &ConsumeArgs,
    sdk: &Sdk,
    status: &ReadingStatus,
    handler: H,
    tally: impl Fn(&H) -> Option<InvocationTotals>,
) -> Result<(), Failure> {
    let ConsumeArgs { stream, name, checkpoints: table, .. } = arguments;
    let client = aws_sdk_dynamodb::Client::new(sdk.config().await);
    let checkpoints = DynamoDbCheckpoints::new(client, table, stream, name);
    if arguments.create_checkpoints {
        checkpoints.create_table().await.with_context(|| format!("cannot create the table {table}"))?;
    }
    let source = KinesisSource::new(&aws_sdk_kinesis::Client::new(sdk.config().await), stream);
    let settings = Settings {
        from: arguments.from,
        until: if arguments.until_caught_up { Until::CaughtUp } else { Until::Stopped },
        batch_size: arguments.batches.size(),
        lease: Duration::from_secs(u64::from(arguments.lease_seconds)),
        ..Settings::new(name, owner())
    };
    let consumer = Consumer::new(source, checkpoints, handler, settings);
    let result = status.during(&consumer, Interrupt::listen().wait()).await;
    let mut handled = format!("{} handled", counted(consumer.report().records, "record"));
    for (name, count) in tally(consumer.handler()).iter().flat_map(|tally| tally.rows(false, None)) {
        handled += &format!("\n{name:>22}  {}", thousands(count));
    }
    note!("{handled}");
    result.map_err(|error| explained(error, table))
}

/// The error with what this command can do about it.
fn explained(error: ConsumerError, table: &str) -> Failure {
    let hint = match &error {
        ConsumerError::Checkpoints { fault: CheckpointFault::Call(CallFault { code, .. }), .. }
            if code == "ResourceNotFoundException" =>
        {
            Some(format!(
                "there is no table {table}: if it was lost, restore it (docs/operations.md, \"A lost table\"), or its consumers \
                 start from the beginning; if there never was one, --create-checkpoints creates it"
            ))
        }
        ConsumerError::NameInUse { .. } => {
            Some("stop the other process, or give this one another --name".to_owned())
        }
        _ => None,
    };
    match hint {
        Some(hint) => anyhow!(error).context(hint).into(),
        None => anyhow!(error).into(),
    }
}
