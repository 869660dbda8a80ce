//! Checks that everything that went in came out: scores the records on the stream once more and compares this with what
//! landed, failed, was alerted and was dead-lettered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use exact_text::decimal::is_positive;
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::look_up_entities;
use fraud_aws::profiles::{FileProfiles, look_up};
use fraud_core::decision::{Decider, Decision};
use fraud_core::enrichment::Enrichment;
use fraud_core::entity::{EntityFound, EntityKind, EntityKinds};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::evidence;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::history::Incoming;
use fraud_core::identity::{Identity, Position};
use fraud_core::merchant::LabelDelay;
use fraud_core::money::Money;
use fraud_core::schema::Schema;
use fraud_core::shadow::{Policies, ShadowCounts};
use fraud_core::transaction::{Reading, TransactionReader};
use fraud_core::window::{Fold, WindowRule, WindowTotals};
use tokio::time::Instant;

use crate::histories::Histories;
use crate::timeline::Timeline;

/// What a line says of a history that it was decided with.
pub(crate) const USED: &str = "used";

/// This many discrepancies of one kind are reported one by one.
const TOLD: usize = 5;

/// A record of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    /// The sequence number's digits.
    pub sequence_number: String,
    /// When it arrived.
    pub arrival: Timestamp,
    /// The payload.
    pub data: Vec<u8>,
}

impl StreamRecord {
    /// Where it is in the stream.
    pub(crate) fn position(&self) -> Position<'_> {
        Position {
            stream: &self.stream,
            shard: &self.shard,
            sequence_number: &self.sequence_number,
            sub_sequence_number: 0,
        }
    }
}

/// What a scored line says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct LandedLine {
    /// `decision_id`
    pub decision_id: String,
    /// `fraud_score`
    pub fraud_score: f64,
    /// `shadow_score`, if a policy is in the shadow.
    pub shadow_score: Option<f64>,
    /// `enrichment`
    pub enrichment: String,
    /// The kinds of entities that `fraud_inputs` calls unavailable.
    pub unavailable: EntityKinds,
    /// `history`, under a policy that looks at it.
    pub history: Option<String>,
    /// `fraud_inputs`
    pub inputs: Option<String>,
    /// `fraud_reasons`
    pub reasons: Vec<String>,
}

/// What the pipeline produced.
#[derive(Debug, Clone, Default)]
pub struct PipelineOutput {
    /// The scored lines of the lake.
    pub landed: Vec<LandedLine>,
    /// The payloads under the error prefix.
    pub failed: Vec<Vec<u8>>,
    /// The ids of the alerts published.
    pub alerts: Vec<String>,
    /// The `fraud_inputs` of those that were decided with the customer's history, by the record's identity.
    pub alert_inputs: Vec<(String, String)>,
    /// The functions and ids of the dead letters, each as often as it was sent.
    pub dead_letters: Vec<(String, String)>,
    /// The rows of the table of aggregates, by customer and then by time.
    pub windows: Vec<WindowTotals>,
}

/// What the pipeline must have produced, found by scoring here.
#[derive(Debug, Clone, Default)]
pub struct ExpectedOutput {
    /// For each record that can be scored, by its identity, its scores: that with all answers, and those without some. Under a
    /// policy that looks at the customers' history these are without it, and the last is with it.
    scores: HashMap<String, Vec<Vec<Scores>>>,
    /// By identity, the inputs of decisions with the customer's history.
    inputs: Inputs,
    /// The same as alerts have them: without what only the policy in the shadow looks at.
    alert_inputs: Inputs,
    /// The kinds of entities that the policy asks for.
    kinds: Vec<EntityKind>,
    /// How often each payload that cannot be scored is on the stream.
    refused: BTreeMap<Vec<u8>, usize>,
    /// The functions that must dead-letter a record, and the record's position.
    dead_letters: BTreeSet<(String, String)>,
    /// Every customer's windows.
    windows: Vec<WindowTotals>,
    /// The identities with a high score, and the fingerprints' digits of each one's contents.
    high: BTreeMap<String, BTreeSet<String>>,
    /// The records with a high score.
    pub high_scores: u64,
    /// What the policy in the shadow would have alerted.
    pub shadow: ShadowCounts,
}

