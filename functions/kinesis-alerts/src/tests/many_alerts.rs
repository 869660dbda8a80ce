//! A customer with very many alerts in a batch: how long they take, and that nobody else waits for them. Over ports that take
//! as long as AWS: 15 ms for a call to SNS, 5 ms for one to DynamoDB.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::dead_letters::DeadLetterLines;
use fraud_aws::entities::Entities;
use fraud_aws::history::NoHistory;
use fraud_aws::ledger::{AlertLedger, Claim, Claimed, LedgerFault, Marked, MemoryLedger, OnRecord, Release};
use fraud_core::alert::Alert;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use kpl_aggregation::{Entry, encode};
use tokio::time::{Instant, sleep};

use super::handling::{MINUTE, NOTHING_AGAIN, event, high};
use super::ports::{Fates, MappingClock, Profiles};
use super::simulation::simulated;
use crate::{Alerts, Ports};

const OF_DYNAMODB: Duration = Duration::from_millis(5);
const OF_SNS: Duration = Duration::from_millis(15);

#[derive(Default)]
struct SlowLedger(MemoryLedger);

impl AlertLedger for SlowLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        sleep(OF_DYNAMODB).await;
        self.0.claim(alert, claim, deadline).await
    }

    async fn find(&self, alert: &Alert, deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        sleep(OF_DYNAMODB).await;
        self.0.find(alert, deadline).await
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        sleep(OF_DYNAMODB).await;
        self.0.mark_sent(alert_id, claim, sent_at, deadline).await
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        sleep(OF_DYNAMODB).await;
        self.0.release(alert_id, claim, release, deadline).await
    }
}

/// Takes ten alerts of a customer in a call, and customers side by side; remembers when.
#[derive(Default)]
struct SlowSink(Mutex<Vec<(Alert, Instant)>>);

impl AlertSink for &SlowSink {
    async fn publish(&self, alerts: &[&Alert], _deadline: Instant) -> Vec<Result<(), PublishFault>> {
        let start = Instant::now();
        let mut of_customer: HashMap<_, u32> = HashMap::new();
        let mut longest = Duration::ZERO;
        for alert in alerts {
            let before = of_customer.entry(alert.customer_id.as_deref()).or_default();
            let taken = OF_SNS * (*before / 10 + 1);
            *before += 1;
            longest = longest.max(taken);
            self.0.lock().unwrap().push(((*alert).clone(), start + taken));
        }
        sleep(longest).await;
        vec![Ok(()); alerts.len()]
    }
}

/// When each alert of a batch was out, by customer, and the whole time.
async fn handled(payloads: &[Vec<u8>]) -> (HashMap<String, Vec<Duration>>, Duration) {
    let sink = SlowSink::default();
    let clock = embedded_aws::event_source_mapping::Clock::starting_at(std::time::UNIX_EPOCH);
    let ports = Ports {
        history: NoHistory::default(),
        profiles: Profiles(Fates::kind()),
        entities: Entities::Unasked,
        ledger: SlowLedger::default(),
        sink: &sink,
        dead_letters: DeadLetterLines::new(std::io::sink()),
        clock: MappingClock { mapping: clock, ahead: 0 },
    };
    let function = Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED);
    let start = Instant::now();
    let handled = function.handle(&event(payloads), MINUTE).await.unwrap();
    assert_eq!(handled.response, NOTHING_AGAIN);
    let time = start.elapsed();
    let mut times: HashMap<String, Vec<Duration>> = HashMap::new();
    for (alert, at) in sink.0.lock().unwrap().iter() {
        times.entry(alert.customer_id.clone().unwrap()).or_default().push(*at - start);
    }
    (times, time)
}

#[test]
fn a_thousand_alerts_of_one_customer_take_three_seconds_at_most_and_the_others_half_of_one() {
    simulated(async {
        let mut batch: Vec<Vec<u8>> = (0..1_000).map(|n| high("A", &n.to_string(), 15_000)).collect();
        batch.extend((0..200).map(|n| high(&format!("C{n}"), "1", 15_000)));
        let (mut times, time) = handled(&batch).await;
        assert!(time < Duration::from_secs(3), "{time:?}");
        let of_a = times.remove("A").unwrap();
        assert!(of_a.is_sorted() && of_a.len() == 1_000);
        let slowest = times.into_values().flatten().max().unwrap();
        assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    });
}

#[test]
fn as_many_alerts_of_one_customer_as_a_record_holds_go_out_within_one_invocation() {
    simulated(async {
        let payloads: Vec<Vec<u8>> = (0..13_158).map(|n| high("A", &n.to_string(), 15_000)).collect();
        let entries: Vec<Entry<'_>> =
            payloads.iter().map(|data| Entry { partition_key: "A", explicit_hash_key: None, data }).collect();
        let (times, time) = handled(&[encode(&entries).unwrap().to_vec()]).await;
        assert!(time < Duration::from_secs(40), "{time:?}");
        assert!(times["A"].is_sorted() && times["A"].len() == payloads.len());
    });
}
