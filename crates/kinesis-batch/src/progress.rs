//! From where on a batch must be retried.

use serde_json::json;

use crate::batch::Batch;

/// How far a batch has got: the first of its user records that must be retried, and why. `R` is the type of the reason.
///
/// A new one says that no record must be.
#[derive(Debug, Clone, Copy)]
pub struct Progress<R> {
    stop: Option<(usize, R)>,
}

impl<R> Default for Progress<R> {
    fn default() -> Self {
        Progress { stop: None }
    }
}

impl<R: Copy> Progress<R> {
    /// The item at `index` must be retried, and with it all behind it. Nothing there is to be started any
    /// more.
    pub fn stop_at(&mut self, index: usize, reason: R) {
        if self.allows(index) {
            self.stop = Some((index, reason));
        }
    }

    /// Whether the item at `index` is before the first that must be retried.
    pub fn allows(&self, index: usize) -> bool {
        self.stop.is_none_or(|(stop, _)| index < stop)
    }

    /// Why the batch stopped, where it did.
    pub fn retry_reason(&self) -> Option<R> {
        self.stop.map(|(_, reason)| reason)
    }

    /// The number of items that are retried. They are all those of the first one's stream record and behind it, for
    /// Lambda knows stream records only.
    pub fn items_to_retry(&self, batch: &Batch<'_>) -> usize {
        self.stop.map_or(0, |(stop, _)| batch.len() - batch.first_item_beside(stop))
    }

    /// The answer to Lambda.
    pub fn response(&self, batch: &Batch<'_>) -> String {
        let failure = self.stop.and_then(|(stop, _)| batch.stream_record(stop));
        let failures: Vec<_> =
            failure.iter().map(|record| json!({ "itemIdentifier": record.sequence_number })).collect();
        json!({ "batchItemFailures": failures }).to_string()
    }
}
