//! What a stream is.

use aws_sdk_kinesis::Client;
use clap::Args;
use serde_json::json;
use stream_client::streams::{Consumer, Description, OpenShard, describe};

use super::failed;
use crate::Failure;
use crate::display::{print_line, table};

/// Describe a stream: mode, retention, encryption, shards, consumers, metrics.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl stream describe transactions
  fraudctl stream describe transactions --json | jq '.open_shards | length'")]
pub struct DescribeStreamArgs {
    /// The stream's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if there is no such stream or it cannot be described.
pub(super) async fn run(arguments: &DescribeStreamArgs) -> Result<(), Failure> {
    let client = Client::new(crate::aws::sdk().await?.config().await);
    let description = describe(&client, &arguments.name).await.map_err(failed)?;
    if arguments.json {
        print_line(json(&description))?;
    } else {
        print_line(text(&description))?;
    }
    Ok(())
}

fn json(description: &Description) -> serde_json::Value {
    let Description { summary, open_shards, closed_shards, consumers } = description;
    let shard = |shard: &OpenShard| {
        let (first, last) = &shard.hash_keys;
        // Numbers of 128 bits: as text, for JSON's readers would round them.
        json!({ "id": shard.id, "first_hash_key": first, "last_hash_key": last, "parents": shard.parents })
    };
    let consumer = |consumer: &Consumer| json!({ "name": consumer.name, "status": consumer.status });
    json!({
        "name": summary.name,
        "arn": summary.arn,
        "status": summary.status,
        "mode": if summary.is_on_demand { "on_demand" } else { "provisioned" },
        "retention_hours": summary.retention_hours,
        "encryption": summary.encryption,
        "key_id": summary.key_id,
        "shard_metrics": summary.shard_metrics,
        "open_shards": open_shards.iter().map(shard).collect::<Vec<_>>(),
        "closed_shards": closed_shards,
        "consumers": consumers.iter().map(consumer).collect::<Vec<_>>(),
    })
}

fn text(description: &Description) -> String {
    let Description { summary, open_shards, closed_shards, consumers } = description;
    let encryption = match &summary.key_id {
        Some(key) => format!("{} {key}", summary.encryption),
        None => summary.encryption.clone(),
    };
    let none_or = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let consumers = consumers.iter().map(|consumer| format!("{} ({})", consumer.name, consumer.status));
    let mut out = String::new();
    for (name, value) in [
        ("name", summary.name.clone()),
        ("arn", summary.arn.clone()),
        ("status", summary.status.clone()),
        ("mode", if summary.is_on_demand { "on demand" } else { "provisioned" }.to_owned()),
        ("retention", format!("{} hours", summary.retention_hours)),
        ("encryption", encryption),
        ("shard metrics", none_or(summary.shard_metrics.iter().cloned().collect())),
        ("consumers", none_or(consumers.collect())),
        ("shards", format!("{} open, {closed_shards} closed", open_shards.len())),
    ] {
        out += &format!("{name:>14}  {value}\n");
    }
    let mut shards =
        table(&["shard", "first hash key", "last hash key", "parents"], &["first hash key", "last hash key"]);
    for OpenShard { id, hash_keys: (first, last), parents } in open_shards {
        shards.add_row([id, first, last, &parents.join(", ")]);
    }
    out + &shards.to_string()
}
