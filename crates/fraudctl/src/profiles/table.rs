//! Profiles into a DynamoDB table.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use aws_calls::fault::UNREADABLE_ANSWER;
use aws_calls::pauses::Pauses;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures_util::StreamExt;

/// A profile as the table holds it.
pub type ProfileItem = HashMap<String, AttributeValue>;

/// The most items of one BatchWriteItem (DynamoDB API reference).
const ITEMS_PER_CALL: usize = 25;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 8;
/// How often the items that DynamoDB left unwritten are sent, the first pause before that, and the longest.
const ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(3200);

/// Writes profiles, no customer twice, over existing ones, and calls `progress` with the number written so far. Gives their
/// number.
///
/// # Errors
/// If DynamoDB refuses a call, does not say what it did, or leaves items undone however often they are sent.
pub async fn write(
    client: &Client,
    table: &str,
    items: Vec<ProfileItem>,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let requests = items.into_iter().map(request).collect::<anyhow::Result<Vec<_>>>()?;
    let calls: Vec<_> =
        requests.chunks(ITEMS_PER_CALL).map(|chunk| write_chunk(client, table, chunk.to_vec())).collect();
    let mut calls = futures_util::stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
    let mut written = 0;
    while let Some(count) = calls.next().await {
        written += count?;
        progress(written);
    }
    Ok(written)
}

fn request(item: ProfileItem) -> anyhow::Result<WriteRequest> {
    Ok(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build()?).build())
}

async fn write_chunk(client: &Client, table: &str, mut pending: Vec<WriteRequest>) -> anyhow::Result<u64> {
    let count = pending.len() as u64;
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    for _ in 0..ATTEMPTS {
        let answer = client
            .batch_write_item()
            .request_items(table, pending)
            .send()
            .await
            .with_context(|| format!("cannot write to the table {table}"))?;
        let Some(mut unprocessed) = answer.unprocessed_items else {
            anyhow::bail!("cannot write to the table {table}: {UNREADABLE_ANSWER}")
        };
        pending = unprocessed.remove(table).unwrap_or_default();
        if pending.is_empty() {
            return Ok(count);
        }
        tokio::time::sleep(pauses.draw()).await;
    }
    anyhow::bail!("the table {table} still leaves items unwritten after {ATTEMPTS} attempts: it is throttled")
}
