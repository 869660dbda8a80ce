//! SQS, as the unmodified SDK sees it.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use embedded_aws::{EmbeddedAws, Fault, Service, When};

const LIMIT: usize = 1_048_576;

async fn aws() -> (EmbeddedAws, Client, String) {
    let aws = EmbeddedAws::builder().services([Service::Sqs]).queue("letters").start().await.unwrap();
    let (client, url) = (crate::support::sqs(&aws), aws.queue_url("letters").unwrap());
    (aws, client, url)
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(data_type).string_value(value).build().unwrap()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

fn entries(count: usize) -> Vec<SendMessageBatchRequestEntry> {
    (0..count).map(|n| entry(&format!("id-{n}"), &format!("message {n}"))).collect()
}

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn send_batch(
    client: &Client,
    url: &str,
    entries: Vec<SendMessageBatchRequestEntry>,
) -> Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>> {
    client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await
}

/// Receives up to ten messages without waiting, hidden for so many seconds.
async fn receive(client: &Client, url: &str, visibility_timeout: i32) -> Vec<Message> {
    let answer = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .visibility_timeout(visibility_timeout)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All")
        .send()
        .await
        .unwrap();
    answer.messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn kept(aws: &EmbeddedAws) -> Vec<String> {
    aws.messages("letters").unwrap().into_iter().map(|message| message.body).collect()
}

async fn counts(client: &Client, url: &str) -> (String, String) {
    let (visible, hidden) = (
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    );
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(visible.clone())
        .attribute_names(hidden.clone())
        .send()
        .await
        .unwrap();
    let attributes = answer.attributes().unwrap();
    (attributes[&visible].clone(), attributes[&hidden].clone())
}

fn code<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E>>) -> Option<&str> {
    result.as_ref().err().and_then(ProvideErrorMetadata::code)
}

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
    let begin = Instant::now();

    let first = receive(&client, &url, 1).await;
    let hidden = receive(&client, &url, 1).await;
    let hidden_counts = counts(&client, &url).await;
    let again = client.receive_message().queue_url(&url).wait_time_seconds(20).send().await.unwrap();

    assert_eq!((bodies(&first), bodies(&hidden), bodies(again.messages())), (vec!["a"], vec![], vec!["a"]));
    assert!(begin.elapsed() >= Duration::from_secs(1) && begin.elapsed() < Duration::from_secs(10));
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
    client.send_message().queue_url(&url).message_body("later").delay_seconds(1).send().await.unwrap();
    let begin = Instant::now();

    let at_once = receive(&client, &url, 0).await;
    let later = client.receive_message().queue_url(&url).wait_time_seconds(20).send().await.unwrap();
    let waited = begin.elapsed();
    let nothing = client.receive_message().queue_url(&url).wait_time_seconds(1).send().await.unwrap();

    assert_eq!((bodies(&at_once), bodies(later.messages())), (vec![], vec!["later"]));
    assert!(waited >= Duration::from_millis(900), "{waited:?}");
    assert!(nothing.messages().is_empty() && begin.elapsed() >= waited + Duration::from_secs(1));
}

#[tokio::test]
async fn one_to_ten_messages_are_received_at_once() {
    let (_aws, client, url) = aws().await;
    send_batch(&client, &url, entries(10)).await.unwrap();
    send(&client, &url, "eleventh").await;
    let receive = |max| client.receive_message().queue_url(&url).max_number_of_messages(max).send();

    let ten = receive(10).await.unwrap();
    let rest = receive(10).await.unwrap();

    assert_eq!(bodies(ten.messages()).len(), 10);
    assert_eq!(bodies(rest.messages()), ["eleventh"]);
    for max in [0, 11] {
        assert_eq!(code(&receive(max).await), Some("InvalidParameterValue"));
    }
}

