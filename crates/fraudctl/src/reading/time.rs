//! Times as arguments.

use exact_text::timestamp::Timestamp;

/// A time as RFC 3339 writes it, to the millisecond.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok();
    let time = time.and_then(|time| Timestamp::from_millis(time.timestamp_millis()));
    time.ok_or_else(|| "a time is written as 2026-01-15T00:00:00Z".to_owned())
}

/// A time that is not in the future: a stream refuses to be read from one that is.
pub fn past_time(text: &str) -> Result<Timestamp, String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = time(text)?;
    match u128::try_from(time.millis()) {
        Ok(millis) if millis > now.as_millis() => Err(format!("{time} is in the future")),
        _ => Ok(time),
    }
}
