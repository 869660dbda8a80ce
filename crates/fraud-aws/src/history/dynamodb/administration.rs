//! What a person does with a table of histories: looks at a row, deletes it, creates one that is not there yet.

use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::types::AttributeValue;
use exact_text::timestamp::Timestamp;
use fraud_core::history::History;
use tokio::time::{Instant, timeout_at};

use super::{CUSTOMER_ID, DynamoDbHistory, ROW_DAYS, SECONDS_OF_A_DAY, STATE, StoredHistory, TTL, VERSION};
use crate::history::{HistoryFault, InvalidRow, RowWrite, Written};
use crate::ledger::Claim;
use crate::lookup::{Item, Row};

/// A customer's row as the table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// How often it was written; `None` if the row does not say.
    pub version: Option<u64>,
    /// When it was last written, to the second; `None` if the row does not say.
    pub written: Option<Timestamp>,
    /// The bytes of its state.
    pub bytes: usize,
    /// What it says.
    pub history: Result<History, InvalidRow>,
    /// The version as it is stored, whatever that is.
    stored_version: Option<AttributeValue>,
}

/// What deleting a row came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// It was written or deleted since it was read: nothing was deleted.
    Conflict,
}

impl HistoryRow {
    fn of(item: &Item) -> Self {
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
        let written = number(TTL).and_then(|ttl| {
            let seconds = ttl.parse::<i64>().ok()?.checked_sub(ROW_DAYS * SECONDS_OF_A_DAY)?;
            Timestamp::from_millis(seconds.checked_mul(1000)?)
        });
        let state = item.get(STATE).and_then(|state| state.as_b().ok());
        HistoryRow {
            version: number(VERSION).and_then(|version| version.parse().ok()),
            written,
            bytes: state.map_or(0, |state| state.as_ref().len()),
            history: StoredHistory::of_item(item).history,
            stored_version: item.get(VERSION).cloned(),
        }
    }
}

impl DynamoDbHistory {
    /// A customer's row as it is after every write that was answered; `None` if there is none.
    ///
    /// # Errors
    /// [`CallFault`] if the table cannot be read by `deadline`.
    pub async fn row(&self, customer_id: &str, deadline: Instant) -> Result<Option<HistoryRow>, CallFault> {
        let key = AttributeValue::S(customer_id.to_owned());
        let get = self.client.get_item().table_name(&self.table).key(CUSTOMER_ID, key).consistent_read(true);
        match timeout_at(deadline, get.send()).await {
            Ok(Ok(answer)) => Ok(answer.item.as_ref().map(HistoryRow::of)),
            Ok(Err(error)) => Err(CallFault::of(&error)),
            Err(_elapsed) => Err(CallFault::deadline()),
        }
    }

    /// Deletes a customer's row if it still has the version that was read.
    ///
    /// # Errors
    /// [`CallFault`]; whether the row is there is then unknown. Reading it tells.
    pub async fn delete(
        &self,
        customer_id: &str,
        read: &HistoryRow,
        deadline: Instant,
    ) -> Result<Deleted, CallFault> {
        let key = AttributeValue::S(customer_id.to_owned());
        let delete = self.client.delete_item().table_name(&self.table).key(CUSTOMER_ID, key);
        let delete = match &read.stored_version {
            Some(version) => delete
                .condition_expression(format!("{VERSION} = :version"))
                .expression_attribute_values(":version", version.clone()),
            None => delete.condition_expression(format!(
                "attribute_exists({CUSTOMER_ID}) AND attribute_not_exists({VERSION})"
            )),
        };
        match timeout_at(deadline, delete.send()).await {
            Ok(Ok(_)) => Ok(Deleted::Done),
            Ok(Err(error)) => match CallFault::of(&error) {
                fault if fault.code == "ConditionalCheckFailedException" => Ok(Deleted::Conflict),
                fault => Err(fault),
            },
            Err(_elapsed) => Err(CallFault::deadline()),
        }
    }

    /// Writes the row of a customer who has none; [`Written::Conflict`] if there is one. Claims nothing.
    ///
    /// # Errors
    /// [`HistoryFault`]; whether the write was made is then unknown.
    pub async fn create(
        &self,
        customer_id: &str,
        history: &History,
        at: Timestamp,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let claim = Claim { token: String::new(), claimed_at: at, expires_at: at };
        let row = RowWrite { customer_id, version: 0, history, alerts: &[], claim: &claim, at };
        self.put(&row, deadline).await
    }
}
