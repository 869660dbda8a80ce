//! A back-test of what is on a run's stream, in each customer's order and with what was known when: its decisions must be those
//! that the functions wrote.

use std::collections::{BTreeSet, HashMap};

use backtest::engine::{Decided, Engine, Knowledge, LabelsKnown, PastRecord, Shard};
use fraud_aws::entities::{FileEntities, key_of};
use fraud_aws::profiles::FileProfiles;
use fraud_core::decision::Decider;
use fraud_core::entity::{Entity, EntityKind};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::evidence;
use fraud_core::history::{Place, SequenceNumber};
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;
use fraud_core::schema::Schema;
use fraud_core::scoring::reasons_json;
use fraud_core::shadow::Policies;
use fraud_core::transaction::{Reading, TransactionReader};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::reconcile::{LandedLine, StreamRecord, USED};
use crate::timeline::Timeline;

/// This many differences are told one by one.
const TOLD: usize = 5;

/// What a run was decided from.
pub struct RunPast<'a> {
    /// Every record on the stream.
    pub records: &'a [StreamRecord],
    /// What was known of customers.
    pub profiles: &'a FileProfiles,
    /// What was known of entities, and when something changed.
    pub timeline: &'a Timeline,
    /// The labels that came, with the time at which each was reported, and how late they come.
    pub labels: LabelsKnown,
    /// After how many days labels come.
    pub delay: LabelDelay,
    /// How the transactions are written.
    pub schema: &'a Schema,
}

/// A decision of the back-test.
#[derive(Debug, Clone, PartialEq)]
struct PastDecision {
    score: f64,
    /// By the policy in the shadow, which is a policy like any other here.
    shadow_score: Option<f64>,
    inputs: Option<String>,
    names: Vec<String>,
    reasons: String,
    /// The fingerprint of the transaction's contents, if it is an alert.
    alert: Option<String>,
}

/// The decisions of a back-test, by the record's identity: several if its id was used again.
#[derive(Debug, Clone, Default)]
pub struct Backtested(HashMap<String, Vec<PastDecision>>);

/// How decisions of a run and of its back-test compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BacktestReport {
    /// Lines of the lake whose decision is compared: all that were decided with everything that the policy asks for.
    pub lines: u64,
    /// Alerts whose decision is compared.
    pub alerts: u64,
    /// Lines and alerts with another score, input or reason, and alerts that one of the two has.
    pub differences: u64,
}

/// What is looked at of an alert's message.
#[derive(Debug, Deserialize)]
struct AlertMessage<'a> {
    alert_id: String,
    reuses_id_of: Option<String>,
    fraud_score: f64,
    #[serde(borrow)]
    reasons: &'a RawValue,
    history: Option<String>,
    fraud_inputs: Option<String>,
}

/// What is known of customers, and of entities at the begin.
struct Known<'a> {
    profiles: &'a FileProfiles,
    entities: &'a FileEntities,
}

impl Knowledge for Known<'_> {
    fn profile(&self, customer: &str) -> Option<&Profile> {
        self.profiles.get(customer).map(AsRef::as_ref)
    }

    fn entity(&self, kind: EntityKind, id: &str) -> Option<&Entity> {
        self.entities.get(&key_of(kind, id))
    }
}

impl Backtested {
    /// Decides on everything: by the active policy, and by that in the shadow as if it were the only one.
    pub fn of(past: RunPast<'_>, policies: &Policies) -> Self {
        let RunPast { records, profiles, timeline, labels, delay, schema } = past;
        let known = Known { profiles, entities: timeline.begin() };
        let all: Vec<&Policy> = std::iter::once(policies.active()).chain(policies.shadow()).collect();
        let deciders =
            all.iter().map(|policy| Decider::new((*policy).clone(), EventTimeBounds::UNBOUNDED)).collect();
        let mut engine = Engine::new(deciders, delay, &known, labels);
        let mut shard = Shard::default();
        let reading = Reading::new(schema, policies.asked());
        let mut steps: Vec<Vec<PastRecord<'_>>> = Vec::new();
        let mut reader = TransactionReader::new(&reading);
        for record in records {
            let Ok(transaction) = reader.read(&record.data) else { continue };
            let position = record.position();
            let place = Place {
                arrival: record.arrival.millis(),
                sequence_number: SequenceNumber::of(&record.sequence_number),
                sub_sequence_number: 0,
            };
            let identity = transaction.identity_at(position).to_string();
            let with_history = policies.history().is_some();
            let step = timeline.changes_before(&record.shard, &record.sequence_number);
            steps.resize_with(steps.len().max(step + 1), Vec::new);
            if let Some(of_step) = steps.get_mut(step) {
                of_step.push(PastRecord::new(
                    transaction,
                    Some(identity),
                    record.arrival,
                    place,
                    with_history,
                ));
            }
        }
        let mut decisions: HashMap<String, Vec<PastDecision>> = HashMap::new();
        let moments = [None].into_iter().chain(timeline.moments().map(Some));
        for (moment, mut records) in moments.zip(steps) {
            if let Some(moment) = moment {
                engine.becomes(moment, &mut [&mut shard]);
            }
            records.sort_by_key(|record| record.place);
            for record in &records {
                let decided = engine.decide(&mut shard, record, |decided| decision(record, decided));
                // Nearly every identity has one decision: a vector that grows begins with room for four.
                let of_identity =
                    decisions.entry(record.identity().into_owned()).or_insert_with(|| Vec::with_capacity(1));
                of_identity.extend(decided.flatten());
            }
        }
        Backtested(decisions)
    }

