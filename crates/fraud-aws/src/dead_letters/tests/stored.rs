use super::*;
use fraud_core::refusal::Refusal;

fn body(change: impl FnOnce(&mut Value)) -> String {
    let mut body = serde_json::from_str(
        &letter(FailureReason::Refused(Refusal::NotJson), "bm8=", 7).body(MAX_BODY_BYTES),
    )
    .unwrap();
    change(&mut body);
    body.to_string()
}

#[test]
fn what_is_not_a_letter_is_told_with_what_is_wrong() {
    for text in ["", "no letter", "[]", "{}", "\"@a/b/1\"", "{\"id\":\"@a/b/1\"}"] {
        assert!(matches!(StoredLetter::read(text), Err(NotALetter::Form(_))), "{text}");
    }
    for (member, value) in [
        ("id", json!("@transactions/shardId-000000000000/1")),
        ("stream", json!("trans/actions")),
        ("stream", json!("")),
        ("shard", json!("shardId:0")),
        ("sequence_number", json!("4.9e3")),
        ("arrival", json!("yesterday")),
    ] {
        let body = body(|body| body[member] = value);
        assert_eq!(StoredLetter::read(&body), Err(NotALetter::Member(member)), "{body}");
    }
    for (member, value) in [
        ("sequence_number", json!(495)),
        ("sub_sequence_number", json!("7")),
        ("sub_sequence_number", json!(-1)),
        ("data", json!(1)),
        ("size", Value::Null),
    ] {
        let body = body(|body| body[member] = value);
        assert!(matches!(StoredLetter::read(&body), Err(NotALetter::Form(_))), "{body}");
    }
    let without_a_word = body(|body| drop(body.as_object_mut().unwrap().remove("data")));
    assert_eq!(StoredLetter::read(&without_a_word), Err(NotALetter::Member("data")));
    let with_more = body(|body| body["noted_by"] = json!("another version"));
    assert!(StoredLetter::read(&with_more).is_ok());
}

proptest! {
    #[test]
    fn a_letter_is_read_back_as_it_was_written(
        data in "(?s)(.|[\u{FFFE}\u{0}\\\\\"\n]){0,40}",
        sub_sequence_number: u64,
        millis in proptest::option::of(-62_135_596_800_000i64..253_402_300_800_000),
        omitted: bool,
    ) {
        let arrival = millis.and_then(exact_text::timestamp::Timestamp::from_millis);
        let written = DeadLetter { arrival, ..letter(FailureReason::BadBase64, &data, sub_sequence_number) };
        let most = if omitted { 0 } else { MAX_BODY_BYTES };
        let read = StoredLetter::read(&written.body(most)).unwrap();
        prop_assert_eq!(read.id(), written.id());
        prop_assert_eq!(read.position(), written.position);
        prop_assert_eq!(
            (&*read.function, &*read.reason, read.arrival, read.size),
            (written.function, written.reason.as_str(), arrival, data.len() as u64)
        );
        prop_assert_eq!(read.data, Some(data).filter(|_| !omitted));
    }
}
