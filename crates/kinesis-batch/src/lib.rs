//! A batch from a Kinesis event source mapping, as both Kinesis functions handle it.
//!
//! [`Batch`] takes an event apart into transactions, KPL aggregates included. [`Progress`] remembers from where on the
//! batch must come again, and writes the answer that tells Lambda so. [`bury`] sends the records that can never succeed
//! to the dead letters, and [`Redelivery`] is the event in which one of them comes again.
//!
//! The rule behind all of it: of the sequence numbers that a function reports as failed Lambda takes the lowest, and
//! everything from it on comes again, also what had succeeded (AWS Lambda developer guide, "Configuring partial batch
//! response with Kinesis"). So work stops at the first record that must come again, and what was done beyond it must be
//! safe to do twice.

mod batch;
mod burial;
mod progress;
mod redelivery;
mod response;
#[cfg(test)]
mod testing;
mod time_limits;

pub use batch::{Batch, Received};
pub use burial::{Burial, bury};
pub use progress::{Progress, RetryReason};
pub use redelivery::Redelivery;
pub use response::BatchResult;
pub use time_limits::TimeLimits;
