//! Labels in a file, beside a file of entities: for development, and for whoever has no table.
//!
//! The labels are the truth. What they count is put into the entities anew with every save, so that a process that dies between
//! the two files leaves nothing that the next save does not mend.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fraud_core::entity::EntityKind;
use fraud_core::label::{Counting, Taken};
use fraud_core::merchant::{Bucket, MerchantDays};
use tokio::time::Instant;

use super::memory::Kept;
use super::stored::{line, of_line};
use super::{FileFault, LabelFault, LabelStore, LabelWrite, StoredLabels};
use crate::entities::{EditableEntities, key_of, lock, replace};

/// A file of labels, one JSON object a line, and the file of entities that has merchants' days. What is applied is in memory until
/// it is [saved](Self::save).
#[derive(Debug)]
pub struct FileLabels {
    path: PathBuf,
    open: Mutex<Open>,
    /// Held until the labels are closed.
    _lock: File,
}

#[derive(Debug)]
struct Open {
    kept: Kept,
    entities: EditableEntities,
}

impl FileLabels {
    /// Opens both files for this process alone; either may not be there yet.
    ///
    /// # Errors
    /// [`LabelFault::File`] if one cannot be read, or another process has it open.
    pub fn open(labels: &Path, entities: &Path) -> Result<Self, LabelFault> {
        let fault = |path: &Path, error: FileFault| LabelFault::File { path: path.to_owned(), error };
        let lock = lock(labels).map_err(|error| fault(labels, error.into()))?;
        let kept = read(labels).map_err(|error| fault(labels, error))?;
        let entities = EditableEntities::open(entities).map_err(|error| fault(entities, error))?;
        let open = Mutex::new(Open { kept, entities });
        Ok(FileLabels { path: labels.to_owned(), open, _lock: lock })
    }

    /// What is stored of a transaction in a file of labels, whoever else has it open.
    ///
    /// # Errors
    /// [`LabelFault::File`] if it cannot be read.
    pub fn look_up(labels: &Path, key: &str) -> Result<StoredLabels, LabelFault> {
        let kept = read(labels).map_err(|error| LabelFault::File { path: labels.to_owned(), error })?;
        Ok(kept.rows.get(key).cloned().unwrap_or_default())
    }

    /// Writes both files: the labels, and what of them counts.
    ///
    /// # Errors
    /// [`LabelFault::File`]; the files are then as they were, or the labels are new already: saving again mends that.
    pub fn save(&self, counting: &Counting) -> Result<(), LabelFault> {
        let mut open = self.lock();
        let Open { kept, entities } = &mut *open;
        let rows: BTreeMap<&String, &StoredLabels> = kept.rows.iter().collect();
        let lines = rows.iter().map(|(key, row)| line(key, row) + "\n").collect::<String>();
        replace(&self.path, lines.as_bytes())
            .map_err(|error| LabelFault::File { path: self.path.clone(), error: error.into() })?;
        let mut merchants: BTreeMap<&str, MerchantDays> = BTreeMap::new();
        let counted = rows.values().filter_map(|row| row.labelled.counted());
        for fraud in counted.filter(|fraud| fraud.day >= counting.first_day()) {
            let days = merchants.entry(&fraud.merchant_id).or_default();
            days.add(Bucket::Frauds, fraud.day, 1);
            days.add(Bucket::Ordinary, fraud.day, i32::from(fraud.ordinary));
        }
        entities.retain_counts(|bucket, day| bucket == Bucket::Transactions && day >= counting.first_day());
        for (merchant, days) in merchants {
            let key = key_of(EntityKind::Merchant, merchant);
            for counts in days.days() {
                entities.set_count(&key, Bucket::Frauds, counts.day, counts.frauds);
                entities.set_count(&key, Bucket::Ordinary, counts.day, counts.ordinary);
            }
        }
        entities
            .save()
            .map_err(|error| LabelFault::File { path: entities.path().to_owned(), error: error.into() })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every change under the lock is complete before anything can panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LabelStore for FileLabels {
    async fn read(&self, key: &str, _deadline: Instant) -> Result<StoredLabels, LabelFault> {
        Ok(self.lock().kept.rows.get(key).cloned().unwrap_or_default())
    }

    async fn apply(&self, write: LabelWrite<'_>, _deadline: Instant) -> Result<Taken, LabelFault> {
        Ok(self.lock().kept.apply(write))
    }
}

fn read(path: &Path) -> Result<Kept, FileFault> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let mut kept = Kept::default();
    for (place, text) in text.lines().enumerate() {
        let fault = |member| FileFault::Line {
            line: place + 1,
            what: format!("it is not a row that `labels apply` wrote: `{member}` cannot be read"),
        };
        let (key, row) = of_line(text).map_err(fault)?;
        kept.rows.insert(key, row);
    }
    Ok(kept)
}
