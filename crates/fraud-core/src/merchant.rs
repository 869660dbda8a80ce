//! What is known of a merchant by day: its transactions, and those of them that labels say are fraud.
//!
//! A day is a UTC day of the event, counted from the epoch. Labels come late, so that the newest days are not known yet: a
//! merchant is judged by the days up to `r`, the last one whose labels have come, and of the days after it by the frauds that are known
//! already.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::history::rounded;

mod bucket;
mod delay;

pub use bucket::Bucket;
pub(crate) use bucket::count;
pub use delay::{LabelDelay, LabelDelayError};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// How many days before `r` a merchant is judged by.
const DAYS_BEFORE: i64 = 35;
/// Transactions that are added to a merchant's, so that one fraud among few does not make a high rate.
const PRIOR_TRANSACTIONS: f64 = 0.5;

/// The UTC day, counted from the epoch, of a moment in seconds since the epoch; saturated.
pub fn day_of(seconds: i64) -> i32 {
    let day = seconds.div_euclid(DAY);
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// What is known of a merchant on one day. Counts are saturated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayCounts {
    /// The UTC day of the events, counted from the epoch.
    pub day: i32,
    /// Transactions. They are counted in batch: a day can have known frauds before it has these.
    pub transactions: u32,
    /// Known frauds.
    pub frauds: u32,
    /// Known frauds that point at the merchant, for they are not unusual for their customers.
    pub ordinary: u32,
}

/// What is known of a merchant, by day. Two are equal if their days are.
#[derive(Debug, Clone, Default)]
pub struct MerchantDays {
    /// Ascending, each day once.
    days: Vec<DayCounts>,
    /// Whether a day may have known frauds.
    may_have_frauds: bool,
    /// What the days come to on one day, if that was [summed up](Self::sum_up) since they changed.
    sums: Option<Sums>,
}

/// What a merchant's days come to for all moments of a day.
#[derive(Debug, Clone, Copy)]
struct Sums {
    seen: Seen,
    fraud_rate: f64,
    compromised_since: Option<i32>,
}

impl MerchantDays {
    /// Whether nothing is known of any day.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The days, ascending.
    pub fn days(&self) -> &[DayCounts] {
        &self.days
    }

    /// Sets a day's count.
    pub fn set(&mut self, bucket: Bucket, day: i32, count: u32) {
        self.changes(bucket);
        *bucket.of(self.day(day)) = count;
    }

    /// Adds to a day's count, or takes from it; never below zero.
    pub fn add(&mut self, bucket: Bucket, day: i32, change: i32) {
        self.changes(bucket);
        let count = bucket.of(self.day(day));
        *count = count.saturating_add_signed(change);
    }

    /// Forgets the days before this one.
    pub fn forget_before(&mut self, day: i32) {
        let old = self.days.iter().take_while(|counts| counts.day < day).count();
        if old > 0 {
            self.days.drain(..old);
            self.sums = None;
        }
    }

    /// Reads the days, and gives a number that is made of them; as [`History::touch`](crate::history::History::touch).
    pub fn touch(&self) -> usize {
        let ends = self.days.first().into_iter().chain(self.days.last());
        let looked_at = if self.may_have_frauds { self.days.as_slice() } else { &[] };
        ends.chain(looked_at).filter(|counts| counts.transactions > 0).count()
    }

    /// Sums up what the days come to at all moments of the UTC day `today`, for those who ask more often than the days change.
    pub fn sum_up(&mut self, today: i32, delay: LabelDelay) {
        let seen = Seen::on(today.into(), delay);
        if self.sums(seen).is_some() {
            return;
        }
        let has_frauds = |counts: &DayCounts| counts.frauds > 0 || counts.ordinary > 0;
        self.may_have_frauds = self.may_have_frauds && self.days.iter().any(has_frauds);
        self.sums = Some(Sums {
            seen,
            fraud_rate: self.fraud_rate_of(seen),
            compromised_since: self.compromised_since(seen),
        });
    }

    /// The share of ordinary known frauds among the merchant's transactions as it is known at `t`, seconds since the epoch:
    /// of the days from `r` - 35 on, each two days before `r` count half of the two after them; rounded to three decimals.
    /// 0 to 1. Labels that come after `delay` are not waited for: `r` is that many days before `t`.
    pub fn fraud_rate(&self, t: i64, delay: LabelDelay) -> f64 {
        let seen = Seen::at(t, delay);
        self.sums(seen).map_or_else(|| self.fraud_rate_of(seen), |sums| sums.fraud_rate)
    }

