//! Spans of time as arguments and for people.

use backtest::measures::DAY;

use crate::reading::written;

/// The most days of an argument: a century.
const MAX_DAYS: u32 = 36_500;

/// A number of whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days(pub(super) u32);

impl Days {
    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.0) * DAY
    }
}

/// `28d`.
pub(crate) fn days(text: &str) -> Result<Days, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.filter(|days| *days <= MAX_DAYS);
    days.map(Days).ok_or_else(|| "a number of days is written as 28d".to_owned())
}

/// A time, or a day for its first moment in UTC, in seconds since the epoch.
pub(super) fn moment(text: &str) -> Result<i64, String> {
    let millis = written(text).map(|millis| millis.div_euclid(1000));
    millis.ok_or_else(|| "a time is written as 2026-01-15 or 2026-01-15T00:00:00Z".to_owned())
}

/// A moment for people: the day alone at its first second.
pub(crate) fn text(second: i64) -> String {
    let time = chrono::DateTime::from_timestamp(second, 0);
    time.map_or_else(
        || second.to_string(),
        |time| match second.rem_euclid(DAY) {
            0 => time.format("%Y-%m-%d").to_string(),
            _ => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        assert_eq!(moment("1970-01-02"), Ok(86_400));
        assert_eq!(moment("1970-01-01T01:00:00+01:00"), Ok(0));
        for written in ["2026-01-15", "2026-01-15T12:30:00Z"] {
            assert_eq!(text(moment(written).unwrap()), written);
        }
        for wrong in ["yesterday", "15.1.2026", "2026-02-30", ""] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_are_whole_and_named() {
        assert_eq!((days("28d"), days("0d")), (Ok(Days(28)), Ok(Days(0))));
        for wrong in ["28", "d", "1.5d", "-1d", "36501d", "7 days"] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
