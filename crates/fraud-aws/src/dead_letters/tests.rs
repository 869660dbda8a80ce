use std::borrow::Cow;
use std::time::Duration;

use crate::reason::FailureReason;
use exact_text::json::is_portable;
use fraud_core::identity::Position;
use fraud_core::refusal::Refusal;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Page, at, soon};

mod emptying;
mod queue;
mod stored;

fn position(sub_sequence_number: u64) -> Position<'static> {
    Position {
        stream: "transactions",
        shard: "shardId-000000000000",
        sequence_number: "49590338271490256608559692538361571095921575989136588898",
        sub_sequence_number,
    }
}

fn letter(reason: FailureReason, data: &str, sub_sequence_number: u64) -> DeadLetter<'_> {
    DeadLetter {
        function: "kinesis-alerts",
        reason,
        position: position(sub_sequence_number),
        arrival: Some(at(0)),
        data: Cow::Borrowed(data),
    }
}

/// What every sink does; `sent` gives the bodies that it has taken so far.
async fn keeps_the_contract(sink: &impl DeadLetterSink, sent: impl Fn() -> Vec<String>) {
    let unreadable = "not base64: \u{0}\u{1}\n\u{FFFE}\u{FFFF}\u{7f}\"\\ \u{10FFFF}";
    let letters = [
        letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0),
        letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 7),
        letter(FailureReason::BadBase64, unreadable, 0),
        letter(FailureReason::MissingData, "", 0),
        letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0),
    ];
    for letter in &letters {
        assert_eq!(sink.send(letter, soon()).await, Ok(()));
    }
    let sent = sent();
    let expected: Vec<String> = letters.iter().map(|letter| letter.body(MAX_BODY_BYTES)).collect();
    assert_eq!(sent, expected);
    let read = |body: &String| serde_json::from_str::<Value>(body).unwrap();
    assert_eq!(read(&sent[2])["data"].as_str(), Some(unreadable));
}

#[test]
fn a_letter_says_which_record_it_is_why_it_is_dead_and_all_its_bytes() {
    let expected = concat!(
        r#"{"id":"@transactions/shardId-000000000000/49590338271490256608559692538361571095921575989136588898/7","#,
        r#""reason":"not_json","function":"kinesis-alerts","stream":"transactions","shard":"shardId-000000000000","#,
        r#""sequence_number":"49590338271490256608559692538361571095921575989136588898","sub_sequence_number":7,"#,
        r#""arrival":"2024-01-15T03:00:00.000Z","size":2,"data":"bm8="}"#,
    );
    assert_eq!(letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 7).body(MAX_BODY_BYTES), expected);
    let unknown = DeadLetter { arrival: None, ..letter(FailureReason::BadBase64, "?!", 0) };
    let body: Value = serde_json::from_str(&unknown.body(MAX_BODY_BYTES)).unwrap();
    assert_eq!((&body["arrival"], &body["size"], &body["data"]), (&Value::Null, &json!(2), &json!("?!")));
    assert_eq!(body.get("sub_sequence_number"), None);
}

#[test]
fn a_letter_that_would_be_too_long_leaves_its_data_out_and_says_so() {
    let empty = letter(FailureReason::Refused(Refusal::NotJson), "", 0).body(MAX_BODY_BYTES).len();
    // Six digits of size where an empty letter has one.
    let room = MAX_BODY_BYTES - empty - 5;
    let body = |bytes: usize| {
        letter(FailureReason::Refused(Refusal::NotJson), &"A".repeat(bytes), 0).body(MAX_BODY_BYTES)
    };
    assert_eq!(body(room).len(), MAX_BODY_BYTES);
    for bytes in [room + 1, 2 * MAX_BODY_BYTES] {
        let body: Value = serde_json::from_str(&body(bytes)).unwrap();
        assert_eq!((&body["data_omitted"], body.get("data")), (&json!(true), None));
        assert_eq!(body["size"], json!(bytes * 3 / 4));
    }
}

proptest! {
    #[test]
    fn any_text_in_place_of_base64_is_kept_in_one_portable_line(
        data in "(?s)(.|[\u{FFFE}\u{FFFF}\u{0}\\\\\"\n]){0,40}",
    ) {
        let body = letter(FailureReason::BadBase64, &data, 0).body(MAX_BODY_BYTES);
        prop_assert!(body.chars().all(|c| is_portable(c) && c != '\n' && c != '\r'), "{:?}", body);
        let body: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(body["data"].as_str(), Some(data.as_str()));
    }

    #[test]
    fn the_size_is_that_of_the_decoded_bytes(whole in 0..10usize, rest in 0..3usize, padded: bool) {
        let end = ["", "AA==", "AAA="][rest];
        let data = "AAAA".repeat(whole) + if padded { end } else { end.trim_end_matches('=') };
        let body = letter(FailureReason::Refused(Refusal::NotJson), &data, 0).body(MAX_BODY_BYTES);
        let body: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(&body["size"], &json!(whole * 3 + rest));
    }
}

#[tokio::test]
async fn lines_keep_the_contract() {
    let page = Page::default();
    keeps_the_contract(&DeadLetterLines::new(page.clone()), || page.lines()).await;
}

#[tokio::test]
async fn routed_letters_keep_the_contract() {
    let page = Page::default();
    let routed = RoutedLetters::new(DeadLetterLines::new(page.clone()), None);
    keeps_the_contract(&routed, || page.lines()).await;
}

#[tokio::test]
async fn a_high_score_that_nobody_was_alerted_of_goes_to_its_own_sink_and_nothing_else_does() {
    let (dead, unalerted) = (Page::default(), Page::default());
    let lines = |page: &Page| DeadLetterLines::new(page.clone());
    let routed = RoutedLetters::new(lines(&dead), Some(lines(&unalerted)));
    let alone = RoutedLetters::new(lines(&dead), None);
    for reason in FailureReason::all() {
        routed.send(&letter(reason, "bm8=", 0), soon()).await.unwrap();
    }
    let reasons = |page: &Page| -> Vec<String> {
        let reason = |line: &String| serde_json::from_str::<Value>(line).unwrap()["reason"].clone();
        page.lines().iter().map(|line| reason(line).as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(reasons(&unalerted), ["alert_too_large", "alert_refused"]);
    assert_eq!(reasons(&dead).len(), FailureReason::all().count() - 2);
    alone.send(&letter(FailureReason::AlertRefused, "bm8=", 0), soon()).await.unwrap();
    assert_eq!(reasons(&dead).pop().as_deref(), Some("alert_refused"));
}

#[tokio::test]
async fn a_writer_that_breaks_takes_no_letter() {
    let sink = DeadLetterLines::new(Page::that_breaks_after(1));
    let letter = letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 0);
    assert_eq!(sink.send(&letter, soon()).await, Ok(()));
    let fault = CallFault::new(aws_calls::fault::FaultKind::Failed, "broken pipe");
    assert_eq!(sink.send(&letter, soon()).await, Err(fault));
}

#[tokio::test]
async fn a_queue_keeps_the_contract() {
    let (aws, sink) = queue::start().await;
    keeps_the_contract(&sink, || queue::bodies(&aws)).await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
    crate::testing::assert_calls_are_those_of(UNALERTED_PORT, &aws);
}
