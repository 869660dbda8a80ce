//! Days as arguments.

use chrono::NaiveDate;

/// The days that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: i32,
    pub(super) through: i32,
    /// The first day whose counts are kept.
    pub(super) first_kept: i32,
}

impl Days {
    pub(super) fn contain(self, day: i32) -> bool {
        (self.from..=self.through).contains(&day)
    }
}

/// A UTC day, counted from the epoch.
pub(super) fn day(text: &str) -> Result<i32, String> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| "a day is written as 2026-01-15".to_owned())?;
    Ok(day.to_epoch_days())
}

/// A day as people write it.
pub(crate) fn text(day: i32) -> String {
    NaiveDate::from_epoch_days(day).map_or_else(|| day.to_string(), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        assert_eq!(day("1970-01-02"), Ok(1));
        assert_eq!(day(&text(20_468)), Ok(20_468));
        for wrong in ["2026-02-30", "2026-01-15T00:00:00Z", "", "15.1.2026"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
