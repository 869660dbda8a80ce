//! Histories in memory behind the fates: every write is held against the plain fold, and what it met is counted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_calls::fault::{CallFault, FaultKind};
use fraud_aws::history::{HistoryFault, HistoryStore, MemoryHistory, RowWrite, StoredHistory, Written};
use fraud_core::history::{Entry, EntryKey, History, HistoryInputs, Incoming, MEMORY_MILLIS, fold::Fold};
use tokio::time::Instant;

use super::super::ports::{Call, Fates, FlakyLedger, Log, reached};
use super::rules::Rules;

/// What a run must have met: what it has not met it has not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    TakenIn,
    Written,
    WrittenWithClaims,
    Conflict,
    ClaimRefusedSameContent,
    ClaimRefusedOtherContent,
    LeftByAge,
    LeftByNumber,
    HeldByACopy,
    /// Taken in low, and high by a later policy.
    AlertedLater,
    Expired,
    ForgottenWithAClaim,
    ForgottenWithoutAClaim,
    Killed,
    /// An invocation died after the one call and before the other.
    DiedBetween(Call, Call),
    GivenUp,
    Redriven,
    Aggregated,
    Scattered,
    Split,
    Merged,
    StreamMadeAnew,
    BackfilledAndDelivered,
    /// A record was handled under two policies.
    PolicyChanged,
}

pub(super) type Edges = BTreeMap<Edge, u64>;

/// A store in a process that decides by these rules.
#[derive(Debug)]
pub(super) struct FlakyHistory {
    pub(super) fates: Fates,
    pub(super) inner: Arc<MemoryHistory>,
    pub(super) log: Log,
    pub(super) taken: Arc<Mutex<TakenIn>>,
    pub(super) rules: Rules,
}

/// What a transaction was decided with when it was taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    /// The arrival of the record.
    pub(super) arrival: i64,
    pub(super) inputs: HistoryInputs,
    pub(super) is_high: bool,
}

/// What was taken in, as the table saw it.
#[derive(Debug, Default)]
pub(super) struct TakenIn {
    /// By transaction, its records.
    pub(super) records: HashMap<EntryKey, Vec<Incoming>>,
    folds: HashMap<String, Fold>,
    /// By transaction, what it was decided with, each time that a record of it was taken in.
    pub(super) decided: HashMap<EntryKey, Vec<Decided>>,
    pub(super) edges: Edges,
}

impl TakenIn {
    pub(super) fn count(&mut self, edge: Edge) {
        self.count_times(edge, 1);
    }

    pub(super) fn count_times(&mut self, edge: Edge, times: u64) {
        *self.edges.entry(edge).or_default() += times;
    }

    /// A record was taken in: with the inputs of the plain fold, and for the first time.
    pub(super) fn took_in(
        &mut self,
        customer: &str,
        key: EntryKey,
        arrival: i64,
        inputs: HistoryInputs,
        (rules, is_alerted): (Rules, bool),
    ) {
        let fold = self.folds.entry(customer.to_owned()).or_default();
        let copies = self.records[&key].iter().filter(|copy| copy.place.arrival == arrival);
        let record = copies.clone().next().unwrap();
        assert_eq!(inputs, fold.inputs(record), "{record:?}");
        fold.add(record, &inputs, rules.settings());
        let decided = self.decided.entry(key).or_default();
        decided.push(Decided { arrival, inputs, is_high: is_alerted && rules.is_high(&inputs) });
        let taken_in = decided.iter().filter(|decided| decided.arrival == arrival).count();
        assert!(taken_in <= copies.count(), "{record:?} was taken in twice");
        self.count(Edge::TakenIn);
    }

    /// A row was written: what it holds and did not hold before was taken in, and what it holds still is as it was.
    fn written(&mut self, before: &History, write: &RowWrite<'_>, rules: Rules) {
        let known: HashMap<EntryKey, &Entry> =
            before.entries().iter().map(|entry| (entry.key(), entry)).collect();
        let after = write.history;
        let now = after.now().unwrap().arrival;
        for entry in after.entries() {
            match known.get(&entry.key()) {
                Some(known) => {
                    assert_eq!(entry.inputs(), known.inputs(), "stored inputs never change");
                    assert_eq!(entry.known(), known.known(), "what was looked up never changes");
                    assert_eq!(entry.arrival(), known.arrival(), "{entry:?}");
                    if entry.alerted() && !known.alerted() {
                        self.count(Edge::AlertedLater);
                    }
                }
                None => {
                    let how = (rules, true);
                    self.took_in(write.customer_id, entry.key(), entry.arrival(), entry.inputs(), how);
                }
            }
            let is_old = entry.arrival() <= now - MEMORY_MILLIS;
            if is_old && entry.copied().is_some_and(|copied| copied > now - MEMORY_MILLIS) {
                self.count(Edge::HeldByACopy);
            }
        }
        let kept: std::collections::HashSet<EntryKey> = after.entries().iter().map(Entry::key).collect();
        for left in before.entries().iter().filter(|entry| !kept.contains(&entry.key())) {
            let last_seen = left.copied().unwrap_or(left.arrival());
            let is_old = last_seen <= now - MEMORY_MILLIS;
            self.count(if is_old { Edge::LeftByAge } else { Edge::LeftByNumber });
        }
    }
}

impl HistoryStore for FlakyHistory {
    type Ledger = FlakyLedger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let work = async || {
            reached(&self.log, Call::ReadHistory);
            Ok(self.inner.read(customers, deadline).await)
        };
        let read = self.fates.apply(Call::ReadHistory, deadline, work, CallFault::deadline).await;
        read.unwrap_or_else(|fault| vec![Err(fault); customers.len()])
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &FlakyLedger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let work = async || {
            reached(&self.log, Call::WriteHistory);
            let before = self.inner.read(&[write.customer_id], deadline).await.remove(0).unwrap();
            let written = self.inner.write(write, &ledger.inner, deadline).await?;
            let taken = &mut *self.taken.lock().unwrap();
            match &written {
                Written::Done if write.alerts.is_empty() => taken.count(Edge::Written),
                Written::Done => taken.count(Edge::WrittenWithClaims),
                Written::Conflict => taken.count(Edge::Conflict),
                Written::Claimed(standing) => {
                    for claim in standing {
                        let alert = write.alerts.iter().find(|alert| alert.alert_id == claim.alert_id);
                        let is_same =
                            alert.is_some_and(|alert| alert.is_of_the_same_content(claim.fingerprint));
                        taken.count(match is_same {
                            true => Edge::ClaimRefusedSameContent,
                            false => Edge::ClaimRefusedOtherContent,
                        });
                    }
                }
            }
            if written == Written::Done {
                taken.written(before.history.as_ref().unwrap(), &write, self.rules);
            }
            Ok(written)
        };
        let fault = || HistoryFault::Call(CallFault::new(FaultKind::Failed, "ordered"));
        self.fates.apply(Call::WriteHistory, deadline, work, fault).await
    }
}
