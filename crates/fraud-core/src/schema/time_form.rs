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

use super::elapsed::Elapsed;
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
    /// What has gone by since a start.
    Elapsed(Elapsed),
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
            TimeForm::Usual | TimeForm::Elapsed(_) => None,
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
            TimeForm::Elapsed(elapsed) => elapsed.form(),
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
            TimeForm::Elapsed(elapsed) => elapsed.read(&text)?,
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
pub(super) struct Local {
    pub(super) instant: Timestamp,
    /// The minutes east of UTC of the clock; `None` if the instant is all that is known.
    pub(super) offset: Option<i64>,
}

impl Local {
    /// The time that a zone's clocks show: milliseconds since the epoch, as if they were UTC.
    fn in_zone(local: i64, zone: &Zone) -> Option<Self> {
        let offset = zone.offset_at_local(civil(local)?);
        Local { instant: Timestamp::from_millis(local - offset * 60_000)?, offset: Some(offset) }
            .within_calendar()
    }

    /// The time if its clock's year has four digits.
    pub(super) fn within_calendar(self) -> Option<Self> {
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
mod tests;
