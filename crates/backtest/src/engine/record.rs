//! A record of the past.

use std::borrow::Cow;

use exact_text::timestamp::Timestamp;
use fraud_core::entity::EntityKinds;
use fraud_core::history::{Incoming, Place, counted_second, ten_thousandths};
use fraud_core::label::Verdict;
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;
use fraud_core::transaction::{Asked, TimeField, Transaction};

use super::labels::key_of;
use crate::hashing::fixed_hash;

/// What to read of each record, by policy; one if all ask for the same. Each has its policy's own members, and what any of them
/// looks at for histories and entities: what a record is to histories and merchants' days is taken from the first.
pub fn asked_by_all(policies: &[&Policy]) -> Vec<Asked> {
    let mut asked: Vec<Asked> = policies.iter().map(|policy| policy.asked().clone()).collect();
    let entities: EntityKinds = asked.iter().flat_map(|asked| asked.entities.iter()).collect();
    let currency = asked.iter().any(|asked| asked.currency);
    for asked in &mut asked {
        asked.entities = entities;
        asked.currency = currency;
    }
    asked.dedup();
    asked
}

/// A record of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRecord<'t> {
    /// Its transaction, read by the first of [`asked_by_all`].
    pub transaction: Transaction<'t>,
    /// The same, read by the second, if there is one.
    pub other: Option<Box<Transaction<'t>>>,
    /// When it arrived.
    pub arrival: Timestamp,
    /// Where it is in time.
    pub place: Place,
    /// When the transaction counts in histories and on merchants' days, in seconds since the epoch.
    pub second: i64,
    /// The profile that it was scored with, if that is to be used.
    pub profile: Option<Profile>,
    /// What the record itself says of the transaction: fraud or legitimate.
    pub verdict: Option<Verdict>,
    /// The amount in ten-thousandths, rounded half to even; saturated at what an i64 holds.
    pub amount: i64,
    /// As histories see it, if a policy looks at them.
    pub(super) incoming: Option<Incoming>,
    /// The record's identity, if it is not that of its transaction.
    named: Option<String>,
    pub(super) customer_hash: u64,
    /// The identity's [key](key_of).
    pub(super) key: u64,
    /// The same for the same transaction.
    pub(super) content_hash: u64,
}

/// Amounts of up to this many characters are equal if their f64 are.
const EXACT_DIGITS: usize = 15;
/// Most identities have no more bytes.
const USUAL_IDENTITY: usize = 64;

impl<'t> PastRecord<'t> {
    /// The record of a transaction that arrived at `arrival` and is at `place`. `named`: its identity, if that is not what the
    /// transaction's own ids make. `with_history`: whether a policy looks at the customers' history.
    pub fn new(
        transaction: Transaction<'t>,
        named: Option<String>,
        arrival: Timestamp,
        place: Place,
        with_history: bool,
    ) -> Self {
        let key = match &named {
            Some(named) => key_of(named),
            None => key_of(&identity_of(&transaction)),
        };
        let second = counted_second(&transaction.event_time, arrival.millis());
        let amount = ten_thousandths(&transaction.amount);
        PastRecord {
            incoming: with_history.then(|| incoming(key, named.as_deref(), &transaction, place)),
            // Who picks an id twice has made two transactions.
            customer_hash: fixed_hash(transaction.customer_id.as_deref()),
            content_hash: fixed_hash((key, amount, second)),
            key,
            named,
            transaction,
            other: None,
            arrival,
            place,
            second,
            profile: None,
            verdict: None,
            amount,
        }
    }

    /// The record's identity.
    pub fn identity(&self) -> Cow<'_, str> {
        match &self.named {
            Some(named) => Cow::Borrowed(named),
            None => Cow::Owned(identity_of(&self.transaction)),
        }
    }

    /// In which of this many shards the record's customer is.
    pub fn shard(&self, shards: usize) -> usize {
        // The upper half of a product with less than 2^64 is below the factor.
        ((u128::from(self.customer_hash) * shards as u128) >> 64) as usize
    }

    /// The transaction as the policy at this place asks for it.
    pub(super) fn asked_by(&self, place: usize) -> &Transaction<'t> {
        self.other.as_deref().filter(|_| place > 0).unwrap_or(&self.transaction)
    }
}

/// The identity that a transaction's own ids make; empty if it has no id.
fn identity_of(transaction: &Transaction<'_>) -> String {
    let mut text = String::with_capacity(USUAL_IDENTITY);
    if let Some(identity) = transaction.identity(None) {
        identity.pieces(|piece| text.push_str(piece));
    }
    text
}

/// A record as histories see it, under a fast hash of what rows have a slow one of.
fn incoming(key: u64, named: Option<&str>, transaction: &Transaction<'_>, place: Place) -> Incoming {
    match &transaction.event_time {
        TimeField::Known(time, _) if transaction.amount.digits.len() <= EXACT_DIGITS => {
            // Both zeros are one amount.
            let amount = (transaction.amount.value + 0.0).to_bits();
            Incoming::in_memory(fixed_hash((key, amount, time.instant.millis())), transaction, place)
        }
        _ => match named {
            Some(named) => Incoming::under(named, transaction, place),
            None => Incoming::under(&identity_of(transaction), transaction, place),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> fraud_core::history::EntryKey {
        let transaction = Transaction::parse(json.as_bytes()).unwrap();
        let place = Place::first_at(0);
        let arrival = Timestamp::from_millis(0).unwrap();
        PastRecord::new(transaction, None, arrival, place, true).incoming.unwrap().key
    }

    #[test]
    fn histories_know_a_transaction_by_what_it_says_however_it_is_written() {
        let text = r#"{"customer_id":"C","transaction_id":"T","amount":5,"event_time":"1970-01-01T00:00:01Z","merchant_id":"M"}"#;
        let known = key(text);
        for (part, otherwise) in
            [(":5", ":5.0"), (r#""1970-01-01T00:00:01Z""#, "1"), (r#""T""#, r#""\u0054""#)]
        {
            assert_eq!(key(&text.replace(part, otherwise)), known, "{otherwise}");
        }
        for (part, other) in [
            (":5", ":5.5"),
            ("01Z", "01.001Z"),
            (r#""T""#, r#""U""#),
            (r#""C""#, r#""D""#),
            (r#""M""#, r#""N""#),
        ] {
            assert_ne!(key(&text.replace(part, other)), known, "{other}");
        }
    }
}
