//! What reads a stream, as a process against the embedded AWS: `consume` and `replay`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consume;
mod replay;
mod support;
mod transform;
