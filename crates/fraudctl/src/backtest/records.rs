//! Entries as records of the past.

use backtest::engine::{PastRecord, asked_by_all};
use exact_text::timestamp::Timestamp;
use fraud_core::history::{Place, SequenceNumber};
use fraud_core::label::Verdict;
use fraud_core::policy::Policy;
use fraud_core::record::ScoredLine;
use fraud_core::schema::Schema;
use fraud_core::transaction::{FieldValue, Reading, TimeField, Transaction, TransactionReader};

use super::arguments::Order;
use crate::input::Entry;

/// The member that scored lines have and transactions do not.
const LINE_MEMBER: &[u8] = b"\"ingested_at\"";

/// What the entries of the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Transactions,
    ScoredLines,
}

/// Reads entries.
pub(super) struct RecordReader {
    form: Form,
    order: Order,
    /// One for each policy that asks for something else than the first.
    readings: Vec<Reading>,
    /// What the entries' own label is called, and the slot of the first reading that it is in.
    label: Option<(String, usize)>,
    with_history: bool,
    /// Whether the profiles of scored lines are used.
    own_profiles: bool,
}

/// An entry that is used, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    /// Its place in the files, from 0.
    pub(super) number: u64,
    pub(super) entry: Entry,
}

impl RecordReader {
    /// Reads entries like `first` for these policies.
    pub(super) fn new(
        first: Option<&Entry>,
        policies: &[&Policy],
        schema: &Schema,
        order: Order,
        label_field: Option<&str>,
        own_profiles: bool,
    ) -> Self {
        let is_line = schema.is_default()
            && first
                .is_some_and(|entry| entry.bytes.windows(LINE_MEMBER.len()).any(|part| part == LINE_MEMBER));
        let mut asked = asked_by_all(policies);
        let label = label_field.zip(asked.first_mut()).map(|(name, asked)| {
            let known = asked.fields.iter().position(|field| field == name);
            let slot = known.unwrap_or_else(|| {
                asked.fields.push(name.to_owned());
                asked.fields.len() - 1
            });
            (name.to_owned(), slot)
        });
        RecordReader {
            form: if is_line || order == Order::Arrival { Form::ScoredLines } else { Form::Transactions },
            order,
            readings: asked.iter().map(|asked| Reading::new(schema, asked)).collect(),
            label,
            with_history: policies.iter().any(|policy| policy.history().is_some()),
            own_profiles,
        }
    }

    /// What is read.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Reads neighbours; of each that is not a record of the past, why.
    pub(super) fn read<'e>(&'e self, entries: &'e [Numbered]) -> Vec<Result<PastRecord<'e>, String>> {
        let mut readers = self.readings.iter().map(TransactionReader::new);
        let (first, mut other) = (readers.next(), readers.next());
        let Some(mut first) = first else { return Vec::new() };
        entries
            .iter()
            .map(|entry| {
                if let Some(fault) = entry.entry.fault {
                    return Err(fault.to_string());
                }
                let mut record = match self.form {
                    Form::Transactions => {
                        let transaction =
                            first.read(&entry.entry.bytes).map_err(|refusal| refusal.to_string())?;
                        self.transaction(transaction, entry.number)?
                    }
                    Form::ScoredLines => self.line(&entry.entry.bytes, entry.number)?,
                };
                if let Some(other) = &mut other {
                    record.other = Some(Box::new(
                        other.read(&entry.entry.bytes).map_err(|refusal| refusal.to_string())?,
                    ));
                }
                if let Some((name, slot)) = &self.label {
                    record.verdict = verdict(name, &record.transaction.field(*slot))?;
                }
                Ok(record)
            })
            .collect()
    }

    fn transaction<'e>(&self, transaction: Transaction<'e>, number: u64) -> Result<PastRecord<'e>, String> {
        let arrival = own_time(&transaction).ok_or_else(|| {
            match transaction.event_time {
                TimeField::Missing => "it has no event_time, so that it cannot be put in order",
                _ => "its event_time cannot be read, so that it cannot be put in order",
            }
            .to_owned()
        })?;
        // No identity begins like this: `@` is followed by the name of a stream.
        let named = transaction.identity(None).is_none().then(|| format!("@/{number}"));
        Ok(self.record(transaction, named, arrival, in_files(arrival, number)))
    }

    fn line<'e>(&'e self, bytes: &'e [u8], number: u64) -> Result<PastRecord<'e>, String> {
        let reading = self.readings.first().ok_or("nothing is read")?;
        let line = ScoredLine::read(reading, bytes).map_err(|fault| fault.to_string())?;
        let identity =
            line.identity().map_or_else(|| format!("@/{number}"), |identity| identity.into_owned());
        let arrival = match self.order {
            Order::Arrival => line.arrival,
            Order::EventTime => own_time(&line.transaction).unwrap_or(line.arrival),
        };
        let place = match self.order {
            Order::Arrival => line.place(),
            Order::EventTime => in_files(arrival, number),
        };
        let profile = line.profile.clone().filter(|_| self.own_profiles);
        let mut record = self.record(line.transaction, Some(identity), arrival, place);
        record.profile = profile;
        Ok(record)
    }

    fn record<'e>(
        &self,
        transaction: Transaction<'e>,
        named: Option<String>,
        arrival: Timestamp,
        place: Place,
    ) -> PastRecord<'e> {
        PastRecord::new(transaction, named, arrival, place, self.with_history)
    }
}

/// The transaction's own time.
fn own_time(transaction: &Transaction<'_>) -> Option<Timestamp> {
    match &transaction.event_time {
        TimeField::Known(time, _) => Some(time.instant),
        TimeField::Missing | TimeField::Unreadable => None,
    }
}

/// The place of an entry of the files among those of one moment.
fn in_files(arrival: Timestamp, number: u64) -> Place {
    Place { arrival: arrival.millis(), sequence_number: SequenceNumber::FIRST, sub_sequence_number: number }
}

/// What a transaction's own label says.
fn verdict(name: &str, value: &FieldValue<'_>) -> Result<Option<Verdict>, String> {
    const ACCEPTED: &str = "accepted are 1, true, yes and fraud, and 0, false, no and legitimate";
    let word = match value {
        FieldValue::Absent => return Ok(None),
        FieldValue::Bool(is_fraud) => return Ok(Some(of(*is_fraud))),
        FieldValue::Number(number) if *number == 1.0 => return Ok(Some(Verdict::Fraud)),
        FieldValue::Number(number) if *number == 0.0 => return Ok(Some(Verdict::Legitimate)),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) => text.trim().to_ascii_lowercase(),
        FieldValue::Unusable => return Err(format!("`{name}` is not a label: {ACCEPTED}")),
    };
    match &*word {
        "1" | "1.0" | "true" | "yes" | "y" | "t" | "fraud" => Ok(Some(Verdict::Fraud)),
        "0" | "0.0" | "false" | "no" | "n" | "f" | "legitimate" => Ok(Some(Verdict::Legitimate)),
        "" => Ok(None),
        _ => Err(format!("`{name}` is `{word}`: {ACCEPTED}")),
    }
}

fn of(is_fraud: bool) -> Verdict {
    if is_fraud { Verdict::Fraud } else { Verdict::Legitimate }
}
