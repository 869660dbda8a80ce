//! How a producer writes its times.

use std::borrow::Cow;
use std::fmt::Write as _;

use exact_text::decimal::Decimal;
use exact_text::json::Value;
use exact_text::timestamp::Timestamp;
use exact_text::written_time::{self, MAX_LENGTH, WrittenTime};
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::closest::closest;

/// How a time is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimeForm {
    /// As [`written_time`] reads it: the form of a transaction without a schema.
    Usual,
    /// A number of seconds since the epoch, fractional or not.
    EpochSeconds(Option<Zone>),
    /// A number of milliseconds since the epoch.
    EpochMillis(Option<Zone>),
    /// RFC 3339 and its relatives, in the zone where the text has no offset, or in UTC.
    Rfc3339(Option<Zone>),
    /// A pattern of `strptime`, in the zone if the pattern has no offset.
    Pattern(String, Option<Zone>),
}

/// A zone of the IANA database, or a fixed offset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    pub(crate) name: String,
    rules: TimeZone,
}

/// A time, and the JSON that says the same in the form that a transaction without a schema has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadTime<'a> {
    pub(crate) time: WrittenTime,
    /// Text, not yet as JSON; for an epoch number its digits.
    pub(crate) text: Cow<'a, str>,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// It has a directive that times cannot be read by.
    #[error("it has a directive that no time is read by")]
    Directive,
    /// It leaves the day open.
    #[error("it must tell year, month and day")]
    Date,
    /// It leaves the hour open.
    #[error("it must tell the hour, 12-hour clocks with %p")]
    Hour,
    /// It reads zone names or a number of seconds.
    #[error("%Q and %s are not read; name the zone in `zone`, and take the form `epoch_s`")]
    Unread,
}

impl Zone {
    /// `UTC`, an offset such as `+01:00`, or a name of the IANA database.
    ///
    /// # Errors
    /// The closest known name, if one is close.
    pub(crate) fn parse(name: &str) -> Result<Self, Option<String>> {
        let rules = match fixed_offset(name) {
            Some(offset) => TimeZone::fixed(offset),
            None => {
                let known = TimeZoneDatabase::bundled();
                known.get(name).map_err(|_| {
                    let names: Vec<_> = known.available().map(|name| name.as_str().to_owned()).collect();
                    closest(name, names.iter().map(String::as_str)).map(str::to_owned)
                })?
            }
        };
        Ok(Zone { name: name.to_owned(), rules })
    }

    /// The minutes east of UTC of a time as it is on the zone's clocks. One that the clocks skip, when they are put forward,
    /// and one that they show twice, when they are put back, are taken with the offset before the change (RFC 5545, section
    /// 3.3.5). Offsets with seconds, as there were until 1972, count in whole minutes.
    fn offset_at_local(&self, local: DateTime) -> i64 {
        let ambiguous = self.rules.to_ambiguous_timestamp(local).offset();
        minutes(match ambiguous {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset,
            jiff::tz::AmbiguousOffset::Gap { before, .. }
            | jiff::tz::AmbiguousOffset::Fold { before, .. } => before,
        })
    }

    fn offset_at_instant(&self, instant: Timestamp) -> i64 {
        let at = jiff::Timestamp::from_millisecond(instant.millis()).unwrap_or_default();
        minutes(self.rules.to_offset(at))
    }
}

fn minutes(offset: Offset) -> i64 {
    i64::from(offset.seconds()).div_euclid(60)
}

/// `+hh:mm` or `-hh:mm`.
fn fixed_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str, end: i32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &i32| is_number && *number < end)
    };
    let (hours, minutes) = (number(hours, 24)?, number(minutes, 60)?);
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()
}

/// Whether a pattern has an offset of its own.
///
/// # Errors
/// [`PatternFault`] if it cannot be read by, or leaves the day or the hour open.
pub(crate) fn pattern_has_offset(pattern: &str) -> Result<bool, PatternFault> {
    // A time whose parts cannot be taken for each other, written by the pattern and read again.
    let civil = jiff::civil::date(2006, 12, 31).at(23, 4, 5, 0);
    let sample = TimeZone::fixed(Offset::constant(7)).to_zoned(civil).map_err(|_| PatternFault::Directive)?;
    let written = strtime::format(pattern, &sample).map_err(|_| PatternFault::Directive)?;
    let read = strtime::parse(pattern, &written).map_err(|_| PatternFault::Directive)?;
    if read.timestamp().is_some() || has_zone_name(pattern) {
        return Err(PatternFault::Unread);
    }
    if !read.to_date().is_ok_and(|date| date == civil.date()) {
        return Err(PatternFault::Date);
    }
    if !read.to_time().is_ok_and(|time| time.hour() == civil.hour()) {
        return Err(PatternFault::Hour);
    }
    Ok(read.offset().is_some())
}

