//! Whether a decision can be computed again, and what each factor came to.

use std::fmt::{self, Display};

use fraud_core::alert::Alert;
use fraud_core::policy::Policy;
use fraud_core::verify::{Form, LineVerifier, NotADecision, Verdict, Verifier, factors_of_alert};

use super::scored_line::ScoredLine;
use super::story::FactorRow;

/// What computing a decision again came to.
#[derive(Debug)]
pub(super) struct Proof {
    /// The alert, from its message alone.
    pub(super) alert: Proven,
    /// The transaction's line in the lake, where it was found.
    pub(super) line: Option<Proven>,
    /// What each factor came to: computed if the inputs are known, else those that the alert gives as reasons.
    pub(super) factors: Vec<FactorRow>,
}

/// What computing one piece of evidence again came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proven {
    Same,
    Differs(Vec<&'static str>),
    UnknownPolicy(String),
    Lacks(&'static str),
    NotADecision(String),
}

impl Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proven::Same => f.write_str("computed again: the same"),
            Proven::Differs(kinds) => write!(f, "computed again: differs in {}", kinds.join(", ")),
            Proven::UnknownPolicy(id) => {
                write!(f, "not computed again: the text of {id} is not known; give --policies")
            }
            Proven::Lacks(what) => {
                write!(f, "not computed again: {what} is not told; give --scored for its line in the lake")
            }
            Proven::NotADecision(why) => write!(f, "not computed again: {why}"),
        }
    }
}

impl From<Result<Verdict<'_>, NotADecision>> for Proven {
    fn from(verdict: Result<Verdict<'_>, NotADecision>) -> Self {
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(error) => return Proven::NotADecision(error.to_string()),
        };
        let differences: Vec<_> = verdict.differences.iter().map(|difference| difference.as_str()).collect();
        match (differences.is_empty(), verdict.unknown_policy, verdict.lacks) {
            (false, ..) => Proven::Differs(differences),
            (true, Some(id), _) => Proven::UnknownPolicy(id),
            (true, None, Some(what)) => Proven::Lacks(what),
            (true, None, None) => Proven::Same,
        }
    }
}

impl Proof {
    /// Computes the decision again from the alert's message, and from its line if there is one.
    pub(super) fn of(alert: &Alert, line: Option<&ScoredLine>, verifier: &Verifier) -> Self {
        let mut lines = LineVerifier::new(verifier);
        let proven = lines.verify(alert.message.as_bytes(), Form::Json);
        let of_line = line.map(|line| lines.verify(line.bytes(), line.form()).into());
        let policy = verifier.policy(&alert.policy);
        let risk = line.and_then(ScoredLine::risk);
        let factors = policy.and_then(|policy| factors_of_alert(alert, policy, risk));
        let factors = match factors {
            Some(outcomes) => outcomes.iter().map(FactorRow::of).collect(),
            None => as_told(alert, policy),
        };
        Proof { alert: proven.into(), line: of_line, factors }
    }
}

/// The reasons as the alert tells them.
fn as_told(alert: &Alert, policy: Option<&Policy>) -> Vec<FactorRow> {
    let reasons: Vec<serde_json::Value> = serde_json::from_str(&alert.reasons).unwrap_or_default();
    let reason = |reason: &serde_json::Value| {
        let name = reason.get("name")?.as_str()?.to_owned();
        let points = reason.get("points")?.as_f64()?;
        Some(FactorRow {
            most: points.max(0.0),
            name,
            points,
            observed: reason.get("observed")?.to_string(),
            why: reason.get("rule")?.as_str()?.to_owned(),
        })
    };
    let mut rows: Vec<FactorRow> = reasons.iter().filter_map(reason).collect();
    let silent = policy.into_iter().flat_map(Policy::factors).filter(|factor| {
        !reasons.iter().any(|reason| reason.get("name").and_then(|name| name.as_str()) == Some(factor.name()))
    });
    let silent: Vec<_> = silent.map(|factor| factor.name().to_owned()).collect();
    rows.extend(silent.into_iter().map(|name| FactorRow {
        name,
        points: 0.0,
        most: 0.0,
        observed: String::new(),
        why: "no reason".to_owned(),
    }));
    rows
}
