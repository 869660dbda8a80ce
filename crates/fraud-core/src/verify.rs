//! Decisions computed again from their own serialized lines and the policies' text, never from a score or a reason in the line.
//!
//! What is held against the line: score, reasons, identity, fault of the event time, inputs as far as the line's own fields tell
//! them, and the score of a policy in the shadow; of an alert its whole message. [`NOT_COVERED`] is what no line tells enough of.

use std::borrow::Cow;
use std::collections::HashMap;

use exact_text::json::{JsonError, RepeatedKeys};
use exact_text::timestamp::Timestamp;

use crate::event_time::EventTimeBounds;
use crate::evidence::ENGINE;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::schema::Schema;
use crate::transaction::{Asked, Members, PLAIN, Reading};
use recorded::{Member, Recorded};

mod alert;
mod apart;
mod evidence;
mod fields;
mod line;
mod recorded;
mod told;

pub use apart::{factors_of_alert, told_inputs};

/// What cannot be computed again from a line, for people.
pub const NOT_COVERED: &[&str] = &[
    "fields of the producer that no decision uses",
    "inputs from entities and from the customer's history, as far as another value gives the same score and reasons",
    "a profile's attributes that the policy does not look at, and whether a profile is `profile` or `invalid_profile`",
    "why a history was not used (`expired`, `lagging`, `none`, `invalid`, `unavailable`)",
    "`out_of_bounds` in event_time_fault, unless the bounds are given",
    "`ingested_at` where the event time counts, and the position beside the identity",
];

/// How a line differs from its decision computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// `fraud_score`
    Score,
    /// The names in `fraud_reasons`; of an alert its reasons with points, what was observed and rules.
    Reasons,
    /// `decision_id`, or the alert's id.
    Identity,
    /// `event_time_fault`
    EventTimeFault,
    /// `enrichment` against the customer and the profile's fields.
    Enrichment,
    /// `fraud_inputs` against the line's own fields, or against what the policies look at.
    Inputs,
    /// `history` against the policy and the inputs.
    History,
    /// `position` is not of its form, or not that of the identity.
    Position,
    /// `engine` is missing, or not of its form.
    Engine,
    /// `shadow_score`
    ShadowScore,
    /// An alert that was not due: the score is not above the threshold.
    NotDue,
    /// The alert's message is not as it is written.
    Message,
    /// The folder is not that of the hour in which the transaction counts.
    Partition,
}

impl Difference {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Difference; 13] = [
        Difference::Score,
        Difference::Reasons,
        Difference::Identity,
        Difference::EventTimeFault,
        Difference::Enrichment,
        Difference::Inputs,
        Difference::History,
        Difference::Position,
        Difference::Engine,
        Difference::ShadowScore,
        Difference::NotDue,
        Difference::Message,
        Difference::Partition,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Difference::Score => "score",
            Difference::Reasons => "reasons",
            Difference::Identity => "decision_id",
            Difference::EventTimeFault => "event_time_fault",
            Difference::Enrichment => "enrichment",
            Difference::Inputs => "inputs",
            Difference::History => "history",
            Difference::Position => "position",
            Difference::Engine => "engine",
            Difference::ShadowScore => "shadow_score",
            Difference::NotDue => "not_due",
            Difference::Message => "message",
            Difference::Partition => "partition",
        }
    }
}

/// What a line came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict<'l> {
    /// How it differs; empty if it does not.
    pub differences: Vec<Difference>,
    /// The id of a policy whose text is not known: the deciding one, or the one in the shadow.
    pub unknown_policy: Option<String>,
    /// What the line does not tell and the decision was made from.
    pub lacks: Option<&'static str>,
    /// Whether another version of the engine decided than the one that computes here.
    pub by_another_engine: bool,
    /// Whether the score of a policy in the shadow was computed, too.
    pub with_shadow: bool,
    /// The decision's identity as the line has it.
    pub decision_id: Option<Cow<'l, str>>,
    /// When the transaction counts, of a scored record.
    pub counted: Option<Timestamp>,
}

impl Verdict<'_> {
    /// Whether everything that can be computed again was, and is as the line says.
    pub fn is_verified(&self) -> bool {
        self.differences.is_empty() && self.unknown_policy.is_none() && self.lacks.is_none()
    }

    fn holds(&mut self, holds: bool, otherwise: Difference) {
        if !holds && !self.differences.contains(&otherwise) {
            self.differences.push(otherwise);
        }
    }

    /// Holds an engine against the name of the one that computes here; another version is noted.
    fn holds_engine(&mut self, engine: &str) {
        self.by_another_engine = engine != ENGINE;
        if self.by_another_engine {
            let name = |engine| str::split_once(engine, '/').map(|(name, _)| name);
            self.holds(name(engine) == name(ENGINE), Difference::Engine);
        }
    }

    fn lacks(&mut self, what: &'static str) {
        self.lacks.get_or_insert(what);
    }
}

