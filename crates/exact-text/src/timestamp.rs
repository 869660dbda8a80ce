//! Instants: when a record arrived and when its transaction happened.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

use crate::json::Value;

/// An instant in UTC, in whole milliseconds, between the years 0001 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A timestamp's parts in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// 1 to 9999
    pub year: u16,
    /// 1 to 12
    pub month: u8,
    /// 1 to 31
    pub day: u8,
    /// 0 to 23
    pub hour: u8,
}

/// Epoch numbers below this are seconds, from it on milliseconds. As seconds it lies in the year 5138, as milliseconds
/// in 1973: no service that sends arrival times existed then. Firehose sends milliseconds, Kinesis seconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

impl Timestamp {
    const MIN: i64 = -62_135_596_800_000;
    const MAX: i64 = 253_402_300_799_999;

    /// Milliseconds since the epoch; `None` outside the years 0001 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&millis).then_some(Timestamp(millis))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// An arrival time as AWS events write it: a number of seconds (Kinesis) or milliseconds (Firehose) since the
    /// epoch, fractional or not, or text that holds such a number or an RFC 3339 time. The decimal digits are read as
    /// they stand, never through a binary fraction; what is finer than a millisecond is cut off.
    pub fn from_arrival(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Number(digits) => Self::from_epoch_number(digits),
            Value::String(text) => {
                let text = text.decode()?;
                Self::from_epoch_number(&text)
                    .or_else(|| crate::written_time::parse(&text).map(|time| time.instant))
            }
            _ => None,
        }
    }

    /// The instant of a JSON number since the epoch: below 1e11 in seconds, from there on in milliseconds, fractional or
    /// not. `None` for a negative number and for an instant after the year 9999.
    pub fn from_epoch_number(number: &str) -> Option<Self> {
        match short_decimal(number.as_bytes()) {
            Some((whole, thousandths)) => {
                let millis = if whole < FIRST_MILLISECONDS { whole * 1000 + thousandths } else { whole };
                Timestamp::from_millis(i64::try_from(millis).ok()?)
            }
            None => from_any_digits(number),
        }
    }

    /// Milliseconds since the epoch, moved to the nearest instant within the years 0001 to 9999.
    pub fn saturating_from_millis(millis: i64) -> Self {
        Timestamp(millis.clamp(Self::MIN, Self::MAX))
    }

    /// The date and hour in UTC.
    pub fn calendar(self) -> Calendar {
        let utc = self.utc();
        // The years 1 to 9999 are what the type holds, so no cast below can cut anything off.
        Calendar {
            year: utc.year() as u16,
            month: utc.month() as u8,
            day: utc.day() as u8,
            hour: utc.hour() as u8,
        }
    }

    /// `2024-01-15T03:00:00.000Z`: RFC 3339 in UTC with milliseconds.
    pub fn to_rfc3339(self) -> [u8; 24] {
        let utc = self.utc();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut number: u32| {
            for digit in text.iter_mut().skip(at).take(width).rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, utc.year().unsigned_abs());
        put(5, 2, utc.month());
        put(8, 2, utc.day());
        put(11, 2, utc.hour());
        put(14, 2, utc.minute());
        put(17, 2, utc.second());
        put(20, 3, utc.nanosecond() / 1_000_000);
        text
    }

    /// Naive, for a time with a zone works its offset into each part that it is asked for.
    fn utc(self) -> NaiveDateTime {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_rfc3339()).unwrap_or_default())
    }
}

/// Milliseconds since the epoch of a date and time of day as written, before any offset is taken off.
pub(crate) fn local_millis(date: (u16, u8, u8), time: (u8, u8, u8), millis: u16) -> Option<i64> {
    let day = NaiveDate::from_ymd_opt(i32::from(date.0), u32::from(date.1), u32::from(date.2))?;
    let time =
        day.and_hms_milli_opt(u32::from(time.0), u32::from(time.1), u32::from(time.2), u32::from(millis))?;
    Some(time.and_utc().timestamp_millis())
}

