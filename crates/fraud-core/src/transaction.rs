//! A transaction as its producer sent it: one JSON object, read without being changed.

use std::borrow::Cow;
use std::ops::Range;

use crate::entity::EntityKind;
use crate::fingerprint::{Fingerprint, WrittenAs};
use crate::identity::{Identity, Position};
use crate::refusal::Refusal;
use exact_text::json::{JsonError, RepeatedKeys, Scanner, Value};
use exact_text::written_time::WrittenTime;
use mapped::Mapped;
use members::{amount, characters, id, time};
use plan::{Core, Key};

mod mapped;
mod members;
mod plan;
mod reading;

pub(crate) use members::{Field, Members};
pub use reading::{Asked, EntityName, FieldValue, MAX_FIELD_TEXT, PLAIN, Reading};

/// The deepest nesting of objects and arrays that is read; the transaction's own object is the first level.
pub const MAX_DEPTH: usize = 64;

/// The longest id: bytes of a transaction's, characters of a customer's.
const MAX_ID_LENGTH: usize = 256;

/// The most digits, signs and points of an amount.
const MAX_AMOUNT_LENGTH: usize = 64;

/// A valid transaction: the fields that scoring reads, and the text that they are in.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction<'a> {
    /// `transaction_id`, if there is one.
    pub transaction_id: Option<Cow<'a, str>>,
    /// `customer_id`, if there is one.
    pub customer_id: Option<Cow<'a, str>>,
    /// `amount`
    pub amount: Amount<'a>,
    /// `event_time`
    pub event_time: TimeField<'a>,
    /// `event_time` as it is written, if there is one.
    event_time_value: Option<Value<'a>>,
    /// `merchant_id` as it is written, if there is one.
    merchant: Option<Value<'a>>,
    body: Body<'a>,
    /// What more was read than of every transaction, if anything was.
    further: Option<Box<Further<'a>>>,
}

/// What is read of some transactions only.
#[derive(Debug, Clone, PartialEq)]
struct Further<'a> {
    reading: &'a Reading,
    /// The members that the reading asks for.
    asked: Vec<Option<Value<'a>>>,
    /// What was read by a schema; then nothing is in `asked`, nor in the transaction's `event_time_value` and `merchant`.
    mapped: Option<Mapped<'a>>,
}

/// An amount of money: the producer's digits, and their nearest f64 for scoring.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount<'a> {
    /// The number as the producer wrote it, `0` if there is none.
    pub digits: Cow<'a, str>,
    /// The f64 nearest to it, always finite.
    pub value: f64,
}

/// What a transaction says of its time.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeField<'a> {
    /// The field is absent: the arrival time takes its place.
    Missing,
    /// There is a field, but no time can be read from it: no time factor applies.
    Unreadable,
    /// A time, and its text or digits.
    Known(WrittenTime, Cow<'a, str>),
}

/// The object's text that is passed on, from the opening brace to the last member: without the members under names that
/// only this product writes.
#[derive(Debug, Clone, PartialEq)]
struct Body<'a> {
    /// Up to the first member that is left out; mostly there is none.
    first: &'a str,
    /// Behind each member that is left out.
    rest: Vec<&'a str>,
    has_line_break: bool,
}

impl<'a> Body<'a> {
    /// The object that ends at `end` of `text`, without these parts; `None` if one of them is not a part of it.
    #[inline(always)]
    fn new(text: &'a str, end: usize, without: &[Range<usize>], has_line_break: bool) -> Option<Self> {
        let last = end.checked_sub(1)?;
        if without.is_empty() {
            return Some(Body { first: text.get(..last)?, rest: Vec::new(), has_line_break });
        }
        let first = text.get(..without.first().map_or(last, |part| part.start))?;
        let ends = without.iter().skip(1).map(|part| part.start).chain([last]);
        let rest = without.iter().zip(ends).map(|(part, end)| text.get(part.end..end));
        Some(Body { first, rest: rest.collect::<Option<_>>()?, has_line_break })
    }
}

