//! Labels in this process's memory, for tests and for what needs no table.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fraud_core::label::Taken;
use fraud_core::merchant::MerchantDays;
use tokio::time::Instant;

use super::{LabelFault, LabelStore, LabelWrite, StoredLabels};

/// The rows by key, and merchants' days.
#[derive(Debug, Default)]
pub struct MemoryLabels(Mutex<Kept>);

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) rows: HashMap<String, StoredLabels>,
    merchants: BTreeMap<String, MerchantDays>,
}

impl Kept {
    /// Takes a label in and counts it.
    pub(super) fn apply(&mut self, write: LabelWrite<'_>) -> Taken {
        let LabelWrite { label, counting, by, at } = write;
        let row = self.rows.entry(label.key()).or_default();
        let taken = row.labelled.take_in(label.statement.clone(), counting);
        let Taken::Holds(change) = &taken else { return taken };
        row.version = row.version.saturating_add(1);
        (row.changed_by, row.changed_at) = (by.to_owned(), at.to_string());
        for (merchant, buckets) in change.by_merchant(counting) {
            let days = self.merchants.entry(merchant.to_owned()).or_default();
            for ((bucket, day), change) in buckets {
                days.add(bucket, day, change);
            }
            days.forget_before(counting.first_day());
        }
        taken
    }
}

impl MemoryLabels {
    /// The frauds of merchants' days, by merchant.
    pub fn merchants(&self) -> BTreeMap<String, MerchantDays> {
        self.kept().merchants.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change under the lock is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LabelStore for MemoryLabels {
    async fn read(&self, key: &str, _deadline: Instant) -> Result<StoredLabels, LabelFault> {
        Ok(self.kept().rows.get(key).cloned().unwrap_or_default())
    }

    async fn apply(&self, write: LabelWrite<'_>, _deadline: Instant) -> Result<Taken, LabelFault> {
        Ok(self.kept().apply(write))
    }
}
