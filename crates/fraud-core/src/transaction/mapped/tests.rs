use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use super::*;
use crate::entity::EntityKind;
use crate::schema::{Schema, fold};
use crate::transaction::{Asked, EntityName, FieldValue, PLAIN, Reading, TransactionReader};

fn schema(toml: &str) -> Schema {
    Schema::parse(&format!("name = \"s\"\n{toml}")).unwrap()
}

/// What is asked for in these tests.
fn asked() -> Asked {
    Asked {
        fields: ["channel", "age", "amount", "currency", "fraud_score"].map(str::to_owned).into(),
        entities: EntityKind::ALL.into_iter().collect(),
        currency: false,
    }
}

fn line(transaction: &Transaction<'_>) -> String {
    let mut out = Vec::new();
    transaction.write_open_object(&mut out);
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

/// A transaction as far as it is read.
#[derive(Debug, PartialEq)]
struct Said {
    ids: [Option<String>; 2],
    amount: String,
    time: TimeField<'static>,
    fingerprint: String,
    fields: Vec<FieldValue<'static>>,
    entities: Vec<EntityName<'static>>,
}

fn said(transaction: &Transaction<'_>) -> Said {
    let text = |text: &Option<Cow<'_, str>>| text.as_ref().map(|text| text.to_string());
    Said {
        ids: [text(&transaction.transaction_id), text(&transaction.customer_id)],
        amount: transaction.amount.digits.to_string(),
        time: match &transaction.event_time {
            TimeField::Known(time, text) => TimeField::Known(*time, text.to_string().into()),
            TimeField::Missing => TimeField::Missing,
            TimeField::Unreadable => TimeField::Unreadable,
        },
        fingerprint: transaction.fingerprint().to_string(),
        fields: (0..5)
            .map(|slot| match transaction.field(slot) {
                FieldValue::Text(text) => FieldValue::Text(text.to_string().into()),
                FieldValue::Number(number) => FieldValue::Number(number),
                FieldValue::Bool(value) => FieldValue::Bool(value),
                FieldValue::Absent => FieldValue::Absent,
                FieldValue::Unusable => FieldValue::Unusable,
            })
            .collect(),
        entities: EntityKind::ALL
            .into_iter()
            .map(|kind| match transaction.entity(kind) {
                EntityName::Known(id) => EntityName::Known(id.to_string().into()),
                EntityName::Absent => EntityName::Absent,
                EntityName::Unusable => EntityName::Unusable,
            })
            .collect(),
    }
}

fn read(schema: &Schema, payload: &str) -> Result<(Said, String), Refusal> {
    let reading = Reading::new(schema, &asked());
    let mut reader = TransactionReader::new(&reading);
    let transaction = reader.read(payload.as_bytes())?;
    Ok((said(&transaction), line(&transaction)))
}

/// The line under a schema, without the schema's own member.
fn line_of(toml: &str, payload: &str) -> String {
    let schema = schema(toml);
    let line = read(&schema, payload).unwrap().1;
    let own = format!("\"transaction_schema\":\"{}\"}}", schema.id());
    let rest = line.strip_suffix(&own).expect(&line);
    rest.strip_suffix(',').unwrap_or(rest).to_owned()
}

fn refusal(toml: &str, payload: &str) -> Refusal {
    read(&schema(toml), payload).expect_err(payload)
}

const DETAIL: &str =
    "transaction_id = \"/detail/id\"\ncustomer_id = \"/detail/customer\"\namount = \"/detail/amount\"\n";

#[test]
fn what_is_mapped_is_read_and_appended() {
    let payload = r#"{"id":"e1", "detail":{"id":"T1","customer":42,"amount":12.50}}"#;
    let expected = r#"{"id":"e1", "detail":{"id":"T1","customer":42,"amount":12.50},"transaction_id":"T1","customer_id":42,"amount":12.50"#;
    assert_eq!(line_of(DETAIL, payload), expected);
    let (said, _) = read(&schema(DETAIL), payload).unwrap();
    assert_eq!(said.ids, [Some("T1".to_owned()), Some("42".to_owned())]);
    assert_eq!(said.amount, "12.50");
}

#[test]
fn a_place_passes_through_json_text_of_any_depth() {
    let toml = "customer_id = \"/body#/Message#/c\"\namount = \"/body#/Message#/a/1\"\n";
    let inner = json!({"c": "C\u{e9}\"1", "a": [1, 2.5]}).to_string();
    let payload = json!({"body": json!({"Message": inner}).to_string()}).to_string();
    let (said, line) = read(&schema(toml), &payload).unwrap();
    assert_eq!((said.ids[1].as_deref(), &*said.amount), (Some("C\u{e9}\"1"), "2.5"));
    assert!(line.contains(r#","customer_id":"Cé\"1","amount":2.5,"#), "{line}");

    let text = "amount = \"#/amount\"\n";
    let payload = json!(r#"{"amount":19000.50}"#).to_string();
    assert_eq!(line_of(text, &payload), r#"{"amount":19000.50"#);
    assert_eq!(refusal(text, r#"{"sum":1}"#), Refusal::NotATransaction);
    assert_eq!(line_of("amount = \"/a#\"\n", r#"{"a":" 7 "}"#), r#"{"a":" 7 ","amount":7"#);
}

#[test]
fn a_text_that_is_not_json_is_refused_and_an_empty_one_holds_nothing() {
    let toml = "amount = \"/m#/amount\"\ncustomer_id = \"/c\"\n";
    for text in ["started", "{\"amount\":1", "{\"amount\":1}x", "\u{feff}{}"] {
        assert_eq!(refusal(toml, &json!({"c": "C1", "m": text}).to_string()), Refusal::NotJson, "{text}");
    }
    assert_eq!(refusal(toml, r#"{"c":"C1","m":"\ud800"}"#), Refusal::NotJson);
    for value in [json!(""), json!(" "), json!(null), json!({"amount": 1}), json!(5)] {
        let (said, _) = read(&schema(toml), &json!({"c": "C1", "m": value}).to_string()).unwrap();
        assert_eq!(said.amount, "0", "{value}");
    }
}

#[test]
fn depth_is_counted_through_texts() {
    let toml = "amount = \"/m#/amount\"\n";
    let nested = |depth: usize| {
        let inner = format!(r#"{{"amount":1,"deep":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        json!({ "m": inner }).to_string()
    };
    assert!(read(&schema(toml), &nested(MAX_DEPTH - 2)).is_ok());
    assert_eq!(refusal(toml, &nested(MAX_DEPTH - 1)), Refusal::NestedTooDeep);
}

#[test]
fn what_is_not_mapped_is_read_at_the_top_level() {
    let toml = "amount = \"/sum\"\n";
    let payload = r#"{"customer_id":"C1","sum":3,"merchant_id":"M1","event_time":"2026-01-15T01:03:14Z","channel":"web"}"#;
    let (said, line) = read(&schema(toml), payload).unwrap();
    let unmapped = payload.replace("sum", "amount");
    assert_eq!(said, read(&Schema::builtin_default(), &unmapped).unwrap().0);
    assert!(line.starts_with(&payload.replace('}', ",\"amount\":3,")), "{line}");
}

#[test]
fn each_mapped_name_is_once_in_the_line() {
    for (toml, payload, expected) in [
        // In place and as it should be: untouched.
        ("amount = \"/amount\"\n", r#"{"amount":1,"b":2}"#, r#"{"amount":1,"b":2"#),
        ("amount = { at = \"/amount\", text = true }\n", r#"{"amount":1,"b":2}"#, r#"{"amount":1,"b":2"#),
        // In place, and in another form.
        (
            "amount = { at = \"/amount\", text = true }\n",
            r#"{"amount":"$1.50","b":2}"#,
            r#"{"b":2,"amount":1.50"#,
        ),
        ("amount = { at = \"/amount\", text = true }\n", r#"{"amount":"$1.50"}"#, r#"{"amount":1.50"#),
        (
            "event_time = { at = \"/event_time\", form = \"%d/%m/%Y %H:%M\", zone = \"Europe/Berlin\" }\n",
            r#"{"amount":1,"event_time":"15/01/2026 01:03"}"#,
            r#"{"amount":1,"event_time":"2026-01-15T01:03:00+01:00""#,
        ),
        // Elsewhere: a member that the lake would take for it is left out.
        ("amount = \"/sum\"\n", r#"{"amount":"x","sum":2}"#, r#"{"sum":2,"amount":2"#),
        ("amount = \"/sum\"\n", r#"{"sum":2,"Amount":"x"}"#, r#"{"sum":2,"amount":2"#),
        ("amount = \"/AMOUNT\"\n", r#"{"a":1,"AMOUNT":2}"#, r#"{"a":1,"amount":2"#),
        ("amount = \"/amount\"\n", r#"{"AMOUNT":1,"amount":2}"#, r#"{"amount":2"#),
        (
            "card = \"/c\"\n[fields]\nrisk = \"/r\"\n",
            r#"{"amount":1,"ri\u017fk":1,"c":7,"r":{ "x":"\n" }}"#.replace("\\n", "\\\\n").leak(),
            r#"{"amount":1,"c":7,"r":{ "x":"\\n" },"card_id":7,"risk":{ "x":"\\n" }"#,
        ),
        // Twice: the last is what counts.
        ("amount = \"/amount\"\n", r#"{"amount":1,"b":2,"amount":3}"#, r#"{"b":2,"amount":3"#),
        ("amount = \"/amount\"\n", r#"{"amount":1,"am\u006funt":3}"#, r#"{"am\u006funt":3"#),
        // Not there, or null.
        ("merchant = \"/m\"\n", r#"{"amount":1,"merchant_id":"x"}"#, r#"{"amount":1"#),
        ("merchant = \"/m\"\n", r#"{"amount":1,"m":null}"#, r#"{"amount":1,"m":null"#),
        ("customer_id = \"/c\"\n", r#"{"amount":1,"c":null}"#, r#"{"amount":1,"c":null"#),
        // Line breaks between tokens.
        (
            "[fields]\nx = \"/a/x\"\n",
            "{\"amount\":1,\n\"a\":{\"x\":[1,\r\n2]}}",
            "{\"amount\":1, \"a\":{\"x\":[1,  2]},\"x\":[1,  2]",
        ),
    ] {
        assert_eq!(line_of(toml, payload), expected, "{toml} {payload}");
    }
}

#[test]
fn of_a_member_that_comes_twice_the_last_counts_with_all_below_it() {
    let payload = r#"{"detail":{"id":"T1","customer":"C1","amount":1},"detail":{"id":"T2"},"x":1}"#;
    let (said, _) = read(&schema(DETAIL), payload).unwrap();
    assert_eq!((said.ids, &*said.amount), ([Some("T2".to_owned()), None], "0"));
}

#[test]
fn a_time_is_read_by_its_form_and_missing_or_unreadable_as_ever() {
    let toml = "amount = \"/a\"\nevent_time = { at = [\"/y\", \"/t\"], form = \"%Y %H:%M %d.%m.\", zone = \"+01:00\" }\n";
    let time = |payload: &str| read(&schema(toml), payload).unwrap().0.time;
    let TimeField::Known(known, text) = time(r#"{"a":1,"y":2026,"t":"01:03 15.1."}"#) else { panic!() };
    assert_eq!((known.instant.to_string(), known.hour), ("2026-01-15T00:03:00.000Z".to_owned(), Some(1)));
    assert_eq!(text, "2026-01-15T01:03:00+01:00");
    assert_eq!(time(r#"{"a":1}"#), TimeField::Missing);
    assert_eq!(time(r#"{"a":1,"y":null,"t":null}"#), TimeField::Missing);
    for payload in [r#"{"a":1,"y":2026}"#, r#"{"a":1,"y":2026,"t":[]}"#, r#"{"a":1,"y":2026,"t":"noon"}"#] {
        assert_eq!(time(payload), TimeField::Unreadable, "{payload}");
    }
    // A text that reads only without the schema is not read, in the record neither.
    let toml = "event_time = { at = \"/t\", form = \"epoch_s\" }\n";
    let payload = r#"{"amount":1,"t":"2026-01-15T01:03:14Z"}"#;
    assert_eq!(line_of(toml, payload), r#"{"amount":1,"t":"2026-01-15T01:03:14Z","event_time":null"#);
}

#[test]
fn amounts_and_ids_keep_their_rules() {
    for amount in ["null", "\"12\"", "true", "[]", "1e400"] {
        assert_eq!(
            refusal(DETAIL, &format!(r#"{{"detail":{{"amount":{amount}}}}}"#)),
            Refusal::InvalidAmount
        );
    }
    let text = "amount = { at = \"/a\", text = true }\n";
    for amount in ["\"1,234\"", "\"\"", "\"x\"", "true", "null"] {
        assert_eq!(refusal(text, &format!(r#"{{"a":{amount}}}"#)), Refusal::InvalidAmount, "{amount}");
    }
    assert_eq!(refusal(DETAIL, r#"{"detail":{"id":1.5}}"#), Refusal::InvalidTransactionId);
    assert_eq!(refusal(DETAIL, r#"{"detail":{"customer":[]}}"#), Refusal::InvalidCustomerId);
    for payload in [r#"{"detail":{}}"#, r#"{"detail":{"id":null,"customer":""}}"#, r#"{"detail":[1]}"#, "{}"]
    {
        assert_eq!(refusal(DETAIL, payload), Refusal::NotATransaction, "{payload}");
    }
    for payload in ["[]", "\"{}\"", "5", "null"] {
        assert_eq!(refusal(DETAIL, payload), Refusal::NotAnObject, "{payload}");
    }
}

/// JSON of a few levels, with names that mean something and some that only look like it.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i32>().prop_map(|value| json!(value)),
        (-1e9..1e9f64).prop_map(|value| json!(value)),
        "[A-C]{0,2}|\\$?[0-9]{1,3}(\\.[0-9]{2})?|2026-01-15T01:03:14(Z|\\+01:00)?|15/01/2026 01:03|\\PC{0,3}"
            .prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::Array),
            members(inner.clone()),
            // JSON text.
            inner.prop_map(|value| json!(value.to_string())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    "a|b|t|0|transaction_id|customer_id|amount|AMOUNT|event_time|merchant_id|channel|Channel|age|fraud_score|transaction_schema|currency"
}

fn members(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    prop::collection::vec((name(), value), 0..6)
        .prop_map(|members| Json::Object(members.into_iter().collect()))
}

/// An object's text whose members are mostly such that it is a transaction; a name may come twice.
fn any_object() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => any::<i16>().prop_map(|value| json!(value)),
        1 => "[A-C]{1,2}|\\$?[0-9]{1,3}".prop_map(|text| json!(text)),
        2 => any_json(),
    ];
    prop::collection::vec((name(), value), 1..6).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", members.join(" ,\n"))
    })
}

fn place() -> impl Strategy<Value = String> {
    "(#)?(/(a|b|t|0|transaction_id|customer_id|amount|AMOUNT|event_time|merchant_id|channel)#?){1,3}"
}

fn any_schema() -> impl Strategy<Value = Schema> {
    let mapped = prop::collection::btree_map(
        prop::sample::select(vec!["transaction_id", "customer_id", "merchant", "currency", "card"]),
        place().prop_map(|place| format!("{place:?}")),
        0..4,
    );
    let amount =
        prop::option::of((place(), any::<bool>(), prop::sample::select(vec!["", ", decimal = \",\""])));
    let forms = vec![
        "",
        ", form = \"epoch_s\"",
        ", form = \"epoch_ms\", zone = \"Europe/Berlin\"",
        ", form = \"rfc3339\", zone = \"America/New_York\"",
        ", form = \"%d/%m/%Y %H:%M\", zone = \"-03:30\"",
    ];
    let time = prop::option::of((place(), prop::sample::select(forms)));
    let fields = prop::collection::btree_map(
        prop::sample::select(vec!["channel", "age", "Detail"]),
        (place(), any::<bool>()),
        0..3,
    );
    (mapped, amount, time, fields).prop_filter_map("nothing is mapped", |(mapped, amount, time, fields)| {
        let mut toml = String::from("name = \"s\"\n");
        mapped.iter().for_each(|(name, place)| toml.push_str(&format!("{name} = {place}\n")));
        if let Some((place, text, decimal)) = amount {
            let text = if text { format!(", text = true{decimal}") } else { String::new() };
            toml.push_str(&format!("amount = {{ at = {place:?}{text} }}\n"));
        }
        if let Some((place, form)) = time {
            toml.push_str(&format!("event_time = {{ at = {place:?}{form} }}\n"));
        }
        toml.push_str("[fields]\n");
        fields.iter().for_each(|(name, (place, text))| {
            toml.push_str(&format!("{name} = {{ at = {place:?}, text = {text} }}\n"));
        });
        Schema::parse(&toml).ok()
    })
}

/// The keys of an object's text, each as often as it is there.
fn keys(object: &str) -> Vec<String> {
    let (mut scanner, mut keys) = (Scanner::new(object, MAX_DEPTH), Vec::new());
    let read = scanner.object(|key, scanner| {
        keys.extend(key.decode().map(Cow::into_owned));
        scanner.value().map(drop)
    });
    read.unwrap_or_else(|error: exact_text::json::JsonError| panic!("{error}: {object}"));
    keys
}

proptest! {
    #[test]
    fn any_object_under_any_schema_is_refused_or_one_line_that_reads_back(
        schema in any_schema(),
        object in any_object(),
        is_text: bool,
    ) {
        let payload = if is_text { json!(object).to_string() } else { object.clone() };
        if let Ok((said, line)) = read(&schema, &payload) {
            let written: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&line).unwrap();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(written["transaction_schema"].get(), format!("\"{}\"", schema.id()));
            let keys = keys(&line);
            for name in schema.names().chain(["transaction_schema"]) {
                let folded = keys.iter().filter(|key| fold(key) == fold(name)).count();
                prop_assert!(folded <= 1, "{} {}", name, line);
                prop_assert!(folded == 0 || written.contains_key(name), "{} {}", name, line);
            }
            // What is not mapped stays as it is.
            if !is_text {
                let sent: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&object).unwrap();
                let is_mapped =
                    |key: &str| schema.names().any(|name| fold(name) == fold(key)) || fields::is_own(key);
                for (key, value) in sent.iter().filter(|(key, _)| !is_mapped(key)) {
                    prop_assert_eq!(written[key].get(), value.get());
                }
            }
            let reading = Reading::new(&Schema::builtin_default(), &asked());
            let read_back = TransactionReader::new(&reading).read(line.as_bytes());
            prop_assert_eq!(read_back.as_ref().map(super::super::mapped::tests::said), Ok(said), "{} -> {}", payload, line);
        }
    }

    #[test]
    fn a_transaction_in_any_envelope_is_the_transaction(
        id in prop::option::of("[A-C]{1,2}|\\PC{1,3}"),
        cents in any::<i32>(),
        time in prop::option::of(prop::sample::select(vec!["2026-01-15T01:03:14Z", "2026-01-15 01:03:14+01:00", "noon"])),
        channel in prop::option::of("web|app"),
        merchant in prop::option::of(0..9u8),
        envelope in prop::collection::vec((0..3, "[a-z/~# \"é]{1,4}"), 1..5),
        others in members(any_json()),
    ) {
        let mut transaction = json!({"customer_id": "C1", "amount": f64::from(cents) / 100.0});
        let mut put = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                transaction[name] = value;
            }
        };
        put("transaction_id", id.map(Json::from));
        put("event_time", time.map(Json::from));
        put("channel", channel.map(Json::from));
        put("merchant_id", merchant.map(Json::from));
        // Wrapped from within, so that the place is built from its end.
        let (mut payload, mut place) = (transaction.clone(), String::new());
        for (kind, name) in &envelope {
            let step = name.replace('~', "~0").replace('/', "~1").replace('#', "~2");
            match kind {
                0 => {
                    payload = json!({ name: payload });
                    place = format!("/{step}{place}");
                }
                1 => {
                    payload = json!({ name: payload.to_string() });
                    place = format!("/{step}#{place}");
                }
                _ => {
                    payload = json!({ name: [0, payload] });
                    place = format!("/{step}/1{place}");
                }
            }
        }
        // What is beside it is not looked at.
        if let Json::Object(others) = others {
            for (name, value) in others {
                if payload.get(&name).is_none() {
                    payload[&name] = value;
                }
            }
        }
        let quoted = |name: &str| json!(format!("{place}/{name}")).to_string();
        let toml: String = ["transaction_id", "customer_id", "amount", "event_time", "currency"].iter()
            .map(|name| format!("{name} = {}\n", quoted(name)))
            .chain([("merchant", "merchant_id"), ("device", "device_id"), ("card", "card_id"), ("ip", "ip")].iter()
                .map(|(kind, member)| format!("{kind} = {}\n", quoted(member))))
            .chain(["[fields]\n".to_owned()])
            .chain(["channel", "age"].iter().map(|name| format!("{name} = {}\n", quoted(name))))
            .collect();
        let wrapped = read(&schema(&toml), &payload.to_string());
        let unwrapped = read(&Schema::builtin_default(), &transaction.to_string());
        prop_assert_eq!(wrapped.map(|(said, _)| said), unwrapped.map(|(said, _)| said), "{} {}", toml, payload);
    }
}

#[test]
fn an_unread_record_costs_no_other() {
    let schema = schema(DETAIL);
    let reading = Reading::new(&schema, &Asked::default());
    let mut reader = TransactionReader::new(&reading);
    let payloads =
        [r#"{"detail":{"amount":1}}"#, "{", r#"{"detail":{"amount":2}}"#, r#"{"x":1,"detail":{"amount":3}}"#];
    let amounts: Vec<_> = payloads
        .iter()
        .map(|payload| reader.read(payload.as_bytes()).map(|read| read.amount.value))
        .collect();
    assert_eq!(amounts, [Ok(1.0), Err(Refusal::NotJson), Ok(2.0), Ok(3.0)]);
    assert_eq!((reading.schema(), PLAIN.schema()), (Some(schema.id()), None));
}