/// Why a line is not a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotADecision {
    /// It is not a JSON object, or its transaction would not have been scored.
    #[error("{0}")]
    Refused(Refusal),
    /// It names no policy.
    #[error("it has neither `fraud_policy` nor `alert_type`: it is not a scored record or an alert")]
    NoPolicy,
    /// It calls itself an alert and is none.
    #[error("it is not an alert's message: {0}")]
    Alert(#[from] crate::alert::MessageError),
}

impl From<JsonError> for NotADecision {
    fn from(error: JsonError) -> Self {
        NotADecision::Refused(error.into())
    }
}

/// Where a line comes from, as far as it matters to what it can have lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON as it was written: a member that is absent was never there.
    Json,
    /// A row of a table that has all columns which decisions are computed from. Absent members and numbers' digits may be lost.
    Row,
}

/// The policies that decisions are computed again by.
#[derive(Debug)]
pub struct Verifier {
    known: HashMap<String, Known>,
    bounds: Option<EventTimeBounds>,
}

#[derive(Debug)]
struct Known {
    policy: Policy,
    /// What is read of transactions, if the policy looks at any of their members by its name.
    reading: Option<Reading>,
}

impl Verifier {
    /// Computes by these policies; with `bounds`, as the functions had them, `out_of_bounds` is computed, too.
    pub fn new(policies: impl IntoIterator<Item = Policy>, bounds: Option<EventTimeBounds>) -> Self {
        let known = policies.into_iter().map(|policy| {
            // What was looked up or remembered is not computed again: entities and currencies are not read.
            let asked = Asked { fields: policy.asked().fields.clone(), ..Asked::default() };
            // Under any schema a line has our names at its top level.
            let reading = || Reading::new(&Schema::builtin_default(), &asked);
            let reading = (!asked.fields.is_empty()).then(reading);
            (policy.id().to_owned(), Known { policy, reading })
        });
        Verifier { known: known.collect(), bounds }
    }

    /// The policy of this id, if it is known.
    pub fn policy(&self, id: &str) -> Option<&Policy> {
        self.known.get(id).map(|known| &known.policy)
    }
}

/// Verifies one line after the other.
#[derive(Debug)]
pub struct LineVerifier<'v, 'l> {
    verifier: &'v Verifier,
    /// The policies that lines named.
    met: Vec<&'v Known>,
    /// What the keys of lines mean to each reading that was used.
    keys: Vec<(&'v Reading, RepeatedKeys<'l, Member>)>,
    /// The reading of the line before: most have the same policy as that.
    reading: &'v Reading,
}

impl<'v, 'l> LineVerifier<'v, 'l> {
    /// Verifies by the policies of `verifier`.
    pub fn new(verifier: &'v Verifier) -> Self {
        LineVerifier { verifier, met: Vec::new(), keys: Vec::new(), reading: &PLAIN }
    }

    /// Computes a line's decision again, a scored record's or an alert's, and holds it against what the line says.
    ///
    /// # Errors
    /// [`NotADecision`]
    pub fn verify(&mut self, line: &'l [u8], form: Form) -> Result<Verdict<'l>, NotADecision> {
        let text = simdutf8::basic::from_utf8(line).map_err(|_| NotADecision::Refused(Refusal::NotUtf8))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (recorded, transaction) = self.read(text)?;
        match recorded.is_alert {
            true => self.verify_alert(text),
            false => self.verify_record(text, &recorded, transaction, form),
        }
    }

    /// Reads a line, its transaction by the reading of the line before.
    fn read(&mut self, text: &'l str) -> Result<(Recorded<'l>, Members<'l>), JsonError> {
        let reading = self.reading;
        let known = self.keys.iter().position(|(other, _)| std::ptr::eq(*other, reading));
        let (_, keys) = match known {
            #[expect(clippy::indexing_slicing, reason = "the place was found")]
            Some(place) => &mut self.keys[place],
            None => self.keys.push_mut((reading, RepeatedKeys::new())),
        };
        Recorded::read(text, reading, keys)
    }

    /// The policy of this id, if it is known.
    fn known(&mut self, id: &str) -> Option<&'v Known> {
        let met = self.met.iter().find(|known| known.policy.id() == id);
        if let Some(known) = met {
            return Some(known);
        }
        let known = self.verifier.known.get(id)?;
        self.met.push(known);
        Some(known)
    }
}

#[cfg(test)]
mod tests;
