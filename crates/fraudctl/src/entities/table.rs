//! The table of entities, changed one row at a time.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, anyhow};
use aws_calls::fault::{CallFault, UNREADABLE_ANSWER};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::rows::{Row, Rows, Value};
use fraud_aws::entities::table::{CHANGED_AT, CHANGED_BY, ENTITY};

mod counts;

/// An entity as the table holds it.
pub type EntityItem = HashMap<String, AttributeValue>;

/// A table of entities.
#[derive(Debug, Clone)]
pub struct EntityTable {
    client: Client,
    /// What it is called.
    pub(crate) name: String,
}

/// Who changes a row, and when.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

impl EntityTable {
    /// The table of this name.
    pub fn new(client: Client, name: String) -> Self {
        EntityTable { client, name }
    }

    /// Sets attributes of an entity and leaves the others as they are.
    pub(crate) async fn set(
        &self,
        entity: &str,
        numbers: &BTreeMap<String, String>,
        change: &Change,
    ) -> anyhow::Result<()> {
        let mut sets = vec!["#by = :by".to_owned(), "#at = :at".to_owned()];
        let mut update = self.update(entity, change);
        for (place, (name, digits)) in numbers.iter().enumerate() {
            sets.push(format!("#a{place} = :a{place}"));
            update = update
                .expression_attribute_names(format!("#a{place}"), name)
                .expression_attribute_values(format!(":a{place}"), AttributeValue::N(digits.clone()));
        }
        let update = update.update_expression(format!("SET {}", sets.join(", ")));
        update.send().await.map(drop).with_context(|| self.cannot("write to"))
    }

    /// Takes an attribute from an entity. Says whether it had it.
    pub(crate) async fn remove(
        &self,
        entity: &str,
        attribute: &str,
        change: &Change,
    ) -> anyhow::Result<bool> {
        let update = self
            .update(entity, change)
            .update_expression("REMOVE #a SET #by = :by, #at = :at")
            .condition_expression("attribute_exists(#a)")
            .expression_attribute_names("#a", attribute);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if CallFault::of(&error).code == "ConditionalCheckFailedException" => Ok(false),
            Err(error) => Err(error).with_context(|| self.cannot("write to")),
        }
    }

    fn update(
        &self,
        entity: &str,
        change: &Change,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(ENTITY, AttributeValue::S(entity.to_owned()))
            .expression_attribute_names("#by", CHANGED_BY)
            .expression_attribute_names("#at", CHANGED_AT)
            .expression_attribute_values(":by", AttributeValue::S(change.by.clone()))
            .expression_attribute_values(":at", AttributeValue::S(change.at.to_string()))
    }

    /// An entity's row, as it is at this moment.
    pub(crate) async fn row(&self, entity: &str) -> anyhow::Result<Option<EntityItem>> {
        let get = self.client.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key(ENTITY, AttributeValue::S(entity.to_owned()));
        Ok(get.send().await.with_context(|| self.cannot("read"))?.item)
    }

    /// Reads the whole table for the rows that have an attribute, and calls `read` with the number of rows read so far. Gives
    /// that number.
    pub(crate) async fn having(
        &self,
        attribute: &str,
        mut row: impl FnMut(EntityItem) -> anyhow::Result<()>,
        mut read: impl FnMut(u64),
    ) -> anyhow::Result<u64> {
        let (mut scanned, mut start) = (0, None);
        loop {
            let scan = self
                .client
                .scan()
                .table_name(&self.name)
                .filter_expression("attribute_exists(#a)")
                .expression_attribute_names("#a", attribute)
                .set_exclusive_start_key(start);
            let page = scan.send().await.with_context(|| self.cannot("read"))?;
            let Some(items) = page.items else {
                anyhow::bail!("{}: {UNREADABLE_ANSWER}", self.cannot("read"))
            };
            items.into_iter().try_for_each(&mut row)?;
            scanned += u64::try_from(page.scanned_count).unwrap_or_default();
            read(scanned);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(scanned);
            }
        }
    }

    fn cannot(&self, what: &str) -> String {
        format!("cannot {what} the table {}", self.name)
    }
}

/// Rows as a table holds them, nothing judged: the functions must see in the table what they would see in the file. Of an
/// entity with several rows the last counts.
pub(super) fn items(rows: &Rows) -> Vec<EntityItem> {
    let last: BTreeMap<&str, &Row> = rows.rows.iter().map(|(_, row)| (row.entity.as_str(), row)).collect();
    let value = |value: &Value| match value {
        Value::Missing | Value::Other => AttributeValue::Null(true),
        Value::Text(text) => AttributeValue::S(text.clone()),
        Value::Number(digits) => AttributeValue::N(digits.clone()),
    };
    let item = |(entity, row): (&str, &Row)| {
        let attributes = row.attributes.iter().map(|(name, of)| (name.clone(), value(of)));
        let key = (ENTITY.to_owned(), AttributeValue::S(entity.to_owned()));
        attributes.chain([key]).collect()
    };
    last.into_iter().map(item).collect()
}

/// The time that a list's attribute names; `None` for one that never ends.
///
/// # Errors
/// If it is not such a time.
pub(crate) fn time_of(until: &AttributeValue) -> anyhow::Result<Option<Timestamp>> {
    let (AttributeValue::N(digits) | AttributeValue::S(digits)) = until else {
        anyhow::bail!("not a number")
    };
    let seconds: i64 = digits.trim().parse().with_context(|| format!("`{digits}` is not a second"))?;
    match seconds {
        0 => Ok(None),
        seconds => {
            let time = seconds.checked_mul(1000).and_then(Timestamp::from_millis);
            time.map(Some).ok_or_else(|| anyhow!("`{digits}` is beyond all calendars"))
        }
    }
}
