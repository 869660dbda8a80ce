//! What [`Tally`](backtest::measures::Tally) and [`Comparison`](backtest::measures::Comparison) promise.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod comparison;
mod json;
mod made;
mod properties;
mod vectors;
