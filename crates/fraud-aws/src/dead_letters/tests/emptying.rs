//! The queue from the side of who empties it: the real SDK against an SQS in process.

use aws_sdk_sqs::Client;
use embedded_aws::{EmbeddedAws, Fault, Service, When};

use super::*;

const QUEUE: &str = "dead-letters";
const LONG: Duration = Duration::from_secs(600);

async fn start(messages: usize) -> (EmbeddedAws, DeadLetterQueue) {
    let aws = EmbeddedAws::builder().services([Service::Sqs]).queue(QUEUE).start().await.unwrap();
    let client = Client::new(&crate::testing::for_embedded(&aws, Service::Sqs).await);
    let url = aws.queue_url(QUEUE).unwrap();
    for n in 0..messages {
        client.send_message().queue_url(&url).message_body(n.to_string()).send().await.unwrap();
    }
    (aws, DeadLetterQueue::new(client, url))
}

fn bodies(messages: &[ReceivedMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test]
async fn what_was_received_is_hidden_until_it_is_given_back_and_stays_in_the_queue() {
    let (aws, queue) = start(3).await;
    let first = queue.receive(2, LONG).await.unwrap();
    assert_eq!(bodies(&first), ["0", "1"]);
    assert!(first.iter().all(|message| message.receive_count == 1 && message.sent_at.is_some()));
    assert_eq!(queue.waiting().await, Ok(Waiting { visible: 1, hidden: 2 }));
    assert_eq!(bodies(&queue.receive(MAX_RECEIVED, LONG).await.unwrap()), ["2"]);
    assert_eq!(queue.receive(MAX_RECEIVED, LONG).await, Ok(Vec::new()));
    queue.hide(&first[1].receipt, Duration::ZERO).await.unwrap();
    let again = queue.receive(MAX_RECEIVED, LONG).await.unwrap();
    assert_eq!((bodies(&again), again[0].receive_count), (vec!["1"], 2));
    assert_eq!(again[0].message_id, first[1].message_id);
    assert_eq!(aws.messages(QUEUE).unwrap().len(), 3);
}

#[tokio::test]
async fn giving_back_twice_changes_nothing() {
    let (_aws, queue) = start(1).await;
    let received = queue.receive(1, LONG).await.unwrap();
    queue.hide(&received[0].receipt, Duration::ZERO).await.unwrap();
    assert_eq!(queue.hide(&received[0].receipt, Duration::ZERO).await, Ok(()));
}

#[tokio::test]
async fn what_was_removed_is_gone_and_only_that() {
    let (aws, queue) = start(2).await;
    let received = queue.receive(1, LONG).await.unwrap();
    queue.remove(&received[0].receipt).await.unwrap();
    assert_eq!(queue.remove(&received[0].receipt).await, Ok(()));
    let left: Vec<String> = aws.messages(QUEUE).unwrap().into_iter().map(|message| message.body).collect();
    assert_eq!(left, ["1"]);
}

#[tokio::test]
async fn a_queue_that_is_not_there_or_denies_is_a_fault_with_its_code() {
    let (aws, queue) = start(1).await;
    let received = queue.receive(1, LONG).await.unwrap();
    let denied = embedded_aws::ServiceError::new(403, "AccessDeniedException", "no");
    aws.faults().add(When::any_call_to(Service::Sqs), Fault::Error(denied)).unwrap();
    let is_denied = |code: std::borrow::Cow<str>| code.contains("AccessDenied");
    assert!(is_denied(queue.waiting().await.unwrap_err().code));
    assert!(is_denied(queue.receive(1, LONG).await.unwrap_err().code));
    assert!(is_denied(queue.hide(&received[0].receipt, LONG).await.unwrap_err().code));
    assert!(is_denied(queue.remove(&received[0].receipt).await.unwrap_err().code));
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_no_empty_queue() {
    for fault in crate::testing::answers_that_say_nothing() {
        let (aws, queue) = start(1).await;
        let received = queue.receive(1, Duration::ZERO).await.unwrap();
        let (is_empty, is_error) =
            (matches!(fault, Fault::EmptyAnswer), matches!(fault, Fault::CodelessError { .. }));
        aws.faults().add(When::any_call_to(Service::Sqs), fault).unwrap();
        crate::testing::assert_is_in_doubt(&queue.waiting().await.unwrap_err());
        // SQS itself says nothing more of a queue without messages, nor of a message that was deleted.
        if !is_empty {
            crate::testing::assert_is_in_doubt(&queue.receive(1, LONG).await.unwrap_err());
        }
        if is_error {
            crate::testing::assert_is_in_doubt(&queue.remove(&received[0].receipt).await.unwrap_err());
        }
    }
}
