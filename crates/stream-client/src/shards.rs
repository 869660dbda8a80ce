//! A stream's shards, through all pages of ListShards.

use aws_calls::fault::CallFault;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::Shard;

/// Shards of one page. Source: Kinesis API reference, ListShards: 1,000 unless asked for more.
pub(crate) const SHARDS_A_PAGE: i32 = 1000;

/// All shards that the stream has records of.
///
/// # Errors
/// [`CallFault`]
pub(crate) async fn list_shards(
    client: &Client,
    stream: &str,
    shards_a_page: i32,
) -> Result<Vec<Shard>, CallFault> {
    let mut shards = Vec::new();
    let mut request = client.list_shards().stream_name(stream);
    loop {
        let answer =
            request.max_results(shards_a_page).send().await.map_err(|error| CallFault::of(&error))?;
        shards
            .extend(answer.shards.ok_or_else(|| CallFault::unreadable("the answer has no list of shards"))?);
        // A page's token stands for the stream too: both together are refused.
        let Some(token) = answer.next_token else { return Ok(shards) };
        request = client.list_shards().next_token(token);
    }
}

/// Whether a shard takes no records any more.
pub(crate) fn is_closed(shard: &Shard) -> bool {
    shard.sequence_number_range.as_ref().is_some_and(|numbers| numbers.ending_sequence_number.is_some())
}

#[cfg(test)]
mod tests {
    use aws_calls::sdk::Sdk;
    use embedded_aws::{EmbeddedAws, REGION, Service};

    use super::*;

    #[tokio::test]
    async fn shards_are_listed_through_all_pages() {
        let builder = EmbeddedAws::builder().services([Service::Kinesis]).stream("transactions", 7);
        let aws = builder.start().await.unwrap();
        let sdk = Sdk::at(aws.endpoint(Service::Kinesis).unwrap(), REGION).await;
        let client = Client::new(sdk.config().await);
        let shards = list_shards(&client, "transactions", 3).await.unwrap();
        let ids: Vec<String> = shards.into_iter().map(|shard| shard.shard_id).collect();
        assert_eq!(ids, (0..7).map(|n| format!("shardId-{n:012}")).collect::<Vec<_>>());
        assert_eq!(aws.calls().count(Service::Kinesis, "ListShards"), 3);
    }
}