    /// Holds what the functions wrote against this: lines of the lake and messages of alerts. Tells of the first differences.
    pub fn compare(&self, landed: &[LandedLine], alerts: &[String]) -> (BacktestReport, Vec<String>) {
        let (mut report, mut told) = (BacktestReport::default(), Vec::new());
        let mut differs = |what: String| {
            if told.len() < TOLD {
                told.push(format!("back-tested otherwise: {what}"));
            }
        };
        let whole = landed.iter().filter(|line| {
            line.history.as_deref().is_none_or(|history| history == USED)
                && line.unavailable.is_empty()
                && line.enrichment != "unavailable"
        });
        for line in whole {
            report.lines += 1;
            let is_same = self.decisions(&line.decision_id).any(|decision| {
                decision.score.to_bits() == line.fraud_score.to_bits()
                    && decision.shadow_score.map(f64::to_bits) == line.shadow_score.map(f64::to_bits)
                    && begins_with(line.inputs.as_deref(), decision.inputs.as_deref())
                    && decision.names == line.reasons
            });
            if !is_same {
                report.differences += 1;
                differs(format!("the line of {}", line.decision_id));
            }
        }
        let mut alerted: HashMap<&str, usize> = HashMap::new();
        let messages: Vec<_> =
            alerts.iter().map(|alert| serde_json::from_str::<AlertMessage<'_>>(alert)).collect();
        for message in &messages {
            let Ok(message) = message else {
                report.differences += 1;
                differs("an alert that cannot be read".to_owned());
                continue;
            };
            let identity = message.reuses_id_of.as_deref().unwrap_or(&message.alert_id);
            *alerted.entry(identity).or_default() += 1;
            if message.history.as_deref().is_some_and(|history| history != USED) {
                continue;
            }
            report.alerts += 1;
            let is_same = self.decisions(identity).any(|decision| {
                decision.alert.is_some()
                    && decision.score.to_bits() == message.fraud_score.to_bits()
                    && decision.reasons == message.reasons.get()
                    && (message.fraud_inputs.is_none() || decision.inputs == message.fraud_inputs)
            });
            if !is_same {
                report.differences += 1;
                differs(format!("the alert {}", message.alert_id));
            }
        }
        for (identity, decisions) in &self.0 {
            // A record that is on the stream twice has one alert; other contents under its id have their own.
            let high: BTreeSet<&String> =
                decisions.iter().filter_map(|decision| decision.alert.as_ref()).collect();
            if high.len() > alerted.get(identity.as_str()).copied().unwrap_or_default() {
                report.differences += 1;
                differs(format!("{identity} is an alert and was not alerted"));
            }
        }
        (report, told)
    }

    fn decisions(&self, identity: &str) -> impl Iterator<Item = &PastDecision> {
        self.0.get(identity).into_iter().flatten()
    }

    /// The reasons of all decisions, JSON.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(|decision| decision.reasons.as_str())
    }
}

/// Whether a line's inputs are those of the active policy, and behind them what only the one in the shadow looks at.
fn begins_with(line: Option<&str>, active: Option<&str>) -> bool {
    match (line, active) {
        (Some(line), Some(active)) => {
            line == active || active.strip_suffix('}').is_some_and(|begin| line.starts_with(begin))
        }
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

fn decision(record: &PastRecord<'_>, decided: &[Decided<'_>]) -> Option<PastDecision> {
    let Decided { decider, decision } = decided.first()?;
    let reasons = decider.reasons(decision);
    Some(PastDecision {
        score: decision.score.value,
        shadow_score: decided.get(1).map(|shadow| shadow.decision.score.value),
        inputs: evidence::inputs(&record.transaction, decision, decider.policy().further_inputs()),
        names: reasons.iter().map(|reason| reason.name.to_owned()).collect(),
        reasons: reasons_json(&reasons),
        alert: decider.alerts(decision).then(|| record.transaction.fingerprint().digits()),
    })
}
