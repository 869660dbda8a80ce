//! Sending, receiving, deleting, and faults at each.

use std::time::{Duration, Instant};

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName};
use embedded_aws::{Fault, Service, When};

use super::{attribute, aws, bodies, code, counts, entries, kept, receive, send, send_batch};

#[tokio::test]
async fn a_message_is_sent_received_with_right_digests_and_deleted() {
    let (aws, client, url) = aws().await;

    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("derp")
        .message_attributes("timestamp", attribute("Number.java.lang.Long", "1493147359900"))
        .send()
        .await
        .unwrap();
    let [message] = &receive(&client, &url, 30).await[..] else { panic!() };
    client
        .delete_message()
        .queue_url(&url)
        .receipt_handle(message.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();

    for (body, attributes) in [
        (sent.md5_of_message_body(), sent.md5_of_message_attributes()),
        (message.md5_of_body(), message.md5_of_message_attributes()),
    ] {
        assert_eq!(body, Some("58fd9edd83341c29f1aebba81c31e257"));
        assert_eq!(attributes, Some("2e2e4876d8e0bd6b8c2c8f556831c349"));
    }
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.message_attributes().unwrap()["timestamp"].string_value(), Some("1493147359900"));
    let system = message.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert!(system.contains_key(&MessageSystemAttributeName::SentTimestamp));
    assert!(kept(&aws).is_empty());
}

#[tokio::test]
async fn only_the_attributes_that_were_asked_for_come_and_the_digest_is_theirs() {
    let (_aws, client, url) = aws().await;
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([1, 2])).build();
    client
        .send_message()
        .queue_url(&url)
        .message_body("m")
        .message_attributes("timestamp", attribute("Number.java.lang.Long", "1493147359900"))
        .message_attributes("other.bytes", bytes.unwrap())
        .send()
        .await
        .unwrap();
    let asked = async |name: Option<&str>| {
        let request = client.receive_message().queue_url(&url).visibility_timeout(0);
        let names = name.map(|name| vec![name.to_owned()]);
        request.set_message_attribute_names(names).send().await.unwrap().messages.unwrap().remove(0)
    };

    let by_name = asked(Some("timestamp")).await;
    let by_prefix = asked(Some("other.*")).await;
    let none = asked(None).await;

    assert_eq!(by_name.md5_of_message_attributes(), Some("2e2e4876d8e0bd6b8c2c8f556831c349"));
    assert_eq!(by_name.message_attributes().unwrap().len(), 1);
    assert_eq!(
        by_prefix.message_attributes().unwrap()["other.bytes"].binary_value(),
        Some(&Blob::new([1, 2]))
    );
    assert_eq!((none.md5_of_message_attributes(), none.message_attributes()), (None, None));
    assert_eq!(none.attributes(), None);
}

