//! A stream in full.

use aws_calls::fault::CallFault;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::Shard;

use super::{StreamError, Summary, about, named, summary};
use crate::shards::{SHARDS_A_PAGE, is_closed, list_shards};

/// A stream with its shards and consumers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The stream in short.
    pub summary: Summary,
    /// The shards that take records, in the order of their hash keys.
    pub open_shards: Vec<OpenShard>,
    /// How many shards there are that take none any more, and whose records are kept still.
    pub closed_shards: usize,
    /// The consumers with a throughput of their own (enhanced fan-out).
    pub consumers: Vec<Consumer>,
}

/// A shard that takes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShard {
    /// The id.
    pub id: String,
    /// The first and the last of the hash keys whose records it takes: numbers of 128 bits, as text.
    pub hash_keys: (String, String),
    /// The shards that it was split from or merged of.
    pub parents: Vec<String>,
}

/// A consumer with enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// The name.
    pub name: String,
    /// `ACTIVE`, `CREATING` or `DELETING`.
    pub status: String,
}

/// Describes a stream.
///
/// # Errors
/// [`StreamError`]
pub async fn describe(client: &Client, name: &str) -> Result<Description, StreamError> {
    let summary = summary(client, name).await?;
    let shards = list_shards(client, name, SHARDS_A_PAGE).await;
    let shards = shards.map_err(|fault| about("ListShards", name, fault))?;
    let (closed, open): (Vec<_>, Vec<_>) = shards.into_iter().partition(is_closed);
    let mut open_shards: Vec<OpenShard> = open.into_iter().map(open_shard).collect();
    open_shards.sort_by_key(|shard| shard.hash_keys.0.parse::<u128>().unwrap_or_default());
    let consumers = consumers(client, name, &summary.arn).await?;
    Ok(Description { summary, open_shards, closed_shards: closed.len(), consumers })
}

fn open_shard(shard: Shard) -> OpenShard {
    let hash_keys = shard.hash_key_range.map(|range| (range.starting_hash_key, range.ending_hash_key));
    OpenShard {
        id: shard.shard_id,
        hash_keys: hash_keys.unwrap_or_default(),
        parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
    }
}

async fn consumers(client: &Client, name: &str, arn: &str) -> Result<Vec<Consumer>, StreamError> {
    let (mut consumers, mut token) = (Vec::new(), None);
    loop {
        let call = client.list_stream_consumers().stream_arn(arn).set_next_token(token);
        let answer = call.send().await.map_err(|error| named("ListStreamConsumers", name, &error))?;
        let page = answer.consumers.ok_or_else(|| {
            about("ListStreamConsumers", name, CallFault::unreadable("the answer has no list of consumers"))
        })?;
        consumers.extend(page.into_iter().map(|consumer| Consumer {
            name: consumer.consumer_name,
            status: consumer.consumer_status.as_str().to_owned(),
        }));
        token = answer.next_token;
        if token.is_none() {
            return Ok(consumers);
        }
    }
}
