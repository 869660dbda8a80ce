//! Labels in a DynamoDB table, beside the table of entities that has merchants' days.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_calls::fault::{CallFault, FaultKind, answer_by};
use aws_calls::pauses::Pauses;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem, Update};
use fraud_core::entity::EntityKind;
use fraud_core::label::{Change, CountedFraud, Counting, Labelled, Taken};
use fraud_core::merchant::Bucket;
use tokio::time::{Instant, timeout_at};

use super::stored::{labelled, statements_json, statements_of};
use super::table::{
    CHANGED_AT, CHANGED_BY, DAY, DECISION_ID, MERCHANT_ID, ORDINARY, STATEMENTS, TTL, VERDICT, VERSION,
};
use super::{CLOCK_DAYS, LabelFault, LabelStore, LabelWrite, ROW_DAYS, StoredLabels};
use crate::entities::key_of;
use crate::entities::table::ENTITY;
use crate::lookup::Item;
use crate::table_client::table_client;

/// A cancelled transaction's reasons that a condition did not hold, and that an update cannot be made (DynamoDB API reference,
/// "TransactWriteItems").
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CANNOT_BE_MADE: &str = "ValidationError";
const SECONDS_OF_A_DAY: i64 = 86_400;
/// The first pause before another attempt, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most days that one write removes: an expression has at most 4 KB
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const REMOVED_AT_ONCE: usize = 90;

/// A DynamoDB table with the key `decision_id` (S) and time to live on `ttl`, and the table of entities.
#[derive(Debug, Clone)]
pub struct DynamoDbLabels {
    client: Client,
    table: String,
    entities: String,
}

/// What a write came to.
enum Written {
    Done,
    /// The row has another version: nothing was written.
    Conflict,
}

impl DynamoDbLabels {
    /// The rows of `table`, and merchants' days in the table `entities`.
    pub fn new(config: &SdkConfig, table: impl Into<String>, entities: impl Into<String>) -> Self {
        DynamoDbLabels { client: table_client(config), table: table.into(), entities: entities.into() }
    }

    async fn item(
        &self,
        table: &str,
        key: (&str, String),
        deadline: Instant,
    ) -> Result<Option<Item>, CallFault> {
        let (name, key) = key;
        let get =
            self.client.get_item().table_name(table).key(name, AttributeValue::S(key)).consistent_read(true);
        Ok(answer_by(deadline, get.send()).await?.item)
    }

    async fn write(
        &self,
        write: LabelWrite<'_>,
        row: &StoredLabels,
        labelled: &Labelled,
        change: &Change,
        deadline: Instant,
    ) -> Result<Written, LabelFault> {
        let mut put = Put::builder().table_name(&self.table).set_item(Some(item(
            write,
            row.version.saturating_add(1),
            labelled,
        )));
        put = match row.version {
            0 => put.condition_expression(format!("attribute_not_exists({DECISION_ID})")),
            version => put
                .condition_expression(format!("{VERSION} = :version"))
                .expression_attribute_values(":version", number(version)),
        };
        let put = put.build().map_err(|error| CallFault::unusable(&error))?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        let mut merchants = Vec::new();
        for (merchant, changes) in change.by_merchant(write.counting) {
            let key = key_of(EntityKind::Merchant, merchant);
            let update = self.update(&key, &changes, write.counting, deadline).await?;
            items.push(TransactWriteItem::builder().update(update).build());
            merchants.push(key);
        }
        // The SDK names each call by a token, so that its own retries of one that was made do not make it twice.
        let request = self.client.transact_write_items().set_transact_items(Some(items));
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
        let is = |reason: &CancellationReason, code| reason.code() == Some(code);
        if reasons.first().is_some_and(|reason| is(reason, CONDITION_FAILED)) {
            return Ok(Written::Conflict);
        }
        let unusable = reasons.iter().skip(1).zip(merchants).find(|(reason, _)| is(reason, CANNOT_BE_MADE));
        if let Some((_, merchant)) = unusable {
            return Err(LabelFault::Count(merchant));
        }
        // Another transaction, or the table's limits: nothing was written, and it may be later.
        let code = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        let code = code.unwrap_or("TransactionCanceledException").to_owned();
        Err(CallFault::new(FaultKind::Throttled, code).into())
    }