/// Whether a directive of the pattern is `%Q`, whatever its flags.
fn has_zone_name(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some((_, behind)) = rest.split_once('%') {
        let directive =
            behind.trim_start_matches(|flag: char| flag.is_ascii_digit() || "_-^#:.".contains(flag));
        if directive.starts_with('Q') {
            return true;
        }
        rest = directive.get(1..).unwrap_or_default();
    }
    false
}

impl TimeForm {
    /// The zone, if the schema names one.
    pub(crate) fn zone(&self) -> Option<&Zone> {
        match self {
            TimeForm::Usual => None,
            TimeForm::EpochSeconds(zone) | TimeForm::EpochMillis(zone) => zone.as_ref(),
            TimeForm::Rfc3339(zone) | TimeForm::Pattern(_, zone) => zone.as_ref(),
        }
    }

    /// The form as a schema writes it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            TimeForm::Usual => "",
            TimeForm::EpochSeconds(_) => EPOCH_SECONDS,
            TimeForm::EpochMillis(_) => EPOCH_MILLIS,
            TimeForm::Rfc3339(_) => RFC_3339,
            TimeForm::Pattern(pattern, _) => pattern,
        }
    }

    /// Reads a value; `None` if no time can be read from it.
    pub(crate) fn read<'a>(&self, value: Value<'a>) -> Option<ReadTime<'a>> {
        let (text, is_number) = match value {
            Value::Number(digits) => (Cow::Borrowed(digits), true),
            value => (value.as_str()?, false),
        };
        if text.len() > MAX_LENGTH {
            return None;
        }
        let local = match self {
            TimeForm::Usual => {
                let parse = if is_number { written_time::parse_epoch } else { written_time::parse };
                return parse(&text).map(|time| ReadTime { time, text });
            }
            TimeForm::EpochSeconds(zone) => since_epoch(&text, 3, zone.as_ref())?,
            TimeForm::EpochMillis(zone) => since_epoch(&text, 0, zone.as_ref())?,
            TimeForm::Rfc3339(zone) => {
                let time = written_time::parse(&text).filter(|time| time.hour.is_some() && !is_number)?;
                match zone {
                    // An offset can stand only once: what reads with one more had none.
                    Some(zone) if written_time::parse(&format!("{text}Z")).is_some() => {
                        Local::in_zone(time.instant.millis(), zone)?
                    }
                    _ => return Some(ReadTime { time, text }),
                }
            }
            TimeForm::Pattern(pattern, zone) => by_pattern(pattern, &text, zone.as_ref())?,
        };
        Some(ReadTime { time: local.time()?, text: local.usual(text, is_number)? })
    }
}

pub(crate) const EPOCH_SECONDS: &str = "epoch_s";
pub(crate) const EPOCH_MILLIS: &str = "epoch_ms";
pub(crate) const RFC_3339: &str = "rfc3339";

/// A time on some clock.
#[derive(Debug, Clone, Copy)]
struct Local {
    instant: Timestamp,
    /// The minutes east of UTC of the clock; `None` if the instant is all that is known.
    offset: Option<i64>,
}

impl Local {
    /// The time that a zone's clocks show: milliseconds since the epoch, as if they were UTC.
    fn in_zone(local: i64, zone: &Zone) -> Option<Self> {
        let offset = zone.offset_at_local(civil(local)?);
        Local { instant: Timestamp::from_millis(local - offset * 60_000)?, offset: Some(offset) }
            .within_calendar()
    }

    /// The time if its clock's year has four digits.
    fn within_calendar(self) -> Option<Self> {
        self.on_the_clock().map(|_| self)
    }

    fn on_the_clock(self) -> Option<Timestamp> {
        Timestamp::from_millis(self.instant.millis() + self.offset.unwrap_or_default() * 60_000)
    }

