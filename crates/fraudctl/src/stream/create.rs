//! A stream as it shall be.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_kinesis::Client;
use clap::Args;
use indicatif::ProgressBar;
use stream_client::streams::{
    Asked, Capacity, Plan, Refusal, StreamError, Summary, create, plan, summary, take, wait_until_active,
};

use super::failed;
use crate::Failure;
use crate::display::{counted, note, print_line, progress};

/// Creating a stream takes seconds, a thousand shards some minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Create a stream, or change an existing one to these settings, and wait until it is active.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl stream create transactions
  fraudctl stream create transactions --shards 2 --retention-hours 168 --shard-metrics

A new stream is on demand unless --shards says otherwise. Of an existing stream only retention and metrics are changed, which
loses no data. Running the same command again changes nothing.

Exit status: 0 the stream has these settings, 1 it does not.")]
pub struct CreateStreamArgs {
    /// The stream's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// Use a fixed number of shards, each for 1,000 records and 1 MB a second.
    #[arg(long, value_name = "N", conflicts_with = "on_demand", value_parser = clap::value_parser!(u32).range(1..))]
    shards: Option<u32>,
    /// Let Kinesis choose the number of shards by load.
    #[arg(long)]
    on_demand: bool,
    /// Keep records for this many hours; the default is 24, or what the stream has.
    #[arg(long, value_name = "H", value_parser = clap::value_parser!(u32).range(24..=8760))]
    retention_hours: Option<u32>,
    /// Allow --retention-hours to be less than now: older records are deleted at once.
    #[arg(long, requires = "retention_hours")]
    shorten_retention: bool,
    /// Send the metrics of each shard that alarms and dashboard read (they are charged for).
    #[arg(long)]
    shard_metrics: bool,
}

impl CreateStreamArgs {
    fn asked(&self) -> Asked {
        let capacity = match self.shards {
            Some(shards) => Some(Capacity::Shards(shards)),
            None => self.on_demand.then_some(Capacity::OnDemand),
        };
        Asked {
            capacity,
            retention_hours: self.retention_hours,
            may_shorten_retention: self.shorten_retention,
            shard_metrics: self.shard_metrics,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the stream is not what was asked for.
pub(super) async fn run(arguments: &CreateStreamArgs) -> Result<(), Failure> {
    let client = Client::new(crate::aws::sdk().await?.config().await);
    let bar = progress(None);
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut told = Vec::new();
    let done = bring_about(&client, arguments, &bar, &mut told).await;
    bar.finish_and_clear();
    told.iter().try_for_each(print_line)?;
    let refused = done.map_err(failed)?;
    for refusal in &refused {
        note!("{refusal}: {}", way_out(refusal, &arguments.name));
    }
    match refused.is_empty() {
        true => Ok(()),
        false => Err(anyhow!("the stream {} does not have these settings, see above", arguments.name).into()),
    }
}

/// Creates the stream or changes it, and reports what was done. Gives what is not done.
async fn bring_about(
    client: &Client,
    arguments: &CreateStreamArgs,
    bar: &ProgressBar,
    told: &mut Vec<String>,
) -> Result<Vec<Refusal>, StreamError> {
    let (name, asked) = (arguments.name.as_str(), arguments.asked());
    let is_new = match summary(client, name).await {
        Ok(_) => false,
        Err(StreamError::NoSuchStream(_)) => {
            create(client, name, asked.capacity.unwrap_or(Capacity::OnDemand)).await?;
            true
        }
        Err(error) => return Err(error),
    };
    let wait =
        || wait_until_active(client, name, PATIENCE, |status| bar.set_message(format!("{name}: {status}")));
    let mut found = wait().await?;
    if is_new {
        told.push(format!("{name} created: {}", shape(&found)));
    }
    let Plan { steps, refused } = plan(&found, &asked);
    for step in &steps {
        take(client, name, step).await?;
        found = wait().await?;
        told.push(format!("{name}: {step}"));
    }
    if !is_new && steps.is_empty() && refused.is_empty() {
        told.push(format!("{name} exists, nothing was changed: {}", shape(&found)));
    }
    Ok(refused)
}

fn shape(stream: &Summary) -> String {
    let mode = if stream.is_on_demand { ", on demand" } else { "" };
    format!(
        "{}{mode}, records kept for {} hours",
        counted(u64::from(stream.open_shards), "shard"),
        stream.retention_hours
    )
}

/// How to have a refused change all the same.
fn way_out(refusal: &Refusal, name: &str) -> String {
    match refusal {
        Refusal::Shards { asked, .. } => format!(
            "aws kinesis update-shard-count --stream-name {name} --target-shard-count {asked} --scaling-type \
             UNIFORM_SCALING does it while the stream is in use; at most double or half at a time"
        ),
        Refusal::Mode { is_on_demand } => {
            let mode = if *is_on_demand { "PROVISIONED" } else { "ON_DEMAND" };
            format!(
                "aws kinesis update-stream-mode --stream-arn <arn> --stream-mode-details StreamMode={mode} does it, twice \
                 a day at most"
            )
        }
        Refusal::ShorterRetention { .. } => "--shorten-retention says that this is meant".to_owned(),
    }
}
