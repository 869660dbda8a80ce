//! Reading the ledger and sending what nobody sends any more: the real SDK against a DynamoDB in process.

use std::sync::Mutex;

use embedded_aws::{Fault, Service, ServiceError, When};

use super::*;
use crate::alerts::{AlertSink, PublishFault};
use crate::clock::Clock;

/// A sink that answers as it is told, and remembers what it took.
#[derive(Default)]
struct Told {
    answer: Option<PublishFault>,
    taken: Mutex<Vec<Alert>>,
}

impl AlertSink for Told {
    async fn publish(&self, alerts: &[&Alert], _deadline: Instant) -> Vec<Result<(), PublishFault>> {
        self.taken.lock().unwrap().extend(alerts.iter().map(|alert| (*alert).clone()));
        alerts.iter().map(|_| self.answer.clone().map_or(Ok(()), Err)).collect()
    }
}

/// Seconds after 2024-01-15T03:00:00Z.
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        at(self.0)
    }
}

async fn sent(ledger: &impl AlertLedger, sink: &Told, alert: &Alert, second: i64) -> Sent {
    send_pending(ledger, sink, &At(second), alert, Duration::from_secs(5)).await
}

/// A stored message that was published at this second and marked.
fn published(second: i64) -> Sent {
    Sent::Published { at: at(second), again: true, reuses_id: false, marked: Ok(Marked::Sent) }
}

async fn pending(ledger: &DynamoDbLedger, second: i64) -> Vec<(String, bool, bool)> {
    let pending = ledger.pending(at(second), |_| ()).await.unwrap();
    assert_eq!(pending.unreadable, []);
    pending
        .alerts
        .into_iter()
        .map(|alert| (alert.alert_id, alert.given_up, alert.may_have_been_sent))
        .collect()
}

#[tokio::test]
async fn pending_are_claims_that_have_ended_by_more_than_clocks_differ_the_oldest_first() {
    let (_aws, ledger) = table::start().await;
    for (id, token, from, until) in [("late", "a", 20, 80), ("early", "b", 10, 70), ("sent", "c", 0, 60)] {
        claimed(&ledger, &alert(id, "12000.00"), &claim(token, from, until)).await;
    }
    marked(&ledger, &alert("sent", "12000.00"), &claim("c", 0, 60)).await;
    let given_up = alert("given up", "1");
    claimed(&ledger, &given_up, &claim("d", 15, 75)).await;
    release(&ledger, &given_up, &claim("d", 15, 75), Release::MayHaveBeenSent).await;
    let (early, up, late) = (
        ("C1/early".to_owned(), false, true),
        ("C1/given up".to_owned(), true, true),
        ("C1/late".to_owned(), false, true),
    );
    assert_eq!(pending(&ledger, 70).await, std::slice::from_ref(&up));
    assert_eq!(pending(&ledger, 71).await, [early.clone(), up.clone()]);
    assert_eq!(pending(&ledger, 81).await, [early, up, late]);
    let told = ledger.pending(at(81), |_| ()).await.unwrap().alerts.remove(0);
    assert_eq!((&*told.transaction_amount, &*told.fraud_score), ("12000.00", "0.8600000000000001"));
    assert_eq!(told.claimed_at, "2024-01-15T03:00:10.000Z");
}

