//! How long after their transactions labels come.

use serde_json::{Value, json};

use crate::display::{Table, table};

/// The shares of frauds for which the delay is shown, in hundredths.
const SHARES: [u32; 6] = [25, 50, 75, 90, 95, 99];
const DAY: f64 = 86_400.0;

/// The delays of reported frauds, in seconds after the event.
#[derive(Debug, Default)]
pub(super) struct Delays(Vec<i64>);

impl Delays {
    pub(super) fn add(&mut self, seconds: i64) {
        self.0.push(seconds);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// For each share the delay, in days, within which that many are reported: the least that is enough.
    pub(super) fn quantiles(&mut self) -> Vec<(u32, f64)> {
        self.0.sort_unstable();
        let length = self.0.len();
        let delay = |share: u32| {
            let needed = (length * share as usize).div_ceil(100).max(1);
            self.0.get(needed - 1).map(|seconds| (share, *seconds as f64 / DAY))
        };
        SHARES.into_iter().filter_map(delay).collect()
    }

    /// How many are reported more than this many days after the event.
    pub(super) fn later_than(&self, days: u8) -> usize {
        let limit = i64::from(days) * 86_400;
        self.0.iter().filter(|seconds| **seconds > limit).count()
    }

    pub(super) fn table(&mut self) -> Table {
        let mut shown = table(&["frauds", "reported within days"], &["frauds", "reported within days"]);
        for (share, days) in self.quantiles() {
            shown.add_row([format!("{share} %"), format!("{days:.1}")]);
        }
        shown
    }

    pub(super) fn json(&mut self) -> Value {
        self.quantiles().into_iter().map(|(share, days)| json!({ "percent": share, "days": days })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_least_delay_that_is_enough() {
        let mut delays = Delays::default();
        (1..=10).rev().for_each(|day| delays.add(day * 86_400));
        let of = |share: u32, delays: &mut Delays| {
            delays.quantiles().into_iter().find(|(of, _)| *of == share).map(|(_, days)| days)
        };
        assert_eq!(
            [25, 50, 75, 90, 95, 99].map(|share| of(share, &mut delays)),
            [3.0, 5.0, 8.0, 9.0, 10.0, 10.0].map(Some)
        );
        assert_eq!((delays.later_than(7), delays.later_than(10)), (3, 0));
        assert_eq!(Delays::default().quantiles(), []);
    }
}
