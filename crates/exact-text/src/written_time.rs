//! Times of day as people and programs write them.

use crate::timestamp::{Timestamp, local_millis};

/// The most characters of a time that are read.
pub const MAX_LENGTH: usize = 64;

/// Epoch numbers from this on are unreadable: as milliseconds it lies in the year 5138.
const EPOCH_END: i64 = 100_000_000_000_000;

/// A time as a producer wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenTime {
    /// The instant, to the millisecond; finer digits are cut off. Without an offset the text is taken as UTC.
    pub instant: Timestamp,
    /// The hour as written, 0 to 23: the hour of day where the customer was, whatever the offset. `None` for an epoch
    /// number, which names an instant and no local time.
    pub hour: Option<u8>,
    /// The minutes by which the clock as written is ahead of UTC; 0 without an offset, and for an epoch number.
    pub offset_minutes: i16,
}

impl WrittenTime {
    /// The day of the week as written, 1 (Monday) to 7; `None` for an epoch number.
    pub fn weekday(&self) -> Option<u8> {
        self.hour?;
        let local = self.instant.millis().saturating_add(i64::from(self.offset_minutes) * 60_000);
        Some(weekday(local))
    }
}

/// The day of the week, 1 (Monday) to 7, of a local time in milliseconds since the epoch.
pub fn weekday(local_millis: i64) -> u8 {
    const DAY: i64 = 86_400_000;
    // The epoch's first day was a Thursday.
    ((local_millis.div_euclid(DAY) + 3).rem_euclid(7) + 1) as u8
}

/// Reads a text of at most [`MAX_LENGTH`] characters: RFC 3339, and beyond it: a missing offset; `t` or a space for
/// `T`; `z` for `Z`; minutes without seconds; a fraction of any length; the offsets `+hhmm` and `+hh`; zone names in
/// brackets behind an offset, as RFC 9557 and Java write them. Also epoch numbers, see [`parse_epoch`]. Anything else (a
/// date alone, an hour 24, a second 60, a comma) is `None`.
pub fn parse(text: &str) -> Option<WrittenTime> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    parse_calendar(text).or_else(|| parse_epoch(text))
}

fn parse_calendar(text: &str) -> Option<WrittenTime> {
    let (fixed, mut rest) = text.as_bytes().split_first_chunk()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', i1, i2]: [u8; 16] =
        *fixed
    else {
        return None;
    };
    let (year, month, day) = (number([y1, y2, y3, y4])?, number([m1, m2])?, number([d1, d2])?);
    let (hour, minute) = (number([h1, h2])?, number([i1, i2])?);
    let mut second = 0;
    let mut millis = 0;
    if byte(&mut rest, b":").is_some() {
        second = two_digits(&mut rest)?;
        if byte(&mut rest, b".").is_some() {
            millis = fraction(&mut rest);
        }
    }
    let offset_minutes = offset(rest)?;
    if year == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let local =
        local_millis((year, month as u8, day as u8), (hour as u8, minute as u8, second as u8), millis)?;
    // The offset can carry the first and the last day of the calendar out of it.
    let instant = Timestamp::saturating_from_millis(local - i64::from(offset_minutes) * 60_000);
    Some(WrittenTime { instant, hour: Some(hour as u8), offset_minutes: offset_minutes as i16 })
}

