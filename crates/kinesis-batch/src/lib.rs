//! A batch from a Kinesis event source mapping, as both Kinesis functions handle it.
//!
//! [`Batch`] takes an event apart into transactions, KPL aggregates included. [`Progress`] remembers from where on the
//! batch must be retried, and writes the answer that tells Lambda so. [`dead_letter`] sends the records that can never
//! succeed to the dead letters, and [`Redelivery`] is the event in which one of them is redelivered.
//!
//! The rule behind all of it: of the sequence numbers that a function reports as failed Lambda takes the lowest, and
//! retries everything from it on, also what had succeeded
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>). So work stops at the first record that must be retried, and what was done beyond it must be
//! safe to do twice.

mod batch;
mod progress;
mod redelivery;
mod response;
#[cfg(test)]
mod testing;
mod time_limits;
mod undeliverable;

pub use batch::{Batch, Received};
pub use progress::{Progress, RetryReason};
pub use redelivery::Redelivery;
pub use response::BatchResult;
pub use time_limits::TimeLimits;
pub use undeliverable::{DeadLettered, dead_letter};
