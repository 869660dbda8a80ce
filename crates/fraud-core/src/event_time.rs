//! A transaction's own time: reading it, and where it counts.

use std::time::Duration;

use crate::timestamp::{Timestamp, local_millis};

/// A time as a producer wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// The instant, to the millisecond; finer digits are cut off. Without an offset the text is taken as UTC.
    pub instant: Timestamp,
    /// The hour as written, 0 to 23: the hour of day where the customer was, whatever the offset.
    pub hour: u8,
}

/// Reads RFC 3339, and beyond it: a missing offset; `t` or a space for `T`; `z` for `Z`; a fraction of any length;
/// the offsets `+hhmm` and `+hh`. Anything else (a date alone, an hour 24, a second 60, a comma) is `None`.
pub fn parse(text: &str) -> Option<EventTime> {
    let (fixed, mut rest) = text.as_bytes().split_first_chunk()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', time @ ..]: [u8; 19] = *fixed else {
        return None;
    };
    let [h1, h2, b':', i1, i2, b':', s1, s2] = time else { return None };
    let (year, month, day) = (number([y1, y2, y3, y4])?, number([m1, m2])?, number([d1, d2])?);
    let (hour, minute, second) = (number([h1, h2])?, number([i1, i2])?, number([s1, s2])?);
    let millis = if byte(&mut rest, b".").is_some() { fraction(&mut rest) } else { 0 };
    let offset_minutes = offset(rest)?;
    if year == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let local =
        local_millis((year, month as u8, day as u8), (hour as u8, minute as u8, second as u8), millis)?;
    // The offset can carry the first and the last day of the calendar out of it.
    let instant = Timestamp::saturating_from_millis(local - i64::from(offset_minutes) * 60_000);
    Some(EventTime { instant, hour: hour as u8 })
}

/// The value of at most four ASCII digits.
fn number<const WIDTH: usize>(digits: [u8; WIDTH]) -> Option<u16> {
    digits
        .into_iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0')))
}

/// Takes two digits off the front.
fn two_digits(rest: &mut &[u8]) -> Option<u16> {
    let (front, back) = rest.split_first_chunk::<2>()?;
    *rest = back;
    number(*front)
}

/// Takes one of the `accepted` bytes off the front.
fn byte(rest: &mut &[u8], accepted: &[u8]) -> Option<u8> {
    let (&first, back) = rest.split_first()?;
    accepted.contains(&first).then(|| {
        *rest = back;
        first
    })
}

/// Takes all digits off the front; the first three are the milliseconds.
fn fraction(rest: &mut &[u8]) -> u16 {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (front, back) = rest.split_at(length);
    *rest = back;
    (0..3).fold(0, |millis, at| millis * 10 + front.get(at).map_or(0, |digit| u16::from(digit - b'0')))
}

/// Reads all that is left as an offset, in minutes east of UTC.
fn offset(mut rest: &[u8]) -> Option<i32> {
    if rest.is_empty() || rest == b"Z" || rest == b"z" {
        return Some(0);
    }
    let sign = if byte(&mut rest, b"+-")? == b'-' { -1 } else { 1 };
    let hours = two_digits(&mut rest)?;
    let minutes = if rest.is_empty() {
        0
    } else {
        // Without a colon as well as with one.
        let _ = byte(&mut rest, b":");
        two_digits(&mut rest)?
    };
    (rest.is_empty() && hours <= 23 && minutes <= 59).then(|| sign * i32::from(hours * 60 + minutes))
}

/// How far an event time may lie from the arrival and still decide the partition and the window. Outside, a wrong
/// clock is likelier than a late record, and the arrival time takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeBounds {
    /// The furthest before arrival; `None` is no bound.
    pub max_age: Option<Duration>,
    /// The furthest after arrival; `None` is no bound.
    pub max_ahead: Option<Duration>,
}

