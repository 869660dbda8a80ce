//! A back-test of what is on a run's stream, in each customer's order and with what was known when: its decisions must be those
//! that the functions wrote.

use std::collections::{BTreeSet, HashMap};

use backtest::engine::{Decided, Engine, Knowledge, LabelsKnown, PastRecord, Shard};
use embedded_aws::EmbeddedStream;
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

use crate::discrepancies::Discrepancies;
use crate::reconcile::{LandedLine, USED};
use crate::records::{Records, StreamRecord};
use crate::timeline::Timeline;

/// What a run was decided from, beside the records on the stream.
pub struct RunPast<'a> {
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastDecision {
    /// The record's identity.
    identity: String,
    score: f64,
    /// By the policy in the shadow, which is a policy like any other here.
    shadow_score: Option<f64>,
    inputs: Option<String>,
    names: Vec<String>,
    reasons: String,
    /// The fingerprint of the transaction's contents, if it is an alert.
    alert: Option<String>,
}

/// The decisions of a back-test, by the record's identity: several if its id was used again. All that each of their customers has.
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

/// Decides on everything: by the active policy, and by that in the shadow as if it were the only one. Each record is given to
/// `visit`, with its customer, who is empty if there is none, and the decision if it is a transaction.
///
/// # Errors
/// If the stream cannot be read, or `visit`'s.
pub(crate) async fn decide(
    mut records: Records,
    past: RunPast<'_>,
    policies: &Policies,
    mut visit: impl FnMut(&StreamRecord, &str, Option<PastDecision>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let RunPast { profiles, timeline, labels, delay, schema } = past;
    let known = Known { profiles, entities: timeline.begin() };
    let all: Vec<&Policy> = std::iter::once(policies.active()).chain(policies.shadow()).collect();
    let deciders =
        all.iter().map(|policy| Decider::new((*policy).clone(), EventTimeBounds::UNBOUNDED)).collect();
    let mut engine = Engine::new(deciders, delay, &known, labels);
    let mut shard = Shard::default();
    let reading = Reading::new(schema, policies.asked());
    let with_history = policies.history().is_some();
    let (mut moments, mut step) = (timeline.moments(), 0);
    while let Some((changes, record)) = records.next_in_order(timeline).await? {
        for moment in moments.by_ref().take(changes - step) {
            engine.becomes(moment, &mut [&mut shard]);
        }
        step = changes;
        let Ok(transaction) = TransactionReader::new(&reading).read(&record.data) else {
            visit(&record, "", None)?;
            continue;
        };
        let place = Place {
            arrival: record.arrival.millis(),
            sequence_number: SequenceNumber::of(&record.sequence_number),
            sub_sequence_number: 0,
        };
        let identity = transaction.identity_at(record.position()).to_string();
        let past = PastRecord::new(transaction, Some(identity), record.arrival, place, with_history);
        let decided = engine.decide(&mut shard, &past, |decided| decision(&past, decided));
        visit(&record, past.transaction.customer_id.as_deref().unwrap_or_default(), decided.flatten())?;
    }
    Ok(())
}

/// Nearly every identity has one decision: a vector that grows begins with room for four.
impl FromIterator<PastDecision> for Backtested {
    fn from_iter<I: IntoIterator<Item = PastDecision>>(all: I) -> Self {
        let mut decisions: HashMap<String, Vec<PastDecision>> = HashMap::new();
        for decision in all {
            let of_identity =
                decisions.entry(decision.identity.clone()).or_insert_with(|| Vec::with_capacity(1));
            of_identity.push(decision);
        }
        Backtested(decisions)
    }
}

impl Backtested {
    /// The decisions on everything that is on a stream now.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn of(stream: &EmbeddedStream, past: RunPast<'_>, policies: &Policies) -> anyhow::Result<Self> {
        let mut decisions = Vec::new();
        let records = Records::all(stream).await?;
        decide(records, past, policies, |_, _, decision| {
            decisions.extend(decision);
            Ok(())
        })
        .await?;
        Ok(decisions.into_iter().collect())
    }

    /// Holds what the functions wrote of the same customers against this: lines of the lake and messages of alerts. Adds to `report`,
    /// and tells of the first differences.
    pub(crate) fn hold_against<'o>(
        &self,
        landed: &[LandedLine],
        alerts: impl Iterator<Item = &'o String>,
        report: &mut BacktestReport,
        found: &mut Discrepancies,
    ) {
        let mut differs = |what: String| found.add("back-tested otherwise", [what].into_iter());
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
        let messages: Vec<_> = alerts.map(|alert| serde_json::from_str::<AlertMessage<'_>>(alert)).collect();
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
    }

    /// How what the functions wrote compares.
    pub fn compare(&self, landed: &[LandedLine], alerts: &[String]) -> BacktestReport {
        let mut report = BacktestReport::default();
        self.hold_against(landed, alerts.iter(), &mut report, &mut Discrepancies::default());
        report
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
        identity: record.identity().into_owned(),
        score: decision.score.value,
        shadow_score: decided.get(1).map(|shadow| shadow.decision.score.value),
        inputs: evidence::inputs(&record.transaction, decision, decider.policy().further_inputs()),
        names: reasons.iter().map(|reason| reason.name.to_owned()).collect(),
        reasons: reasons_json(&reasons),
        alert: decider.alerts(decision).then(|| record.transaction.fingerprint().digits()),
    })
}
