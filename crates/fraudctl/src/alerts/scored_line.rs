//! An alert's transaction among the lake's scored lines.

use anyhow::anyhow;
use bytes::Bytes;
use exact_text::json::{JsonError, Scanner, Value};
use fraud_core::alert::Alert;
use fraud_core::fields;
use fraud_core::transaction::MAX_DEPTH;
use fraud_core::verify::Form;

use crate::Failure;
use crate::display::{counted, progress};
use crate::input::{Entry, Input, Source};

/// The members that describe the customer.
const PROFILE: [&str; 3] =
    [fields::CUSTOMER_SEGMENT, fields::CUSTOMER_LIFETIME_VALUE, fields::CUSTOMER_RISK_SCORE];

/// A scored line.
#[derive(Debug)]
pub(super) struct ScoredLine {
    /// Where it is.
    pub(super) location: String,
    bytes: Bytes,
    form: Form,
}

impl ScoredLine {
    /// Searches the line of an alert's record. Of several under its identity, such as copies, that which arrived when the alert's record
    /// did.
    ///
    /// # Errors
    /// [`Failure::Input`] if a file cannot be read, or has no such line.
    pub(super) fn search(sources: &[Source], alert: &Alert) -> Result<Self, Failure> {
        let input = Input::open(sources).map_err(Failure::input)?;
        let (bar, read) = (progress(input.size()), input.bytes_read());
        let identity = alert.reuses_id_of.as_ref().unwrap_or(&alert.alert_id);
        let (mut lines, mut of_another_arrival) = (0, None);
        for entry in input {
            let entry = entry.map_err(Failure::input)?;
            lines += 1;
            if lines % 1024 == 0 {
                bar.set_position(read.get());
                bar.set_message(counted(lines, "line"));
            }
            let line = ScoredLine::of(&entry);
            if line.text(fields::DECISION_ID).as_ref() != Some(identity) {
                continue;
            }
            if line.text(fields::INGESTED_AT) == Some(alert.arrival.to_string()) {
                bar.finish_and_clear();
                return Ok(line);
            }
            of_another_arrival.get_or_insert(line);
        }
        bar.finish_and_clear();
        of_another_arrival.ok_or_else(|| {
            let lines = counted(lines, "line");
            Failure::input(anyhow!("none of {lines} has the decision_id {identity}"))
        })
    }

    fn of(entry: &Entry) -> Self {
        let form = if entry.location.is_row { Form::Row } else { Form::Json };
        ScoredLine { location: entry.location.to_string(), bytes: entry.bytes.clone(), form }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The risk of the customer's profile, as it was used.
    pub(super) fn risk(&self) -> Option<f64> {
        self.members().into_iter().find_map(|(name, value)| match value {
            Value::Number(digits) if name == fields::CUSTOMER_RISK_SCORE => digits.parse().ok(),
            _ => None,
        })
    }

    /// What the producer wrote, as far as the line has it.
    pub(super) fn producers_members(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.members().into_iter().filter(|(name, _)| !fields::WRITTEN.contains(name))
    }

    /// What the profile said.
    pub(super) fn profile(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.members().into_iter().filter(|(name, _)| PROFILE.contains(name))
    }

    fn text(&self, wanted: &str) -> Option<String> {
        let members = self.members();
        let (_, value) = members.iter().find(|(name, _)| *name == wanted)?;
        value.as_str().map(|text| text.into_owned())
    }

    /// The members in their order; none if it is not a JSON object.
    fn members(&self) -> Vec<(&str, Value<'_>)> {
        let mut members = Vec::new();
        let Ok(text) = std::str::from_utf8(&self.bytes) else { return members };
        let mut scanner = Scanner::new(text, MAX_DEPTH);
        let read = scanner.object(|key, scanner| {
            members.push((key.raw(), scanner.value()?));
            Ok::<_, JsonError>(())
        });
        if read.is_err() {
            members.clear();
        }
        members
    }
}
