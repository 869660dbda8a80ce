//! Aggregates in a DynamoDB table, by conditional updates. The row's attributes are listed in `row.rs`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_calls::fault::{CallFault, answer_by};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use fraud_core::money::Money;
use fraud_core::window::{Window, WindowRule, WindowTotals};
use tokio::time::{Instant, timeout_at};

use super::row::{self, Item};
use super::table::*;
use super::{Added, Addition, AggregateFault, AggregateStore, CountedBy, Memory, REMEMBERED, RowState, rule};
use crate::table_client::table_client;

/// A DynamoDB table with the key `customer_id` (S) and `window_start` (N), and time to live on `ttl`.
#[derive(Debug, Clone)]
pub struct DynamoDbAggregates {
    client: Client,
    table: String,
    retention: Duration,
    remembered: u64,
    /// The rule that the table remembers, once it has said so.
    rule: Arc<OnceLock<String>>,
}

impl DynamoDbAggregates {
    /// The aggregates in `table`, whose rows may be deleted `retention` after they were last added to. That must be
    /// longer than the stream keeps records and than a producer may send a transaction again: what comes when its row
    /// has gone begins a new one.
    pub fn new(config: &SdkConfig, table: impl Into<String>, retention: Duration) -> Self {
        let (client, remembered) = (table_client(config), REMEMBERED);
        DynamoDbAggregates { client, table: table.into(), retention, remembered, rule: Arc::default() }
    }

    /// The same table, each row with a memory of this many transactions.
    pub fn remembering(self, transactions: u64) -> Self {
        DynamoDbAggregates { remembered: transactions, ..self }
    }

    /// What [`hold_to`](AggregateStore::hold_to) would say, without writing anything: a table that remembers no rule
    /// accepts every one.
    ///
    /// # Errors
    /// As [`hold_to`](AggregateStore::hold_to).
    pub async fn check_rule(&self, rule: &WindowRule, deadline: Instant) -> Result<(), AggregateFault> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(CUSTOMER_ID, text(rule::RULE_CUSTOMER))
            .key(WINDOW_START, number(rule::RULE_START))
            .consistent_read(true);
        match answer_by(deadline, get.send()).await?.item {
            Some(item) => rule::check(rule::of_item(&item)?, rule),
            None => Ok(()),
        }
    }

    /// A window's row with its memory; `None` if there is none. It only reads: for a dry run.
    ///
    /// # Errors
    /// [`AggregateFault`]; also if the row is of a window of another length.
    pub async fn row(
        &self,
        customer_id: &str,
        window: Window,
        deadline: Instant,
    ) -> Result<Option<RowState>, AggregateFault> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(CUSTOMER_ID, text(customer_id))
            .key(WINDOW_START, number(window.start_seconds()))
            .consistent_read(true);
        let Some(item) = answer_by(deadline, get.send()).await?.item else { return Ok(None) };
        let state = row::state(&item)?;
        row::check_length(state.totals.window, window)?;
        Ok(Some(state))
    }

    fn update(&self, addition: &Addition<'_>) -> Result<UpdateItemFluentBuilder, AggregateFault> {
        let Addition { customer_id, window, transactions, counted_by, memory, at } = *addition;
        let retention = i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX);
        let ttl = at.millis().div_euclid(1000).saturating_add(retention);
        let hashes: Vec<_> = transactions.iter().map(|addend| Blob::new(addend.hash.0)).collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CUSTOMER_ID, text(customer_id))
            .key(WINDOW_START, number(window.start_seconds()))
            .condition_expression(condition(addition))
            .update_expression(update_expression(addition))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":seconds", number(window.seconds()))
            .expression_attribute_values(":start", text(window.start()))
            .expression_attribute_values(":end", text(window.end()))
            .expression_attribute_values(":now", text(at))
            .expression_attribute_values(":ttl", number(ttl))
            .expression_attribute_values(":count", number(transactions.len()))
            .expression_attribute_values(":amount", number(addition.sum_with(Money::ZERO)?))
            .expression_attribute_values(":complete", AttributeValue::Bool(memory == Memory::HasRoom))
            .expression_attribute_values(":all", AttributeValue::Bool(addition.has_all_amounts()))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        for (place, hash) in hashes.iter().enumerate() {
            update = update.expression_attribute_values(hash_name(place), AttributeValue::B(hash.clone()));
        }
        if counted_by == CountedBy::Content {
            update = update.expression_attribute_values(":by", text(row::BY_CONTENT));
        }
        Ok(match memory {
            Memory::HasRoom => {
                let most = self.remembered.saturating_sub(transactions.len() as u64);
                update
                    .expression_attribute_values(":most", number(most))
                    .expression_attribute_values(":hashes", AttributeValue::Bs(hashes))
            }
            Memory::IsFull => update.expression_attribute_values(":least", number(self.remembered)),
        })
    }
}

/// The condition under which an addition may be made.
fn condition(addition: &Addition<'_>) -> String {
    let Addition { transactions, counted_by, memory, .. } = *addition;
    let known: Vec<_> =
        (0..transactions.len()).map(|place| format!("contains({COUNTED},{})", hash_name(place))).collect();
    let kind = match counted_by {
        CountedBy::Content => format!("{COUNTED_BY}=:by"),
        CountedBy::Identity => format!("attribute_not_exists({COUNTED_BY})"),
    };
    let row = match memory {
        Memory::HasRoom => format!("{WINDOW_SECONDS}=:seconds AND {kind} AND {EVENT_COUNT}<=:most"),
        Memory::IsFull => format!("{WINDOW_SECONDS}=:seconds AND {kind} AND {EVENT_COUNT}>=:least"),
    };
    let supposed = match (counted_by, memory) {
        (CountedBy::Content, Memory::HasRoom) => format!("(attribute_not_exists({CUSTOMER_ID}) OR ({row}))"),
        _ => row,
    };
    format!("{supposed} AND NOT ({})", known.join(" OR "))
}

