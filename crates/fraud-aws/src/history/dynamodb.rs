//! Histories in a DynamoDB table, by writes that are conditional on the version.

use aws_calls::fault::{CallFault, FaultKind};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem};
use fraud_core::history::{History, MAX_ROW_BYTES};
use tokio::time::{Instant, timeout_at};

use super::table::{CUSTOMER_ID, STATE, TTL, VERSION};
use super::{HistoryFault, HistoryStore, InvalidRow, ROW_DAYS, RowWrite, StoredHistory, Written};
use crate::ledger::{DynamoDbLedger, StandingClaim};
use crate::lookup::{Item, Known, Lookup, Row, Store, TableStore};
use crate::table_client::table_client;

mod administration;

pub use administration::{Deleted, HistoryRow};

/// A cancelled transaction's reason that a condition did not hold (DynamoDB API reference, "TransactWriteItems").
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const SECONDS_OF_A_DAY: i64 = 86_400;

/// A DynamoDB table with the key `customer_id` (S) and time to live on `ttl`.
#[derive(Debug, Clone)]
pub struct DynamoDbHistory {
    client: Client,
    table: String,
    rows: TableStore<StoredHistory>,
}

impl Known for StoredHistory {
    fn size(&self) -> usize {
        MAX_ROW_BYTES
    }
}

impl Row for StoredHistory {
    const KEY: &'static str = CUSTOMER_ID;
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[];
    const IS_CONSISTENT: bool = true;

    fn of_item(item: &Item) -> Self {
        let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok());
        let state = item.get(STATE).and_then(|state| state.as_b().ok());
        let history = match (version, state) {
            (Some(_), Some(state)) => History::decode(state.as_ref()).map_err(InvalidRow::Damaged),
            (None, _) => Err(InvalidRow::Attribute(VERSION)),
            (_, None) => Err(InvalidRow::Attribute(STATE)),
        };
        StoredHistory { version: version.unwrap_or_default(), history }
    }
}

impl DynamoDbHistory {
    /// The rows of `table`.
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let (client, table) = (table_client(config), table.into());
        DynamoDbHistory { rows: TableStore::new(client.clone(), &table), client, table }
    }

    /// The condition under which a row is written, and the version that it is about.
    fn condition(write: &RowWrite<'_>) -> (String, Option<AttributeValue>) {
        match write.version {
            0 => (format!("attribute_not_exists({CUSTOMER_ID})"), None),
            version => (format!("{VERSION} = :version"), Some(number(version))),
        }
    }

    fn item(write: &RowWrite<'_>) -> Item {
        let ttl = write.at.millis().div_euclid(1000).saturating_add(ROW_DAYS * SECONDS_OF_A_DAY);
        Item::from([
            (CUSTOMER_ID.to_owned(), AttributeValue::S(write.customer_id.to_owned())),
            (VERSION.to_owned(), number(write.version.saturating_add(1))),
            (STATE.to_owned(), AttributeValue::B(Blob::new(write.history.encode()))),
            (TTL.to_owned(), number(ttl)),
        ])
    }

    async fn put(&self, write: &RowWrite<'_>, deadline: Instant) -> Result<Written, HistoryFault> {
        let (condition, version) = Self::condition(write);
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(Self::item(write)))
            .condition_expression(condition);
        if let Some(version) = version {
            put = put.expression_attribute_values(":version", version);
        }
        match timeout_at(deadline, put.send()).await {
            Ok(Ok(_)) => Ok(Written::Done),
            Ok(Err(SdkError::ServiceError(error))) if error.err().is_conditional_check_failed_exception() => {
                Ok(Written::Conflict)
            }
            Ok(Err(error)) => Err(CallFault::of(&error).into()),
            Err(_elapsed) => Err(CallFault::deadline().into()),
        }
    }

    async fn transact(
        &self,
        write: &RowWrite<'_>,
        ledger: &DynamoDbLedger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let (condition, version) = Self::condition(write);
        let mut row = Put::builder()
            .table_name(&self.table)
            .set_item(Some(Self::item(write)))
            .condition_expression(condition);
        if let Some(version) = version {
            row = row.expression_attribute_values(":version", version);
        }
        let row = row.build().map_err(|error| CallFault::unusable(&error))?;
        let mut request = self.client.transact_write_items().transact_items(put_of(row));
        for alert in write.alerts {
            request = request.transact_items(put_of(ledger.first_claim(alert, write.claim)?));
        }
        let error = match timeout_at(deadline, request.send()).await {
            Ok(Ok(_)) => return Ok(Written::Done),
            Ok(Err(error)) => error,
            Err(_elapsed) => return Err(CallFault::deadline().into()),
        };
        let SdkError::ServiceError(context) = &error else { return Err(CallFault::of(&error).into()) };
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = context.err() else {
            return Err(CallFault::of(&error).into());
        };
        let reasons = cancelled.cancellation_reasons();
        let failed = |reason: &CancellationReason| reason.code() == Some(CONDITION_FAILED);
        if reasons.first().is_some_and(failed) {
            return Ok(Written::Conflict);
        }
        let claims = reasons.iter().skip(1).zip(write.alerts).filter(|(reason, _)| failed(reason));
        let standing: Vec<_> =
            claims.map(|(reason, alert)| StandingClaim::of(&alert.alert_id, reason.item())).collect();
        if !standing.is_empty() {
            return Ok(Written::Claimed(standing));
        }
        // Another transaction, or the table's limits: nothing was written, and it may be later.
        let code = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        let code = code.unwrap_or("TransactionCanceledException").to_owned();
        Err(CallFault::new(FaultKind::Throttled, code).into())
    }
}

impl HistoryStore for DynamoDbHistory {
    type Ledger = DynamoDbLedger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let answer = self.rows.lookup(customers, deadline).await;
        let fault = answer.fault.unwrap_or_else(CallFault::deadline);
        let row = |found| match found {
            Lookup::Found(row) => Ok(std::sync::Arc::unwrap_or_clone(row)),
            Lookup::Absent => Ok(StoredHistory { version: 0, history: Ok(History::default()) }),
            Lookup::Unavailable => Err(fault.clone()),
        };
        answer.found.into_iter().map(row).collect()
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &DynamoDbLedger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        if write.alerts.is_empty() {
            self.put(&write, deadline).await
        } else {
            self.transact(&write, ledger, deadline).await
        }
    }
}

fn put_of(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