/// By identity, the inputs of decisions.
type Inputs = HashMap<String, BTreeSet<String>>;

/// The bits of a score, and of that by the policy in the shadow.
type Scores = (u64, Option<u64>);

impl ExpectedOutput {
    /// Scores the records of a stream with what is known of customers and entities, and adds them up in the windows of `rule` if
    /// there is one: the analytics function runs.
    pub async fn of(
        records: &[StreamRecord],
        (profiles, timeline): (&FileProfiles, &Timeline),
        (policies, label_delay): (&Policies, LabelDelay),
        schema: &Schema,
        rule: Option<WindowRule>,
    ) -> Self {
        let asked = policies.asked();
        let kinds: Vec<EntityKind> = asked.entities.iter().collect();
        let mut expected = ExpectedOutput { kinds: kinds.clone(), ..ExpectedOutput::default() };
        let mut fold = rule.map(Fold::new);
        let decider =
            Decider::new(policies.clone(), EventTimeBounds::UNBOUNDED).with_label_delay(label_delay);
        let reading = Reading::new(schema, asked);
        let mut reader = TransactionReader::new(&reading);
        let mut histories = policies.history().map(Histories::new);
        for record in records {
            let position = record.position();
            let Ok(transaction) = reader.read(&record.data) else {
                *expected.refused.entry(record.data.clone()).or_default() += 1;
                expected.put_aside(kinesis_alerts::FUNCTION, position);
                if fold.is_some() {
                    expected.put_aside(customer_analytics::FUNCTION, position);
                }
                continue;
            };
            let customer = transaction.customer_id.as_deref();
            let looked_up = look_up(profiles, [customer].into_iter(), Instant::now()).await;
            let changes = timeline.changes_before(&record.shard, &record.sequence_number);
            let inputs = histories.as_mut().zip(customer).map(|(histories, customer)| {
                let incoming = Incoming::of(&transaction, record.arrival, position);
                histories.inputs(customer, &incoming, changes)
            });
            let entities = timeline.after(inputs.map_or(changes, |(_, changes)| changes));
            let of = [Some(&transaction)].into_iter();
            let entities = look_up_entities(entities, asked.entities, of, Instant::now()).await;
            let found = Found {
                enrichment: looked_up.of(0),
                entities: entities.of(0),
                history: HistoryFound::NotAsked,
            };
            let decide = |found| decider.decide(&transaction, found, record.arrival, Some(position));
            let history =
                inputs.as_ref().map_or(HistoryFound::NotAsked, |(inputs, _)| HistoryFound::New(inputs));
            let known = decide(Found { history, ..found });
            let scores = |decision: &Decision<'_>| -> Scores {
                let of_shadow = decision.shadow.as_ref().map(|shadow| shadow.score.value.to_bits());
                (decision.score.value.to_bits(), of_shadow)
            };
            let mut of_record: Vec<Scores> = (0..1 << (kinds.len() + 1))
                .map(|missing| scores(&decide(without(found, &kinds, missing))))
                .collect();
            let identity = transaction.identity_at(position);
            if inputs.is_some() {
                of_record.push(scores(&known));
                for (inputs, further) in [
                    (&mut expected.inputs, policies.further_inputs()),
                    (&mut expected.alert_inputs, policies.active().further_inputs()),
                ] {
                    let known = evidence::inputs(&transaction, &known, further);
                    inputs.entry(identity.to_string()).or_default().extend(known);
                }
            }
            if let Some(fold) = &mut fold {
                fold.add(&transaction, &identity, record.arrival);
                let digits = &transaction.amount.digits;
                if customer.is_some() && is_positive(digits) && Money::amount(digits).is_err() {
                    expected.put_aside(customer_analytics::FUNCTION, position);
                }
            }
            let identity = identity.to_string();
            if let Some(shadow) = &known.shadow {
                expected.shadow.count(decider.alerts(&known), shadow.alerts);
            }
            if decider.alerts(&known) {
                expected.high_scores += 1;
                let contents = expected.high.entry(identity.clone()).or_default();
                contents.insert(transaction.fingerprint().digits());
            }
            expected.scores.entry(identity).or_insert_with(|| Vec::with_capacity(1)).push(of_record);
        }
        expected.windows = fold.map(|fold| fold.totals()).unwrap_or_default();
        expected
    }

    /// The customers that have windows.
    pub fn customers_with_windows(&self) -> BTreeSet<&str> {
        self.windows.iter().map(|window| &*window.customer_id).collect()
    }

    /// What is wrong with the output; empty if nothing is.
    pub fn discrepancies(&self, outcome: &PipelineOutput) -> Vec<String> {
        let mut found = Vec::new();
        self.check_landed(&outcome.landed, &mut found);
        self.check_failed(&outcome.failed, &mut found);
        self.check_alerts(&outcome.alerts, &mut found);
        let inputs = outcome.alert_inputs.iter().map(|(id, inputs)| (id, inputs.as_str()));
        check_inputs("alerted with other inputs than here", &self.alert_inputs, inputs, &mut found);
        self.check_dead_letters(&outcome.dead_letters, &mut found);
        self.check_windows(&outcome.windows, &mut found);
        found
    }

    /// What a line was scored without: the place of its score.
    fn missing(&self, line: &LandedLine) -> usize {
        if line.history.as_deref() == Some(USED) {
            return 1 << (self.kinds.len() + 1);
        }
        let kinds = (1..).zip(&self.kinds).filter(|(_, kind)| line.unavailable.contains(**kind));
        let kinds: usize = kinds.map(|(bit, _)| 1 << bit).sum();
        kinds + usize::from(line.enrichment == "unavailable")
    }

    fn put_aside(&mut self, function: &str, position: Position<'_>) {
        self.dead_letters.insert((function.to_owned(), Identity::Position(position).to_string()));
    }

    fn check_dead_letters(&self, letters: &[(String, String)], found: &mut Vec<String>) {
        let letters: BTreeSet<_> = letters.iter().cloned().collect();
        let text = |(function, id): &(String, String)| format!("{id} by {function}");
        tell("dead letter missing", self.dead_letters.difference(&letters).map(text), found);
        tell("dead letter of a good record", letters.difference(&self.dead_letters).map(text), found);
    }

    fn check_windows(&self, windows: &[WindowTotals], found: &mut Vec<String>) {
        let of =
            |windows: &[WindowTotals]| windows.iter().map(WindowTotals::to_json).collect::<BTreeSet<_>>();
        let (expected, stored) = (of(&self.windows), of(windows));
        tell("window missing", expected.difference(&stored), found);
        tell("window that should not be", stored.difference(&expected), found);
    }

    fn check_landed(&self, landed: &[LandedLine], found: &mut Vec<String>) {
        let mut left = self.scores.clone();
        let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
        for line in landed {
            let Some(scores) = left.get_mut(&line.decision_id) else {
                unknown.push(&line.decision_id);
                continue;
            };
            let missing = self.missing(line);
            let of_line = (line.fraud_score.to_bits(), line.shadow_score.map(f64::to_bits));
            let is_same = |scores: &Vec<Scores>| scores.get(missing) == Some(&of_line);
            let matching = scores.iter().position(is_same);
            match matching.or((!scores.is_empty()).then_some(0)) {
                Some(place) => drop(scores.swap_remove(place)),
                None => unknown.push(&line.decision_id),
            }
            if matching.is_none() {
                wrong.push(&line.decision_id);
            }
        }
        let missing = left.iter().flat_map(|(id, scores)| scores.iter().map(move |_| id));
        tell("not landed", missing, found);
        tell("landed too often, or unknown", unknown.into_iter(), found);
        tell("landed with another score than here", wrong.into_iter(), found);
        let used = landed.iter().filter(|line| line.history.as_deref() == Some(USED));
        let inputs = used.map(|line| (&line.decision_id, line.inputs.as_deref().unwrap_or_default()));
        check_inputs("landed with other inputs than here", &self.inputs, inputs, found);
    }

    fn check_failed(&self, failed: &[Vec<u8>], found: &mut Vec<String>) {
        let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
        for payload in failed {
            *counts.entry(payload).or_default() += 1;
        }
        let expected = self.refused.iter();
        let missing = expected.clone().filter(|(payload, count)| counts.get(&payload[..]) < Some(count));
        let size = |payload: &[u8]| format!("a payload of {} bytes", payload.len());
        tell("not failed", missing.map(|(payload, _)| size(payload)), found);
        let extra = counts.iter().filter(|(payload, count)| self.refused.get(**payload) < Some(count));
        tell("failed and should not", extra.map(|(payload, _)| size(payload)), found);
    }

    fn check_alerts(&self, alerts: &[String], found: &mut Vec<String>) {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for id in alerts {
            *counts.entry(id).or_default() += 1;
        }
        // Of several contents under one identity each has an alert, and one of them has the identity for its id.
        let (mut alerted, mut unknown): (BTreeMap<&str, usize>, Vec<&String>) = Default::default();
        for &id in counts.keys() {
            let reuse = id.rsplit_once('/').filter(|(identity, digits)| {
                let contents = self.high.get(*identity);
                contents.is_some_and(|contents| {
                    contents.len() > 1 && contents.iter().any(|content| content.starts_with(digits))
                })
            });
            match (self.high.contains_key(id), reuse) {
                (true, _) => *alerted.entry(id).or_default() += 1,
                (false, Some((identity, _))) => *alerted.entry(identity).or_default() += 1,
                (false, None) => unknown.push(id),
            }
        }
        let count = |identity: &str| alerted.get(identity).copied().unwrap_or_default();
        let missing =
            self.high.iter().filter(|(id, contents)| !counts.contains_key(id) || count(id) < contents.len());
        tell("not alerted", missing.map(|(id, _)| id), found);
        tell("alerted without a high score", unknown.into_iter(), found);
        let too_many = self.high.iter().filter(|(id, contents)| count(id) > contents.len());
        tell("alerted under too many ids", too_many.map(|(id, _)| id), found);
        tell(
            "alerted more than once",
            counts.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id),
            found,
        );
    }
}