impl EventTimeBounds {
    /// The time that a record counts under: its event time where that is known and within the bounds, else its
    /// arrival. A bound itself is within.
    pub fn effective(&self, event_time: Option<Timestamp>, arrival: Timestamp) -> Timestamp {
        let Some(event_time) = event_time else { return arrival };
        let ahead = event_time.millis() - arrival.millis();
        let exceeds = |distance: i64, bound: Option<Duration>| {
            bound.is_some_and(|bound| {
                u128::try_from(distance).is_ok_and(|distance| distance > bound.as_millis())
            })
        };
        if exceeds(ahead, self.max_ahead) || exceeds(-ahead, self.max_age) { arrival } else { event_time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn millis(text: &str) -> Option<i64> {
        parse(text).map(|time| time.instant.millis())
    }

    #[test]
    fn every_accepted_form_names_the_same_instant() {
        for text in [
            "2024-01-15T03:00:00Z",
            "2024-01-15t03:00:00z",
            "2024-01-15 03:00:00",
            "2024-01-15T03:00:00.",
            "2024-01-15T03:00:00.000999999999999999999Z",
            "2024-01-15T12:00:00+09:00",
            "2024-01-15T12:00:00+0900",
            "2024-01-15T12:00:00+09",
            "2024-01-14T22:00:00-05:00",
            "2024-01-15T03:00:00-00:00",
        ] {
            assert_eq!(millis(text), Some(1_705_287_600_000), "{text}");
        }
        assert_eq!(millis("2024-01-15T03:00:00.5Z"), Some(1_705_287_600_500));
        assert_eq!(millis("2024-02-29T00:00:00.98Z"), Some(1_709_164_800_980));
    }

    #[test]
    fn anything_else_is_unknown() {
        for text in [
            "",
            "2024-01-15",
            "20240115T030000Z",
            "2024-01-15T03",
            "2024-01-15T03:00",
            "2024-01-15T03:00:00,5Z",
            "2024-01-15T24:00:00Z",
            "2024-01-15T23:59:60Z",
            "2024-01-15T03:60:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "0000-01-15T03:00:00Z",
            "-2024-01-15T03:00:00Z",
            "2024-01-15T03:00:00 Z",
            " 2024-01-15T03:00:00Z",
            "2024-01-15T03:00:00Z ",
            "2024-01-15T3:00:00Z",
            "2024-01-15T03:00:00+24:00",
            "2024-01-15T03:00:00+09:60",
            "2024-01-15T03:00:00+9",
            "2024-01-15T03:00:00+",
            "2024-01-15T03:00:00+09:",
            "2024-01-15T03:00:00+09:0",
            "2024-01-15T03:00:00[UTC]",
            "1705287600",
            "２０２４-01-15T03:00:00Z",
            "2024-01-15T03:00:00\u{2212}09:00",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_hour_is_the_one_written_and_not_the_one_in_utc() {
        assert_eq!(parse("2024-01-15T03:00:00+09:00").unwrap().hour, 3);
        assert_eq!(parse("2024-01-15T23:59:59-23:59").unwrap().hour, 23);
    }

    #[test]
    fn offsets_at_the_ends_of_the_calendar_stay_in_it() {
        assert_eq!(
            parse("0001-01-01T00:00:00+23:59").unwrap().instant.to_string(),
            "0001-01-01T00:00:00.000Z"
        );
        assert_eq!(
            parse("9999-12-31T23:59:59-23:59").unwrap().instant.to_string(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn a_time_counts_up_to_its_bound_and_arrival_beyond_it() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let arrival = at(1_000_000_000);
        let hour = Duration::from_secs(3600);
        let bounds = EventTimeBounds { max_age: Some(24 * hour), max_ahead: Some(hour) };
        let unbounded = EventTimeBounds { max_age: None, max_ahead: None };
        for (event_time, within) in [
            (1_000_000_000 - 24 * 3_600_000, true),
            (1_000_000_000 - 24 * 3_600_000 - 1, false),
            (1_000_000_000 + 3_600_000, true),
            (1_000_000_000 + 3_600_001, false),
        ] {
            let event_time = at(event_time);
            assert_eq!(
                bounds.effective(Some(event_time), arrival),
                if within { event_time } else { arrival }
            );
            assert_eq!(unbounded.effective(Some(event_time), arrival), event_time);
        }
        assert_eq!(unbounded.effective(None, arrival), arrival);
    }

    proptest! {
        #[test]
        fn whatever_chrono_reads_as_rfc_3339_is_the_same_instant_here(
            millis in -62_000_000_000_000i64..253_000_000_000_000,
            offset in -1439i32..=1439,
        ) {
            let zone = chrono::FixedOffset::east_opt(offset * 60).unwrap();
            let text = DateTime::from_timestamp_millis(millis).unwrap().with_timezone(&zone).to_rfc3339();
            let expected = DateTime::parse_from_rfc3339(&text).unwrap();
            let read = parse(&text).unwrap();
            prop_assert_eq!(read.instant.millis(), expected.timestamp_millis());
        }

        #[test]
        fn no_text_panics(text in any::<String>(), near in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}[.0-9]{0,5}[Zz+0-9:é-]{0,7}") {
            let _ = parse(&text);
            let _ = parse(&near);
        }
    }
}
