//! What a message, a batch and a request may hold, at and beyond the edge.

use aws_sdk_sqs::types::MessageAttributeValue;

use super::{LIMIT, attribute, aws, bodies, code, entries, entry, kept, send, send_batch};

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