    fn time(self) -> Option<WrittenTime> {
        let hour = match self.offset {
            Some(_) => Some(self.on_the_clock()?.calendar().hour),
            None => None,
        };
        let offset_minutes = i16::try_from(self.offset.unwrap_or_default()).ok()?;
        Some(WrittenTime { instant: self.instant, hour, offset_minutes })
    }

    /// The producer's text if it says the same without a schema, else RFC 3339 with the clock's offset, or the seconds
    /// since the epoch if there is no clock.
    fn usual<'a>(self, text: Cow<'a, str>, is_number: bool) -> Option<Cow<'a, str>> {
        let parse = if is_number { written_time::parse_epoch } else { written_time::parse };
        if parse(&text) == self.time() {
            return Some(text);
        }
        let millis = self.instant.millis().rem_euclid(1000);
        let Some(offset) = self.offset else {
            let mut digits = self.instant.millis().div_euclid(1000).to_string();
            if millis != 0 {
                let _ = write!(digits, ".{millis:03}");
            }
            return (written_time::parse_epoch(&digits) == self.time()).then_some(Cow::Owned(digits));
        };
        let clock = self.on_the_clock()?.to_rfc3339();
        // Up to the seconds, or with the milliseconds.
        let length = if millis == 0 { 19 } else { 23 };
        let mut text = String::from_utf8_lossy(clock.get(..length)?).into_owned();
        let sign = if offset < 0 { '-' } else { '+' };
        let _ = write!(text, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
        (written_time::parse(&text) == self.time()).then_some(Cow::Owned(text))
    }
}

/// A number since the epoch that is in milliseconds once its point is moved by `places`. Negative ones are not read.
fn since_epoch(text: &str, places: u32, zone: Option<&Zone>) -> Option<Local> {
    if text.starts_with('-') {
        return None;
    }
    let millis = i64::try_from(Decimal::parse(text)?.scaled_and_cut(places)?).ok()?;
    let instant = Timestamp::from_millis(millis)?;
    Local { instant, offset: zone.map(|zone| zone.offset_at_instant(instant)) }.within_calendar()
}

fn by_pattern(pattern: &str, text: &str, zone: Option<&Zone>) -> Option<Local> {
    let read = strtime::parse(pattern, text).ok()?;
    let local = read.to_datetime().ok()?;
    let millis = local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    match (read.offset(), zone) {
        (Some(offset), _) => {
            let offset = minutes(offset);
            Local { instant: Timestamp::from_millis(millis - offset * 60_000)?, offset: Some(offset) }
                .within_calendar()
        }
        (None, Some(zone)) => Local::in_zone(millis, zone),
        (None, None) => None,
    }
}

