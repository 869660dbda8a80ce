//! Times as arguments.

use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};

const ACCEPTED: &str = "a time is written as 2026-01-15T08:00:00Z, 2026-01-15 (midnight UTC), -1h (s, m, h or d ago), now, today or yesterday";

const DAY: i64 = 86_400_000;

/// A time as RFC 3339 writes it, to the millisecond; a date, which is its midnight in UTC; or one seen from now.
pub fn time(text: &str) -> Result<Timestamp, String> {
    seen_from(SystemClock.now(), text)
}

/// A time that is not in the future: a stream refuses to be read from one that is.
pub fn past_time(text: &str) -> Result<Timestamp, String> {
    let now = SystemClock.now();
    match seen_from(now, text)? {
        time if time > now => Err(format!("{time} is in the future")),
        time => Ok(time),
    }
}

fn seen_from(now: Timestamp, text: &str) -> Result<Timestamp, String> {
    let midnight = now.millis().div_euclid(DAY) * DAY;
    let millis = match text {
        "now" => Some(now.millis()),
        "today" => Some(midnight),
        "yesterday" => Some(midnight - DAY),
        _ => ago(text).map(|ago| now.millis().saturating_sub(ago)).or_else(|| written(text)),
    };
    millis.and_then(Timestamp::from_millis).ok_or_else(|| ACCEPTED.to_owned())
}

/// The milliseconds of `-90s`, `-30m`, `-1h` or `-2d`.
fn ago(text: &str) -> Option<i64> {
    let text = text.strip_prefix('-')?;
    let unit = text.chars().next_back()?;
    let millis = match unit {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => DAY,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    i64::from(count).checked_mul(millis)
}

/// The milliseconds of a time or a date as it is written, which is the same whenever it is read.
pub fn written(text: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
    let date = || {
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    };
    time.ok().or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_out_a_date_or_seen_from_now() {
        let now = Timestamp::from_millis(written("2026-01-15T08:30:00Z").unwrap()).unwrap();
        for (text, time) in [
            ("2026-01-15T08:00:00+01:00", "2026-01-15T07:00:00.000Z"),
            ("2026-01-14", "2026-01-14T00:00:00.000Z"),
            ("-1h", "2026-01-15T07:30:00.000Z"),
            ("-90s", "2026-01-15T08:28:30.000Z"),
            ("-30m", "2026-01-15T08:00:00.000Z"),
            ("-2d", "2026-01-13T08:30:00.000Z"),
            ("now", "2026-01-15T08:30:00.000Z"),
            ("today", "2026-01-15T00:00:00.000Z"),
            ("yesterday", "2026-01-14T00:00:00.000Z"),
        ] {
            assert_eq!(seen_from(now, text).map(|time| time.to_string()), Ok(time.to_owned()), "{text}");
        }
        for text in
            ["", "tomorrow", "-1w", "-h", "--1h", "-99999999999d", "2026-02-30", "08:00", "1768464000"]
        {
            assert_eq!(seen_from(now, text), Err(ACCEPTED.to_owned()), "{text}");
        }
        assert!(past_time("9000-01-01").unwrap_err().ends_with("is in the future"));
    }
}
