//! The event source mapping's rules, over a scripted function and under a paused clock.

// What is allowed in tests is allowed in their helpers too.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod batches;
mod discarding;
mod lanes;
mod partial_responses;
mod properties;
mod retries;
mod runs;
mod shards;
mod support;
