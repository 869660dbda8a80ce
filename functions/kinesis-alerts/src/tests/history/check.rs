//! What must hold in the end, whatever failed.

use std::collections::HashMap;

use fraud_aws::history::HistoryStore;
use fraud_core::alert::Alert;
use fraud_core::history::{Answer, HistoryInputs};
use fraud_core::identity::Position;
use tokio::time::Instant;

use super::rules::Rules;
use super::world::{Put, Sent, World};

/// A record: its stream, the sequence number and the place within an aggregate.
type Place<'a> = (&'a str, &'a str, u64);

impl Sent {
    fn place(&self) -> Place<'_> {
        (&self.stream, &self.sequence_number, self.incoming.place.sub_sequence_number)
    }
}

impl World {
    /// What the alerts of a transaction that went out say of the history: the count, or that none was used.
    pub(super) fn told(&self, put: &Put) -> Vec<Option<u32>> {
        let id = format!("t{}", put.id);
        let log = self.log.lock().unwrap();
        let of_it = log.accepted.iter().map(|(alert, _)| alert).filter(|alert| {
            alert.transaction_id.as_ref() == Some(&id) && alert.transaction_amount == put.amount()
        });
        of_it.map(|alert| Told::of(alert).count_24h).collect()
    }

    /// Everything was read from the beginning once more by processes of these rules: nothing is lost, nothing was taken in
    /// twice, and each alert is that of its transaction's first decision.
    pub(super) async fn check(&self, rules: Rules) {
        let mut rows = HashMap::new();
        for customer in self.sent.iter().map(|sent| &sent.customer) {
            if !rows.contains_key(customer) {
                let row = self.rows.read(&[customer], Instant::now()).await.remove(0).unwrap();
                rows.insert(customer.clone(), row.history.unwrap());
            }
        }
        let taken = self.taken.lock().unwrap();
        let log = self.log.lock().unwrap();
        assert!(log.again_after_mark.is_empty(), "{:?}", log.again_after_mark);
        assert!(log.again_without_cause.is_empty(), "{:?}", log.again_without_cause);

        let mut messages: HashMap<&str, &Alert> = HashMap::new();
        for (alert, _) in &log.accepted {
            let first = messages.entry(&alert.alert_id).or_insert(alert);
            assert_eq!(first.message, alert.message, "the same bytes under one id");
        }
        let mut alerts: HashMap<Place<'_>, Vec<Told>> = HashMap::new();
        for alert in messages.values() {
            let Position { stream, sequence_number, sub_sequence_number, .. } = alert.position();
            let place = (stream, sequence_number, sub_sequence_number);
            alerts.entry(place).or_default().push(Told::of(alert));
        }
        let mut by_key: HashMap<_, Vec<&Sent>> = HashMap::new();
        for sent in &self.sent {
            by_key.entry(sent.incoming.key).or_default().push(sent);
        }
        for (key, copies) in &by_key {
            let decided = taken.decided.get(key).map(Vec::as_slice).unwrap_or_default();
            let told: Vec<Told> =
                copies.iter().filter_map(|sent| alerts.get(&sent.place())).flatten().copied().collect();
            assert!(!decided.is_empty() || !told.is_empty(), "{copies:?} were neither taken in nor alerted");
            for used in told.iter().filter_map(|told| told.count_24h) {
                let is_decided = decided.iter().any(|decided| decided.inputs.count_24h == used);
                assert!(is_decided, "{copies:?} were alerted with {used}, and decided with {decided:?}");
            }
            // A transaction has one alert: of copies that were beyond the memory another may have been alerted.
            let is_told = |inputs: &HistoryInputs| {
                told.iter().any(|told| match told.count_24h {
                    Some(count) => count == inputs.count_24h || decided.len() > 1,
                    None => copies.len() > 1,
                })
            };
            if let Some(high) = decided.iter().find(|decided| decided.is_high) {
                assert!(
                    is_told(&high.inputs),
                    "{copies:?} were decided high with {high:?} and never alerted"
                );
            }
            for sent in copies {
                match rows[&sent.customer].ask(&sent.incoming) {
                    Answer::New(_) => panic!("{sent:?} was never taken in"),
                    Answer::Unknown => {}
                    Answer::Again(entry) => {
                        let is_first = decided.iter().any(|decided| {
                            decided.arrival == entry.arrival() && decided.inputs == entry.inputs()
                        });
                        assert!(is_first, "{entry:?}: {decided:?}");
                        let is_due = entry.alerted() || rules.is_high(&entry.inputs());
                        assert!(!is_due || is_told(&entry.inputs()), "{sent:?} is high and was not alerted");
                    }
                }
            }
        }
    }
}

/// What an alert says of the history: the count, if one was used.
#[derive(Debug, Clone, Copy)]
struct Told {
    count_24h: Option<u32>,
}

impl Told {
    fn of(alert: &Alert) -> Self {
        let evidence = alert.evidence.as_ref().unwrap();
        let inputs: serde_json::Value = serde_json::from_str(&evidence.inputs).unwrap();
        let is_used = evidence.history.as_deref() == Some("used");
        let count = inputs["history.count_24h"].as_u64().map(|count| u32::try_from(count).unwrap());
        assert_eq!(is_used, count.is_some(), "{}", evidence.inputs);
        Told { count_24h: count }
    }
}