#[tokio::test]
async fn times_beyond_their_limits_are_refused() {
    let (_aws, client, url) = aws().await;
    let receive = || client.receive_message().queue_url(&url);
    let send = |delay| client.send_message().queue_url(&url).message_body("m").delay_seconds(delay).send();

    assert!(receive().visibility_timeout(43_200).wait_time_seconds(0).send().await.is_ok());
    assert!(send(900).await.is_ok());
    assert_eq!(code(&receive().visibility_timeout(43_201).send().await), Some("InvalidParameterValue"));
    assert_eq!(code(&receive().visibility_timeout(-1).send().await), Some("InvalidParameterValue"));
    assert_eq!(code(&receive().wait_time_seconds(21).send().await), Some("InvalidParameterValue"));
    assert_eq!(code(&send(901).await), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_message_has_1_byte_to_1_mebibyte_with_its_attributes() {
    let (aws, client, url) = aws().await;
    let send = |bytes: usize| {
        let rest = bytes - ("name".len() + "String".len() + "value".len());
        client
            .send_message()
            .queue_url(&url)
            .message_body("x".repeat(rest))
            .message_attributes("name", attribute("String", "value"))
            .send()
    };

    let longest = send(LIMIT).await;
    let too_long = send(LIMIT + 1).await;
    let empty = client.send_message().queue_url(&url).message_body("").send().await;

    assert!(longest.is_ok(), "{longest:?}");
    assert_eq!(code(&too_long), Some("InvalidParameterValue"));
    assert_eq!(code(&empty), Some("MissingParameter"));
    assert_eq!(kept(&aws).len(), 1);
}

#[tokio::test]
async fn a_batch_may_hold_1_mebibyte_in_all_and_not_one_byte_more() {
    let (aws, client, url) = aws().await;
    let batch =
        |bytes: usize| vec![entry("a", &"x".repeat(bytes / 2)), entry("b", &"x".repeat(bytes.div_ceil(2)))];

    let longest = send_batch(&client, &url, batch(LIMIT)).await.unwrap();
    let too_long = send_batch(&client, &url, batch(LIMIT + 1)).await;

    assert_eq!(longest.successful().len(), 2);
    assert!(too_long.unwrap_err().into_service_error().is_batch_request_too_long());
    assert_eq!(kept(&aws).len(), 2);
}

#[tokio::test]
async fn characters_that_xml_cannot_hold_are_refused() {
    let (aws, client, url) = aws().await;
    let send = |body: &str| client.send_message().queue_url(&url).message_body(body).send();

    for allowed in ["\t\n\r ", "\u{D7FF}\u{E000}\u{FFFD}", "\u{10000}\u{10FFFF}"] {
        assert!(send(allowed).await.is_ok(), "{allowed:?}");
    }
    for refused in ["\u{0}", "a\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
        assert!(
            send(refused).await.unwrap_err().into_service_error().is_invalid_message_contents(),
            "{refused:?}"
        );
    }
    let batch = send_batch(&client, &url, vec![entry("a", "\u{0}"), entry("b", "b")]).await.unwrap();

    let [failed] = batch.failed() else { panic!("{batch:?}") };
    assert_eq!((failed.id(), failed.code(), failed.sender_fault()), ("a", "InvalidMessageContents", true));
    assert_eq!(kept(&aws).last().map(String::as_str), Some("b"));
}

#[tokio::test]
async fn a_batch_has_one_to_ten_entries_with_distinct_well_formed_ids() {
    let (aws, client, url) = aws().await;

    let none = send_batch(&client, &url, vec![]).await;
    let ten = send_batch(&client, &url, entries(10)).await;
    let eleven = send_batch(&client, &url, entries(11)).await;
    let twice = send_batch(&client, &url, vec![entry("a", "1"), entry("a", "2")]).await;
    let odd = send_batch(&client, &url, vec![entry("a b", "1")]).await;

    assert!(none.unwrap_err().into_service_error().is_empty_batch_request());
    assert_eq!(ten.unwrap().successful().len(), 10);
    assert!(eleven.unwrap_err().into_service_error().is_too_many_entries_in_batch_request());
    assert!(twice.unwrap_err().into_service_error().is_batch_entry_ids_not_distinct());
    assert!(odd.unwrap_err().into_service_error().is_invalid_batch_entry_id());
    assert_eq!(kept(&aws).len(), 10);
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
async fn attributes_are_held_to_number_type_and_value() {
    let (_aws, client, url) = aws().await;
    let with = |count: usize, value: MessageAttributeValue| {
        let attributes = (0..count).map(|n| (format!("a{n}"), value.clone())).collect();
        client
            .send_message()
            .queue_url(&url)
            .message_body("m")
            .set_message_attributes(Some(attributes))
            .send()
    };

    assert!(with(10, attribute("String", "a")).await.is_ok());
    for (count, value) in [
        (11, attribute("String", "a")),
        (1, attribute("Number", "ten")),
        (1, attribute("Text", "a")),
        (1, attribute("String", "\u{0}")),
    ] {
        assert_eq!(code(&with(count, value).await), Some("InvalidParameterValue"));
    }
}

#[tokio::test]
async fn queues_are_created_once_found_listed_and_described() {
    let (_aws, client, url) = aws().await;
    let create = |name: &str, timeout: &str| {
        let request = client.create_queue().queue_name(name);
        request.attributes(QueueAttributeName::VisibilityTimeout, timeout).send()
    };

    let again = create("letters", "30").await.unwrap();
    let different = create("letters", "31").await;
    let other = create("letters-2", "43200").await.unwrap();
    let bad_value = create("letters-3", "43201").await;
    let bad_name = create("letters.fifo", "30").await;
    let found = client.get_queue_url().queue_name("letters").send().await.unwrap();
    let not_found = client.get_queue_url().queue_name("nothing").send().await;
    let listed = client.list_queues().queue_name_prefix("letters").send().await.unwrap();
    let page = client.list_queues().max_results(1).send().await.unwrap();
    let rest = client.list_queues().set_next_token(page.next_token.clone()).send().await.unwrap();
    let attributes = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();

    assert_eq!((again.queue_url(), found.queue_url()), (Some(url.as_str()), Some(url.as_str())));
    assert!(different.unwrap_err().into_service_error().is_queue_name_exists());
    assert_eq!(code(&bad_value), Some("InvalidAttributeValue"));
    assert_eq!(code(&bad_name), Some("InvalidParameterValue"));
    assert!(not_found.unwrap_err().into_service_error().is_queue_does_not_exist());
    let other = other.queue_url.unwrap();
    assert_eq!(listed.queue_urls(), [url.clone(), other.clone()]);
    assert_eq!((page.queue_urls(), rest.queue_urls()), (&[url][..], &[other][..]));
    assert_eq!(attributes[&QueueAttributeName::QueueArn], "arn:aws:sqs:us-east-1:123456789012:letters");
    assert_eq!(attributes[&QueueAttributeName::MaximumMessageSize], "1048576");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
}

#[tokio::test]
async fn a_queue_that_would_need_what_is_not_there_is_refused() {
    let (_aws, client, _) = aws().await;
    for name in [QueueAttributeName::FifoQueue, QueueAttributeName::RedrivePolicy] {
        let refused = client.create_queue().queue_name("q").attributes(name, "true").send().await;
        assert!(refused.unwrap_err().into_service_error().is_invalid_attribute_name());
    }
}

#[tokio::test]
async fn an_unknown_queue_does_not_exist_whatever_is_asked_of_it() {
    let (_aws, client, url) = aws().await;
    let unknown = format!("{url}-2");

    let sent = client.send_message().queue_url(&unknown).message_body("m").send().await;
    let received = client.receive_message().queue_url("no url").send().await;

    assert!(sent.unwrap_err().into_service_error().is_queue_does_not_exist());
    assert!(received.unwrap_err().into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let (aws, client, url) = aws().await;
    send(&client, &url, "a").await;

    client.purge_queue().queue_url(&url).send().await.unwrap();
    let empty = kept(&aws).is_empty();
    let again = client.purge_queue().queue_url(&url).send().await;

    assert!(empty);
    assert!(again.unwrap_err().into_service_error().is_purge_queue_in_progress());
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
