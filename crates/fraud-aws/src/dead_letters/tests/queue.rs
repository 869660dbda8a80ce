//! The real SDK against an SQS in process.

use aws_calls::fault::CallFault;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use embedded_aws::{EmbeddedAws, Fault, Service, When};

use super::*;
use fraud_core::refusal::Refusal;

const QUEUE: &str = "dead-letters";

pub(super) async fn start() -> (EmbeddedAws, SqsDeadLetters) {
    let aws = EmbeddedAws::builder().services([Service::Sqs]).queue(QUEUE).start().await.unwrap();
    let sink = SqsDeadLetters::new(client(&aws).await, aws.queue_url(QUEUE).unwrap());
    (aws, sink)
}

async fn client(aws: &EmbeddedAws) -> Client {
    Client::new(&crate::testing::for_embedded(aws, Service::Sqs).await)
}

pub(super) fn bodies(aws: &EmbeddedAws) -> Vec<String> {
    aws.messages(QUEUE).unwrap().into_iter().map(|message| message.body).collect()
}

fn calls() -> When {
    When::calls(Service::Sqs, "SendMessage")
}

#[tokio::test]
async fn the_longest_letter_and_one_too_long_are_both_taken() {
    let (aws, sink) = start().await;
    let empty = letter(FailureReason::Refused(Refusal::NotJson), "", 0).body(MAX_BODY_BYTES).len();
    // Six digits of size where an empty letter has one.
    let longest = "A".repeat(MAX_BODY_BYTES - empty - 5);
    let too_long = "A".repeat(MAX_BODY_BYTES);
    for data in [&longest, &too_long] {
        assert_eq!(
            sink.send(&letter(FailureReason::Refused(Refusal::NotJson), data, 0), soon()).await,
            Ok(())
        );
    }
    let bodies = bodies(&aws);
    assert_eq!(bodies[0].len(), MAX_BODY_BYTES);
    assert!(bodies[1].ends_with(r#","data_omitted":true}"#));
}

#[tokio::test]
async fn a_queue_that_takes_less_gets_the_letter_without_its_data() {
    let (aws, _sink) = start().await;
    let client = client(&aws).await;
    let small = client
        .create_queue()
        .queue_name("small")
        .attributes(QueueAttributeName::MaximumMessageSize, "1024")
        .send()
        .await
        .unwrap();
    let sink = SqsDeadLetters::new(client, small.queue_url.unwrap());
    let data = "A".repeat(1024);
    assert_eq!(sink.send(&letter(FailureReason::Refused(Refusal::NotJson), &data, 0), soon()).await, Ok(()));
    let messages = aws.messages("small").unwrap();
    assert!(messages[0].body.contains(r#""size":768,"data_omitted":true"#), "{}", messages[0].body);
}

#[tokio::test]
async fn a_queue_that_throttles_for_a_while_is_asked_again_and_one_that_goes_on_is_a_fault() {
    let (aws, sink) = start().await;
    let letter = letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0);
    aws.faults().add(calls().next(2), Fault::Throttle).unwrap();
    assert_eq!(sink.send(&letter, soon()).await, Ok(()));
    aws.faults().clear();
    aws.faults().add(calls(), Fault::Throttle).unwrap();
    let fault = sink.send(&letter, soon()).await.unwrap_err();
    assert!(fault.code.contains("RequestThrottled"), "{fault}");
    assert_eq!(bodies(&aws).len(), 1);
}

#[tokio::test]
async fn a_lost_answer_sends_the_same_letter_again() {
    let (aws, sink) = start().await;
    aws.faults().add(calls().nth(1), Fault::LoseAnswer).unwrap();
    let letter = letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0);
    assert_eq!(sink.send(&letter, soon()).await, Ok(()));
    assert_eq!(bodies(&aws), vec![letter.body(MAX_BODY_BYTES); 2]);
}

#[tokio::test]
async fn a_queue_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, sink) = start().await;
    aws.faults().add(calls(), Fault::Hang).unwrap();
    let (letter, start) = (letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0), Instant::now());
    let sent = sink.send(&letter, start + Duration::from_millis(300)).await;
    assert_eq!(sent, Err(CallFault::deadline()));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_a_fault() {
    let (aws, _sink) = start().await;
    let url = aws.queue_url(QUEUE).unwrap().replace(QUEUE, "nowhere");
    let sink = SqsDeadLetters::new(client(&aws).await, url);
    let fault =
        sink.send(&letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0), soon()).await.unwrap_err();
    assert!(fault.code.contains("QueueDoesNotExist") || fault.code.contains("NonExistentQueue"), "{fault}");
}

#[tokio::test]
async fn a_letter_whose_answer_says_nothing_does_not_count_as_sent() {
    let (aws, sink) = start().await;
    let letter = letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0);
    let faults = crate::testing::answers_that_say_nothing();
    let count = faults.len();
    for fault in faults {
        aws.faults().add(calls().nth(1), fault).unwrap();
        crate::testing::assert_is_in_doubt(&sink.send(&letter, soon()).await.unwrap_err());
        aws.faults().clear();
    }
    assert_eq!(bodies(&aws), vec![letter.body(MAX_BODY_BYTES); count]);
}
