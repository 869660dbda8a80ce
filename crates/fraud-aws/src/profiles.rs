//! Customer profiles: the port, and what implements it.

use fraud_core::enrichment::Enrichment;
use fraud_core::profile::Profile;

use crate::config::PROFILE_SOURCE;
use crate::lookup::{self, Answer, Store};
use crate::port::{Call, Port};

mod connect;
mod dynamodb;
mod file;
mod looked_up;
pub mod rows;
pub mod table;

pub use crate::lookup::look_up;
pub use connect::Profiles;
pub use dynamodb::DynamoDbProfiles;
pub use file::{FileProfiles, ProfileFileError, ProfilesError};

/// The port as data.
pub const PORT: Port = Port {
    name: "profiles",
    variable: PROFILE_SOURCE,
    calls: &[Call::new("BatchGetItem", "dynamodb:BatchGetItem")],
};

/// Where profiles are looked up, by the customer's id.
pub trait ProfileStore: Store<Known = Profile> {}

impl<S: Store<Known = Profile>> ProfileStore for S {}

/// What a lookup of profiles came to.
pub type ProfileAnswer = Answer<Profile>;

/// What is known of one customer.
pub type Lookup = lookup::Lookup<Profile>;

/// What was looked up of the customers of a batch.
pub type LookedUp = lookup::LookedUp<Profile>;

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

#[cfg(test)]
mod tests;
