//! A stream as it shall be.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_kinesis::Client;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
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
  fraudctl stream create transactions --json | jq .changes

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
    /// Print one JSON object: what was done, and what was not.
    #[arg(long)]
    json: bool,
}

/// What was done to a stream.
#[derive(Debug, Default)]
struct Brought {
    /// Whether it was created.
    created: bool,
    changes: Vec<String>,
    refused: Vec<Refusal>,
    /// What it was before the changes; `None` if it is not known.
    before: Option<Summary>,
    /// What it is now; `None` if it is not known.
    now: Option<Summary>,
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
    let mut brought = Brought::default();
    let done = bring_about(&client, arguments, &bar, &mut brought).await;
    bar.finish_and_clear();
    match arguments.json {
        true => print_line(brought.json(&arguments.name))?,
        false => brought.lines(&arguments.name).iter().try_for_each(print_line)?,
    }
    done.map_err(failed)?;
    for refusal in &brought.refused {
        note!("{refusal}: {}", way_out(refusal, &arguments.name));
    }
    match brought.refused.is_empty() {
        true => Ok(()),
        false => Err(anyhow!("the stream {} does not have these settings, see above", arguments.name).into()),
    }
}

impl Brought {
    fn lines(&self, name: &str) -> Vec<String> {
        let shape = self.before.as_ref().map(shape).unwrap_or_default();
        let mut lines = Vec::new();
        if self.created && self.before.is_some() {
            lines.push(format!("{name} created: {shape}"));
        }
        lines.extend(self.changes.iter().map(|change| format!("{name}: {change}")));
        if lines.is_empty() && self.refused.is_empty() && self.before.is_some() {
            lines.push(format!("{name} exists, nothing was changed: {shape}"));
        }
        lines
    }

    fn json(&self, name: &str) -> Value {
        let now = self.now.as_ref();
        json!({
            "name": name,
            "created": self.created,
            "changes": self.changes,
            "refused": self.refused.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "open_shards": now.map(|stream| stream.open_shards),
            "mode": now.map(|stream| if stream.is_on_demand { "on_demand" } else { "provisioned" }),
            "retention_hours": now.map(|stream| stream.retention_hours),
        })
    }
}

/// Creates the stream or changes it, and tells what was done as far as it came.
async fn bring_about(
    client: &Client,
    arguments: &CreateStreamArgs,
    bar: &ProgressBar,
    brought: &mut Brought,
) -> Result<(), StreamError> {
    let (name, asked) = (arguments.name.as_str(), arguments.asked());
    match summary(client, name).await {
        Ok(_) => {}
        Err(StreamError::NoSuchStream(_)) => {
            create(client, name, asked.capacity.unwrap_or(Capacity::OnDemand)).await?;
            brought.created = true;
        }
        Err(error) => return Err(error),
    }
    let wait =
        || wait_until_active(client, name, PATIENCE, |status| bar.set_message(format!("{name}: {status}")));
    let found = wait().await?;
    let Plan { steps, refused } = plan(&found, &asked);
    brought.refused = refused;
    brought.before = Some(found.clone());
    brought.now = Some(found);
    for step in &steps {
        take(client, name, step).await?;
        brought.now = Some(wait().await?);
        brought.changes.push(step.to_string());
    }
    Ok(())
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