#[tokio::test]
async fn a_ledger_of_many_pages_is_read_to_its_end_and_its_progress_told() {
    let (aws, ledger) = table::start().await;
    // Rows of 300 KB: three to a page of a megabyte.
    for n in 0..8 {
        claimed(&ledger, &enlarged(alert(&format!("T{n}"), "1"), 300_000), &claim("dead", n, 60)).await;
    }
    let mut told = Vec::new();
    let pending =
        ledger.pending(at(100), |searched| told.push((searched.rows, searched.found))).await.unwrap();
    let ids: Vec<String> = pending.alerts.into_iter().map(|alert| alert.alert_id).collect();
    assert_eq!(ids, (0..8).map(|n| format!("C1/T{n}")).collect::<Vec<_>>());
    // The emulator counts a row that did not fit into a page there and in the next.
    assert!(
        told.is_sorted() && told.last().is_some_and(|(rows, found)| *rows >= 8 && *found == 8),
        "{told:?}"
    );
    assert!(told.len() > 1 && aws.calls().count(Service::DynamoDb, "Scan") == told.len(), "{told:?}");
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_no_ledger_without_pending_alerts() {
    for fault in crate::testing::answers_that_say_nothing() {
        let (aws, ledger) = table::start().await;
        aws.faults().add(When::calls(Service::DynamoDb, "Scan"), fault).unwrap();
        let fault = ledger.pending(at(0), |_| ()).await.unwrap_err();
        assert!(matches!(&fault, LedgerFault::Call(fault) if fault.may_be_done()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_row_is_read_whole_in_the_order_of_its_description() {
    let (_aws, ledger) = table::start().await;
    let alert = alert("T1", "12000.00");
    claimed(&ledger, &alert, &claim("own", 0, 60)).await;
    assert!(ledger.row("C1/T2").await.unwrap().is_none());
    let row = ledger.row("C1/T1").await.unwrap().unwrap();
    assert_eq!(row.alert().unwrap(), alert);
    assert!(!row.is_sent().unwrap());
    let names: Vec<&str> = row.attributes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..4], ["alert_id", "status", "claim_token", "claim_expires_at"]);
    assert_eq!(names.last(), Some(&"ttl"));
    let json: serde_json::Value = serde_json::from_str(&row.to_json()).unwrap();
    assert_eq!(json["message"], alert.message.as_str());
    assert_eq!(
        (&json["claim_expires_at"], &json["transaction_amount"]),
        (&1_705_287_660_000_i64.into(), &"12000.00".into())
    );
}

#[tokio::test]
async fn what_is_pending_goes_out_as_it_was_stored_and_then_never_again() {
    let (_aws, ledger) = table::start().await;
    let stored = alert("T1", "12000");
    let changed = made_anew(&stored);
    claimed(&ledger, &stored, &claim("dead", 0, 60)).await;
    let sink = Told::default();
    assert_eq!(sent(&ledger, &sink, &changed, 30).await, Sent::InForce { until: at(61) });
    assert_eq!(sent(&ledger, &sink, &changed, 61).await, published(61));
    assert_eq!(sent(&ledger, &sink, &changed, 62).await, Sent::Before);
    assert_eq!(*sink.taken.lock().unwrap(), [stored]);
    assert!(ledger.row("C1/T1").await.unwrap().unwrap().is_sent().unwrap());
}

#[tokio::test]
async fn what_the_sink_does_not_take_is_pending_as_before() {
    let (_aws, ledger) = table::start().await;
    let stored = alert("T1", "12000");
    claimed(&ledger, &stored, &claim("dead", 0, 60)).await;
    for may_be_sent in [true, false] {
        let fault = PublishFault::Unavailable { fault: CallFault::deadline(), may_be_sent };
        let sink = Told { answer: Some(fault.clone()), ..Told::default() };
        assert_eq!(sent(&ledger, &sink, &stored, 61).await, Sent::NotPublished(fault));
        assert_eq!(pending(&ledger, 61).await, [("C1/T1".to_owned(), true, true)]);
    }
    assert_eq!(sent(&ledger, &Told::default(), &stored, 61).await, published(61));
}

#[tokio::test]
async fn an_alert_whose_row_is_gone_meanwhile_is_sent_and_on_record_again() {
    let (_aws, ledger) = table::start().await;
    let sink = Told::default();
    let alert = alert("T1", "12000");
    let fresh = Sent::Published { at: at(0), again: false, reuses_id: false, marked: Ok(Marked::Sent) };
    assert_eq!(sent(&ledger, &sink, &alert, 0).await, fresh);
    assert_eq!(ledger.row("C1/T1").await.unwrap().unwrap().alert().unwrap(), alert);
}

#[tokio::test]
async fn a_ledger_that_takes_no_claim_has_nothing_sent_and_one_that_cannot_be_marked_is_told() {
    let (aws, ledger) = table::start().await;
    let stored = alert("T1", "12000");
    claimed(&ledger, &stored, &claim("dead", 0, 60)).await;
    let denied = Fault::Error(ServiceError::new(400, "AccessDeniedException", "no"));
    let sink = Told::default();
    aws.faults().add(When::calls(Service::DynamoDb, "PutItem"), denied.clone()).unwrap();
    let answer = send_pending(&ledger, &sink, &At(61), &stored, Duration::from_secs(5)).await;
    let Sent::NotClaimed(fault) = answer else { panic!("{answer:?}") };
    assert_eq!(fault.to_string(), "AccessDeniedException");
    assert!(sink.taken.lock().unwrap().is_empty());
    aws.faults().clear();
    aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem").from_nth(2), denied).unwrap();
    let answer = send_pending(&ledger, &sink, &At(61), &stored, Duration::from_secs(1)).await;
    let Sent::Published { marked: Err(fault), .. } = answer else { panic!("{answer:?}") };
    assert_eq!(fault.to_string(), "AccessDeniedException");
    assert_eq!(sink.taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn that_an_alert_was_sent_again_is_noted_only_where_it_was_sent() {
    let (_aws, ledger) = table::start().await;
    let (alert, own) = (alert("T1", "12000"), claim("own", 0, 60));
    claimed(&ledger, &alert, &own).await;
    let refused = ledger.note_sent_again("C1/T1", at(70)).await.unwrap_err();
    assert_eq!(refused.to_string(), "ConditionalCheckFailedException");
    marked(&ledger, &alert, &own).await;
    assert_eq!(ledger.note_sent_again("C1/T1", at(70)).await, Ok(()));
    let row = ledger.row("C1/T1").await.unwrap().unwrap();
    assert!(row.to_json().contains(r#""sent_again_at":"2024-01-15T03:01:10.000Z""#));
    assert!(row.is_sent().unwrap());
}
