//! A history as bytes: small, exact, and refused if a byte is wrong.
//!
//! The first byte is the format, the last four are the CRC-32 of all before them. Numbers are [variable-length](super::varint).
//! Times are written as differences. The inputs of an entry follow their length, so that they need not be read with it.

use std::sync::Arc;

use super::packed::{Beside, Packed};
use super::place::{Place, SequenceNumber};
use super::totals::{Day, SeenMerchant, Totals, Week};
use super::varint::{push_count, push_signed, take_count, take_signed};
use super::{EntityValue, Entry, EntryKey, History, InputKey, Known};
use crate::profile::Profile;

pub(super) const FORMAT: u8 = 2;
/// Most rows are no larger.
const TYPICAL_ROW_BYTES: usize = 1024;
const CHECKSUM_BYTES: usize = 4;

/// More than any row takes: 128 entries, each with the longest profile and [`MAX_ENTITY_INPUTS`]. An item of DynamoDB has
/// at most 400 KB (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub const MAX_ROW_BYTES: usize = 380_000;

/// The most inputs over entities that a policy can have, so that no row is too large.
pub const MAX_ENTITY_INPUTS: usize = 32;

/// A row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamagedRow {
    /// It was written by a later release.
    #[error("the row has format {0}, this release reads format {FORMAT}")]
    Format(u8),
    /// Its checksum is not that of its bytes.
    #[error("the row's checksum is wrong")]
    Checksum,
    /// Its bytes are not a history.
    #[error("the row's bytes are not a history")]
    Content,
}

const COUNTS: u8 = 1;
const OUTLIER: u8 = 2;
const ALERTED: u8 = 4;
const COPIED: u8 = 8;
const FOREIGN: u8 = 16;
const MERCHANT: u8 = 32;
const NEW_MERCHANT: u8 = 64;
const HAS_PAST: u8 = 128;

impl History {
    /// The bytes of a row.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(TYPICAL_ROW_BYTES));
        out.0.push(FORMAT);
        out.place(self.now);
        out.place(self.gone);
        out.totals(&self.totals);
        let mut known: Vec<&Arc<Known>> = Vec::new();
        let mut references = Vec::with_capacity(self.recent.len());
        for entry in &self.recent {
            let place = known.iter().position(|known| Arc::ptr_eq(known, &entry.known));
            references.push(place.unwrap_or_else(|| {
                known.push(&entry.known);
                known.len() - 1
            }));
        }
        out.length(known.len());
        known.iter().for_each(|known| out.known(known));
        out.length(self.recent.len());
        let mut before = self.now.map_or(0, |now| now.arrival);
        for (entry, reference) in self.recent.iter().zip(references) {
            out.entry(entry, reference, before);
            before = entry.arrival;
        }
        let checksum = checksum(&out.0);
        out.0.extend_from_slice(&checksum);
        out.0
    }

    /// Reads the bytes of a row.
    ///
    /// # Errors
    /// [`DamagedRow`]
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedRow> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&format) if format > FORMAT => return Err(DamagedRow::Format(format)),
            _ => return Err(DamagedRow::Content),
        }
        let content = bytes.len().checked_sub(CHECKSUM_BYTES).and_then(|end| bytes.split_at_checked(end));
        let (content, sum) = content.ok_or(DamagedRow::Checksum)?;
        if checksum(content) != sum {
            return Err(DamagedRow::Checksum);
        }
        let mut reader = Reader(content.get(1..).unwrap_or_default());
        let history = reader.history().ok_or(DamagedRow::Content)?;
        if reader.0.is_empty() { Ok(history) } else { Err(DamagedRow::Content) }
    }
}

pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    crc32fast::hash(bytes).to_le_bytes()
}

/// No list of a row is longer, unless it is damaged: memory is not taken for more at once.
const KEPT: usize = 128;

struct Writer(Vec<u8>);

impl Writer {
    /// As its two halves.
    fn limb(&mut self, limb: u128) {
        self.count((limb >> 64) as u64);
        self.count(limb as u64);
    }

    fn count(&mut self, number: u64) {
        push_count(&mut self.0, number);
    }

    fn length(&mut self, length: usize) {
        self.count(length as u64);
    }

    fn signed(&mut self, number: i64) {
        push_signed(&mut self.0, number);
    }

    /// Wrapping, so that every pair of times has one.
    fn difference(&mut self, from: i64, to: i64) {
        self.signed(to.wrapping_sub(from));
    }

