//! What is to be known of a record's decisions when it is measured.

use backtest::engine::Decided;
use fraud_core::found::HistoryFound;
use fraud_core::policy::Seen;
use fraud_core::profile::Profile;
use fraud_core::scoring::{Score, reasons_json};

use super::measure::Question;
use super::short_text::ShortText;

/// What is to be known of a record's decisions when it is measured, behind those on all records before it.
#[derive(Debug)]
pub(super) struct Looked {
    /// By policy.
    pub(super) scores: [Option<Score>; 2],
    /// The customer's, if there is a profile.
    pub(super) segment: Option<ShortText>,
    /// Whether a decision was made without the customer's history, since the transaction is too old for it.
    pub(super) is_expired: bool,
    /// What the factors of the last policy give, if that was asked for.
    pub(super) points: Vec<f64>,
    /// What the factors of the first policy see, if that was asked for.
    pub(super) seen: Vec<Seen>,
    /// Both policies' reasons as JSON, if one of them alone alerts.
    pub(super) reasons: [String; 2],
}

impl Looked {
    /// What a question is to know of these decisions.
    pub(super) fn of(question: &Question<'_>, decided: &[Decided<'_>]) -> Self {
        let profile = decided.first().and_then(|of| of.decision.enrichment.profile());
        let score = |place: usize| decided.get(place).map(|of| of.decision.score);
        let (last, first) = (decided.last(), decided.first());
        let points = last.filter(|_| question.without_factors);
        let seen = first.filter(|_| question.keep_rows);
        Looked {
            scores: [score(0), score(1)],
            segment: profile.map(|profile| (&*Profile::segment(profile)).into()),
            is_expired: decided.iter().any(|of| of.decision.history == HistoryFound::Expired),
            points: points
                .map(|of| of.decider.policy().points(&of.decision.inputs).collect())
                .unwrap_or_default(),
            seen: seen
                .map(|of| {
                    let policy = of.decider.policy();
                    policy.factors().iter().map(|factor| policy.seen(factor, &of.decision.inputs)).collect()
                })
                .unwrap_or_default(),
            reasons: reasons(question, decided).unwrap_or_default(),
        }
    }
}

fn reasons(question: &Question<'_>, decided: &[Decided<'_>]) -> Option<[String; 2]> {
    let ([one, other], [of_one, of_other]) = (decided, &question.thresholds[..]) else { return None };
    let alerts = |of: &Decided<'_>, threshold: &f64| of.decision.score.value > *threshold;
    let differ = alerts(one, of_one) != alerts(other, of_other);
    differ.then(|| [one, other].map(|of| reasons_json(&of.decider.reasons(&of.decision))))
}