/// The whole part and the thousandths of a JSON number without sign and exponent, as short as those of this age are.
fn short_decimal(number: &[u8]) -> Option<(u64, u64)> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let mut whole = 0;
    let mut rest = number.iter();
    let is_short =
        number.len() <= 30 && (number.first() != Some(&b'0') || matches!(number, [_] | [_, b'.', ..]));
    if !is_short {
        return None;
    }
    for place in 0.. {
        match rest.next() {
            Some(b'.') if place > 0 => break,
            Some(byte) if place < 15 => whole = whole * 10 + digit(byte)?,
            None if place > 0 => return Some((whole, 0)),
            _ => return None,
        }
    }
    let fraction = rest.as_slice();
    let is_fraction = !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit);
    let thousandths =
        (0..3).fold(0, |sum, place| sum * 10 + fraction.get(place).and_then(digit).unwrap_or(0));
    is_fraction.then_some((whole, thousandths))
}

/// What [`Timestamp::from_epoch_number`] gives, for a number of any length and form.
fn from_any_digits(number: &str) -> Option<Timestamp> {
    if number.starts_with('-') || !crate::json::is_number(number) {
        return None;
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The number is `digits` with the decimal point behind its first `point` digits.
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let unit = digits_before(&digits, point)?;
    let millis = if unit < u128::from(FIRST_MILLISECONDS) {
        digits_before(&digits, point.checked_add(3)?)?
    } else {
        unit
    };
    Timestamp::from_millis(i64::try_from(millis).ok()?)
}

/// The integer before the decimal point, where that is behind the first `point` digits.
fn digits_before(digits: &[u8], point: i32) -> Option<u128> {
    let digit = |at: i32| {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at));
        u128::from(digit.map_or(0, |digit| digit - b'0'))
    };
    // Leading zeros could make `point` large without making the number large; no service writes them.
    if point > 64 {
        return None;
    }
    (0..point).try_fold(0u128, |sum, at| sum.checked_mul(10)?.checked_add(digit(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Scanner;
    use proptest::prelude::*;

    fn arrival(json: &str) -> Option<i64> {
        Timestamp::from_arrival(Scanner::new(json, 4).value().unwrap()).map(Timestamp::millis)
    }

    #[test]
    fn arrival_times_keep_every_millisecond_in_every_form_that_services_write() {
        for (json, millis) in [
            ("1495072949453", 1_495_072_949_453),
            ("1545084650.98", 1_545_084_650_980),
            ("1545084650.5", 1_545_084_650_500),
            ("1545084650.0009", 1_545_084_650_000),
            ("1545084650", 1_545_084_650_000),
            ("1520280173", 1_520_280_173_000),
            ("1495072949453.7", 1_495_072_949_453),
            ("1.545084650987E9", 1_545_084_650_987),
            ("1495072949453e0", 1_495_072_949_453),
            ("\"1545084650.987\"", 1_545_084_650_987),
            ("\"2012-04-23T18:25:43.511Z\"", 1_335_205_543_511),
            ("0", 0),
        ] {
            assert_eq!(arrival(json), Some(millis), "{json}");
        }
        for json in [
            "null",
            "true",
            "[]",
            "\"\"",
            "\"soon\"",
            "-5",
            "1e400",
            "1e-400000000000",
            "99999999999999999",
            "{}",
        ] {
            assert_eq!(arrival(json), None, "{json}");
        }
    }

    #[test]
    fn the_calendar_and_the_text_are_utc() {
        let time = Timestamp::from_millis(1_705_287_600_007).unwrap();
        assert_eq!(time.to_string(), "2024-01-15T03:00:00.007Z");
        assert_eq!(time.calendar(), Calendar { year: 2024, month: 1, day: 15, hour: 3 });
        assert_eq!(Timestamp(Timestamp::MIN).to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(Timestamp::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(Timestamp::MAX + 1), None);
    }

    proptest! {
        #[test]
        fn a_short_number_and_a_long_one_of_the_same_value_are_the_same_instant(number in r"(0|0?[1-9][0-9]{0,16}|\+?[0-9]{1,3})?(\.[0-9]{0,9})?x?") {
            prop_assert_eq!(Timestamp::from_epoch_number(&number), from_any_digits(&number), "{}", number);
        }

        #[test]
        fn an_instant_reads_back_from_its_text_and_from_its_number(
            millis in Timestamp::MIN..=Timestamp::MAX,
            seconds in 0..FIRST_MILLISECONDS as i64,
            fraction in 0..1000i64,
        ) {
            let time = Timestamp::from_millis(millis).unwrap();
            prop_assert_eq!(crate::written_time::parse(&time.to_string()).unwrap().instant, time);
            let kinesis = format!("{seconds}.{fraction:03}");
            prop_assert_eq!(arrival(&kinesis), Some(seconds * 1000 + fraction));
        }
    }
}
