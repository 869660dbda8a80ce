//! A record of the past.

use exact_text::timestamp::Timestamp;
use fraud_core::history::{Incoming, Place, counted_second, ten_thousandths};
use fraud_core::label::Verdict;
use fraud_core::profile::Profile;
use fraud_core::transaction::Transaction;

use crate::hashing::fixed_hash;

/// A record of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRecord<'t> {
    /// Its transaction, as the first policy asks for it.
    pub transaction: Transaction<'t>,
    /// The same as the second policy asks for it, if that asks for something else.
    pub other: Option<Box<Transaction<'t>>>,
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
    /// The amount in ten-thousandths, rounded half to even; saturated at what an i64 holds.
    pub amount: i64,
    /// As histories see it, if a policy looks at them.
    pub(super) incoming: Option<Box<Incoming>>,
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
        let incoming = with_history.then(|| Box::new(Incoming::under(&identity, &transaction, place)));
        let second = counted_second(&transaction.event_time, arrival.millis());
        let amount = incoming
            .as_ref()
            .map_or_else(|| ten_thousandths(&transaction.amount), |incoming| incoming.amount);
        PastRecord {
            customer_hash: fixed_hash(transaction.customer_id.as_deref().unwrap_or_default()),
            // Who picks an id twice has made two transactions.
            content_hash: fixed_hash((&identity, amount, second)),
            transaction,
            other: None,
            arrival,
            place,
            identity,
            second,
            profile: None,
            verdict: None,
            amount,
            incoming,
        }
    }

    /// The transaction as the policy at this place asks for it.
    pub(super) fn asked_by(&self, place: usize) -> &Transaction<'t> {
        self.other.as_deref().filter(|_| place > 0).unwrap_or(&self.transaction)
    }
}
