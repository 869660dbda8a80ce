//! What was looked up for one record.

use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, EntityFound, EntityKind};

/// What was looked up for one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// What the lookup of the customer's profile came to.
    pub enrichment: Enrichment<'a>,
    /// What the lookups of the entities came to; `None` if the policy asks for none.
    pub entities: Option<EntitiesFound<'a>>,
}

impl<'a> Found<'a> {
    /// What was found of the entity of this kind.
    #[inline]
    pub(crate) fn entity(&self, kind: EntityKind) -> EntityFound<'a> {
        self.entities.as_ref().map_or(EntityFound::None, |entities| entities.of(kind))
    }
}

/// Only the profile was looked up.
impl<'a> From<Enrichment<'a>> for Found<'a> {
    #[inline]
    fn from(enrichment: Enrichment<'a>) -> Self {
        Found { enrichment, entities: None }
    }
}
