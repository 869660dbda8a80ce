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
    /// The profile, if there is one.
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

/// How many records of a batch had each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnrichmentCounts {
    /// Records whose customer has a profile that can be used whole.
    pub with_profile: usize,
    /// Records whose customer's profile holds an attribute that cannot be used.
    pub invalid_profile: usize,
    /// Records whose customer has no profile.
    pub without_profile: usize,
    /// Records without a customer.
    pub without_customer: usize,
    /// Records whose customer's profile could not be looked up.
    pub unavailable: usize,
}

impl EnrichmentCounts {
    /// Counts one record.
    pub fn count(&mut self, enrichment: Enrichment<'_>) {
        let count = match enrichment {
            Enrichment::Profile(profile) if profile.is_valid() => &mut self.with_profile,
            Enrichment::Profile(_) => &mut self.invalid_profile,
            Enrichment::NoProfile => &mut self.without_profile,
            Enrichment::NoCustomer => &mut self.without_customer,
            Enrichment::Unavailable => &mut self.unavailable,
        };
        *count += 1;
    }
}