/// Reads a JSON number's digits as a time since the epoch: below 1e11 in seconds, from there to below 1e14 in
/// milliseconds, fractional or not. `None` for a negative number, a larger one and for more than [`MAX_LENGTH`]
/// characters.
pub fn parse_epoch(number: &str) -> Option<WrittenTime> {
    let instant = Timestamp::from_epoch_number(number).filter(|_| number.len() <= MAX_LENGTH)?;
    (instant.millis() < EPOCH_END).then_some(WrittenTime { instant, hour: None, offset_minutes: 0 })
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

/// Reads all that is left as an offset, in minutes east of UTC, and zone names behind it.
fn offset(mut rest: &[u8]) -> Option<i32> {
    if rest.is_empty() {
        return Some(0);
    }
    let minutes_east = if byte(&mut rest, b"Zz").is_some() {
        0
    } else {
        let sign = if byte(&mut rest, b"+-")? == b'-' { -1 } else { 1 };
        let hours = two_digits(&mut rest)?;
        let minutes = if rest.is_empty() || rest.first() == Some(&b'[') {
            0
        } else {
            // Without a colon as well as with one.
            let _ = byte(&mut rest, b":");
            two_digits(&mut rest)?
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        sign * i32::from(hours * 60 + minutes)
    };
    are_zone_names(rest).then_some(minutes_east)
}

/// Whether a text is nothing but zone names and tags in brackets: `[Europe/Berlin]`, `[u-ca=iso8601]`.
fn are_zone_names(mut rest: &[u8]) -> bool {
    let is_of_a_name = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+' | b'.' | b'=' | b'!')
    };
    while let Some(name) = rest.strip_prefix(b"[") {
        let length = name.iter().take_while(|byte| is_of_a_name(byte)).count();
        match name.get(length..).and_then(|end| end.strip_prefix(b"]")) {
            Some(behind) if length > 0 => rest = behind,
            _ => return false,
        }
    }
    rest.is_empty()
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
            "2024-01-15T03:00",
            "2024-01-15 03:00Z",
            "2024-01-15T12:00+09:00",
            "2024-01-15T03:00:00Z[UTC]",
            "2024-01-15T12:00:00+09:00[Asia/Tokyo]",
            "2024-01-15T12:00+09[Asia/Tokyo][u-ca=japanese]",
            "2024-01-14T23:30-0330[!America/St_Johns]",
            "1705287600",
            "1705287600.0009",
            "1705287600000",
            "1705287600000.9",
            "1.7052876e9",
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
            "2024-01-15T03:00:",
            "2024-01-15T03:00:0",
            "2024-01-15T03:00.5Z",
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
            "2024-01-15T03:00:00Z[]",
            "2024-01-15T03:00:00Z[UTC",
            "2024-01-15T03:00:00Z[UTC] ",
            "2024-01-15T03:00:00Z[a b]",
            "-1705287600",
            "+1705287600",
            "100000000000000",
            "1e14",
            "0x1",
            "1705287600Z",
            " 1705287600",
            "1705287600,5",
            "/Date(1764119000123)/",
            "11/26/2026 01:03:14",
            "Thu, 26 Nov 2026 01:03:14 GMT",
            "2024-01-15T03:00:00.00000000000000000000000000000000000000000000Z",
            "２０２４-01-15T03:00:00Z",
            "2024-01-15T03:00:00\u{2212}09:00",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_hour_is_the_one_written_and_not_the_one_in_utc() {
        assert_eq!(parse("2024-01-15T03:00:00+09:00").unwrap().hour, Some(3));
        assert_eq!(parse("2024-01-15T23:59:59-23:59").unwrap().hour, Some(23));
        assert_eq!(parse("2024-01-15T23:59-23:59[Etc/Nowhere]").unwrap().hour, Some(23));
    }

    #[test]
    fn the_weekday_is_the_one_written_and_not_the_one_in_utc() {
        for (text, weekday) in [
            ("2024-01-15T03:00:00Z", Some(1)),
            ("2024-01-15T03:00:00+09:00", Some(1)),
            ("2024-01-14T23:59:59-23:59", Some(7)),
            ("1969-12-31T00:00:00Z", Some(3)),
            ("1705287600", None),
        ] {
            assert_eq!(parse(text).unwrap().weekday(), weekday, "{text}");
        }
    }

    #[test]
    fn an_epoch_number_names_an_instant_and_no_local_time() {
        for (number, millis) in [
            ("0", 0),
            ("99999999999", 99_999_999_999_000),
            ("100000000000", 100_000_000_000),
            ("99999999999999", 99_999_999_999_999),
            ("1764119000.125", 1_764_119_000_125),
        ] {
            let time = parse(number).unwrap();
            assert_eq!((time.instant.millis(), time.hour), (millis, None), "{number}");
        }
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
