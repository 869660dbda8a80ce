//! What became of letters that were redriven.

use std::collections::BTreeMap;
use std::fmt;

use fraud_aws::dead_letters::NotALetter;
use fraud_aws::reason::FailureReason;
use fraud_batch::RetryReason;
use serde_json::json;

use crate::display::{counted, thousands};

/// This many letters that stay are reported one by one; the others are counted.
const STAYING_TOLD: u64 = 50;

/// What became of a letter.
#[derive(Debug)]
pub(super) enum RedriveResult {
    /// The function accepted its record, or in a dry run would be given it.
    Accepted,
    /// It stays where it is.
    Stays(StayReason),
}

/// Why a letter stays.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StayReason {
    /// Its record fails again, and always will.
    FailedAgain(FailureReason),
    /// Something that the function needs is unavailable.
    MustRetry(RetryReason),
    /// It does not hold its record's bytes.
    DataOmitted { bytes: String },
    /// What its function has done of it may be forgotten.
    Forgotten { arrival: String, variable: &'static str, days: u64 },
    /// Its function does not read the stream.
    UnknownFunction { function: String },
    /// Its function's name does not say which function it is.
    FunctionNotSaid { function: String },
    /// It is not a dead letter.
    NotALetter(NotALetter),
    /// Its object cannot be read.
    Unreadable { error: String },
    /// It is not a given-up batch.
    NotABatch { error: String },
    /// The function refused the event.
    Refused { error: String },
    /// What it holds was accepted, and it could not be removed.
    NotRemoved { error: String },
}

impl StayReason {
    /// The reason in a word, to count by.
    fn word(&self) -> String {
        match self {
            StayReason::FailedAgain(reason) => reason.to_string(),
            StayReason::MustRetry(reason) => reason.to_string(),
            StayReason::DataOmitted { .. } => "data_omitted".to_owned(),
            StayReason::Forgotten { .. } => "forgotten".to_owned(),
            StayReason::UnknownFunction { .. } | StayReason::FunctionNotSaid { .. } => {
                "unknown_function".to_owned()
            }
            StayReason::NotALetter(_) => "no_letter".to_owned(),
            StayReason::Unreadable { .. } => "unreadable".to_owned(),
            StayReason::NotABatch { .. } => "no_batch".to_owned(),
            StayReason::Refused { .. } => "refused".to_owned(),
            StayReason::NotRemoved { .. } => "not_removed".to_owned(),
        }
    }
}

impl fmt::Display for StayReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StayReason::FailedAgain(reason) => write!(f, "still {reason}"),
            StayReason::MustRetry(reason) => write!(f, "{reason}: redrive it again"),
            StayReason::DataOmitted { bytes } => f.write_str(bytes),
            StayReason::Forgotten { arrival, variable, days } => write!(
                f,
                "it arrived at {arrival}, and {variable} is {days}: the table may have forgotten it, so that it could be \
                 alerted or counted twice; --beyond-memory redrives it nevertheless"
            ),
            StayReason::UnknownFunction { function } => write!(f, "no function {function} reads the stream"),
            StayReason::FunctionNotSaid { function } => {
                write!(f, "the name {function} does not say which function it is; name it with --function")
            }
            StayReason::Unreadable { error } => write!(f, "it cannot be read: {error}"),
            StayReason::NotABatch { error } => write!(f, "not a given-up batch: {error}"),
            StayReason::NotALetter(error) => write!(f, "not a dead letter: {error}"),
            StayReason::Refused { error } => write!(f, "refused: {error}"),
            StayReason::NotRemoved { error } => {
                write!(f, "accepted, but not removed ({error}); redriving it again is safe")
            }
        }
    }
}

/// What became of all letters, or of all objects.
#[derive(Debug)]
pub(super) struct RedriveSummary {
    /// `letter` or `object`.
    pub(super) thing: &'static str,
    pub(super) accepted: u64,
    pub(super) stayed: u64,
    by_reason: BTreeMap<String, u64>,
    /// How many letters were hidden by other readers, as text, if any were.
    pub(super) hidden_by_others: Option<String>,
}

impl RedriveSummary {
    /// Of none yet.
    pub(super) fn of(thing: &'static str) -> Self {
        RedriveSummary { thing, accepted: 0, stayed: 0, by_reason: BTreeMap::new(), hidden_by_others: None }
    }

    /// How far it has got.
    pub(super) fn progress(&self) -> String {
        format!("{} redriven, {} stay", counted(self.accepted, self.thing), thousands(self.stayed))
    }

    /// Counts a letter. Gives the line that reports it, if it stays and is among the first.
    pub(super) fn count(&mut self, id: &str, outcome: &RedriveResult) -> Option<String> {
        match outcome {
            RedriveResult::Accepted => {
                self.accepted += 1;
                None
            }
            RedriveResult::Stays(stays) => {
                self.stayed += 1;
                *self.by_reason.entry(stays.word()).or_default() += 1;
                (self.stayed <= STAYING_TOLD).then(|| format!("{id} stays: {stays}"))
            }
        }
    }

    /// The summary for people, or as a JSON object.
    pub(super) fn text(&self, dry_run: bool, json: bool) -> String {
        let RedriveSummary { thing, accepted, stayed, by_reason, .. } = self;
        if json {
            return json!({ "dry_run": dry_run, "redriven": accepted, "stayed": stayed, "stayed_by_reason": by_reason })
                .to_string();
        }
        let reasons: Vec<String> =
            by_reason.iter().map(|(reason, count)| format!("{} {reason}", thousands(*count))).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let (redriven, stay) =
            if dry_run { ("would be redriven", "would stay") } else { ("redriven", "stay") };
        format!("{} {redriven}, {} {stay}{reasons}", counted(*accepted, thing), thousands(*stayed))
    }
}
