//! What was looked up for one record.

use crate::enrichment::Enrichment;
use crate::entity::EntitiesFound;

/// What was looked up for one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// What the lookup of the customer's profile came to.
    pub enrichment: Enrichment<'a>,
    /// What the lookups of the entities came to that the policy asks for.
    pub entities: EntitiesFound<'a>,
}

/// Only the profile was looked up.
impl<'a> From<Enrichment<'a>> for Found<'a> {
    #[inline]
    fn from(enrichment: Enrichment<'a>) -> Self {
        Found { enrichment, entities: EntitiesFound::default() }
    }
}
