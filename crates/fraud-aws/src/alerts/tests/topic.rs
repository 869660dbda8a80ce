//! The real SDK against an SNS in process.

use aws_calls::fault::{CallFault, FaultKind};
use embedded_aws::{EmbeddedAws, Fault, Service, ServiceError, When};

use super::*;
use crate::alerts::message::size;

const TOPIC: &str = "fraud-alerts";

pub(super) async fn start() -> (EmbeddedAws, SnsAlerts) {
    let aws = EmbeddedAws::builder().services([Service::Sns]).topic(TOPIC).start().await.unwrap();
    let config = crate::testing::for_embedded(&aws, Service::Sns).await;
    let sink = SnsAlerts::new(&config, aws.topic_arn(TOPIC).unwrap());
    (aws, sink)
}

fn calls() -> When {
    When::calls(Service::Sns, "PublishBatch")
}

pub(super) fn fail_always(aws: &EmbeddedAws) {
    aws.faults().add(calls(), Fault::InternalError).unwrap();
}

fn published(aws: &EmbeddedAws) -> Vec<String> {
    ids(&aws.published().into_iter().map(|published| published.message).collect::<Vec<_>>())
}

fn call_count(aws: &EmbeddedAws) -> usize {
    aws.calls().count(Service::Sns, "PublishBatch")
}

/// Publishes, and gives of faults only what a test names: the code, and whether the alert may be sent.
async fn publish(sink: &SnsAlerts, alerts: &[Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
    let results = sink.publish(&refs(alerts), deadline).await;
    let plain = |result| match result {
        Err(PublishFault::Unavailable { fault, may_be_sent }) => unavailable(&fault.code, may_be_sent),
        other => other,
    };
    results.into_iter().map(plain).collect()
}

fn unavailable(code: &str, may_be_sent: bool) -> Result<(), PublishFault> {
    Err(PublishFault::Unavailable { fault: CallFault::new(FaultKind::Failed, code.to_owned()), may_be_sent })
}

/// Thirteen customers, then the first of them again.
fn two_batches() -> Vec<Alert> {
    let names: Vec<String> = (0..13).chain([0]).map(|n| format!("C{n:02}")).collect();
    alerts(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn an_alert_has_its_subject_message_and_attributes() {
    let (aws, sink) = start().await;
    let alert = alert_for(r#"{"customer_id":"C1","transaction_id":"T1","amount":12000.00}"#, 0);
    assert_eq!(sink.publish(&[&alert], soon()).await, [Ok(())]);
    let published = aws.published();
    assert_eq!(published[0].subject.as_deref(), Some("High Risk Transaction Detected"));
    assert_eq!(published[0].message, alert.message);
    let attributes: Vec<_> = published[0]
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.data_type.as_str(), value.text().unwrap()))
        .collect();
    let expected = [
        ("alert_type", "String", "fraud_detection"),
        ("customer_segment", "String", "gold"),
        ("fraud_score", "Number", "0.8600000000000001"),
    ];
    assert_eq!(attributes, expected);
}

#[tokio::test]
async fn ten_go_into_a_call_and_calls_go_side_by_side_but_for_those_of_one_customer() {
    let (aws, sink) = start().await;
    let concurrency = || aws.calls().max_concurrency(Service::Sns, "PublishBatch");
    let of_one: Vec<Alert> = alerts(&["A"; 1_000]);
    assert!(sink.publish(&refs(&of_one), soon()).await.iter().all(Result::is_ok));
    assert_eq!((call_count(&aws), concurrency()), (100, 1));
    assert_eq!(published(&aws), (0..1_000).map(|n| format!("A/{n:03}")).collect::<Vec<_>>());

    // Each call waits until all four are there.
    let gate = std::sync::Arc::new(tokio::sync::Barrier::new(4));
    let hold = Fault::before(move |_| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            gate.wait().await;
        }
    });
    aws.faults().add(calls(), hold).unwrap();
    let names: Vec<String> = (0..80).map(|n| format!("C{n:02}")).collect();
    let of_many = alerts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(sink.publish(&refs(&of_many), soon()).await.iter().all(Result::is_ok));
    assert_eq!((call_count(&aws), concurrency()), (108, 4));
}