    /// Adds to a merchant's counts, and removes those of days that nobody counts any more.
    async fn update(
        &self,
        key: &str,
        changes: &BTreeMap<(Bucket, i32), i32>,
        counting: &Counting,
        deadline: Instant,
    ) -> Result<Update, CallFault> {
        let row = self.item(&self.entities, (ENTITY, key.to_owned()), deadline).await?.unwrap_or_default();
        let first = counting.first_day().saturating_sub(CLOCK_DAYS);
        let is_old = |name: &&String| Bucket::of_attribute(name).is_some_and(|(_, day)| day < first);
        let mut update =
            Update::builder().table_name(&self.entities).key(ENTITY, AttributeValue::S(key.to_owned()));
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (place, ((bucket, day), change)) in changes.iter().enumerate() {
            added.push(format!("#a{place} :a{place}"));
            update = update
                .expression_attribute_names(format!("#a{place}"), bucket.attribute(*day))
                .expression_attribute_values(format!(":a{place}"), number(change));
        }
        for (place, name) in row.keys().filter(is_old).take(REMOVED_AT_ONCE).enumerate() {
            removed.push(format!("#r{place}"));
            update = update.expression_attribute_names(format!("#r{place}"), name);
        }
        let mut expression = format!("ADD {}", added.join(", "));
        if !removed.is_empty() {
            expression += &format!(" REMOVE {}", removed.join(", "));
        }
        update.update_expression(expression).build().map_err(|error| CallFault::unusable(&error))
    }
}

impl LabelStore for DynamoDbLabels {
    async fn read(&self, key: &str, deadline: Instant) -> Result<StoredLabels, LabelFault> {
        match self.item(&self.table, (DECISION_ID, key.to_owned()), deadline).await? {
            Some(item) => of_item(&item).map_err(LabelFault::UnreadableRow),
            None => Ok(StoredLabels::default()),
        }
    }

    async fn apply(&self, write: LabelWrite<'_>, deadline: Instant) -> Result<Taken, LabelFault> {
        let key = write.label.key();
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        // What a write came to that nobody answered for, if the row says that it was made.
        let mut in_doubt = None;
        loop {
            let row = self.read(&key, deadline).await?;
            let mut labelled = row.labelled.clone();
            let taken = labelled.take_in(write.label.statement.clone(), write.counting);
            let change = match &taken {
                Taken::Holds(change) => change,
                Taken::Known | Taken::Superseded => return Ok(in_doubt.unwrap_or(taken)),
            };
            let fault = match self.write(write, &row, &labelled, change, deadline).await {
                Ok(Written::Done) => return Ok(taken),
                Ok(Written::Conflict) => None,
                Err(LabelFault::Call(fault)) if fault.is_transient() => Some(fault),
                Err(fault) => return Err(fault),
            };
            if fault.as_ref().is_some_and(CallFault::may_be_done) {
                in_doubt = Some(taken);
            }
            if !pauses.wait_before(deadline).await {
                return Err(fault.unwrap_or_else(CallFault::deadline).into());
            }
        }
    }
}

fn item(write: LabelWrite<'_>, version: u64, labelled: &Labelled) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let ttl = write.at.millis().div_euclid(1000).saturating_add(ROW_DAYS * SECONDS_OF_A_DAY);
    let mut attributes = vec![
        (DECISION_ID, AttributeValue::S(write.label.key())),
        (VERSION, number(version)),
        (STATEMENTS, AttributeValue::S(statements_json(labelled))),
        (CHANGED_BY, text(write.by)),
        (CHANGED_AT, AttributeValue::S(write.at.to_string())),
        (TTL, number(ttl)),
    ];
    if let Some(verdict) = labelled.verdict() {
        attributes.push((VERDICT, text(verdict.verdict.as_str())));
    }
    if let Some(CountedFraud { merchant_id, day, ordinary }) = labelled.counted() {
        attributes.push((MERCHANT_ID, text(merchant_id)));
        attributes.push((DAY, number(day)));
        attributes.push((ORDINARY, AttributeValue::Bool(*ordinary)));
    }
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a row says; else the attribute that cannot be read.
fn of_item(item: &Item) -> Result<StoredLabels, &'static str> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let digits = |name: &str| item.get(name).and_then(|value| value.as_n().ok());
    let version = digits(VERSION).and_then(|digits| digits.parse().ok()).filter(|version| *version > 0);
    let statements = text(STATEMENTS).and_then(|json| statements_of(&json));
    let day = digits(DAY).and_then(|digits| digits.parse().ok());
    let ordinary = item.get(ORDINARY).and_then(|value| value.as_bool().ok()).copied();
    Ok(StoredLabels {
        version: version.ok_or(VERSION)?,
        labelled: labelled(statements, (text(MERCHANT_ID), day, ordinary))?,
        changed_by: text(CHANGED_BY).unwrap_or_default(),
        changed_at: text(CHANGED_AT).unwrap_or_default(),
    })
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