/// A time on a clock as jiff has it.
fn civil(local: i64) -> Option<DateTime> {
    let at = jiff::Timestamp::from_millisecond(local).ok()?;
    Some(Offset::UTC.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use exact_text::json::Scanner;
    use proptest::prelude::*;

    fn zone(name: &str) -> Option<Zone> {
        Some(Zone::parse(name).unwrap())
    }

    fn pattern(pattern: &str, zone_name: &str) -> TimeForm {
        TimeForm::Pattern(pattern.to_owned(), zone(zone_name))
    }

    /// The instant in UTC, the hour, and the usual text of a time in this form.
    fn read(form: &TimeForm, json: &str) -> Option<(String, Option<u8>, String)> {
        let read = form.read(Scanner::new(json, 1).value().unwrap())?;
        Some((read.time.instant.to_string(), read.time.hour, read.text.into_owned()))
    }

    #[test]
    fn a_time_is_read_by_its_form_and_written_in_the_usual_one() {
        let berlin = "Europe/Berlin";
        for (form, json, instant, hour, usual) in [
            (
                TimeForm::Usual,
                "\"2026-01-15 01:03:14\"",
                "2026-01-15T01:03:14.000Z",
                Some(1),
                "2026-01-15 01:03:14",
            ),
            (TimeForm::EpochSeconds(None), "1768438994", "2026-01-15T01:03:14.000Z", None, "1768438994"),
            (
                TimeForm::EpochSeconds(None),
                "\"1768438994.5019\"",
                "2026-01-15T01:03:14.501Z",
                None,
                "1768438994.5019",
            ),
            (
                TimeForm::EpochSeconds(zone(berlin)),
                "1768438994",
                "2026-01-15T01:03:14.000Z",
                Some(2),
                "2026-01-15T02:03:14+01:00",
            ),
            (TimeForm::EpochMillis(None), "1768438994123", "2026-01-15T01:03:14.123Z", None, "1768438994123"),
            (TimeForm::EpochMillis(None), "86400007", "1970-01-02T00:00:00.007Z", None, "86400.007"),
            (
                TimeForm::EpochMillis(zone("-05:30")),
                "1768438994123",
                "2026-01-15T01:03:14.123Z",
                Some(19),
                "2026-01-14T19:33:14.123-05:30",
            ),
            (
                TimeForm::Rfc3339(None),
                "\"2026-01-15T01:03:14\"",
                "2026-01-15T01:03:14.000Z",
                Some(1),
                "2026-01-15T01:03:14",
            ),
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"2026-01-15T01:03:14\"",
                "2026-01-15T00:03:14.000Z",
                Some(1),
                "2026-01-15T01:03:14+01:00",
            ),
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"2026-07-15T01:03:14.5\"",
                "2026-07-14T23:03:14.500Z",
                Some(1),
                "2026-07-15T01:03:14.500+02:00",
            ),
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"2026-01-15T01:03:14Z\"",
                "2026-01-15T01:03:14.000Z",
                Some(1),
                "2026-01-15T01:03:14Z",
            ),
            (
                pattern("%d/%m/%Y %H:%M", berlin),
                "\"15/7/2026 01:03\"",
                "2026-07-14T23:03:00.000Z",
                Some(1),
                "2026-07-15T01:03:00+02:00",
            ),
            (
                pattern("%Y %m %d %H:%M", "America/New_York"),
                "\"2002 9 1 06:21\"",
                "2002-09-01T10:21:00.000Z",
                Some(6),
                "2002-09-01T06:21:00-04:00",
            ),
            (
                pattern("%b %d, %Y %I:%M:%S%p", "UTC"),
                "\"Apr 1, 2022 8:46:15pm\"",
                "2022-04-01T20:46:15.000Z",
                Some(20),
                "2022-04-01T20:46:15+00:00",
            ),
            (
                TimeForm::Pattern("%a, %d %b %Y %H:%M:%S %z".to_owned(), None),
                "\"Thu, 15 Jan 2026 01:03:14 +0100\"",
                "2026-01-15T00:03:14.000Z",
                Some(1),
                "2026-01-15T01:03:14+01:00",
            ),
            // Skipped and shown twice: the offset before the change counts.
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"2026-03-29T02:30:00\"",
                "2026-03-29T01:30:00.000Z",
                Some(2),
                "2026-03-29T02:30:00+01:00",
            ),
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"2026-10-25T02:30:00\"",
                "2026-10-25T00:30:00.000Z",
                Some(2),
                "2026-10-25T02:30:00+02:00",
            ),
            // Before 1893 Berlin was 53 minutes and 28 seconds ahead.
            (
                TimeForm::Rfc3339(zone(berlin)),
                "\"1890-01-01T00:53:00\"",
                "1890-01-01T00:00:00.000Z",
                Some(0),
                "1890-01-01T00:53:00+00:53",
            ),
        ] {
            let expected = (instant.to_owned(), hour, usual.to_owned());
            assert_eq!(read(&form, json), Some(expected), "{form:?} {json}");
        }
    }

    #[test]
    fn what_a_form_does_not_fit_is_unreadable() {
        for (form, json) in [
            (TimeForm::EpochSeconds(None), "-1"),
            (TimeForm::EpochSeconds(None), "\"2026-01-15T01:03:14Z\""),
            (TimeForm::EpochSeconds(None), "1e300"),
            (TimeForm::EpochSeconds(None), "null"),
            (TimeForm::EpochMillis(None), "99999999999999999"),
            (TimeForm::EpochMillis(None), "253402300799999"),
            (TimeForm::EpochMillis(zone("+01:00")), "253402300799999"),
            (TimeForm::Rfc3339(None), "1768438994"),
            (TimeForm::Rfc3339(None), "\"1768438994\""),
            (TimeForm::Rfc3339(zone("+01:00")), "\"0001-01-01T00:30:00\""),
            (pattern("%d/%m/%Y %H:%M", "UTC"), "\"31/02/2026 01:03\""),
            (pattern("%d/%m/%Y %H:%M", "UTC"), "\"15/07/2026 01:03:04\""),
            (pattern("%d/%m/%Y %H:%M", "UTC"), "\"2026-07-15T01:03:04Z\""),
            (pattern("%d/%m/%Y %H:%M", "UTC"), "\"15/07/0000 01:03\""),
            (pattern("%d/%m/%Y %H:%M", "UTC"), "[]"),
        ] {
            assert_eq!(read(&form, json), None, "{form:?} {json}");
        }
    }

    #[test]
    fn a_pattern_must_tell_day_and_hour() {
        for (pattern, expected) in [
            ("%d/%m/%Y %H:%M", Ok(false)),
            ("%Y-%j %k:%M", Ok(false)),
            ("%m/%d/%y %I:%M %p", Ok(false)),
            ("%F %T%.f", Ok(false)),
            ("%a, %d %b %Y %H:%M:%S %z", Ok(true)),
            ("%Y%m%d%H%M%S", Ok(false)),
            ("%d/%m/%Y", Err(PatternFault::Hour)),
            ("%d/%m/%Y %I:%M", Err(PatternFault::Hour)),
            ("%d/%m %H:%M", Err(PatternFault::Date)),
            ("%H:%M", Err(PatternFault::Date)),
            ("noon", Err(PatternFault::Date)),
            ("%d/%m/%Y %H:%M %Z", Err(PatternFault::Directive)),
            ("%d/%m/%Y %H:%M %é", Err(PatternFault::Directive)),
            ("%d/%m/%Y %", Err(PatternFault::Directive)),
            ("%F %H:%M %Q", Err(PatternFault::Unread)),
            ("%F %H:%M %:Q", Err(PatternFault::Unread)),
            ("%s", Err(PatternFault::Unread)),
        ] {
            assert_eq!(pattern_has_offset(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_zone_is_known_or_has_a_closest_name() {
        for name in ["UTC", "Europe/Berlin", "+01:00", "-09:30", "Etc/GMT+5"] {
            assert_eq!(Zone::parse(name).unwrap().name, name);
        }
        assert_eq!(Zone::parse("Europe/Berln"), Err(Some("Europe/Berlin".to_owned())));
        for name in ["", "+1", "+24:00", "+01:60", "Mars/Olympus", "+é1:00"] {
            assert!(Zone::parse(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_reads_the_same_without_a_schema(
            millis in -62_200_000_000_000i64..253_500_000_000_000,
            zone_name in prop::sample::select(vec!["UTC", "Europe/Berlin", "Africa/Monrovia", "Australia/Lord_Howe", "-09:30"]),
            form in 0..5,
        ) {
            let zone = zone(zone_name);
            // The ends of the range are outside the calendar: only numbers name such an instant.
            let (form, json) = match (form, civil(millis)) {
                (0, _) => (TimeForm::EpochMillis(zone), millis.to_string()),
                (1, _) => (TimeForm::EpochSeconds(None), format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))),
                (2, _) | (_, None) => (TimeForm::EpochMillis(None), format!("\"{millis}\"")),
                (3, Some(local)) => (TimeForm::Rfc3339(zone), format!("\"{}\"", local.strftime("%Y-%m-%d %H:%M:%S%.3f"))),
                (_, Some(local)) => (TimeForm::Pattern("%d.%m.%Y %H:%M:%S%.f".to_owned(), zone), format!("\"{}\"", local.strftime("%d.%m.%Y %H:%M:%S%.f"))),
            };
            let value = Scanner::new(&json, 1).value().unwrap();
            if let Some(read) = form.read(value) {
                let parse = if read.time.hour.is_none() && !json.starts_with('"') { written_time::parse_epoch } else { written_time::parse };
                prop_assert_eq!(parse(&read.text), Some(read.time), "{} {}", json, read.text);
            }
        }

        #[test]
        fn no_text_and_no_pattern_panics(text in ".{0,20}|[0-9:/. -]{0,20}", pattern in "(%[_0-9-]?[a-zA-Z.:]| |/|é){0,8}|.{0,10}") {
            let _ = pattern_has_offset(&pattern);
            let _ = Zone::parse(&text);
            let json = serde_json::to_string(&text).unwrap();
            let value = Scanner::new(&json, 1).value().unwrap();
            for form in [TimeForm::Pattern(pattern, zone("Europe/Berlin")), TimeForm::EpochSeconds(None), TimeForm::Rfc3339(zone("UTC"))] {
                let _ = form.read(value);
            }
        }
    }
}