#[tokio::test]
async fn alerts_of_the_largest_size_go_out_one_to_a_call_and_larger_ones_not_at_all() {
    let (aws, sink) = start().await;
    let sized = |customer: &str, more: usize| {
        let payload = format!(r#"{{"customer_id":"{customer}","transaction_id":"T","amount":1}}"#);
        enlarged(alert_for(&payload, 0), more)
    };
    let room = 262_144 - size(&sized("A", 0));
    let alerts = [sized("A", room), sized("A", room + 1), sized("A", 0), sized("B", room)];
    let results = sink.publish(&refs(&alerts), soon()).await;
    assert_eq!(results, [Ok(()), Err(PublishFault::TooLarge { size: 262_145 }), Ok(()), Ok(())]);
    assert_eq!(call_count(&aws), 3);
}

#[tokio::test]
async fn entries_that_failed_are_tried_again_and_then_unavailable_and_hold_their_customers_later_ones_back() {
    let (aws, sink) = start().await;
    let half = aws.faults().add(calls().next(1), Fault::Half).unwrap();
    let few = alerts(&["A", "B", "C", "D"]);
    assert!(sink.publish(&refs(&few), soon()).await.iter().all(Result::is_ok));
    assert_eq!((aws.faults().applied(half), call_count(&aws)), (1, 2));
    assert_eq!(published(&aws), ["A/000", "B/001", "C/002", "D/003"]);

    // Half of ten, then of five, then of three.
    aws.faults().add(calls(), Fault::Half).unwrap();
    let more = alerts(&["H"; 12]);
    let results = publish(&sink, &more, soon()).await;
    assert_eq!(results[..8], vec![Ok(()); 8]);
    assert_eq!(results[8..10], vec![unavailable("InternalError", false); 2]);
    assert_eq!(results[10..], vec![Err(PublishFault::HeldBack); 2]);
    assert_eq!(published(&aws).len(), 4 + 8);
}

#[tokio::test]
async fn an_entry_that_is_refused_costs_itself_and_not_its_customers_later_ones() {
    let (aws, sink) = start().await;
    let mut alerts = alerts(&["A", "B", "A"]);
    // An alert whose message the topic refuses: none that is made of a transaction is.
    alerts[0].message.clear();
    let results = sink.publish(&refs(&alerts), soon()).await;
    let refused = Err(PublishFault::Refused { code: "InvalidParameter".to_owned() });
    assert_eq!(results, [refused, Ok(()), Ok(())]);
    assert_eq!((published(&aws).len(), call_count(&aws)), (2, 1));
}

#[tokio::test]
async fn a_call_that_fails_for_a_while_is_made_again() {
    for fault in [Fault::Throttle, Fault::InternalError, Fault::DropConnection] {
        let (aws, sink) = start().await;
        aws.faults().add(calls().next(2), fault).unwrap();
        let alerts = two_batches();
        assert!(sink.publish(&refs(&alerts), soon()).await.iter().all(Result::is_ok));
        assert_eq!((call_count(&aws), published(&aws).len()), (4, 14));
    }
}

#[tokio::test]
async fn after_a_call_that_failed_as_a_whole_nothing_more_is_started() {
    let denied = ServiceError::new(403, "AuthorizationError", "not allowed");
    for (fault, code, in_doubt, attempts) in [
        (Fault::Throttle, "Throttled", false, 3),
        (Fault::Error(denied), "AuthorizationError", false, 1),
        (Fault::InternalError, "InternalError", true, 3),
        (Fault::DropConnection, "cannot reach the service", true, 3),
    ] {
        let (aws, sink) = start().await;
        aws.faults().add(calls(), fault).unwrap();
        // Ten of the twelve, thirty of the others, and then no more.
        let others: Vec<String> = (0..31).map(|n| format!("C{n:02}")).collect();
        let customers = ["A"; 12].into_iter().chain(others.iter().map(String::as_str)).collect::<Vec<_>>();
        let alerts = alerts(&customers);
        let results = publish(&sink, &alerts, soon()).await;
        assert_eq!(results[..10], vec![unavailable(code, in_doubt); 10]);
        assert_eq!(results[10..12], vec![Err(PublishFault::HeldBack); 2]);
        assert_eq!(results[12..42], vec![unavailable(code, in_doubt); 30]);
        assert_eq!(results[42], unavailable(code, false));
        assert_eq!(call_count(&aws), 4 * attempts, "{code}");
    }
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_unavailable() {
    let (aws, _sink) = start().await;
    let config = crate::testing::for_embedded(&aws, Service::Sns).await;
    let sink = SnsAlerts::new(&config, "arn:aws:sns:us-east-1:123456789012:nowhere");
    assert_eq!(publish(&sink, &alerts(&["A"]), soon()).await, [unavailable("NotFound", false)]);
}

#[tokio::test]
async fn a_lost_answer_sends_the_same_message_again() {
    let (aws, sink) = start().await;
    aws.faults().add(calls().nth(1), Fault::LoseAnswer).unwrap();
    let alerts = alerts(&["A"]);
    assert_eq!(sink.publish(&refs(&alerts), soon()).await, [Ok(())]);
    let messages: Vec<String> = aws.published().into_iter().map(|published| published.message).collect();
    assert_eq!(messages, vec![alerts[0].message.clone(); 2]);
}

#[tokio::test]
async fn who_was_in_doubt_once_stays_so_when_the_next_answer_says_no() {
    let (aws, sink) = start().await;
    aws.faults().add(calls().nth(1), Fault::LoseAnswer).unwrap();
    aws.faults().add(calls().from_nth(2), Fault::Throttle).unwrap();
    assert_eq!(publish(&sink, &alerts(&["A"]), soon()).await, [unavailable("Throttled", true)]);
    assert_eq!(published(&aws), ["A/000"]);
}

#[tokio::test]
async fn a_topic_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, sink) = start().await;
    aws.faults().add(calls().from_nth(2), Fault::Hang).unwrap();
    let (alerts, start) = (alerts(&["A"; 14]), Instant::now());
    let results = publish(&sink, &alerts, start + Duration::from_millis(500)).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(results[..10].iter().all(Result::is_ok));
    assert_eq!(results[10..], vec![unavailable("no answer in time", true); 4]);
}