/// Reads the transactions of a batch.
#[derive(Debug)]
pub struct TransactionReader<'a> {
    reading: &'a Reading,
    keys: RepeatedKeys<'a, Field>,
    /// The keys of records that are read under a schema.
    mapped_keys: RepeatedKeys<'a, Key>,
}

impl<'a> TransactionReader<'a> {
    /// A reader of what `reading` says.
    pub fn new(reading: &'a Reading) -> Self {
        TransactionReader { reading, keys: RepeatedKeys::new(), mapped_keys: RepeatedKeys::new() }
    }

    /// Reads a record's payload.
    ///
    /// # Errors
    /// The [`Refusal`] that keeps it from being scored.
    pub fn read(&mut self, payload: &'a [u8]) -> Result<Transaction<'a>, Refusal> {
        let text = simdutf8::basic::from_utf8(payload).map_err(|_| Refusal::NotUtf8)?;
        // Some programs begin every file, and so every record, with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Without the line break that most producers end a record with.
        let text = text.trim_matches([' ', '\n', '\r', '\t']);
        if let Some(plan) = self.reading.plan() {
            return mapped::read(plan, self.reading, &mut self.mapped_keys, text);
        }
        let mut scanner = Scanner::new(text, MAX_DEPTH);
        if scanner.peek() != Some(b'{') {
            scanner.value().and_then(|_| scanner.end())?;
            return Err(Refusal::NotAnObject);
        }
        let reading = self.reading;
        let mut members = Members::of(reading);
        let mut cuts = Cuts::new(text);
        scanner.members(
            &mut self.keys,
            |key| reading.field(key),
            |field, scanner| {
                let value = scanner.value()?;
                if field == Field::Own {
                    cuts.cut(scanner.offset());
                    return Ok(());
                }
                members.set(field, value);
                cuts.keep(scanner.offset());
                Ok::<_, Refusal>(())
            },
        )?;
        let end = scanner.offset();
        scanner.end()?;
        let body = Body::new(text, end, &cuts.ranges, scanner.met_line_break()).ok_or_else(|| {
            debug_assert!(false, "a member ends outside the object");
            Refusal::InternalFault
        })?;
        members.transaction(reading, body)
    }
}

impl<'a> Transaction<'a> {
    /// The identity of the transaction's record, which is at `position` in a stream if it came from one; `None` if it
    /// has neither a transaction id nor a position.
    #[inline]
    pub fn identity<'i>(&'i self, position: Option<Position<'i>>) -> Option<Identity<'i>> {
        Identity::of(self.customer_id.as_deref(), self.transaction_id.as_deref(), position)
    }

    /// The identity of the transaction's record, which is at `position` in a stream.
    pub fn identity_at<'i>(&'i self, position: Position<'i>) -> Identity<'i> {
        self.identity(Some(position)).unwrap_or(Identity::Position(position))
    }

    /// What tells the transaction from another under the same identity.
    pub fn fingerprint(&self) -> Fingerprint {
        let event_time = match self.mapped() {
            None => self.event_time_value,
            Some(mapped) => mapped.core(Core::EventTime),
        };
        let event_time = match (&self.event_time, event_time) {
            (TimeField::Known(time, _), _) => WrittenAs::Instant(time.instant),
            (_, None) => WrittenAs::Nothing,
            (_, Some(value)) => WrittenAs::Text(value),
        };
        Fingerprint::of(&self.amount.digits, event_time, self.merchant().as_deref())
    }

    /// The merchant: a text or a number's digits.
    pub(crate) fn merchant(&self) -> Option<Cow<'_, str>> {
        let merchant = match self.mapped() {
            None => self.merchant,
            Some(mapped) => mapped.core(Core::Merchant),
        };
        merchant.and_then(Value::as_digits)
    }

