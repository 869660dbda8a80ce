//! A part of the customers.

use super::customer::Customers;
use super::labels::SeenRecord;
use super::merchants::Counts;

/// A part of the customers: what is remembered of them, and what their transactions change for all customers at the next
/// [`becomes`](super::Engine::becomes).
#[derive(Debug, Default)]
pub struct Shard<'k> {
    pub(super) customers: Customers<'k>,
    pub(super) counts: Counts,
    pub(super) seen: Vec<SeenRecord>,
}
