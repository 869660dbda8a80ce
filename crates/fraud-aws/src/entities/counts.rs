//! What the lookups of entities came to, in numbers.

use fraud_core::entity::{EntitiesFound, EntityFound, EntityKind};

use super::LookedUpEntities;

/// The numbers of one batch under a policy that asks for entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntityCounts {
    /// Distinct entities among the records.
    pub distinct: usize,
    /// Entities answered from memory.
    pub cache_hits: usize,
    /// Entities that the store itself was asked for.
    pub lookups: usize,
    /// Records with an entity that could not be looked up.
    pub unavailable: usize,
    /// Records with an entity that has an attribute that cannot be used.
    pub invalid: usize,
    /// How often a record names an entity by something that is not an id.
    pub unusable_ids: usize,
}

impl EntityCounts {
    /// The numbers of a batch before its records are decided on; `None` if no entity was asked for.
    pub fn new(looked_up: &LookedUpEntities) -> Option<Self> {
        let unusable_ids = looked_up.unusable_ids();
        let looked_up = looked_up.looked_up()?;
        Some(EntityCounts {
            distinct: looked_up.distinct(),
            cache_hits: looked_up.cache_hits(),
            lookups: looked_up.asked(),
            unusable_ids,
            ..EntityCounts::default()
        })
    }

    /// Counts one record.
    pub fn count(&mut self, found: &EntitiesFound<'_>) {
        let is_invalid = |kind| matches!(found.of(kind), EntityFound::Known(entity) if !entity.is_valid());
        self.unavailable += usize::from(!found.unavailable().is_empty());
        self.invalid += usize::from(EntityKind::ALL.into_iter().any(is_invalid));
    }
}
