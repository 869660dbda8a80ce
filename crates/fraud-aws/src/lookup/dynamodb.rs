//! Lookups in a DynamoDB table.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_calls::fault::{CallFault, answer_by};
use aws_calls::pauses::Pauses;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use fraud_core::profile::Attribute;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{Answer, Known, Lookup, Store};

/// The most keys of one BatchGetItem (DynamoDB API reference).
const KEYS_PER_CALL: usize = 100;
/// Calls under way at once. Eight cover 800 customers in one round trip and stay below a connection pool's size.
const CALLS_AT_ONCE: usize = 8;
/// The first pause before keys that DynamoDB left unprocessed are asked for again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A row, or a key.
pub type Item = HashMap<String, AttributeValue>;

/// What is known of one key as a table's row holds it.
pub trait Row: Known {
    /// The table's partition key, a text.
    const KEY: &'static str;
    /// The attributes that are read, the key among them, each with the name by which expressions know it; empty for all that
    /// a row has.
    const ATTRIBUTES: &'static [(&'static str, &'static str)];

    /// Whether every write that was answered must be seen. Such a read costs twice the units.
    const IS_CONSISTENT: bool = false;

    /// What a row says.
    fn of_item(item: &Item) -> Self;
}

/// A DynamoDB table in which `T` is looked up.
#[derive(Debug, Clone)]
pub struct TableStore<T> {
    client: Client,
    table: String,
    row: PhantomData<fn() -> T>,
}

/// What one call's share of the keys came to.
struct Fetched<T> {
    found: HashMap<String, Arc<T>>,
    /// The keys that were not answered for, and why.
    unanswered: Vec<String>,
    fault: Option<CallFault>,
}

impl<T: Row> TableStore<T> {
    /// The rows of `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        TableStore { client, table: table.into(), row: PhantomData }
    }

    async fn fetch(&self, keys: &[&str], deadline: Instant) -> Fetched<T> {
        let mut share = Fetched { found: HashMap::new(), unanswered: Vec::new(), fault: None };
        let mut pending: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            match self.call(&pending, deadline).await {
                Ok((found, unprocessed)) => {
                    share.found.extend(found);
                    pending = unprocessed;
                }
                Err(fault) => {
                    return Fetched { unanswered: pending, fault: Some(fault), ..share };
                }
            }
            if pending.is_empty() {
                return share;
            }
            if !pauses.wait_before(deadline).await {
                return Fetched { unanswered: pending, fault: Some(CallFault::deadline()), ..share };
            }
        }
    }

    /// One BatchGetItem: what was found, and the keys that it left unprocessed.
    async fn call(
        &self,
        keys: &[String],
        deadline: Instant,
    ) -> Result<(Vec<(String, Arc<T>)>, Vec<String>), CallFault> {
        let of = |key: &String| Item::from([(T::KEY.to_owned(), AttributeValue::S(key.clone()))]);
        let mut asked = KeysAndAttributes::builder().set_keys(Some(keys.iter().map(of).collect()));
        if T::IS_CONSISTENT {
            asked = asked.consistent_read(true);
        }
        if !T::ATTRIBUTES.is_empty() {
            let placeholders: Vec<_> = T::ATTRIBUTES.iter().map(|(placeholder, _)| *placeholder).collect();
            let names =
                T::ATTRIBUTES.iter().map(|(placeholder, name)| ((*placeholder).into(), (*name).into()));
            asked = asked
                .projection_expression(placeholders.join(","))
                .set_expression_attribute_names(Some(names.collect()));
        }
        let asked = asked.build().map_err(|error| CallFault::unusable(&error))?;
        let request = self.client.batch_get_item().request_items(&self.table, asked);
        let answer = answer_by(deadline, request.send()).await?;
        let unprocessed = answer.unprocessed_keys.as_ref().and_then(|tables| tables.get(&self.table));
        let left: Vec<String> = unprocessed
            .map(KeysAndAttributes::keys)
            .unwrap_or_default()
            .iter()
            .map(key_of::<T>)
            .collect::<Result<_, _>>()?;
        let found = match answer.responses.as_ref().and_then(|tables| tables.get(&self.table)) {
            Some(items) => {
                items.iter().map(|item| Ok((key_of::<T>(item)?, Arc::new(T::of_item(item))))).collect()
            }
            None if left.len() >= keys.len() => Ok(Vec::new()),
            // A key of which such an answer says nothing may well have a row.
            None => Err(CallFault::unreadable("the answer leaves the table out")),
        };
        Ok((found?, left))
    }
}

impl<T: Row> Store for TableStore<T> {
    type Known = T;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<T> {
        let fetches: Vec<_> = keys.chunks(KEYS_PER_CALL).map(|chunk| self.fetch(chunk, deadline)).collect();
        let shares: Vec<Fetched<T>> =
            futures_util::stream::iter(fetches).buffer_unordered(CALLS_AT_ONCE).collect().await;
        let mut known: HashMap<String, Lookup<T>> = HashMap::with_capacity(keys.len());
        let mut fault = None;
        for share in shares {
            known.extend(share.found.into_iter().map(|(key, found)| (key, Lookup::Found(found))));
            known.extend(share.unanswered.into_iter().map(|key| (key, Lookup::Unavailable)));
            fault = fault.or(share.fault);
        }
        let found = keys.iter().map(|&key| known.remove(key).unwrap_or(Lookup::Absent)).collect();
        Answer { found, cache_hits: 0, looked_up: keys.len(), fault }
    }
}

/// An attribute of a row, as `fraud-core` takes it.
pub fn attribute<'a>(item: &'a Item, name: &str) -> Attribute<'a> {
    item.get(name).map_or(Attribute::Missing, of_value)
}

/// An attribute's value, as `fraud-core` takes it.
pub(crate) fn of_value(value: &AttributeValue) -> Attribute<'_> {
    match value {
        AttributeValue::S(text) => Attribute::Text(text),
        AttributeValue::N(digits) => Attribute::Number(digits),
        _ => Attribute::Other,
    }
}

/// The key of a row.
fn key_of<T: Row>(item: &Item) -> Result<String, CallFault> {
    let key = item.get(T::KEY).and_then(|key| key.as_s().ok());
    key.cloned().ok_or_else(|| CallFault::unreadable("the answer has a row without its key"))
}
