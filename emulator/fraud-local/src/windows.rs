//! The table of customers' windows.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use embedded_aws::{EmbeddedAws, Service};
use fraud_aws::aggregates::{AggregateStore, DynamoDbAggregates, MOST_REMEMBERED};
use fraud_core::window::WindowTotals;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::services::{AGGREGATES_TABLE, sdk};

/// How long it may take to read the table.
const LIMIT: Duration = Duration::from_secs(600);
const QUERIES_AT_ONCE: usize = 8;

/// The table. Its windows remember as much as they can, for a file may have a day of one customer in a minute.
pub(crate) async fn table(sdk: &Sdk, retention: Duration) -> DynamoDbAggregates {
    let table = DynamoDbAggregates::new(sdk.config().await, AGGREGATES_TABLE, retention);
    table.remembering(MOST_REMEMBERED)
}

/// The table as it is read after a run: by customer, for the emulator orders all items anew for each page of a scan.
pub(crate) struct Windows {
    sdk: Sdk,
    store: DynamoDbAggregates,
}

impl Windows {
    pub(crate) async fn open(aws: &EmbeddedAws) -> anyhow::Result<Self> {
        let sdk = sdk(aws, Service::DynamoDb).await?;
        let store = table(&sdk, Duration::ZERO).await;
        Ok(Windows { sdk, store })
    }

    /// The windows of these customers, by customer and then by time.
    pub(crate) async fn of(&self, customers: &BTreeSet<&str>) -> anyhow::Result<Vec<WindowTotals>> {
        let deadline = Instant::now() + LIMIT;
        let query = |customer| self.store.recent(customer, usize::MAX, deadline);
        let queries = stream::iter(customers.iter().copied()).map(query);
        let of_customers: Vec<_> = queries.buffer_unordered(QUERIES_AT_ONCE).try_collect().await?;
        let mut windows: Vec<WindowTotals> = of_customers.into_iter().flatten().collect();
        windows.sort();
        Ok(windows)
    }

    /// The windows of everybody, if the table has another number of them than `count`.
    pub(crate) async fn all_unless(&self, count: usize) -> anyhow::Result<Option<Vec<WindowTotals>>> {
        let client = Client::new(self.sdk.config().await);
        let described = client.describe_table().table_name(AGGREGATES_TABLE).send().await?;
        let items = described.table().and_then(|table| table.item_count()).unwrap_or_default();
        // One item holds the rule for windows.
        match usize::try_from(items).is_ok_and(|items| items <= count + 1) {
            true => Ok(None),
            false => Ok(Some(self.store.all(Instant::now() + LIMIT).await?)),
        }
    }
}
