//! Totals over everything that was taken in and counts.

use super::incoming::{Incoming, ShortHash};
use super::inputs::HistoryInputs;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// Days and weeks before the one of the newest arrival whose buckets are kept.
const KEPT_DAYS: i64 = 16;
const KEPT_WEEKS: i64 = 9;
/// Weeks before a transaction's own that its mean is made of.
const MEAN_WEEKS: i64 = 7;
/// Merchants remembered, and for how many days after they were seen.
const MERCHANTS: usize = 128;
const MERCHANT_DAYS: i64 = 57;

/// The totals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// By epoch week of the event time, ascending.
    pub(super) weeks: Vec<Week>,
    /// By UTC day of the event time, ascending.
    pub(super) days: Vec<Day>,
    /// Ascending by the merchant.
    pub(super) merchants: Vec<SeenMerchant>,
    /// The event time of the first, in seconds.
    pub(super) first: Option<i64>,
    /// The newest event time.
    pub(super) newest: Option<i64>,
    /// The first currency that a transaction named.
    pub(super) currency: Option<ShortHash>,
}

/// What counts towards the mean in one week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Weeks since the epoch, of the event time.
    pub week: i64,
    /// Transactions.
    pub count: u64,
    /// The sum of their amounts, in ten-thousandths.
    pub sum: i64,
}

/// What happened on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since the epoch, of the event time.
    pub day: i64,
    /// Transactions.
    pub count: u64,
    /// The sum of their amounts, in ten-thousandths.
    pub sum: i64,
    /// How many of them were outliers.
    pub outliers: u64,
}

impl Totals {
    /// What the totals say to a record; `now` is the newest arrival, the record's included, in milliseconds.
    pub(super) fn inputs(&self, record: &Incoming, now: i64) -> HistoryInputs {
        let mut inputs = HistoryInputs {
            amount: record.amount,
            is_foreign: self.is_foreign(record),
            seconds_since_last: self.newest.map(|newest| above_zero(record.event_time - newest)),
            days_known: self.first.map(|first| above_zero((record.event_time - first).div_euclid(DAY))),
            new_merchant: record.merchant.map(|merchant| !self.knows(merchant, today(now))),
            ..HistoryInputs::default()
        };
        let day = record.event_time.div_euclid(DAY);
        for bucket in self.days.iter().filter(|bucket| bucket.day >= today(now) - KEPT_DAYS) {
            let age = day - bucket.day;
            if (0..7).contains(&age) {
                inputs.count_7d = inputs.count_7d.saturating_add(bucket.count);
                inputs.amount_7d = inputs.amount_7d.saturating_add(bucket.sum);
            }
            if (0..2).contains(&age) {
                inputs.outliers_2d = inputs.outliers_2d.saturating_add(bucket.outliers);
            }
            if (0..8).contains(&age) {
                inputs.outliers_8d = inputs.outliers_8d.saturating_add(bucket.outliers);
            }
        }
        let week = record.event_time.div_euclid(WEEK);
        for bucket in self.weeks.iter().filter(|bucket| bucket.week >= this_week(now) - KEPT_WEEKS) {
            if (0..=MEAN_WEEKS).contains(&(week - bucket.week)) {
                inputs.mean_count = inputs.mean_count.saturating_add(bucket.count);
                inputs.mean_sum = inputs.mean_sum.saturating_add(bucket.sum);
            }
        }
        inputs
    }

    /// Reads what [`inputs`](Self::inputs) reads.
    pub(super) fn touch(&self, record: &Incoming) -> usize {
        let days = self.days.iter().filter(|day| day.day == record.event_time).count();
        let weeks = self.weeks.iter().filter(|week| week.week == record.event_time).count();
        let merchant = record.merchant.and_then(|merchant| self.place_of(merchant).ok());
        days + weeks + merchant.unwrap_or_default()
    }

    /// Drops what is too old at `now`, of which the same was done at `before`.
    pub(super) fn forget(&mut self, now: i64, before: Option<i64>) {
        let old = self.days.partition_point(|bucket| bucket.day < today(now) - KEPT_DAYS);
        self.days.drain(..old);
        let old = self.weeks.partition_point(|bucket| bucket.week < this_week(now) - KEPT_WEEKS);
        self.weeks.drain(..old);
        // Merchants that were seen since are of today, and none of the others grows too old within a day.
        if before.is_none_or(|before| today(before) != today(now)) {
            let first = today(now) - MERCHANT_DAYS + 1;
            if self.merchants.iter().any(|merchant| merchant.day() < first) {
                self.merchants.retain(|merchant| merchant.day() >= first);
            }
        }
    }

    /// Adds a record that counts.
    pub(super) fn add(&mut self, record: &Incoming, inputs: &HistoryInputs, is_outlier: bool, now: i64) {
        let amount = inputs.counted_amount();
        let day = record.event_time.div_euclid(DAY);
        let place = self.days.partition_point(|bucket| bucket.day < day);
        if self.days.get(place).is_none_or(|bucket| bucket.day != day) {
            self.days.insert(place, Day { day, count: 0, sum: 0, outliers: 0 });
        }
        if let Some(bucket) = self.days.get_mut(place) {
            bucket.count = bucket.count.saturating_add(1);
            bucket.sum = bucket.sum.saturating_add(amount);
            bucket.outliers = bucket.outliers.saturating_add(u64::from(is_outlier));
        }
        if !inputs.is_foreign {
            let week = record.event_time.div_euclid(WEEK);
            let place = self.weeks.partition_point(|bucket| bucket.week < week);
            if self.weeks.get(place).is_none_or(|bucket| bucket.week != week) {
                self.weeks.insert(place, Week { week, count: 0, sum: 0 });
            }
            if let Some(bucket) = self.weeks.get_mut(place) {
                bucket.count = bucket.count.saturating_add(1);
                bucket.sum = bucket.sum.saturating_add(amount);
            }
        }
        if let Some(merchant) = record.merchant {
            self.see(merchant, today(now));
        }
        self.first = self.first.or(Some(record.event_time));
        self.newest = Some(self.newest.map_or(record.event_time, |newest| newest.max(record.event_time)));
        self.currency = self.currency.or(record.currency);
    }

