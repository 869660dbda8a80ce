//! Profiles from a DynamoDB table: key `customer_id` (S), attributes `segment` (S), `lifetime_value` (N),
//! `risk_score` (N).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_calls::fault::{CallFault, answer_by};
use aws_calls::pauses::Pauses;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use fraud_core::profile::{Attribute, Profile};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};
use super::{Lookup, ProfileAnswer, ProfileStore};

/// The most keys of one BatchGetItem (DynamoDB API reference).
const KEYS_PER_CALL: usize = 100;
/// Calls under way at once. Eight cover 800 customers in one round trip and stay below a connection pool's size.
const CALLS_AT_ONCE: usize = 8;
/// The first pause before keys that DynamoDB left unprocessed are asked for again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is read of a row, and how expressions name it.
const ATTRIBUTES: [(&str, &str); 4] =
    [("#id", CUSTOMER_ID), ("#segment", SEGMENT), ("#value", LIFETIME_VALUE), ("#risk", RISK_SCORE)];

/// A DynamoDB table of profiles.
#[derive(Debug, Clone)]
pub struct DynamoDbProfiles {
    client: Client,
    table: String,
}

/// What one call's share of the customers came to.
#[derive(Default)]
struct Fetched {
    found: HashMap<String, Arc<Profile>>,
    /// The customers that were not answered for, and why.
    unanswered: Vec<String>,
    fault: Option<CallFault>,
}

impl DynamoDbProfiles {
    /// The profiles in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        DynamoDbProfiles { client, table: table.into() }
    }

    async fn fetch(&self, customers: &[&str], deadline: Instant) -> Fetched {
        let mut share = Fetched::default();
        let mut pending: Vec<String> = customers.iter().map(|&customer| customer.to_owned()).collect();
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

    /// One BatchGetItem: the profiles found, and the customers that it left unprocessed.
    async fn call(
        &self,
        customers: &[String],
        deadline: Instant,
    ) -> Result<(Vec<(String, Arc<Profile>)>, Vec<String>), CallFault> {
        let key = |id: &String| HashMap::from([(CUSTOMER_ID.to_owned(), AttributeValue::S(id.clone()))]);
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(customers.iter().map(key).collect()))
            .projection_expression(ATTRIBUTES.map(|(placeholder, _)| placeholder).join(","))
            .set_expression_attribute_names(Some(
                ATTRIBUTES
                    .iter()
                    .map(|(placeholder, name)| ((*placeholder).into(), (*name).into()))
                    .collect(),
            ))
            .build()
            .map_err(|error| CallFault::unusable(&error))?;
        let request = self.client.batch_get_item().request_items(&self.table, keys);
        let answer = answer_by(deadline, request.send()).await?;
        let unprocessed = answer.unprocessed_keys.as_ref().and_then(|tables| tables.get(&self.table));
        let left: Vec<String> = unprocessed
            .map(KeysAndAttributes::keys)
            .unwrap_or_default()
            .iter()
            .map(id)
            .collect::<Result<_, _>>()?;
        let found = match answer.responses.as_ref().and_then(|tables| tables.get(&self.table)) {
            Some(items) => items.iter().map(|item| Ok((id(item)?, Arc::new(profile(item))))).collect(),
            None if left.len() >= customers.len() => Ok(Vec::new()),
            // A customer of whom such an answer says nothing may well have a profile.
            None => Err(CallFault::unreadable("the answer leaves the table out")),
        };
        Ok((found?, left))
    }
}

impl ProfileStore for DynamoDbProfiles {
    async fn lookup(&self, customers: &[&str], deadline: Instant) -> ProfileAnswer {
        let fetches: Vec<_> =
            customers.chunks(KEYS_PER_CALL).map(|chunk| self.fetch(chunk, deadline)).collect();
        let shares: Vec<Fetched> =
            futures_util::stream::iter(fetches).buffer_unordered(CALLS_AT_ONCE).collect().await;
        let mut known: HashMap<String, Lookup> = HashMap::with_capacity(customers.len());
        let mut fault = None;
        for share in shares {
            known.extend(share.found.into_iter().map(|(id, profile)| (id, Lookup::Found(profile))));
            known.extend(share.unanswered.into_iter().map(|id| (id, Lookup::Unavailable)));
            fault = fault.or(share.fault);
        }
        let profiles = customers.iter().map(|&id| known.remove(id).unwrap_or(Lookup::Absent)).collect();
        ProfileAnswer { profiles, cache_hits: 0, looked_up: customers.len(), fault }
    }
}

fn profile(item: &HashMap<String, AttributeValue>) -> Profile {
    let attribute = |name| attribute(item, name);
    Profile::new(attribute(SEGMENT), attribute(LIFETIME_VALUE), attribute(RISK_SCORE))
}

/// An attribute of a table's row, as profiles are built from it.
pub fn attribute<'a>(item: &'a HashMap<String, AttributeValue>, name: &str) -> Attribute<'a> {
    match item.get(name) {
        None => Attribute::Missing,
        Some(AttributeValue::S(text)) => Attribute::Text(text),
        Some(AttributeValue::N(digits)) => Attribute::Number(digits),
        Some(_) => Attribute::Other,
    }
}

/// The customer that a row or a key is of.
fn id(item: &HashMap<String, AttributeValue>) -> Result<String, CallFault> {
    let id = item.get(CUSTOMER_ID).and_then(|id| id.as_s().ok());
    id.cloned().ok_or_else(|| CallFault::unreadable("the answer has a row without its key"))
}
