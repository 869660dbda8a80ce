//! ListShards.

use std::collections::BTreeSet;

use ferrokinesis::types::Shard;
use serde::{Deserialize, Serialize};

use super::streams::Streams;
use super::violated;
use crate::service::{Service, ServiceError};

/// The most shards of one answer, also without MaxResults. Source: Kinesis API reference, ListShards.
const MAX_RESULTS: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListShards {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<usize>,
    shard_filter: Option<ShardFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    r#type: String,
    shard_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListShardsAnswer {
    shards: Vec<Shard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Streams {
    pub(super) async fn list_shards(&self, request: &ListShards) -> Result<ListShardsAnswer, ServiceError> {
        let max = request.max_results.unwrap_or(MAX_RESULTS);
        if !(1..=MAX_RESULTS).contains(&max) {
            return Err(violated("maxResults", &format!("Member must have value from 1 to {MAX_RESULTS}")));
        }
        let named = request.stream_name.is_some() || request.stream_arn.is_some();
        let (name, filter, start) = match request.next_token.as_deref() {
            Some(_) if named || request.exclusive_start_shard_id.is_some() => {
                return Err(Service::Kinesis
                    .validation_error("NextToken and StreamName cannot be provided together."));
            }
            Some(token) => {
                let token = Token::read(token).ok_or_else(|| {
                    Service::Kinesis.validation_error("The NextToken is not a token of ListShards.")
                })?;
                (token.stream.to_owned(), token.filter.to_owned(), Some(token.after.to_owned()))
            }
            None => {
                let name = Self::named(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
                let filter = request.shard_filter.as_ref();
                let start = request
                    .exclusive_start_shard_id
                    .clone()
                    .or_else(|| filter.and_then(|filter| filter.shard_id.clone()));
                let filter = filter.map_or("FROM_TRIM_HORIZON", |filter| &filter.r#type);
                (name.to_owned(), filter.to_owned(), start)
            }
        };
        let stream = self.stream(&name).await?;
        let mut shards = filtered(stream.shards, &filter)?;
        shards.retain(|shard| start.as_ref().is_none_or(|start| shard.shard_id > *start));
        let more = shards.len() > max;
        shards.truncate(max);
        let last = shards.last().filter(|_| more);
        let next_token =
            last.map(|last| Token { stream: &name, filter: &filter, after: &last.shard_id }.write());
        Ok(ListShardsAnswer { shards, next_token })
    }
}

/// The shards that a filter lets through. Source: Kinesis API reference, ShardFilter.
fn filtered(mut shards: Vec<Shard>, filter: &str) -> Result<Vec<Shard>, ServiceError> {
    match filter {
        // Nothing expires here but records, so that the trim horizon is where the stream began.
        "FROM_TRIM_HORIZON" | "AFTER_SHARD_ID" => {}
        "AT_TRIM_HORIZON" => {
            let known: BTreeSet<String> = shards.iter().map(|shard| shard.shard_id.clone()).collect();
            shards.retain(|shard| shard.parent_shard_id.as_ref().is_none_or(|id| !known.contains(id)));
        }
        "AT_LATEST" => {
            shards.retain(|shard| shard.sequence_number_range.ending_sequence_number.is_none());
        }
        other => {
            return Err(Service::Kinesis
                .validation_error(format!("embedded-aws has no ShardFilter of the type {other}")));
        }
    }
    Ok(shards)
}

/// Where a listing goes on.
struct Token<'a> {
    stream: &'a str,
    filter: &'a str,
    after: &'a str,
}

impl<'a> Token<'a> {
    fn read(text: &'a str) -> Option<Self> {
        // Neither a stream's name nor a filter's type has a slash.
        let mut parts = text.splitn(3, '/');
        Some(Self { stream: parts.next()?, filter: parts.next()?, after: parts.next()? })
    }

    fn write(&self) -> String {
        format!("{}/{}/{}", self.stream, self.filter, self.after)
    }
}