    fn is_foreign(&self, record: &Incoming) -> bool {
        matches!((self.currency, record.currency), (Some(first), Some(own)) if first != own)
    }

    /// Where a merchant is, or would be.
    fn place_of(&self, merchant: ShortHash) -> Result<usize, usize> {
        let first = SeenMerchant::new(merchant, i64::MIN);
        let place = self.merchants.partition_point(|known| *known < first);
        match self.merchants.get(place) {
            Some(known) if known.hash() == merchant => Ok(place),
            _ => Err(place),
        }
    }

    fn knows(&self, merchant: ShortHash, today: i64) -> bool {
        self.place_of(merchant).is_ok_and(|place| {
            self.merchants.get(place).is_some_and(|known| known.day() > today - MERCHANT_DAYS)
        })
    }

    /// Remembers a merchant. Of more than 128 the one that was seen longest ago is forgotten, of several the one with the least
    /// hash.
    fn see(&mut self, merchant: ShortHash, today: i64) {
        let seen = SeenMerchant::new(merchant, today);
        match self.place_of(merchant) {
            Ok(place) => {
                if let Some(known) = self.merchants.get_mut(place) {
                    *known = seen.max(*known);
                }
            }
            Err(place) if self.merchants.len() < MERCHANTS => self.merchants.insert(place, seen),
            Err(place) => self.replace_oldest(seen, place),
        }
    }

    /// Puts a merchant in at `place` that is not remembered, for the oldest one, unless it is that itself.
    fn replace_oldest(&mut self, seen: SeenMerchant, place: usize) {
        // Of several with one day the first, which has the least hash.
        let oldest = self.merchants.iter().enumerate().min_by_key(|(_, merchant)| merchant.day());
        let Some((oldest, merchant)) = oldest else { return };
        if (seen.day(), seen.hash()) > (merchant.day(), merchant.hash()) {
            self.merchants.remove(oldest);
            self.merchants.insert(place - usize::from(oldest < place), seen);
        }
    }
}

/// A merchant, and the UTC day of the newest arrival when it was last seen: 40 bits of hash and 24 of the day, from the epoch.
/// Sorts by the hash. The days of all years that a timestamp can have fit, and others would be the nearest that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeenMerchant(u64);

const DAY_BITS: u32 = 24;
const EARLIEST: i64 = -(1 << (DAY_BITS - 1));
const LATEST: i64 = -EARLIEST - 1;

impl SeenMerchant {
    pub(super) fn new([a, b, c, d, e]: ShortHash, day: i64) -> Self {
        let day = (day.clamp(EARLIEST, LATEST) - EARLIEST).unsigned_abs();
        SeenMerchant(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]) << DAY_BITS | day)
    }

    pub(super) fn hash(self) -> ShortHash {
        let [_, _, _, hash @ ..] = (self.0 >> DAY_BITS).to_be_bytes();
        hash
    }

    /// Whether its hash is less.
    pub(super) fn is_before(self, other: Self) -> bool {
        self.0 >> DAY_BITS < other.0 >> DAY_BITS
    }

    pub(super) fn day(self) -> i64 {
        (self.0 & ((1 << DAY_BITS) - 1)).cast_signed() + EARLIEST
    }
}

fn today(now: i64) -> i64 {
    now.div_euclid(1000 * DAY)
}

fn this_week(now: i64) -> i64 {
    now.div_euclid(1000 * WEEK)
}

fn above_zero(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn of_merchants_the_128_newest_are_remembered_and_of_those_of_a_day_the_greatest_hashes(
            met in prop::collection::vec((0..200_u8, 0..2_u8), 0..600),
        ) {
            let (mut totals, mut plain, mut today) = (Totals::default(), Vec::<(i64, ShortHash)>::new(), 20_000);
            for (number, later) in met {
                // Most are of one day, so that the hash decides.
                today += i64::from(number % 50 == 0 && later == 1);
                let merchant = [number, 0, 1, 2, 3];
                totals.see(merchant, today);
                plain.retain(|(_, known)| *known != merchant);
                plain.push((today, merchant));
                plain.sort_unstable();
                plain.drain(..plain.len().saturating_sub(MERCHANTS));
                let mut remembered: Vec<_> =
                    totals.merchants.iter().map(|seen| (seen.day(), seen.hash())).collect();
                prop_assert!(totals.merchants.is_sorted_by(|one, next| one.is_before(*next)));
                remembered.sort_unstable();
                prop_assert_eq!(&remembered, &plain);
                prop_assert_eq!(totals.knows(merchant, today), plain.contains(&(today, merchant)));
            }
        }

        #[test]
        fn a_merchant_in_one_word_has_its_hash_and_its_day(hash in any::<[u8; 5]>(), day in any::<i64>()) {
            let seen = SeenMerchant::new(hash, day);
            prop_assert_eq!((seen.hash(), seen.day()), (hash, day.clamp(EARLIEST, LATEST)));
            let near = SeenMerchant::new(hash, day % 3_652_059);
            prop_assert_eq!((near.hash(), near.day()), (hash, day % 3_652_059));
        }
    }
}