fn check_inputs<'o>(
    what: &str,
    expected: &Inputs,
    inputs: impl Iterator<Item = (&'o String, &'o str)>,
    found: &mut Vec<String>,
) {
    let differs =
        |(id, inputs): &(&String, &str)| !expected.get(*id).is_some_and(|own| own.contains(*inputs));
    tell(what, inputs.filter(differs).map(|(id, _)| id), found);
}

/// What was found without what `missing` says: bit 0 is the profile, the others are the kinds.
fn without<'f>(mut found: Found<'f>, kinds: &[EntityKind], missing: usize) -> Found<'f> {
    if missing & 1 != 0 {
        found.enrichment = Enrichment::Unavailable;
    }
    for (bit, kind) in (1..).zip(kinds) {
        if missing & (1 << bit) != 0 {
            found.entities.get_or_insert_default().set(*kind, EntityFound::Unavailable);
        }
    }
    found
}

fn tell(what: &str, items: impl Iterator<Item = impl std::fmt::Display>, found: &mut Vec<String>) {
    let items: Vec<_> = items.collect();
    found.extend(items.iter().take(TOLD).map(|item| format!("{what}: {item}")));
    if items.len() > TOLD {
        found.push(format!("{what}: {} more", items.len() - TOLD));
    }
}

#[cfg(test)]
mod tests;
