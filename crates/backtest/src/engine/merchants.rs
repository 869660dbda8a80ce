//! Merchants' days as they grow.

use fraud_core::entity::{Entity, EntityKind};
use fraud_core::merchant::{Bucket, LabelDelay, MerchantDays, day_of};

use super::Knowledge;
use super::names::Names;
use crate::hashing::{Map, fixed_hash};

/// The merchants that have been met.
#[derive(Debug)]
pub(super) struct Merchants {
    names: Names,
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
#[derive(Debug)]
pub(super) struct Counts {
    /// The day that it is.
    today: i32,
    /// Of today, by the merchant's place.
    of_today: Vec<i32>,
    /// Of other days, by the merchant's place and the day.
    of_others: Map<(u32, i32), i32>,
    /// By the name of a merchant that has no place yet: of each day.
    of_new: Map<Box<str>, Vec<(i32, i32)>>,
}

impl Default for Counts {
    fn default() -> Self {
        Counts { today: i32::MIN, of_today: Vec::new(), of_others: Map::default(), of_new: Map::default() }
    }
}

impl Counts {
    /// A merchant of this name has a transaction at this second.
    pub(super) fn count(&mut self, merchant: Merchant<'_>, name: &str, second: i64) {
        let day = day_of(second);
        if let Merchant::Met(place) = merchant {
            return self.add(place, day, 1);
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

    fn add(&mut self, place: u32, day: i32, count: i32) {
        if day != self.today {
            *self.of_others.entry((place, day)).or_default() += count;
            return;
        }
        let place = place as usize;
        if place >= self.of_today.len() {
            self.of_today.resize(place + 1, 0);
        }
        if let Some(counted) = self.of_today.get_mut(place) {
            *counted += count;
        }
    }

    /// It is this day: tells `count` the transactions of the days that are over, each with the merchant's place and the day.
    fn begin(&mut self, today: i32, mut count: impl FnMut(usize, i32, i32)) {
        if today > self.today {
            let of_today = self.of_today.iter_mut().enumerate();
            for (place, counted) in of_today.filter(|(_, counted)| **counted != 0) {
                count(place, self.today, std::mem::take(counted));
            }
            self.today = today;
        }
        self.of_others.retain(|&(place, day), counted| {
            let is_over = day < today;
            if is_over {
                count(place as usize, day, *counted);
            }
            !is_over
        });
    }
}

impl Merchants {
    pub(super) fn new(deciders: usize) -> Self {
        Merchants {
            names: Names::default(),
            known: vec![Vec::new(); deciders],
            nothing: Entity::new([]),
            today: i32::MIN,
        }
    }

    /// The merchant of this name.
    pub(super) fn find<'m>(&'m self, known: &'m dyn Knowledge, name: &str) -> Merchant<'m> {
        match self.names.find(fixed_hash(name), name) {
            Some(place) => Merchant::Met(place),
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
        for (name, days) in std::mem::take(&mut counts.of_new) {
            let place = self.place(known, &name);
            days.into_iter().for_each(|(day, count)| counts.add(place, day, count));
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
            counts.begin(today, |place, day, count| {
                for merchants in known.iter_mut() {
                    if let Some(merchant) = merchants.get_mut(place) {
                        merchant.days_mut().add(Bucket::Transactions, day, count);
                    }
                }
            });
        }
        let first = delay.first_kept(today);
        let is_new = today != self.today;
        for merchant in known.iter_mut().flatten() {
            if is_new {
                merchant.days_mut().forget_before(first);
            }
            merchant.days_mut().sum_up(today, delay);
        }
        self.today = today;
    }

    /// Where a merchant is, from now on if it has not been met.
    pub(super) fn place(&mut self, known: &dyn Knowledge, merchant: &str) -> u32 {
        let hash = fixed_hash(merchant);
        if let Some(place) = self.names.find(hash, merchant) {
            return place;
        }
        let entity = known.entity(EntityKind::Merchant, merchant).cloned().unwrap_or_else(|| Entity::new([]));
        self.known.iter_mut().for_each(|merchants| merchants.push(entity.clone()));
        self.names.add(hash, merchant)
    }
}
