//! A record of the past.

use std::hash::{DefaultHasher, Hash, Hasher};

use exact_text::timestamp::Timestamp;
use fraud_core::history::{Incoming, Place, counted_second, ten_thousandths};
use fraud_core::label::Verdict;
use fraud_core::profile::Profile;
use fraud_core::transaction::Transaction;

/// A record of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRecord<'t> {
    /// Its transaction, as the first policy asks for it.
    pub transaction: Transaction<'t>,
    /// The same as the second policy asks for it, if that asks for something else.
    pub other: Option<Transaction<'t>>,
    /// When it arrived.
    pub arrival: Timestamp,
    /// Where it is in time.
    pub place: Place,
    /// The record's identity.
    pub identity: String,
    /// When the transaction counts in histories and on merchants' days, in seconds since the epoch.
    pub second: i64,
    /// The profile that it was scored with, if that is to be used.
    pub profile: Option<Profile>,
    /// What the record itself says of the transaction: fraud or legitimate.
    pub verdict: Option<Verdict>,
    /// As histories see it, if a policy looks at them.
    pub(super) incoming: Option<Incoming>,
    pub(super) customer_hash: u64,
    /// The same for the same transaction.
    pub(super) content_hash: u64,
}

impl<'t> PastRecord<'t> {
    /// The record of a transaction that arrived at `arrival` and is at `place`. `with_history`: whether a policy looks at the
    /// customers' history.
    pub fn new(
        transaction: Transaction<'t>,
        identity: String,
        arrival: Timestamp,
        place: Place,
        with_history: bool,
    ) -> Self {
        let incoming = with_history.then(|| Incoming::under(&identity, &transaction, place));
        let second = counted_second(&transaction.event_time, arrival.millis());
        let mut content = DefaultHasher::new();
        identity.hash(&mut content);
        // Who picks an id twice has made two transactions.
        (ten_thousandths(&transaction.amount), second).hash(&mut content);
        PastRecord {
            customer_hash: hash(transaction.customer_id.as_deref().unwrap_or_default()),
            content_hash: content.finish(),
            transaction,
            other: None,
            arrival,
            place,
            identity,
            second,
            profile: None,
            verdict: None,
            incoming,
        }
    }

    /// The transaction as the policy at this place asks for it.
    pub(super) fn asked_by(&self, place: usize) -> &Transaction<'t> {
        self.other.as_ref().filter(|_| place > 0).unwrap_or(&self.transaction)
    }

    /// The amount in ten-thousandths.
    pub fn amount(&self) -> i64 {
        self.incoming
            .as_ref()
            .map_or_else(|| ten_thousandths(&self.transaction.amount), |incoming| incoming.amount)
    }
}

/// The same in each run.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
