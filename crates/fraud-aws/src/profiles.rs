//! Customer profiles: the port, and what implements it.

use std::future::Future;
use std::sync::Arc;

use aws_calls::fault::CallFault;
use fraud_core::enrichment::Enrichment;
use fraud_core::profile::Profile;
use tokio::time::Instant;

use crate::config::PROFILE_SOURCE;
use crate::port::{Call, Port};

mod cache;
mod connect;
mod dynamodb;
mod file;
mod looked_up;
pub mod rows;
pub mod table;

pub use cache::CachedProfiles;
pub use connect::Profiles;
pub use dynamodb::{DynamoDbProfiles, attribute};
pub use file::{FileProfiles, ProfileFileError, ProfilesError};
pub use looked_up::{LookedUp, look_up, lookup_deadline};

/// The port as data.
pub const PORT: Port = Port {
    name: "profiles",
    variable: PROFILE_SOURCE,
    calls: &[Call::new("BatchGetItem", "dynamodb:BatchGetItem")],
};

/// Where profiles are looked up.
pub trait ProfileStore: Send + Sync {
    /// Looks up distinct customers. Answers by `deadline` at the latest, with what was found until then.
    fn lookup(&self, customers: &[&str], deadline: Instant) -> impl Future<Output = ProfileAnswer> + Send;
}

/// What a lookup came to.
#[derive(Debug, Clone, Default)]
pub struct ProfileAnswer {
    /// One for each customer asked for, in that order.
    pub profiles: Vec<Lookup>,
    /// How many were answered from memory.
    pub cache_hits: usize,
    /// How many the store itself was asked for.
    pub looked_up: usize,
    /// Why some are unavailable: the first fault met.
    pub fault: Option<CallFault>,
}

/// What is known of one customer.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// The customer's profile.
    Found(Arc<Profile>),
    /// The store has none.
    Absent,
    /// The store did not say.
    Unavailable,
}

impl Lookup {
    /// The outcome as records carry it.
    pub fn enrichment(&self) -> Enrichment<'_> {
        match self {
            Lookup::Found(profile) => Enrichment::Profile(profile),
            Lookup::Absent => Enrichment::NoProfile,
            Lookup::Unavailable => Enrichment::Unavailable,
        }
    }
}

impl From<Option<Arc<Profile>>> for Lookup {
    fn from(known: Option<Arc<Profile>>) -> Self {
        known.map_or(Lookup::Absent, Lookup::Found)
    }
}

#[cfg(test)]
mod tests;
