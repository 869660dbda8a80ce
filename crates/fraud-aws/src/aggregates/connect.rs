//! The aggregates that the configuration names.

use fraud_core::window::{WindowRule, WindowTotals};
use tokio::time::Instant;

use super::{Added, Addition, AggregateFault, AggregateStore, DynamoDbAggregates, MemoryAggregates};
use crate::config::AggregatesTarget;
use aws_calls::sdk::Sdk;

/// Aggregates of either kind.
#[derive(Debug)]
pub enum Aggregates {
    /// A DynamoDB table.
    DynamoDb(DynamoDbAggregates),
    /// This process's memory.
    Memory(MemoryAggregates),
}

impl Aggregates {
    /// Opens the aggregates. A table is not asked for anything yet.
    pub async fn connect(target: &AggregatesTarget, sdk: &Sdk) -> Self {
        match target {
            AggregatesTarget::DynamoDb { table, retention, remembered } => {
                let table = DynamoDbAggregates::new(sdk.config().await, table, *retention);
                Aggregates::DynamoDb(table.remembering(*remembered))
            }
            AggregatesTarget::Memory { remembered } => {
                Aggregates::Memory(MemoryAggregates::default().remembering(*remembered))
            }
        }
    }
}

impl AggregateStore for Aggregates {
    fn remembered_per_row(&self) -> u64 {
        match self {
            Aggregates::DynamoDb(aggregates) => aggregates.remembered_per_row(),
            Aggregates::Memory(aggregates) => aggregates.remembered_per_row(),
        }
    }

    async fn hold_to(&self, rule: &WindowRule, deadline: Instant) -> Result<(), AggregateFault> {
        match self {
            Aggregates::DynamoDb(aggregates) => aggregates.hold_to(rule, deadline).await,
            Aggregates::Memory(aggregates) => aggregates.hold_to(rule, deadline).await,
        }
    }

    async fn add(&self, addition: &Addition<'_>, deadline: Instant) -> Result<Added, AggregateFault> {
        match self {
            Aggregates::DynamoDb(aggregates) => aggregates.add(addition, deadline).await,
            Aggregates::Memory(aggregates) => aggregates.add(addition, deadline).await,
        }
    }

    async fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<WindowTotals>, AggregateFault> {
        match self {
            Aggregates::DynamoDb(aggregates) => aggregates.recent(customer_id, limit, deadline).await,
            Aggregates::Memory(aggregates) => aggregates.recent(customer_id, limit, deadline).await,
        }
    }

    async fn all(&self, deadline: Instant) -> Result<Vec<WindowTotals>, AggregateFault> {
        match self {
            Aggregates::DynamoDb(aggregates) => aggregates.all(deadline).await,
            Aggregates::Memory(aggregates) => aggregates.all(deadline).await,
        }
    }
}
