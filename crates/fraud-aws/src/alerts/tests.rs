use std::time::Duration;

use aws_calls::fault::FaultKind;

use super::*;
use crate::testing::{Page, alert_for, enlarged, soon};

mod batching;
mod topic;

/// Alerts of these customers, numbered in the order of the list; an empty name means no customer.
fn alerts(customers: &[&str]) -> Vec<Alert> {
    let alert = |(number, customer): (usize, &&str)| {
        alert_for(
            &format!(r#"{{"customer_id":"{customer}","transaction_id":"{number:03}","amount":{number}}}"#),
            0,
        )
    };
    customers.iter().enumerate().map(alert).collect()
}

fn refs(alerts: &[Alert]) -> Vec<&Alert> {
    alerts.iter().collect()
}

/// `<customer>/<number>` of each message.
fn ids(messages: &[String]) -> Vec<String> {
    let id = |message: &String| Alert::from_message(message.clone(), None, None).unwrap().alert_id;
    messages.iter().map(id).collect()
}

/// What every sink does; `published` gives the messages that it has taken so far.
async fn keeps_the_contract(sink: &impl AlertSink, published: impl Fn() -> Vec<String>) {
    assert_eq!(sink.publish(&[], soon()).await, []);
    assert!(published().is_empty());
    let customers =
        ["A", "B", "C", "A", "A", "D", "E", "F", "G", "H", "I", "J", "K", "L", "A", "B", "", "A", "", ""];
    let alerts = alerts(&customers);
    assert!(sink.publish(&refs(&alerts), soon()).await.iter().all(Result::is_ok));
    let published = published();
    let mut sent: Vec<&String> = published.iter().collect();
    let mut expected: Vec<&String> = alerts.iter().map(|alert| &alert.message).collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    let of_customer = |customer: &str| -> Vec<String> {
        ids(&published).into_iter().filter(|id| id.starts_with(&format!("{customer}/"))).collect()
    };
    assert_eq!(of_customer("A"), ["A/000", "A/003", "A/004", "A/014", "A/017"]);
    assert_eq!(of_customer("B"), ["B/001", "B/015"]);
}

/// What every sink does that fails from its first alert on.
async fn starts_nothing_after_a_failure(sink: &impl AlertSink) {
    let customers = ["A", "A", "", "B", "", "B", "A"];
    let alerts = alerts(&customers);
    let results = sink.publish(&refs(&alerts), soon()).await;
    for (place, (result, customer)) in results.iter().zip(customers).enumerate() {
        let fault = result.as_ref().unwrap_err();
        let has_an_earlier_one = !customer.is_empty() && customers[..place].contains(&customer);
        let held_back = *fault == PublishFault::HeldBack;
        assert!(!held_back || has_an_earlier_one, "{place}: {fault}");
        assert!(held_back || matches!(fault, PublishFault::Unavailable { .. }), "{place}: {fault}");
        assert!(fault.is_transient());
    }
}

#[tokio::test]
async fn lines_keep_the_contract() {
    let page = Page::default();
    keeps_the_contract(&AlertLines::new(page.clone()), || page.lines()).await;
    starts_nothing_after_a_failure(&AlertLines::new(Page::that_breaks_after(0))).await;
}

#[tokio::test]
async fn a_writer_that_breaks_keeps_what_it_took_and_takes_nothing_more() {
    let page = Page::that_breaks_after(2);
    let alerts = alerts(&["A", "B", "A", "C", "A"]);
    let results = AlertLines::new(page.clone()).publish(&refs(&alerts), soon()).await;
    let unavailable = |may_be_sent| {
        Err(PublishFault::Unavailable {
            fault: CallFault::new(FaultKind::Failed, "broken pipe"),
            may_be_sent,
        })
    };
    let expected = [Ok(()), Ok(()), unavailable(true), unavailable(false), Err(PublishFault::HeldBack)];
    assert_eq!(results, expected);
    assert_eq!(ids(&page.lines()), ["A/000", "B/001"]);
}

#[tokio::test]
async fn a_topic_keeps_the_contract() {
    let (aws, sink) = topic::start().await;
    keeps_the_contract(&sink, || aws.published().into_iter().map(|published| published.message).collect())
        .await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
    topic::fail_always(&aws);
    starts_nothing_after_a_failure(&sink).await;
}

#[test]
fn only_a_lost_answer_leaves_a_claim_in_doubt() {
    let code = || "code".to_owned();
    for (fault, release, is_transient) in [
        (PublishFault::TooLarge { size: 1 }, Release::NotSent, false),
        (PublishFault::Refused { code: code() }, Release::NotSent, false),
        (PublishFault::HeldBack, Release::NotSent, true),
        (
            PublishFault::Unavailable { fault: CallFault::deadline(), may_be_sent: false },
            Release::NotSent,
            true,
        ),
        (
            PublishFault::Unavailable { fault: CallFault::deadline(), may_be_sent: true },
            Release::MayHaveBeenSent,
            true,
        ),
    ] {
        assert_eq!((fault.release(), fault.is_transient()), (release, is_transient), "{fault}");
    }
}