    /// How many days before `t`, seconds since the epoch, the first day began since which most of the merchant's transactions
    /// are known frauds; rounded to three decimals, and never below zero. `None` if there is no such day.
    ///
    /// The days are gone through from `t`'s back; the last one counts that has a fraud and after which, itself included, at
    /// least half of the transactions are frauds.
    pub fn compromise_age_days(&self, t: i64, delay: LabelDelay) -> Option<f64> {
        let seen = Seen::at(t, delay);
        let since =
            self.sums(seen).map_or_else(|| self.compromised_since(seen), |sums| sums.compromised_since);
        let start = i64::from(since?) * DAY;
        Some(rounded(seconds(t.saturating_sub(start)) / seconds(DAY)))
    }

    fn changes(&mut self, bucket: Bucket) {
        self.may_have_frauds |= bucket != Bucket::Transactions;
        self.sums = None;
    }

    fn sums(&self, seen: Seen) -> Option<&Sums> {
        self.sums.as_ref().filter(|sums| sums.seen == seen)
    }

    fn fraud_rate_of(&self, seen: Seen) -> f64 {
        if !self.may_have_frauds {
            return 0.0;
        }
        let (mut frauds, mut transactions) = (0.0, PRIOR_TRANSACTIONS);
        // Oldest first: the order of a sum of floating numbers is part of the result.
        for counts in self.within(seen) {
            let weight = seen.weight(counts.day);
            frauds += weight * f64::from(counts.ordinary.min(counts.frauds));
            transactions += weight * f64::from(seen.transactions(counts));
        }
        rounded(frauds / transactions)
    }

    fn compromised_since(&self, seen: Seen) -> Option<i32> {
        if !self.may_have_frauds {
            return None;
        }
        let (mut transactions, mut frauds, mut first) = (0_u64, 0_u64, None);
        for counts in self.within(seen).iter().rev() {
            transactions = transactions.saturating_add(u64::from(seen.transactions(counts)));
            frauds = frauds.saturating_add(u64::from(counts.frauds));
            if counts.frauds > 0 && frauds.saturating_mul(2) >= transactions {
                first = Some(counts.day);
            }
        }
        first
    }

    /// The days that count at a moment.
    fn within(&self, seen: Seen) -> &[DayCounts] {
        let from = self.days.partition_point(|counts| i64::from(counts.day) < seen.ready - DAYS_BEFORE);
        let until = self.days.partition_point(|counts| i64::from(counts.day) <= seen.today);
        self.days.get(from..until).unwrap_or_default()
    }

    fn day(&mut self, day: i32) -> &mut DayCounts {
        // Mostly the newest day, or one behind it.
        let place = match self.days.last() {
            Some(last) if last.day < day => self.days.len(),
            Some(last) if last.day == day => self.days.len() - 1,
            _ => self.days.partition_point(|counts| counts.day < day),
        };
        if self.days.get(place).is_none_or(|counts| counts.day != day) {
            self.days.insert(place, DayCounts { day, ..DayCounts::default() });
        }
        #[expect(clippy::indexing_slicing, reason = "the day was put there, if it was not there before")]
        &mut self.days[place]
    }
}

impl PartialEq for MerchantDays {
    fn eq(&self, other: &Self) -> bool {
        self.days == other.days
    }
}

impl Eq for MerchantDays {}

/// What the moments of a day see of the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    today: i64,
    /// The last day whose labels have come.
    ready: i64,
}

impl Seen {
    fn at(t: i64, delay: LabelDelay) -> Self {
        Seen::on(t.div_euclid(DAY), delay)
    }

    fn on(today: i64, delay: LabelDelay) -> Self {
        Seen { today, ready: today - i64::from(delay.days()) }
    }

    /// A day's transactions: of one whose labels have not come, only those that are known frauds.
    fn transactions(self, counts: &DayCounts) -> u32 {
        match i64::from(counts.day) <= self.ready {
            true => counts.transactions.max(counts.frauds),
            false => counts.frauds,
        }
    }

    /// A day's weight by its age before `ready`.
    fn weight(self, day: i32) -> f64 {
        let age = usize::try_from((self.ready - i64::from(day)).max(0)).unwrap_or(usize::MAX);
        WEIGHTS.get(age).copied().unwrap_or_default()
    }
}

/// By age, in days, 2^(-age / 2). Made of exact operations, so that they are the same everywhere.
const WEIGHTS: [f64; DAYS_BEFORE as usize + 1] = {
    let mut weights = [1.0; DAYS_BEFORE as usize + 1];
    let (mut age, mut halves) = (0, 1.0);
    while age < weights.len() {
        weights[age] = if age % 2 == 1 { halves * FRAC_1_SQRT_2 } else { halves };
        if age % 2 == 1 {
            halves *= 0.5;
        }
        age += 1;
    }
    weights
};

/// The nearest f64.
#[expect(clippy::cast_precision_loss)]
fn seconds(seconds: i64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod in_decisions;
#[cfg(test)]
mod tests;