    fn optional(&mut self, number: Option<i64>) {
        self.0.push(u8::from(number.is_some()));
        if let Some(number) = number {
            self.signed(number);
        }
    }

    fn place(&mut self, place: Option<Place>) {
        let Some(Place { arrival, sequence_number, sub_sequence_number }) = place else {
            return self.0.push(0);
        };
        if sequence_number == SequenceNumber::LAST {
            self.0.push(1);
            return self.signed(arrival);
        }
        self.0.push(2);
        self.signed(arrival);
        sequence_number.limbs().into_iter().for_each(|limb| self.limb(limb));
        self.count(sub_sequence_number);
    }

    fn totals(&mut self, totals: &Totals) {
        let Totals { weeks, days, merchants, first, newest, currency } = totals;
        self.optional(*first);
        self.optional(*newest);
        self.0.push(u8::from(currency.is_some()));
        self.0.extend(currency.iter().flatten());
        self.length(weeks.len());
        let mut before = 0;
        for Week { week, count, sum } in weeks {
            self.difference(before, *week);
            self.count(*count);
            self.signed(*sum);
            before = *week;
        }
        self.length(days.len());
        let mut before = 0;
        for Day { day, count, sum, outliers } in days {
            self.difference(before, *day);
            self.count(*count);
            self.signed(*sum);
            self.count(*outliers);
            before = *day;
        }
        self.length(merchants.len());
        let newest = merchants.iter().map(|merchant| merchant.day()).max().unwrap_or_default();
        self.signed(newest);
        for merchant in merchants {
            self.0.extend_from_slice(&merchant.hash());
            self.difference(merchant.day(), newest);
        }
    }

