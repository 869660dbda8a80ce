//! What the customers' histories say of a batch's records. The function that alerts takes records in; this one only reads,
//! and waits a moment for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_calls::fault::CallFault;
use fraud_aws::history::{HistoryStore, StoredHistory};
use fraud_aws::lookup::distinct;
use fraud_core::found::HistoryFound;
use fraud_core::history::{Answer, Incoming};
use tokio::time::Instant;

/// How long records are waited for that were not taken in yet: all of an invocation together.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The first pause before rows are read again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Whether to wait at all: not if the last wait was in vain, so that a stopped alerting function does not slow the lake down.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    waited_in_vain: AtomicBool,
}

/// What the histories say of a batch's records.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    /// For each record its customer's place among the rows and what is asked; `None` for one without a history.
    asked: Vec<Option<(usize, Incoming)>>,
    rows: Vec<Result<StoredHistory, CallFault>>,
}

impl Histories {
    /// Reads the rows of the records' customers, until every record was taken in or the time to wait is over. `records` are the
    /// batch's in order, each with its customer if it has a history.
    pub(crate) async fn read<'r>(
        store: &impl HistoryStore,
        records: impl Iterator<Item = Option<(&'r str, Incoming)>>,
        patience: &Patience,
        deadline: Instant,
    ) -> Self {
        let (customers, asked): (Vec<_>, Vec<_>) = records.map(Option::unzip).unzip();
        let (customers, places) = distinct(customers.into_iter());
        let asked = places.into_iter().zip(asked).map(|(place, asked)| place.zip(asked)).collect();
        let rows = if customers.is_empty() { Vec::new() } else { store.read(&customers, deadline).await };
        let mut histories = Histories { asked, rows };
        if histories.is_complete() {
            return histories;
        }
        let until = deadline.min(Instant::now() + LONGEST_WAIT);
        let may_wait = !patience.waited_in_vain.load(Ordering::Relaxed);
        let mut pause = FIRST_PAUSE;
        while may_wait && !histories.is_complete() && Instant::now() + pause < until {
            tokio::time::sleep(pause).await;
            pause *= 2;
            histories.read_again(store, &customers, until).await;
        }
        patience.waited_in_vain.store(!histories.is_complete(), Ordering::Relaxed);
        histories
    }

    /// What the history says of a record.
    pub(crate) fn of(&self, index: usize) -> HistoryFound<'_> {
        let Some(Some((place, incoming))) = self.asked.get(index) else { return HistoryFound::None };
        match self.rows.get(*place) {
            Some(Ok(StoredHistory { history: Ok(history), .. })) => match history.recall(incoming) {
                Some(Answer::Again(entry)) => HistoryFound::Again(entry),
                Some(Answer::Unknown) => HistoryFound::Expired,
                Some(Answer::New(_)) | None => HistoryFound::Lagging,
            },
            Some(Ok(StoredHistory { history: Err(_), .. })) => HistoryFound::Invalid,
            Some(Err(_)) | None => HistoryFound::Unavailable,
        }
    }

    /// Why rows could not be read: the first fault met.
    pub(crate) fn fault(&self) -> Option<&CallFault> {
        self.rows.iter().find_map(|row| row.as_ref().err())
    }

    fn is_complete(&self) -> bool {
        (0..self.asked.len()).all(|index| !self.is_lagging(index))
    }

    fn is_lagging(&self, index: usize) -> bool {
        matches!(self.of(index), HistoryFound::Lagging)
    }

    /// Reads the rows of those customers again of whom a record was not taken in.
    async fn read_again(&mut self, store: &impl HistoryStore, customers: &[&str], deadline: Instant) {
        let mut lagging: Vec<usize> = self
            .asked
            .iter()
            .enumerate()
            .filter(|(index, _)| self.is_lagging(*index))
            .filter_map(|(_, asked)| asked.as_ref().map(|(place, _)| *place))
            .collect();
        lagging.sort_unstable();
        lagging.dedup();
        let names: Vec<&str> = lagging.iter().filter_map(|&place| customers.get(place).copied()).collect();
        for (place, row) in lagging.into_iter().zip(store.read(&names, deadline).await) {
            // A row that cannot be read now was read before.
            if let (Some(known), Ok(row)) = (self.rows.get_mut(place), row) {
                *known = Ok(row);
            }
        }
    }
}
