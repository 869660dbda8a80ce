//! Merchants' days as they grow.

use fraud_core::entity::{Entity, EntityKind};
use fraud_core::merchant::{Bucket, LabelDelay, MerchantDays, day_of};

use super::Knowledge;
use crate::hashing::Map;

/// The merchants that have been met.
#[derive(Debug)]
pub(super) struct Merchants {
    names: Map<Box<str>, u32>,
    /// By decider, what is known of each merchant.
    known: Vec<Vec<Entity>>,
    /// Transactions that are not counted yet, by merchant and day.
    pending: Map<(u32, i32), i32>,
    today: i32,
}

impl Merchants {
    pub(super) fn new(deciders: usize) -> Self {
        Merchants {
            names: Map::default(),
            known: vec![Vec::new(); deciders],
            pending: Map::default(),
            today: i32::MIN,
        }
    }

    /// What is known of the merchant at a place to a decider.
    pub(super) fn get(&self, decider: usize, place: u32) -> Option<&Entity> {
        self.known.get(decider)?.get(place as usize)
    }

    /// The days of the merchant at a place as a decider knows them.
    pub(super) fn days(&mut self, decider: usize, place: u32) -> Option<&mut MerchantDays> {
        Some(self.known.get_mut(decider)?.get_mut(place as usize)?.days_mut())
    }

    /// The merchant at a place has a transaction at this second.
    pub(super) fn count(&mut self, place: u32, second: i64) {
        *self.pending.entry((place, day_of(second))).or_default() += 1;
    }

    /// Counts the transactions of days that are over at this second, and forgets the days that no decision looks at.
    pub(super) fn becomes(&mut self, second: i64, delay: LabelDelay) {
        let today = day_of(second);
        let known = &mut self.known;
        self.pending.retain(|&(place, day), count| {
            if day >= today {
                return true;
            }
            for merchants in known.iter_mut() {
                if let Some(merchant) = merchants.get_mut(place as usize) {
                    merchant.days_mut().add(Bucket::Transactions, day, *count);
                }
            }
            false
        });
        if today != self.today {
            let first = delay.first_kept(today);
            known.iter_mut().flatten().for_each(|merchant| merchant.days_mut().forget_before(first));
            self.today = today;
        }
    }

    /// Where a merchant is, from now on if it has not been met.
    pub(super) fn place(&mut self, known: &dyn Knowledge, merchant: &str) -> u32 {
        if let Some(&place) = self.names.get(merchant) {
            return place;
        }
        let entity = known.entity(EntityKind::Merchant, merchant).cloned().unwrap_or_else(|| Entity::new([]));
        self.known.iter_mut().for_each(|merchants| merchants.push(entity.clone()));
        // Four billion merchants do not fit into memory.
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.insert(merchant.into(), place);
        place
    }
}
