//! What a policy would have done: [`engine`] runs it over transactions of the past, with the code that decides live, and
//! [`measures`] says by the labels how well it did.
//!
//! Pure as `fraud-core` is: no I/O, no clock, no threads. The same transactions, labels and policy give the same result.

pub mod engine;
pub mod fit;
mod hashing;
pub mod measures;