#[tokio::test]
async fn past_the_deadline_nothing_is_started() {
    let (aws, sink) = start().await;
    let results = publish(&sink, &alerts(&["A", "A"]), Instant::now()).await;
    assert_eq!(results, vec![unavailable("no answer in time", false); 2]);
    assert_eq!(call_count(&aws), 0);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_refusal() {
    let codeless = |status, done| Fault::CodelessError { status, body: "<html>no</html>".to_owned(), done };
    for (fault, times) in [
        (Fault::EmptyAnswer, 3),
        (codeless(403, true), 3),
        (codeless(503, true), 3),
        (codeless(403, false), 0),
    ] {
        let (aws, sink) = start().await;
        aws.faults().add(calls(), fault).unwrap();
        let results = sink.publish(&refs(&alerts(&["A"])), soon()).await;
        let [Err(fault @ PublishFault::Unavailable { may_be_sent: true, .. })] = &results[..] else {
            panic!("{results:?}")
        };
        assert_eq!(fault.release(), Release::MayHaveBeenSent);
        assert_eq!(published(&aws).len(), times);
    }
}

#[tokio::test]
async fn half_an_answer_counts_for_the_alerts_that_it_names_and_has_the_others_sent_again() {
    let (aws, sink) = start().await;
    aws.faults().add(calls().nth(1), Fault::CutAnswer).unwrap();
    let alerts = alerts(&["A"; 10]);
    assert_eq!(sink.publish(&refs(&alerts), soon()).await, vec![Ok(()); 10]);
    let published = published(&aws);
    let again = published.len() - 10;
    assert!((1..10).contains(&again), "{published:?}");
    assert_eq!(published[10..], published[10 - again..10]);
}
