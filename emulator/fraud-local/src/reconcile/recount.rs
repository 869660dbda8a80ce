//! Decides on the records of a stream once more.

use exact_text::decimal::is_positive;
use fraud_aws::entities::look_up_entities;
use fraud_aws::profiles::{FileProfiles, look_up};
use fraud_core::decision::{Decider, Decision};
use fraud_core::enrichment::Enrichment;
use fraud_core::entity::{EntityFound, EntityKind};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::evidence;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::history::Incoming;
use fraud_core::merchant::LabelDelay;
use fraud_core::money::Money;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::{Reading, TransactionReader};
use fraud_core::window::{Fold, WindowRule};
use tokio::time::Instant;

use super::{ExpectedOutput, Scores};
use crate::histories::Histories;
use crate::records::StreamRecord;
use crate::timeline::Timeline;

impl ExpectedOutput {
    /// Scores records, all that each of their customers has, with what is known of customers and entities, and adds them up in the
    /// windows of `rule` if there is one: the analytics function runs.
    pub(crate) async fn of(
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
                expected.aside.refuse(&record.data);
                expected.aside.dead_letter(kinesis_alerts::FUNCTION, position);
                if fold.is_some() {
                    expected.aside.dead_letter(customer_analytics::FUNCTION, position);
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
            let entities = look_up_entities(&entities, asked.entities, of, Instant::now()).await;
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
                    expected.aside.dead_letter(customer_analytics::FUNCTION, position);
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
