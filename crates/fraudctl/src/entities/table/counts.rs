//! Merchants' transactions by day in the table of entities, and through which day they are counted.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::table::{CHANGED_AT, COUNTED, ENTITY, THROUGH};
use fraud_core::merchant::Bucket;

use super::EntityTable;

/// Days of one write: an expression has at most 4 KB
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const DAYS_AT_ONCE: usize = 90;
/// Days by which the clocks of two who write counts may differ.
const CLOCK_DAYS: i32 = 2;

impl EntityTable {
    /// Sets an entity's transactions by day, and removes the counts of days before the first that is kept.
    ///
    /// # Errors
    /// If the table does not take them.
    pub async fn set_counts(
        &self,
        entity: &str,
        counts: &BTreeMap<i32, u32>,
        first_kept: i32,
    ) -> anyhow::Result<()> {
        let names: Vec<(String, u32)> =
            counts.iter().map(|(day, count)| (Bucket::Transactions.attribute(*day), *count)).collect();
        let mut old = Vec::new();
        for chunk in names.chunks(DAYS_AT_ONCE) {
            let mut update = self.update_counts(entity).return_values(ReturnValue::AllNew);
            let mut sets = Vec::new();
            for (place, (name, count)) in chunk.iter().enumerate() {
                sets.push(format!("#n{place} = :n{place}"));
                update = update
                    .expression_attribute_names(format!("#n{place}"), name)
                    .expression_attribute_values(format!(":n{place}"), AttributeValue::N(count.to_string()));
            }
            let update = update.update_expression(format!("SET {}", sets.join(", ")));
            let row =
                update.send().await.with_context(|| self.cannot("write to"))?.attributes.unwrap_or_default();
            let first = first_kept.saturating_sub(CLOCK_DAYS);
            let is_old = |name: &&String| Bucket::of_attribute(name).is_some_and(|(_, day)| day < first);
            old = row.keys().filter(is_old).cloned().collect();
        }
        for chunk in old.chunks(DAYS_AT_ONCE) {
            let mut update = self.update_counts(entity);
            let mut removed = Vec::new();
            for (place, name) in chunk.iter().enumerate() {
                removed.push(format!("#r{place}"));
                update = update.expression_attribute_names(format!("#r{place}"), name);
            }
            let update = update.update_expression(format!("REMOVE {}", removed.join(", ")));
            update.send().await.with_context(|| self.cannot("write to"))?;
        }
        Ok(())
    }

    /// The last day through which all merchants' transactions are counted, if a row says so.
    pub(crate) async fn counted_through(&self) -> anyhow::Result<Option<i32>> {
        let row = self.row(COUNTED).await?;
        let through = row.as_ref().and_then(|row| row.get(THROUGH)?.as_n().ok()?.parse().ok());
        Ok(through)
    }

    /// Notes that day, unless a later one is noted.
    pub(crate) async fn set_counted_through(&self, day: i32, at: Timestamp) -> anyhow::Result<()> {
        let update = self
            .update_counts(COUNTED)
            .update_expression("SET #through = :day, #at = :at")
            .condition_expression("attribute_not_exists(#through) OR #through < :day")
            .expression_attribute_names("#through", THROUGH)
            .expression_attribute_names("#at", CHANGED_AT)
            .expression_attribute_values(":day", AttributeValue::N(day.to_string()))
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if CallFault::of(&error).code == "ConditionalCheckFailedException" => Ok(()),
            Err(error) => Err(error).with_context(|| self.cannot("write to")),
        }
    }

    fn update_counts(
        &self,
        key: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).key(ENTITY, AttributeValue::S(key.to_owned()))
    }
}
