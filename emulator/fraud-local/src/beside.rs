//! What a run is held against, from the records on the stream: which frauds there were, and what the built-in policy would have
//! alerted.

use std::collections::BTreeSet;

use exact_text::timestamp::Timestamp;
use fraud_aws::entities::{FileEntities, look_up_entities};
use fraud_aws::profiles::{FileProfiles, look_up};
use fraud_core::decision::Decider;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Reading, TransactionReader};
use tokio::time::Instant;

use crate::caught::Ran;
use crate::labels::Labels;
use crate::records::StreamRecord;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Scores records by this policy, and adds to what `ran` and what is alerted. What is not a transaction is left out.
pub(crate) async fn beside(
    records: &[StreamRecord],
    (profiles, entities): (&FileProfiles, &FileEntities),
    (policy, schema): (&Policy, &Schema),
    labels: &Labels,
    (ran, alerted): (&mut Ran, &mut BTreeSet<String>),
) {
    let reading = Reading::new(schema, policy.asked());
    let mut reader = TransactionReader::new(&reading);
    let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
    for record in records {
        let Ok(transaction) = reader.read(&record.data) else { continue };
        let position = record.position();
        let customer = transaction.customer_id.as_deref();
        let looked_up = look_up(profiles, [customer].into_iter(), Instant::now()).await;
        let asked = policy.asked().entities;
        let of = [Some(&transaction)].into_iter();
        let entities = look_up_entities(entities, asked, of, Instant::now()).await;
        let found =
            Found { enrichment: looked_up.of(0), entities: entities.of(0), history: HistoryFound::NotAsked };
        let decision = decider.decide(&transaction, found, record.arrival, Some(position));
        let identity = transaction.identity_at(position).to_string();
        ran.days.insert(day(EventTimeBounds::UNBOUNDED.counted(&transaction.event_time, record.arrival).at));
        if decider.alerts(&decision) {
            alerted.insert(identity.clone());
        }
        if labels.is_fraud(&identity) {
            ran.frauds.insert(identity);
        }
    }
}

/// The day in UTC.
fn day(time: Timestamp) -> i64 {
    time.millis().div_euclid(DAY_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_tells_frauds_days_and_what_the_policy_alerts() {
        let record = |number: u32, data: &str| StreamRecord {
            stream: "transactions".to_owned(),
            shard: "shardId-000000000000".to_owned(),
            sequence_number: number.to_string(),
            arrival: Timestamp::from_millis(1_705_320_000_000).unwrap(),
            data: data.as_bytes().to_vec(),
        };
        let of = |id: &str, amount: u32, time: &str| {
            format!(
                r#"{{"transaction_id":"{id}","customer_id":"A","amount":{amount},"event_time":"{time}"}}"#
            )
        };
        let records = [
            record(1, &of("1", 20_000, "2024-01-15T03:00:00Z")),
            record(2, &of("2", 5, "2024-01-15T23:00:00Z")),
            record(3, "junk"),
            record(4, &of("1", 20_000, "2024-01-15T03:00:00Z")),
            // The day before in UTC.
            record(5, &of("3", 5, "2024-01-15T00:30:00+01:00")),
        ];
        let profiles = FileProfiles::parse(r#"{"A":{"risk_score":1}}"#).unwrap();
        let policy = Policy::builtin_default().unwrap();
        let labels = Labels::of_kinds(&[("A/1", "a"), ("A/3", "a"), ("A/9", "a")]);
        let (mut ran, mut alerted) = (Ran::default(), BTreeSet::new());
        let known = (&profiles, &FileEntities::default());
        let by = (&policy, &Schema::builtin_default());
        beside(&records, known, by, &labels, (&mut ran, &mut alerted)).await;
        assert_eq!(ran.frauds, ["A/1", "A/3"].map(str::to_owned).into());
        assert_eq!(ran.days.len(), 2);
        assert_eq!(alerted, BTreeSet::from(["A/1".to_owned()]));
    }
}
