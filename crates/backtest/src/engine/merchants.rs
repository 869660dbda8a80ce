//! Merchants' days as they grow.

use std::hint::black_box;

use fraud_core::entity::{Entity, EntityKind};
use fraud_core::merchant::{Bucket, LabelDelay, MerchantDays, day_of};

use super::names::Names;
use super::{AT_ONCE, Knowledge};
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
    /// The day on which days were forgotten.
    forgot: i32,
}

/// How often days are forgotten, in days: to forget one moves all others of a merchant.
const FORGET_EVERY: i32 = 7;

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

    /// Transactions of today, if today is over on this day, of the merchant at a place.
    fn over(&self, place: usize, today: i32) -> Option<i32> {
        let count = *self.of_today.get(place).filter(|_| self.today < today)?;
        (count != 0).then_some(count)
    }

    /// It is this day, and what was of the one before is counted. Tells `count` the transactions of other days that are over, each
    /// with the merchant's place and the day.
    fn begin(&mut self, today: i32, mut count: impl FnMut(usize, i32, i32)) {
        if self.today < today {
            self.of_today.fill(0);
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
            forgot: i32::MIN,
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

    /// Counts the transactions of days that are over at this second, forgets the days that no decision looks at, and sums up what
    /// is left.
    pub(super) fn becomes(&mut self, second: i64, delay: LabelDelay, counts: &mut [&mut Counts]) {
        let (today, known) = (day_of(second), &mut self.known);
        let (is_new, first) = (today != self.today, delay.first_kept(today));
        let forgets = today.saturating_sub(self.forgot) >= FORGET_EVERY;
        for merchants in known.iter_mut() {
            for (merchants, places) in merchants.chunks_mut(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
                if is_new {
                    let days = merchants.iter().filter_map(Entity::days);
                    black_box(days.map(MerchantDays::touch).sum::<usize>());
                }
                for (merchant, place) in merchants.iter_mut().zip(places..) {
                    let days = merchant.days_mut();
                    for counts in counts.iter() {
                        if let Some(count) = counts.over(place, today) {
                            days.add(Bucket::Transactions, counts.today, count);
                        }
                    }
                    if forgets {
                        days.forget_before(first);
                    }
                }
            }
        }
        for counts in counts.iter_mut() {
            counts.begin(today, |place, day, count| {
                let merchants = known.iter_mut().filter_map(|merchants| merchants.get_mut(place));
                merchants.for_each(|merchant| merchant.days_mut().add(Bucket::Transactions, day, count));
            });
        }
        known.iter_mut().flatten().for_each(|merchant| merchant.days_mut().sum_up(today, delay));
        self.today = today;
        if forgets {
            self.forgot = today;
        }
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
