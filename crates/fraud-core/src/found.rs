//! What was looked up for one record.

use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, EntityFound, EntityKind};
use crate::history::{Entry, HistoryInputs};

/// What was looked up for one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// What the lookup of the customer's profile came to.
    pub enrichment: Enrichment<'a>,
    /// What the lookups of the entities came to; `None` if the policy asks for none.
    pub entities: Option<EntitiesFound<'a>>,
    /// What the customer's history says.
    pub history: HistoryFound<'a>,
}

/// What the customer's history says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum HistoryFound<'a> {
    /// The policy does not ask for it.
    #[default]
    NotAsked,
    /// The record is new to it: its inputs.
    New(&'a HistoryInputs),
    /// The record was taken in: its inputs, and what else was known then. Nothing else counts.
    Again(&'a Entry),
    /// The record may have been taken in, and is forgotten.
    Expired,
    /// The record has not been taken in yet.
    Lagging,
    /// The record has no history: it names no customer, or came from no stream.
    None,
    /// The customer's row cannot be read.
    Invalid,
    /// The customer's row could not be looked up.
    Unavailable,
}

impl<'a> Found<'a> {
    /// What was known of a record when it was taken in.
    pub fn again(entry: &'a Entry) -> Self {
        Found { enrichment: entry.enrichment(), entities: None, history: HistoryFound::Again(entry) }
    }

    /// What was found of the entity of this kind.
    #[inline]
    pub(crate) fn entity(&self, kind: EntityKind) -> EntityFound<'a> {
        self.entities.as_ref().map_or(EntityFound::None, |entities| entities.of(kind))
    }
}

impl<'a> HistoryFound<'a> {
    /// The inputs, if there are any.
    pub fn inputs(self) -> Option<HistoryInputs> {
        match self {
            HistoryFound::New(inputs) => Some(*inputs),
            HistoryFound::Again(entry) => Some(entry.inputs()),
            _ => None,
        }
    }

    /// The word that records carry; `None` if the history was not asked for.
    #[inline]
    pub fn word(self) -> Option<&'static str> {
        Some(match self {
            HistoryFound::NotAsked => return None,
            HistoryFound::New(_) | HistoryFound::Again(_) => "used",
            HistoryFound::Expired => "expired",
            HistoryFound::Lagging => "lagging",
            HistoryFound::None => "none",
            HistoryFound::Invalid => "invalid",
            HistoryFound::Unavailable => "unavailable",
        })
    }
}

/// Only the profile was looked up.
impl<'a> From<Enrichment<'a>> for Found<'a> {
    #[inline]
    fn from(enrichment: Enrichment<'a>) -> Self {
        Found { enrichment, entities: None, history: HistoryFound::NotAsked }
    }
}
