//! Profiles into a DynamoDB table.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures_util::StreamExt;

use super::rows::Row;

/// The most items of one BatchWriteItem (DynamoDB API reference).
const ITEMS_PER_CALL: usize = 25;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 8;
/// How often what DynamoDB left undone is sent again, and the limit of the first random pause before it; the limit
/// doubles each time.
const ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Writes profiles over those that are there, each customer once, and tells `progress` how many are written. Gives their
/// number.
///
/// # Errors
/// Where DynamoDB refuses a call, or leaves items undone however often they are sent.
pub async fn write(
    client: &Client,
    table: &str,
    rows: Vec<Row>,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let requests = rows.into_iter().map(request).collect::<anyhow::Result<Vec<_>>>()?;
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

fn request(row: Row) -> anyhow::Result<WriteRequest> {
    let Row { customer_id, segment, lifetime_value, risk_score } = row;
    let mut item = HashMap::from([("customer_id".to_owned(), AttributeValue::S(customer_id))]);
    let mut add = |name: &str, value: Option<AttributeValue>| {
        item.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("segment", segment.map(AttributeValue::S));
    add("lifetime_value", lifetime_value.map(AttributeValue::N));
    add("risk_score", risk_score.map(AttributeValue::N));
    let put = PutRequest::builder().set_item(Some(item)).build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}

async fn write_chunk(client: &Client, table: &str, mut pending: Vec<WriteRequest>) -> anyhow::Result<u64> {
    let count = pending.len() as u64;
    for attempt in 0..ATTEMPTS {
        let answer = client
            .batch_write_item()
            .request_items(table, pending)
            .send()
            .await
            .with_context(|| format!("cannot write to the table {table}"))?;
        pending = answer.unprocessed_items.and_then(|mut tables| tables.remove(table)).unwrap_or_default();
        if pending.is_empty() {
            return Ok(count);
        }
        let limit = FIRST_PAUSE * 2u32.pow(attempt.min(6));
        tokio::time::sleep(limit.mul_f64(fastrand::f64())).await;
    }
    anyhow::bail!("the table {table} still leaves items unwritten after {ATTEMPTS} attempts: it is throttled")
}