fn update_expression(addition: &Addition<'_>) -> String {
    // A sum that lacks an amount once lacks it for good, and so does a memory that lacks a transaction.
    let kept = |attribute: &str, value: &str, is_true: bool| match is_true {
        true => format!("{attribute}=if_not_exists({attribute}, {value})"),
        false => format!("{attribute}={value}"),
    };
    let sum_complete = kept(SUM_COMPLETE, ":all", addition.has_all_amounts());
    let dedup_complete = kept(DEDUP_COMPLETE, ":complete", addition.memory == Memory::HasRoom);
    let counted_by = match addition.counted_by {
        CountedBy::Content => format!(", {COUNTED_BY}=:by"),
        CountedBy::Identity => String::new(),
    };
    let counted = match addition.memory {
        Memory::HasRoom => format!(", {COUNTED} :hashes"),
        Memory::IsFull => String::new(),
    };
    format!(
        "SET {EVENT_WINDOW_START}=:start, {EVENT_WINDOW_END}=:end, {WINDOW_SECONDS}=:seconds, {sum_complete}, \
         {dedup_complete}, {UPDATED_AT}=:now, #ttl=:ttl{counted_by} \
         ADD {EVENT_COUNT} :count, {TOTAL_AMOUNT} :amount{counted}"
    )
}

/// The name that the hash at this place has in expressions.
fn hash_name(place: usize) -> String {
    format!(":h{place}")
}

impl AggregateStore for DynamoDbAggregates {
    fn remembered_per_row(&self) -> u64 {
        self.remembered
    }

    async fn hold_to(&self, rule: &WindowRule, deadline: Instant) -> Result<(), AggregateFault> {
        if let Some(standing) = self.rule.get() {
            return rule::check(standing, rule);
        }
        // One call that anybody may make at any time: it writes what is there already, unless there is nothing.
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(CUSTOMER_ID, text(rule::RULE_CUSTOMER))
            .key(WINDOW_START, number(rule::RULE_START))
            .update_expression("SET #rule = if_not_exists(#rule, :rule)")
            .expression_attribute_names("#rule", WINDOW_RULE)
            .expression_attribute_values(":rule", text(rule::text(rule)))
            .return_values(ReturnValue::AllNew);
        let item = asked_for(answer_by(deadline, update.send()).await?.attributes, &[WINDOW_RULE])?;
        let standing = rule::of_item(&item)?.to_owned();
        rule::check(self.rule.get_or_init(|| standing), rule)
    }

    async fn add(&self, addition: &Addition<'_>, deadline: Instant) -> Result<Added, AggregateFault> {
        addition.check_size()?;
        let answer = timeout_at(deadline, self.update(addition)?.send()).await;
        match answer.map_err(|_elapsed| CallFault::deadline())? {
            Ok(answer) => {
                let item = asked_for(answer.attributes, &ADDED_TO)?;
                row::totals_of(addition.customer_id, addition.window, &item).map(Added::Done)
            }
            Err(error) => refusal(error, addition),
        }
    }

    async fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<WindowTotals>, AggregateFault> {
        let mut recent = Vec::new();
        let mut start = None;
        while recent.len() < limit {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(format!("{CUSTOMER_ID} = :customer"))
                .expression_attribute_values(":customer", text(customer_id))
                .projection_expression(row::TOTALS.join(", "))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(i32::try_from(limit - recent.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start);
            let answer = answer_by(deadline, query.send()).await?;
            recent.extend(totals(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(recent)
    }

    async fn all(&self, deadline: Instant) -> Result<Vec<WindowTotals>, AggregateFault> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let scan = self
                .client
                .scan()
                .table_name(&self.table)
                .projection_expression(row::TOTALS.join(", "))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let answer = answer_by(deadline, scan.send()).await?;
            all.extend(totals(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                all.sort();
                return Ok(all);
            }
        }
    }
}

/// What the row holds that an addition was refused for; any other failure is a fault.
fn refusal(error: SdkError<UpdateItemError>, addition: &Addition<'_>) -> Result<Added, AggregateFault> {
    let fault = CallFault::of(&error);
    let UpdateItemError::ConditionalCheckFailedException(refused) = error.into_service_error() else {
        return Err(fault.into());
    };
    let Some(item) = refused.item else { return Ok(Added::Refused(None)) };
    let state = row::state(&item)?;
    row::check_length(state.totals.window, addition.window)?;
    Ok(Added::Refused(Some(state)))
}

/// The totals of the rows of an answer.
///
/// # Errors
/// [`AggregateFault::Call`] if it has no list of items, which a list of none is not.
fn totals(items: Option<Vec<Item>>) -> Result<Vec<WindowTotals>, AggregateFault> {
    let items = items.ok_or_else(unreadable)?;
    items.iter().filter(|item| !rule::is_rule(item)).map(row::totals).collect()
}

/// What an update's answer must have, for it was asked for and written with the update itself.
const ADDED_TO: [&str; 4] = [EVENT_COUNT, TOTAL_AMOUNT, SUM_COMPLETE, DEDUP_COMPLETE];

/// The item of an answer that has these attributes.
///
/// # Errors
/// [`AggregateFault::Call`] if it has not: that says nothing of the row, and the update may be made.
fn asked_for(item: Option<Item>, attributes: &[&str]) -> Result<Item, AggregateFault> {
    let item = item.filter(|item| attributes.iter().all(|attribute| item.contains_key(*attribute)));
    item.ok_or_else(unreadable)
}

fn unreadable() -> AggregateFault {
    CallFault::unreadable("the answer lacks what was asked for").into()
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
