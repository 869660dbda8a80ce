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
    /// What is known of a merchant that nothing is known of.
    nothing: Entity,
    today: i32,
}

/// A merchant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Merchant<'m> {
    /// One that has been met, at its place.
    Met(u32),
    /// One that has not been met before the last step, and what is known of it without its days.
    New(&'m Entity),
}

/// Transactions of a shard's customers that are not counted yet.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By the merchant's place and the day.
    pending: Map<(u32, i32), i32>,
    /// By the name of a merchant that has no place yet: of each day.
    of_new: Map<Box<str>, Vec<(i32, i32)>>,
}

impl Counts {
    /// A merchant of this name has a transaction at this second.
    pub(super) fn count(&mut self, merchant: Merchant<'_>, name: &str, second: i64) {
        let day = day_of(second);
        if let Merchant::Met(place) = merchant {
            *self.pending.entry((place, day)).or_default() += 1;
            return;
        }
        let days = match self.of_new.get_mut(name) {
            Some(days) => days,
            None => self.of_new.entry(name.into()).or_default(),
        };
        match days.iter_mut().find(|(counted, _)| *counted == day) {
            Some((_, count)) => *count += 1,
            None => days.push((day, 1)),
        }
    }
}

impl Merchants {
    pub(super) fn new(deciders: usize) -> Self {
        Merchants {
            names: Map::default(),
            known: vec![Vec::new(); deciders],
            nothing: Entity::new([]),
            today: i32::MIN,
        }
    }

    /// The merchant of this name.
    pub(super) fn find<'m>(&'m self, known: &'m dyn Knowledge, name: &str) -> Merchant<'m> {
        match self.names.get(name) {
            Some(&place) => Merchant::Met(place),
            None => Merchant::New(known.entity(EntityKind::Merchant, name).unwrap_or(&self.nothing)),
        }
    }

    /// What is known of a merchant to a decider.
    pub(super) fn get<'m>(&'m self, decider: usize, merchant: Merchant<'m>) -> Option<&'m Entity> {
        match merchant {
            Merchant::Met(place) => self.known.get(decider)?.get(place as usize),
            Merchant::New(entity) => Some(entity),
        }
    }

    /// The days of the merchant at a place as a decider knows them.
    pub(super) fn days(&mut self, decider: usize, place: u32) -> Option<&mut MerchantDays> {
        Some(self.known.get_mut(decider)?.get_mut(place as usize)?.days_mut())
    }

    /// Gives the merchants of these transactions a place.
    pub(super) fn meet(&mut self, known: &dyn Knowledge, counts: &mut Counts) {
        let Counts { pending, of_new } = counts;
        for (name, days) in of_new.drain() {
            let place = self.place(known, &name);
            for (day, count) in days {
                *pending.entry((place, day)).or_default() += count;
            }
        }
    }

    /// Counts the transactions of days that are over at this second, and forgets the days that no decision looks at.
    pub(super) fn becomes<'c>(
        &mut self,
        second: i64,
        delay: LabelDelay,
        counts: impl Iterator<Item = &'c mut Counts>,
    ) {
        let today = day_of(second);
        let known = &mut self.known;
        for counts in counts {
            counts.pending.retain(|&(place, day), count| {
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
        }
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
