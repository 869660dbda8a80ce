//! The inputs over a history by a plain fold over everything that was taken in: what the fast way is held against.

use super::incoming::{Incoming, ShortHash};
use super::inputs::HistoryInputs;
use super::{MEMORY_MILLIS, REMEMBERED};
use crate::policy::HistorySettings;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// Everything of one customer that was taken in, in that order.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    taken_in: Vec<Taken>,
}

#[derive(Debug, Clone)]
struct Taken {
    record: Incoming,
    is_foreign: bool,
    is_outlier: bool,
    /// The newest arrival by then, in milliseconds.
    now: i64,
}

impl Fold {
    /// Adds a record that is taken in with these inputs.
    pub fn add(&mut self, record: &Incoming, inputs: &HistoryInputs, settings: HistorySettings) {
        self.taken_in.push(Taken {
            record: record.clone(),
            is_foreign: inputs.is_foreign,
            is_outlier: record.counts && inputs.is_outlier(settings),
            now: self.now(record),
        });
    }

    /// How many were taken in.
    pub fn len(&self) -> usize {
        self.taken_in.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.taken_in.is_empty()
    }

    /// The inputs of a record that comes next.
    pub fn inputs(&self, record: &Incoming) -> HistoryInputs {
        let now = self.now(record);
        let (today, this_week) = (now.div_euclid(1000 * DAY), now.div_euclid(1000 * WEEK));
        let t = record.event_time;
        let counting: Vec<&Taken> = self.taken_in.iter().filter(|taken| taken.record.counts).collect();
        let last = counting.iter().rev().take(REMEMBERED);
        let last: Vec<_> = last.filter(|taken| taken.record.place.arrival > now - MEMORY_MILLIS).collect();
        let window = |seconds: i64| {
            let within =
                |taken: &&&&Taken| taken.record.event_time > t - seconds && taken.record.event_time <= t;
            last.iter().filter(within).fold((0, 0), |(count, sum), taken| (count + 1, add(sum, taken)))
        };
        let days = |days: i64| {
            let day = |taken: &Taken| taken.record.event_time.div_euclid(DAY);
            counting.iter().filter(move |taken| {
                day(taken) >= today - 16 && (0..days).contains(&(t.div_euclid(DAY) - day(taken)))
            })
        };
        let weeks = counting.iter().filter(|taken| {
            let week = taken.record.event_time.div_euclid(WEEK);
            week >= this_week - 9 && (0..8).contains(&(t.div_euclid(WEEK) - week)) && !taken.is_foreign
        });
        let currency = counting.iter().find_map(|taken| taken.record.currency);
        let newest = counting.iter().map(|taken| taken.record.event_time).max();
        let first = counting.first().map(|taken| taken.record.event_time);
        let since = |from: i64| u64::try_from(t - from).unwrap_or_default();
        HistoryInputs {
            amount: record.amount,
            is_foreign: currency.is_some() && record.currency.is_some() && currency != record.currency,
            count_10m: window(600).0,
            count_1h: window(3_600).0,
            count_24h: window(DAY).0,
            amount_1h: window(3_600).1,
            amount_24h: window(DAY).1,
            count_7d: days(7).count() as u64,
            amount_7d: days(7).fold(0, |sum, taken| add(sum, taken)),
            outliers_2d: days(2).filter(|taken| taken.is_outlier).count() as u64,
            outliers_8d: days(8).filter(|taken| taken.is_outlier).count() as u64,
            mean_count: weeks.clone().count() as u64,
            mean_sum: weeks.fold(0, |sum, taken| add(sum, taken)),
            seconds_since_last: newest.map(since),
            days_known: first.map(|first| since(first) / DAY.unsigned_abs()),
            new_merchant: record.merchant.map(|merchant| !self.merchants(today).contains(&merchant)),
        }
    }

    /// The merchants that are remembered on a day.
    fn merchants(&self, today: i64) -> Vec<ShortHash> {
        let mut seen: Vec<(i64, ShortHash)> = Vec::new();
        for taken in self.taken_in.iter().filter(|taken| taken.record.counts) {
            let Some(merchant) = taken.record.merchant else { continue };
            let day = taken.now.div_euclid(1000 * DAY);
            seen.retain(|(day_before, known)| *known != merchant && *day_before > day - 57);
            seen.push((day, merchant));
            seen.sort_unstable();
            if seen.len() > 128 {
                seen.remove(0);
            }
        }
        seen.into_iter().filter(|(day, _)| *day > today - 57).map(|(_, merchant)| merchant).collect()
    }

    fn now(&self, record: &Incoming) -> i64 {
        self.taken_in.last().map_or(record.place.arrival, |taken| taken.now.max(record.place.arrival))
    }
}

fn add(sum: i64, taken: &Taken) -> i64 {
    if taken.is_foreign { sum } else { sum.saturating_add(taken.record.amount) }
}
