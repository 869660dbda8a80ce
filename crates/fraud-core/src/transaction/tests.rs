use super::*;
use crate::schema::Schema;
use Refusal::*;
use exact_text::written_time;
use proptest::prelude::*;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fn refusal(payload: &str) -> Refusal {
    Transaction::parse(payload.as_bytes()).expect_err(payload)
}

fn open_object(payload: &str) -> String {
    let mut out = Vec::new();
    Transaction::parse(payload.as_bytes()).unwrap().write_open_object(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_fields_that_scoring_reads_are_found_among_others() {
    let payload = br#" {"items":[{"amount":1}],"transaction_id":"T1","customer_id":"C\u0031","amount":12.50,
        "event_time":"2024-01-15T03:00:00+09:00","note":null} "#;
    let transaction = Transaction::parse(payload).unwrap();
    assert_eq!(transaction.transaction_id.as_deref(), Some("T1"));
    assert_eq!(transaction.customer_id.as_deref(), Some("C1"));
    assert_eq!(transaction.amount, Amount { digits: "12.50".into(), value: 12.5 });
    let TimeField::Known(time, text) = transaction.event_time else { panic!("a time") };
    assert_eq!((time.hour, &*text), (Some(3), "2024-01-15T03:00:00+09:00"));
}

#[test]
fn missing_fields_have_their_defaults() {
    let transaction = Transaction::parse(br#"{"transaction_id":"T1"}"#).unwrap();
    assert_eq!(transaction.customer_id, None);
    let other = Transaction::parse(br#"{"amount":1}"#).unwrap();
    assert_eq!((other.transaction_id, other.customer_id), (None, None));
    assert_eq!(transaction.amount, Amount { digits: "0".into(), value: 0.0 });
    assert_eq!(transaction.event_time, TimeField::Missing);
}

#[test]
fn ids_are_strings_or_integers() {
    let ids = |id: &str| {
        let payload = format!(r#"{{"transaction_id":{id},"customer_id":{id},"amount":1}}"#);
        Transaction::parse(payload.as_bytes()).map(|read| {
            assert_eq!(read.transaction_id, read.customer_id, "{id}");
            read.customer_id.map(|id| id.into_owned())
        })
    };
    for (id, text) in [
        ("\"C1\"", "C1"),
        ("\" C1\"", " C1"),
        ("42", "42"),
        ("-7", "-7"),
        ("-0", "0"),
        ("0", "0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ] {
        assert_eq!(ids(id), Ok(Some(text.to_owned())), "{id}");
    }
    for id in ["null", "\"\""] {
        assert_eq!(ids(id), Ok(None), "{id}");
    }
    for id in ["1.0", "1e3", "true", "[]", "{}", "\"\\ud800\""] {
        assert_eq!(ids(id), Err(InvalidTransactionId), "{id}");
        assert_eq!(refusal(&format!(r#"{{"customer_id":{id}}}"#)), InvalidCustomerId, "{id}");
    }
}

#[test]
fn a_transaction_id_is_bounded_in_bytes_and_a_customer_id_in_characters() {
    let with =
        |field: &str, id: &str| Transaction::parse(format!(r#"{{"{field}":"{id}"}}"#).as_bytes()).map(drop);
    assert_eq!(with("transaction_id", &"x".repeat(256)), Ok(()));
    assert_eq!(with("transaction_id", &"x".repeat(257)), Err(InvalidTransactionId));
    assert_eq!(with("transaction_id", &"é".repeat(128)), Ok(()));
    assert_eq!(with("transaction_id", &"é".repeat(129)), Err(InvalidTransactionId));
    assert_eq!(with("customer_id", &"é".repeat(256)), Ok(()));
    assert_eq!(with("customer_id", &"é".repeat(257)), Err(InvalidCustomerId));
    let digits = "9".repeat(257);
    assert_eq!(refusal(&format!(r#"{{"customer_id":{digits}}}"#)), InvalidCustomerId);
}

#[test]
fn an_object_with_neither_an_id_nor_an_amount_is_not_a_transaction() {
    for payload in [
        "{}",
        r#"{"event_time":"2026-01-15T01:03:14Z"}"#,
        r#"{"transaction_id":null,"customer_id":""}"#,
        r#"{"detail":{"transaction_id":"T1","customer_id":"C1","amount":19000.5}}"#,
        r#"{"body":"{\"transaction_id\":\"T1\",\"customer_id\":\"C1\",\"amount\":19000.5}"}"#,
        r#"{"transactionId":"T1","customerId":"C1","Amount":19000.5}"#,
        r#"{"TRANSACTION_ID":"T1","CUSTOMER_ID":"C1","AMOUNT":19000.5}"#,
    ] {
        assert_eq!(refusal(payload), NotATransaction, "{payload}");
    }
    for payload in [r#"{"transaction_id":"T1"}"#, r#"{"customer_id":7}"#, r#"{"amount":0}"#] {
        assert!(Transaction::parse(payload.as_bytes()).is_ok(), "{payload}");
    }
}

#[test]
fn a_byte_order_mark_before_the_object_is_skipped() {
    assert_eq!(open_object("\u{feff} {\"amount\":1}\n"), "{\"amount\":1");
}

#[test]
fn amounts_and_event_times_have_at_most_64_characters() {
    let with = |amount: &str, time: &str| {
        let payload = format!(r#"{{"amount":{amount},"event_time":"{time}"}}"#);
        let transaction = Transaction::parse(payload.as_bytes())?;
        Ok(matches!(transaction.event_time, TimeField::Known(..)))
    };
    let amount = |length: usize| format!("0.{}", "1".repeat(length - 2));
    let time = |length: usize| format!("2024-01-15T03:00:00.{}Z", "0".repeat(length - 21));
    assert_eq!(with(&amount(64), &time(64)), Ok(true));
    assert_eq!(with(&amount(64), &time(65)), Ok(false));
    assert_eq!(with(&amount(65), &time(64)), Err(InvalidAmount));
    let digits = format!(r#"{{"amount":1,"event_time":1.{}}}"#, "0".repeat(63));
    assert_eq!(Transaction::parse(digits.as_bytes()).unwrap().event_time, TimeField::Unreadable);
}

#[test]
fn an_amount_is_a_finite_number() {
    for amount in ["null", "\"12000\"", "true", "[]", "{\"value\":1}", "1e400", "-1e999"] {
        assert_eq!(refusal(&format!(r#"{{"amount":{amount}}}"#)), InvalidAmount, "{amount}");
    }
    let transaction = Transaction::parse(br#"{"amount":5000.0000000000001}"#).unwrap();
    assert_eq!(transaction.amount, Amount { digits: "5000.0000000000001".into(), value: 5000.0 });
}

#[test]
fn a_time_that_cannot_be_read_is_unreadable_and_keeps_no_record_from_being_scored() {
    for time in ["null", "\"\"", "\"2024-01-15\"", "-1705287600", "1e14", "true", "\"\\ud800\"", "[]"] {
        let payload = format!(r#"{{"amount":1,"event_time":{time}}}"#);
        assert_eq!(
            Transaction::parse(payload.as_bytes()).unwrap().event_time,
            TimeField::Unreadable,
            "{time}"
        );
    }
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let transaction =
        Transaction::parse(br#"{"amount":"x","am\u006funt":7,"customer_id":"A","customer_id":null}"#);
    let transaction = transaction.unwrap();
    assert_eq!((transaction.amount.value, transaction.customer_id), (7.0, None));
    assert_eq!(refusal(r#"{"amount":7,"amount":"x"}"#), InvalidAmount);
}

#[test]
fn every_refusal_names_its_reason() {
    assert_eq!(Transaction::parse(b"{\"a\":\"\xff\"}").unwrap_err(), NotUtf8);
    for payload in [
        "",
        " ",
        "{",
        "{\"a\":1",
        "{}{}",
        "{\"amount\":NaN}",
        "\u{feff}\u{feff}{}",
        " \u{feff}{}",
        "[1",
        "nul",
        "{\"a\":1}x",
    ] {
        assert_eq!(refusal(payload), NotJson, "{payload}");
    }
    for payload in ["[]", "\"x\"", "1", "null", "true", " [{}] "] {
        assert_eq!(refusal(payload), NotAnObject, "{payload}");
    }
    let nested = |depth: usize| format!("{{\"amount\":1,\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(Transaction::parse(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
    assert_eq!(refusal(&nested(MAX_DEPTH)), NestedTooDeep);
    assert_eq!(refusal(&nested(100_000)), NestedTooDeep);
}

#[test]
fn a_producer_cannot_supply_our_fields() {
    for (payload, kept) in [
        (r#"{"amount":0,"fraud_score":1}"#, r#"{"amount":0"#),
        (r#"{ "fraud_score" : 1 , "amount":2}"#, r#"{ "amount":2"#),
        (r#"{"amount":1, "FRAUD_Score":{"x":[1,2]}, "b":2}"#, r#"{"amount":1, "b":2"#),
        (r#"{"amount":1,"fraud_score":1,"enrichment":2,"event_time_fault":3}"#, r#"{"amount":1"#),
        (
            r#"{"fraud_score":1,"enrichment":2,"amount":3,"decision_id":4,"b":5,"ingested_at":6}"#,
            r#"{"amount":3,"b":5"#,
        ),
        (r#"{"fraud\u005fscore":"a,b","amount":1}"#, r#"{"amount":1"#),
        (r#"{"amount":1,"a":{"fraud_score":1}}"#, r#"{"amount":1,"a":{"fraud_score":1}"#),
    ] {
        assert_eq!(open_object(payload), kept, "{payload}");
    }
}

#[test]
fn line_breaks_between_tokens_become_spaces() {
    assert_eq!(
        open_object("\r\n{\r\n \"amount\":1,\"a\": \"x\\n\",\n\"b\":[1,\n2]\n}\n"),
        "{   \"amount\":1,\"a\": \"x\\n\", \"b\":[1, 2] "
    );
}

/// The slow way: serde_json's own reading of the members, and the rules for each field applied to its text.
fn by_the_book(payload: &str) -> Result<(Option<String>, Option<String>, f64, TimeField<'static>), Refusal> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload).map_err(|_| NotJson)?;
    let id = |name: &str, invalid: Refusal| {
        let Some(raw) = members.get(name).map(|raw| raw.get()) else { return Ok(None) };
        let id = match serde_json::from_str::<Json>(raw).unwrap_or_default() {
            Json::Null if raw == "null" => return Ok(None),
            Json::String(text) => text,
            Json::Number(_) if raw == "-0" => "0".to_owned(),
            Json::Number(_) if raw.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) => {
                raw.to_owned()
            }
            _ => return Err(invalid),
        };
        Ok(Some(id).filter(|id| !id.is_empty()))
    };
    let transaction_id = id("transaction_id", InvalidTransactionId)?;
    let customer_id = id("customer_id", InvalidCustomerId)?;
    let amount = members
        .get("amount")
        .map_or(Ok(0.0), |raw| serde_json::from_str(raw.get()).map_err(|_| InvalidAmount))?;
    let time = match members.get("event_time") {
        None => TimeField::Missing,
        Some(raw) => {
            let text = match serde_json::from_str::<Json>(raw.get()).unwrap_or_default() {
                Json::String(text) => text,
                Json::Number(_) => raw.get().to_owned(),
                _ => String::new(),
            };
            written_time::parse(&text)
                .map_or(TimeField::Unreadable, |time| TimeField::Known(time, text.into()))
        }
    };
    if transaction_id.is_none() && customer_id.is_none() && !members.contains_key("amount") {
        return Err(NotATransaction);
    }
    Ok((transaction_id, customer_id, amount, time))
}

proptest! {
    #[test]
    fn transactions_are_read_one_after_the_other_as_serde_json_reads_each(
        payloads in prop::collection::vec(
            r#"\{(( |\n)?"(transaction_id|customer_id|amount|\\u0061mount|event_time|Fraud_Score|memo)" ?: ?(-?0|12\.50|-7|1e3|"T\\u0031"|"C/1"|""|null|true|\[1,\{"amount":2\}\]|"2024-01-15 03:00:00\+02"|"x\\n") ?,){0,6}"z":1\}"#,
            1..5,
        ),
    ) {
        let mut reader = TransactionReader::new(&PLAIN);
        for payload in &payloads {
            let read = reader.read(payload.as_bytes());
            let read = read.map(|read| {
                let text = |id: Option<Cow<'_, str>>| id.map(Cow::into_owned);
                (text(read.transaction_id), text(read.customer_id), read.amount.value, read.event_time)
            });
            prop_assert_eq!(read, by_the_book(payload), "{}", payload);
        }
    }
}

#[test]
fn what_is_asked_for_is_read_beside_what_every_transaction_is_read_for() {
    let asked = Asked {
        fields: ["channel", "merchant_id", "amount", "pin", "score", "note", "fraud_score"]
            .map(str::to_owned)
            .into(),
        entities: EntityKind::ALL.into_iter().collect(),
        currency: false,
    };
    let reading = Reading::new(&Schema::builtin_default(), &asked);
    let mut reader = TransactionReader::new(&reading);
    let payload =
        br#"{"customer_id":"C1","channel":"w\u0065b","merchant_id":77,"amount":3.50,"pin":true,"score":1e999,
        "note":null,"fraud_score":1,"device_id":"","ip":["10.0.0.1"],"channel":"app"}"#;
    let transaction = reader.read(payload).unwrap();
    let fields: Vec<_> = (0..8).map(|slot| transaction.field(slot)).collect();
    let expected = [
        FieldValue::Text("app".into()),
        FieldValue::Number(77.0),
        FieldValue::Number(3.5),
        FieldValue::Bool(true),
        FieldValue::Unusable,
        FieldValue::Absent,
        FieldValue::Absent,
    ];
    assert_eq!(fields[..7], expected);
    let known = |id: &'static str| EntityName::Known(id.into());
    let entities: Vec<_> = EntityKind::ALL.into_iter().map(|kind| transaction.entity(kind)).collect();
    assert_eq!(
        entities,
        [known("C1"), known("77"), EntityName::Absent, EntityName::Absent, EntityName::Unusable]
    );
    let plain = Transaction::parse(payload).unwrap();
    assert_eq!(
        (plain.field(0), plain.entity(EntityKind::Merchant)),
        (FieldValue::Absent, EntityName::Absent)
    );
}
