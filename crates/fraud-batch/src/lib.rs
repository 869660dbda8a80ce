//! A batch of a Kinesis stream as both Kinesis functions handle it: what [`kinesis_batch`] says of records, said of
//! transactions.
//!
//! [`transactions`] reads a batch's records. [`Progress`] remembers from where on it must be retried, for one of the closed
//! list of [`RetryReason`]s. [`dead_letter`] sends the records that can never succeed to the dead letters, and counts them.
//! [`TimeLimits`] shares out an invocation's time.

mod dead_letters;
mod received;
mod retry_reason;
#[cfg(test)]
mod testing;
mod time_limits;

pub use dead_letters::{DeadLettered, dead_letter};
pub use kinesis_batch::{Batch, BatchResult, Redelivery};
pub use received::{Received, transactions};
pub use retry_reason::RetryReason;
pub use time_limits::TimeLimits;

/// How far a batch has got: the first of its records that must be retried, and why.
pub type Progress = kinesis_batch::Progress<RetryReason>;