    /// The currency, a text or a number's digits, if the reading asks for it.
    pub(crate) fn currency(&self) -> Option<Cow<'_, str>> {
        let further = self.further.as_ref()?;
        let currency = match &further.mapped {
            None => further.asked.get(further.reading.slot_of_currency()?).copied().flatten(),
            Some(mapped) => mapped.value(further.reading.plan()?.currency()),
        };
        currency.and_then(Value::as_digits)
    }

    /// The id of the schema that the transaction was read by; `None` for the default.
    pub fn schema(&self) -> Option<&str> {
        self.further.as_ref()?.reading.schema()
    }

    /// The names that the schema maps and the record does not have, or has as null.
    pub fn lacking(&self) -> impl Iterator<Item = &str> {
        let further = self.further.as_deref();
        let mapped = further.and_then(|further| further.mapped.as_ref().zip(further.reading.plan()));
        mapped.into_iter().flat_map(|(mapped, plan)| mapped.lacking(plan))
    }

    fn mapped(&self) -> Option<&Mapped<'a>> {
        self.further.as_ref()?.mapped.as_ref()
    }

    /// The member in a slot of the reading: the place of its name in [`Asked::fields`].
    pub fn field(&self, slot: usize) -> FieldValue<'_> {
        FieldValue::of(self.further.as_ref().and_then(|further| match &further.mapped {
            None => further.asked.get(slot).copied().flatten(),
            Some(mapped) => mapped.value(further.reading.plan()?.field(slot)),
        }))
    }

    /// The entity of a kind that the transaction names, if the reading asks for that kind.
    pub fn entity(&self, kind: EntityKind) -> EntityName<'_> {
        match (kind, &self.customer_id) {
            (EntityKind::Customer, None) => EntityName::Absent,
            (EntityKind::Customer, Some(id)) => EntityName::Known(Cow::Borrowed(id)),
            _ => EntityName::of(self.further.as_ref().and_then(|further| match &further.mapped {
                None => further.asked.get(further.reading.slot_of_entity(kind)?).copied().flatten(),
                Some(mapped) => mapped.value(further.reading.plan()?.entity(kind)),
            })),
        }
    }

    /// Reads one record's payload. Those of a batch are read by a [`TransactionReader`].
    ///
    /// # Errors
    /// The [`Refusal`] that keeps it from being scored.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Refusal> {
        TransactionReader::new(&PLAIN).read(payload)
    }

    /// Appends the producer's members to `out`, from the opening brace to the last of them: untouched, but for line
    /// breaks between tokens, which become spaces, and members under our own names, which are left out. Under a schema the
    /// mapped names follow, and members that a reader would take for one of them are left out too. One at least is
    /// left: a transaction has an id or an amount.
    pub(crate) fn write_open_object(&self, out: &mut Vec<u8>) {
        let Body { first, rest, has_line_break } = &self.body;
        let written_from = out.len();
        out.extend_from_slice(first.as_bytes());
        rest.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        if *has_line_break {
            let written = out.iter_mut().skip(written_from);
            written.filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
        if let Some(mapped) = self.mapped() {
            out.extend_from_slice(mapped.appended().as_bytes());
        }
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Syntax(_) => Refusal::NotJson,
            JsonError::TooDeep => Refusal::NestedTooDeep,
        }
    }
}

/// Which parts of the object to leave out so that what remains is an object again.
struct Cuts<'a> {
    text: &'a str,
    ranges: Vec<Range<usize>>,
    any_kept: bool,
    /// Where the member before ended; at first, behind the opening brace.
    previous_end: usize,
}

impl<'a> Cuts<'a> {
    /// Nothing is left out yet of the object at the start of `text`.
    fn new(text: &'a str) -> Self {
        Cuts { text, ranges: Vec::new(), any_kept: false, previous_end: 1 }
    }

    /// Leaves out the member that ends at `end`, together with what separates it from the one before.
    fn cut(&mut self, end: usize) {
        self.ranges.push(self.previous_end..end);
        self.previous_end = end;
    }

    /// Keeps the member that ends at `end`.
    fn keep(&mut self, end: usize) {
        if !self.any_kept {
            self.any_kept = true;
            // The first member that stays must not follow a comma.
            if let Some(last) = self.ranges.last_mut() {
                last.end +=
                    self.text.get(last.end..end).and_then(|gap| gap.find(',')).map_or(0, |comma| comma + 1);
            }
        }
        self.previous_end = end;
    }
}

#[cfg(test)]
mod tests;
