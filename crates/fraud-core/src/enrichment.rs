//! What the lookup of a customer's profile came to.

use crate::profile::Profile;

/// The outcome of the lookup for one record. "There is none" and "could not look" are different words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Enrichment<'p> {
    /// The customer has a profile.
    Profile(&'p Profile),
    /// The customer has none.
    NoProfile,
    /// The transaction names no customer.
    NoCustomer,
    /// The profile could not be looked up.
    Unavailable,
}

impl<'p> Enrichment<'p> {
    /// The profile, where there is one.
    pub fn profile(self) -> Option<&'p Profile> {
        match self {
            Enrichment::Profile(profile) => Some(profile),
            _ => None,
        }
    }

    /// The word that records carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Enrichment::Profile(profile) if profile.is_valid() => "profile",
            Enrichment::Profile(_) => "invalid_profile",
            Enrichment::NoProfile => "no_profile",
            Enrichment::NoCustomer => "no_customer",
            Enrichment::Unavailable => "unavailable",
        }
    }
}
