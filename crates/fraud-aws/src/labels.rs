//! Labels of transactions: the port that keeps them and counts frauds on merchants' days, and what implements it.
//!
//! What is said of a transaction and what of it counts are one write: a label counts once, however often and by however many it is
//! applied.

use std::future::Future;
use std::path::PathBuf;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::label::{Counting, Label, Labelled, Taken};
use tokio::time::Instant;

mod dynamodb;
mod file;
mod memory;
mod stored;
mod table;

pub use dynamodb::DynamoDbLabels;
pub use file::FileLabels;
pub use memory::MemoryLabels;
pub use table::TABLE;

/// Days after its last write that a row is kept: longer than a chargeback takes.
pub const ROW_DAYS: i64 = 400;

/// Days by which the clocks of two who apply labels may differ. So much longer the days of a merchant are left alone that are
/// not counted any more: nobody takes from a count that another has removed.
const CLOCK_DAYS: i32 = 2;

/// Keeps what is said of transactions, and the frauds of merchants' days.
pub trait LabelStore: Send + Sync {
    /// What is said of the transaction with this key, and by whom it was written last; nothing if there is no row.
    ///
    /// # Errors
    /// [`LabelFault`]
    fn read(
        &self,
        key: &str,
        deadline: Instant,
    ) -> impl Future<Output = Result<StoredLabels, LabelFault>> + Send;

    /// Takes a label in and counts it, in one write, once in effect: applied again, by whomever, it changes nothing.
    ///
    /// # Errors
    /// [`LabelFault`]; whether it was applied is then unknown, unless the fault says so. Applying it again is safe.
    fn apply(
        &self,
        write: LabelWrite<'_>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Taken, LabelFault>> + Send;
}

/// A label to be applied.
#[derive(Debug, Clone, Copy)]
pub struct LabelWrite<'a> {
    /// The label. A fraud that does not tell merchant and event time counts nowhere.
    pub label: &'a Label,
    /// Where frauds count.
    pub counting: &'a Counting,
    /// Who applies it.
    pub by: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// What is stored of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredLabels {
    /// How often it was written; 0 if there is no row.
    pub version: u64,
    /// What is said of it.
    pub labelled: Labelled,
    /// Who wrote it last; empty if there is no row.
    pub changed_by: String,
    /// When: RFC 3339; empty if there is no row.
    pub changed_at: String,
}

/// Why a label was not applied, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum LabelFault {
    /// The call failed, after retries.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// The transaction's row is not one that was written here; it stays so until somebody mends it.
    #[error("the row's `{0}` cannot be read")]
    UnreadableRow(&'static str),
    /// A count of the merchant's day is not a number, so that nothing can be added to it.
    #[error("a count of {0} is not a number: mend or delete it (fraudctl entities show)")]
    Count(String),
    /// A file cannot be read or written.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FileFault,
    },
}

/// Why a file of labels or entities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A line is not a row.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The entities cannot be used, or not be written again without losing something.
    #[error(transparent)]
    Entities(#[from] crate::entities::EntitiesFault),
}

#[cfg(test)]
mod tests;
