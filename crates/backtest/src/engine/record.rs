//! A record of the past.

use exact_text::timestamp::Timestamp;
use fraud_core::entity::EntityKinds;
use fraud_core::history::{Incoming, Place, counted_second, ten_thousandths};
use fraud_core::label::Verdict;
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;
use fraud_core::transaction::{Asked, Transaction};

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
