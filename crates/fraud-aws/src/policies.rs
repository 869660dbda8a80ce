//! Policies: where they are loaded from, and the store of those that were published.

use crate::config::POLICY_STORE;
use crate::port::{Call, Port};

mod load;
mod store;
pub mod table;

pub use load::{LOAD_TIME, PolicyError, PolicyFault};
pub use store::{PolicyStore, Publication, PublishedPolicy, StoreFault};

/// The port as data.
pub const PORT: Port =
    Port { name: "policies", variable: POLICY_STORE, calls: &[Call::new("GetItem", "dynamodb:GetItem")] };

#[cfg(test)]
mod tests;