#[tokio::test]
async fn a_snapshot_shows_all_messages_and_receives_none() {
    let (aws, client, url) = aws().await;
    client
        .send_message()
        .queue_url(&url)
        .message_body("a")
        .message_attributes("name", attribute("String", "value"))
        .send()
        .await
        .unwrap();
    send(&client, &url, "b").await;
    receive(&client, &url, 0).await;
    let received = receive(&client, &url, 30).await;

    let messages = aws.messages("letters").unwrap();

    assert_eq!(kept(&aws), ["a", "b"]);
    assert_eq!(messages[0].attributes["name"].text(), Some("value"));
    assert_eq!((messages[0].receive_count, messages[1].receive_count), (2, 2));
    assert_eq!(received[0].message_id(), Some(messages[0].message_id.as_str()));
    assert_eq!(aws.messages("no such queue"), None);
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_time_is_over() {
    let (_aws, client, url) = aws().await;
    send(&client, &url, "a").await;
    let first = receive(&client, &url, 30).await;
    let hidden = receive(&client, &url, 30).await;
    let hidden_counts = counts(&client, &url).await;
    let begin = Instant::now();
    client
        .change_message_visibility()
        .queue_url(&url)
        .receipt_handle(first[0].receipt_handle().unwrap())
        .visibility_timeout(1)
        .send()
        .await
        .unwrap();
    let again = client.receive_message().queue_url(&url).wait_time_seconds(20).send().await.unwrap();

    assert_eq!((bodies(&first), bodies(&hidden), bodies(again.messages())), (vec!["a"], vec![], vec!["a"]));
    assert!(begin.elapsed() >= Duration::from_secs(1) && begin.elapsed() < Duration::from_secs(15));
    assert_eq!(hidden_counts, ("0".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn a_message_that_was_given_back_is_visible_at_once_and_its_old_handle_deletes_nothing() {
    let (aws, client, url) = aws().await;
    send(&client, &url, "a").await;
    let old = receive(&client, &url, 30).await.remove(0).receipt_handle.unwrap();
    let change = |handle: &str, timeout| {
        client
            .change_message_visibility()
            .queue_url(&url)
            .receipt_handle(handle)
            .visibility_timeout(timeout)
            .send()
    };

    change(&old, 0).await.unwrap();
    let new = receive(&client, &url, 30).await.remove(0);
    client.delete_message().queue_url(&url).receipt_handle(&old).send().await.unwrap();
    let after_old = kept(&aws);
    let not_in_flight = change(&old, 30).await;
    change(new.receipt_handle().unwrap(), 60).await.unwrap();
    client
        .delete_message()
        .queue_url(&url)
        .receipt_handle(new.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let gone = change(new.receipt_handle().unwrap(), 0).await;

    let system = new.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
    assert_eq!(after_old, ["a"]);
    assert!(kept(&aws).is_empty());
    assert!(not_in_flight.unwrap_err().into_service_error().is_message_not_inflight());
    assert_eq!(code(&gone), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_handle_that_this_queue_never_gave_is_invalid() {
    let (_aws, client, url) = aws().await;
    let other = client.create_queue().queue_name("other").send().await.unwrap().queue_url.unwrap();
    send(&client, &other, "a").await;
    let foreign = receive(&client, &other, 30).await.remove(0).receipt_handle.unwrap();

    for handle in ["no handle", &foreign] {
        let deleted = client.delete_message().queue_url(&url).receipt_handle(handle).send().await;
        assert!(deleted.unwrap_err().into_service_error().is_receipt_handle_is_invalid(), "{handle}");
    }
}

#[tokio::test]
async fn a_long_poll_is_answered_when_a_message_arrives() {
    let (aws, client, url) = aws().await;
    let begin = Instant::now();
    let poll = tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send());
    aws.calls().wait_for(Service::Sqs, "ReceiveMessage", 1).await;

    send(&client, &url, "a").await;

    assert_eq!(bodies(poll.await.unwrap().unwrap().messages()), ["a"]);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_delayed_message_comes_later_and_an_empty_queue_answers_when_the_wait_is_over() {
    let (_aws, client, url) = aws().await;
    let send = |body: &str, delay| {
        client.send_message().queue_url(&url).message_body(body).delay_seconds(delay).send()
    };
    send("much later", 900).await.unwrap();
    let at_once = receive(&client, &url, 0).await;
    let begin = Instant::now();
    send("later", 1).await.unwrap();

    let later = client.receive_message().queue_url(&url).wait_time_seconds(20).send().await.unwrap();
    let waited = begin.elapsed();
    let nothing = client.receive_message().queue_url(&url).wait_time_seconds(1).send().await.unwrap();

    assert_eq!((bodies(&at_once), bodies(later.messages())), (vec![], vec!["later"]));
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert!(nothing.messages().is_empty() && begin.elapsed() >= waited + Duration::from_secs(1));
}

#[tokio::test]
async fn a_batch_of_handles_deletes_what_is_there_and_names_what_is_none() {
    let (aws, client, url) = aws().await;
    send_batch(&client, &url, entries(2)).await.unwrap();
    let handle = receive(&client, &url, 30).await.remove(0).receipt_handle.unwrap();
    let entry = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };

    let answer = client
        .delete_message_batch()
        .queue_url(&url)
        .entries(entry("good", &handle))
        .entries(entry("bad", "no handle"))
        .send()
        .await
        .unwrap();

    assert_eq!(answer.successful()[0].id(), "good");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].code()), ("bad", "ReceiptHandleIsInvalid"));
    assert_eq!(kept(&aws), ["message 1"]);
}

#[tokio::test]
async fn half_a_batch_is_sent_and_the_rest_comes_back_as_failed_through_no_fault_of_the_senders() {
    let (aws, client, url) = aws().await;
    aws.faults().add(When::calls(Service::Sqs, "SendMessageBatch"), Fault::Half).unwrap();

    let answer = send_batch(&client, &url, entries(3)).await.unwrap();

    let failed: Vec<_> =
        answer.failed().iter().map(|entry| (entry.id(), entry.code(), entry.sender_fault())).collect();
    assert_eq!(failed, [("id-1", "InternalError", false), ("id-2", "InternalError", false)]);
    assert_eq!(kept(&aws), ["message 0"]);
}

#[tokio::test]
async fn a_throttled_message_is_refused_and_one_whose_answer_is_lost_is_in_the_queue() {
    let (aws, client, url) = aws().await;
    aws.faults().add(When::calls(Service::Sqs, "SendMessage").nth(1), Fault::Throttle).unwrap();
    aws.faults().add(When::calls(Service::Sqs, "SendMessage").nth(2), Fault::LoseAnswer).unwrap();
    let send = |body: &str| client.send_message().queue_url(&url).message_body(body).send();

    let throttled = send("throttled").await;
    let lost = send("lost").await;

    assert!(throttled.unwrap_err().into_service_error().is_request_throttled());
    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "{lost:?}");
    assert_eq!(kept(&aws), ["lost"]);
}
