//! How Firehose calls a function, and what it writes: by a paused clock, over functions from a script.

// What is allowed in tests is allowed in their helpers too.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod answers;
mod batches;
mod objects;
mod partitions;
mod properties;
mod stream_source;
mod support;
