//! Counts by merchant and day.

use std::collections::BTreeMap;

/// The transactions of merchants' days.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted(BTreeMap<String, BTreeMap<i32, u32>>);

impl Counted {
    /// Adds to a merchant's day; saturated.
    pub(super) fn add(&mut self, merchant: &str, day: i32, transactions: u32) {
        let days = match self.0.get_mut(merchant) {
            Some(days) => days,
            None => self.0.entry(merchant.to_owned()).or_default(),
        };
        let count = days.entry(day).or_default();
        *count = count.saturating_add(transactions);
    }

    pub(super) fn merchants(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn transactions(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).map(|count| u64::from(*count)).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &BTreeMap<i32, u32>)> {
        self.0.iter().map(|(merchant, days)| (merchant.as_str(), days))
    }
}