    fn known(&mut self, known: &Known) {
        match &known.profile {
            None => self.0.push(0),
            Some(profile) => {
                self.0.push(if profile.is_valid() { 1 } else { 2 });
                self.length(profile.members().len());
                self.0.extend_from_slice(profile.members().as_bytes());
            }
        }
        self.length(known.entities.len());
        for (InputKey(key), value) in &known.entities {
            self.0.extend_from_slice(key);
            match value {
                EntityValue::None => self.0.push(0),
                EntityValue::Truth(truth) => self.0.push(1 + u8::from(*truth)),
                EntityValue::Number(number) => {
                    self.0.push(3);
                    self.0.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
    }

    fn entry(&mut self, entry: &Entry, reference: usize, before: i64) {
        let Beside { amount, is_foreign, has_past, new_merchant } = entry.beside;
        let bits = [
            (entry.counts, COUNTS),
            (entry.is_outlier, OUTLIER),
            (entry.alerted, ALERTED),
            (entry.copied.is_some(), COPIED),
            (is_foreign, FOREIGN),
            (new_merchant.is_some(), MERCHANT),
            (new_merchant == Some(true), NEW_MERCHANT),
            (has_past, HAS_PAST),
        ];
        self.0.extend_from_slice(&entry.key.0);
        self.0.push(bits.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, bit)| all | bit));
        self.difference(before, entry.arrival);
        if let Some(copied) = entry.copied {
            self.difference(entry.arrival, copied);
        }
        self.difference(entry.event_time, entry.arrival.div_euclid(1000));
        self.length(reference);
        self.signed(amount);
        let packed = entry.packed.bytes();
        self.length(packed.len());
        self.0.extend_from_slice(packed);
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(bytes)
    }

    fn limb(&mut self) -> Option<u128> {
        let high = self.count()?;
        Some(u128::from(high) << 64 | u128::from(self.count()?))
    }

    fn count(&mut self) -> Option<u64> {
        take_count(&mut self.0)
    }

    /// A number of things of which each takes one byte at least.
    fn length(&mut self) -> Option<usize> {
        let length: usize = self.count()?.try_into().ok()?;
        (length <= self.0.len()).then_some(length)
    }

    fn signed(&mut self) -> Option<i64> {
        take_signed(&mut self.0)
    }

    /// The end of a difference from here.
    fn end(&mut self, from: i64) -> Option<i64> {
        Some(from.wrapping_add(self.signed()?))
    }

    /// The start of a difference to here.
    fn start(&mut self, to: i64) -> Option<i64> {
        Some(to.wrapping_sub(self.signed()?))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn optional(&mut self) -> Option<Option<i64>> {
        if self.flag()? { self.signed().map(Some) } else { Some(None) }
    }

    fn place(&mut self) -> Option<Option<Place>> {
        Some(match self.byte()? {
            0 => None,
            1 => Some(Place::last_at(self.signed()?)),
            2 => {
                let arrival = self.signed()?;
                let limbs = [self.limb()?, self.limb()?, self.limb()?, self.limb()?];
                let sequence_number = SequenceNumber::of_limbs(limbs);
                Some(Place { arrival, sequence_number, sub_sequence_number: self.count()? })
            }
            _ => return None,
        })
    }

    fn totals(&mut self) -> Option<Totals> {
        let mut totals = Totals { first: self.optional()?, newest: self.optional()?, ..Totals::default() };
        if self.flag()? {
            totals.currency = Some(self.bytes()?);
        }
        let mut before = 0;
        let length = self.length()?;
        totals.weeks.reserve(length.min(KEPT));
        for _ in 0..length {
            let week = self.end(before)?;
            totals.weeks.push(Week { week, count: self.count()?, sum: self.signed()? });
            before = week;
        }
        let mut before = 0;
        let length = self.length()?;
        totals.days.reserve(length.min(KEPT));
        for _ in 0..length {
            let day = self.end(before)?;
            let (count, sum, outliers) = (self.count()?, self.signed()?, self.count()?);
            totals.days.push(Day { day, count, sum, outliers });
            before = day;
        }
        let merchants = self.length()?;
        let newest = self.signed()?;
        totals.merchants.reserve(merchants.min(KEPT));
        for _ in 0..merchants {
            let (hash, day) = (self.bytes()?, self.start(newest)?);
            let merchant = SeenMerchant::new(hash, day);
            if merchant.day() != day {
                return None;
            }
            totals.merchants.push(merchant);
        }
        let is_ordered = totals.weeks.is_sorted_by(|one, next| one.week < next.week)
            && totals.days.is_sorted_by(|one, next| one.day < next.day)
            && totals.merchants.is_sorted_by(|one, next| one.is_before(*next));
        is_ordered.then_some(totals)
    }

    fn known(&mut self) -> Option<Known> {
        let profile = match self.byte()? {
            0 => None,
            validity @ (1 | 2) => {
                let length = self.length()?;
                let (members, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Some(Profile::of_members(std::str::from_utf8(members).ok()?, validity == 1)?)
            }
            _ => return None,
        };
        let mut entities = Vec::new();
        for _ in 0..self.length()? {
            let key = InputKey(self.bytes()?);
            let value = match self.byte()? {
                0 => EntityValue::None,
                1 => EntityValue::Truth(false),
                2 => EntityValue::Truth(true),
                3 => EntityValue::Number(f64::from_le_bytes(self.bytes()?)).finite()?,
                _ => return None,
            };
            entities.push((key, value));
        }
        Some(Known { profile, entities })
    }

    fn history(&mut self) -> Option<History> {
        let (now, gone) = (self.place()?, self.place()?);
        let totals = self.totals()?;
        let known: Option<Vec<_>> = (0..self.length()?).map(|_| self.known().map(Arc::new)).collect();
        let known = known?;
        let mut before = now.map_or(0, |now| now.arrival);
        let length = self.length()?;
        // With room for those that are taken in next.
        let mut recent = Vec::with_capacity(length.min(KEPT) + 4);
        for _ in 0..length {
            let entry = self.entry(&known, before)?;
            before = entry.arrival;
            recent.push(entry);
        }
        Some(History { recent, totals, now, gone, fresh: 0, changed: false })
    }

    fn entry(&mut self, known: &[Arc<Known>], before: i64) -> Option<Entry> {
        let key = EntryKey(self.bytes()?);
        let bits = self.byte()?;
        let has = |bit| bits & bit != 0;
        let arrival = self.end(before)?;
        let copied = if has(COPIED) { Some(self.end(arrival)?) } else { None };
        let event_time = self.start(arrival.div_euclid(1000))?;
        let reference = usize::try_from(self.count()?).ok()?;
        let known = Arc::clone(known.get(reference)?);
        let beside = Beside {
            amount: self.signed()?,
            is_foreign: has(FOREIGN),
            has_past: has(HAS_PAST),
            new_merchant: has(MERCHANT).then_some(has(NEW_MERCHANT)),
        };
        let length = self.length()?;
        let (packed, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Entry {
            key,
            arrival,
            copied,
            event_time,
            counts: has(COUNTS),
            is_outlier: has(OUTLIER),
            alerted: has(ALERTED),
            beside,
            packed: Packed::read(packed, beside)?,
            known,
        })
    }
}

impl EntityValue {
    fn finite(self) -> Option<Self> {
        match self {
            EntityValue::Number(number) if !number.is_finite() => None,
            value => Some(value),
        }
    }
}
