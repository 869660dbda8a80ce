//! Times that are told as what has gone by since a start.

use exact_text::decimal::Decimal;
use exact_text::timestamp::Timestamp;
use exact_text::written_time;

use super::time_form::Local;

/// The forms, each with its milliseconds.
const UNITS: [(&str, i128); 4] =
    [("seconds", 1_000), ("minutes", 60_000), ("hours", 3_600_000), ("days", 86_400_000)];

/// The decimals of a number that are looked at.
const PLACES: u32 = 9;

/// A number of seconds, minutes, hours or days since a start, on the clock that the start is told by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Elapsed {
    form: &'static str,
    unit_millis: i128,
    /// The start as the schema writes it.
    pub(super) since: String,
    start: Timestamp,
    /// Minutes east of UTC.
    offset: i64,
}

/// Whether a form is one of these.
pub(super) fn is_elapsed(form: &str) -> bool {
    UNITS.iter().any(|(unit, _)| *unit == form)
}

impl Elapsed {
    /// This form since a time in RFC 3339; `None` if it has no offset.
    pub(super) fn new(form: &str, since: &str) -> Option<Self> {
        let (form, unit_millis) = UNITS.into_iter().find(|(unit, _)| *unit == form)?;
        let start = written_time::parse(since).filter(|time| time.hour.is_some())?;
        // An offset can stand only once: what reads with one more had none.
        if written_time::parse(&format!("{since}Z")).is_some() {
            return None;
        }
        let offset = i64::from(start.offset_minutes);
        Some(Elapsed { form, unit_millis, since: since.to_owned(), start: start.instant, offset })
    }

    /// The form as a schema writes it.
    pub(super) fn form(&self) -> &'static str {
        self.form
    }

    /// The time that a number names; `None` if it is not a number, negative, or leads out of the calendar.
    pub(super) fn read(&self, number: &str) -> Option<Local> {
        if number.starts_with('-') {
            return None;
        }
        let elapsed = Decimal::parse(number)?.scaled_and_cut(PLACES)?.checked_mul(self.unit_millis)?;
        let millis = i64::try_from(elapsed / 10i128.pow(PLACES)).ok()?;
        let instant = Timestamp::from_millis(self.start.millis().checked_add(millis)?)?;
        Local { instant, offset: Some(self.offset) }.within_calendar()
    }
}
