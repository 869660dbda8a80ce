//! The lake's folders.

use exact_text::timestamp::Timestamp;

/// The hour that a path's folders name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition([u16; 4]);

impl Partition {
    /// The partition of a path; `None` if its folders do not name one.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let folder = |name: &str| {
            let mut parts = path.split(['/', '\\']);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        Some(Partition([folder("year")?, folder("month")?, folder("day")?, folder("hour")?]))
    }

    /// Whether a time is in that hour.
    pub(super) fn holds(self, time: Timestamp) -> bool {
        let calendar = time.calendar();
        self.0 == [calendar.year, calendar.month.into(), calendar.day.into(), calendar.hour.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exact_text::written_time;

    #[test]
    fn a_path_names_the_hour_of_its_transactions_in_utc() {
        let partition = Partition::of_path("lake/year=2026/month=01/day=9/hour=23/part.gz").unwrap();
        let at = |text| written_time::parse(text).unwrap().instant;
        assert!(partition.holds(at("2026-01-10T00:59:59+01:00")));
        assert!(!partition.holds(at("2026-01-10T00:00:00Z")));
        for path in ["", "lake/part", "year=2026/month=1/day=1/part", "year=2026/month=x/day=1/hour=1"] {
            assert_eq!(Partition::of_path(path), None, "{path}");
        }
    }
}
