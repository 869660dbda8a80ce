use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

const DEPTH: usize = 64;

fn scan(text: &str) -> Result<Value<'_>, JsonError> {
    let mut scanner = Scanner::new(text, DEPTH);
    let value = scanner.value()?;
    scanner.end()?;
    Ok(value)
}

/// What serde_json says of the grammar alone: a raw value is validated and not interpreted.
fn oracle_accepts(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn nesting_is_followed_to_the_depth_asked_for_and_no_further() {
    assert!(scan(&nested(DEPTH)).is_ok());
    assert_eq!(scan(&nested(DEPTH + 1)), Err(JsonError::TooDeep));
    assert_eq!(scan(&"[".repeat(1_000_000)), Err(JsonError::TooDeep));
    assert!(scan(&format!("[{}]", vec![nested(DEPTH - 1); 3].join(","))).is_ok());
}

#[test]
fn the_grammar_is_held_to_the_letter() {
    for good in ["0", "-0", "1.5e+3", "0e0", " [ ] ", "{\"a\":{}}", "\"\\u00e9\\/\"", "\"\u{7f}\"", "null "] {
        assert!(scan(good).is_ok() && oracle_accepts(good), "{good}");
    }
    for bad in [
        "",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "NaN",
        "Infinity",
        "nul",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\n\"",
        "\"\t\"",
        "\"open",
        "1 2",
        "{}{}",
        "\u{feff}{}",
        "[1 2]",
        "'a'",
    ] {
        assert!(scan(bad).is_err() && !oracle_accepts(bad), "{bad}");
    }
}

#[test]
fn a_lone_surrogate_is_json_but_no_text() {
    let Ok(Value::String(text)) = scan(r#""\ud800x""#) else { panic!("a string") };
    assert_eq!(text.decode(), None);
    for lone in [r#""\udc00""#, r#""\ud800\u0041""#, r#""\ud800\n""#] {
        assert_eq!(scan(lone).unwrap().as_str(), None, "{lone}");
    }
    assert_eq!(scan(r#""\ud83d\ude00""#).unwrap().as_str().unwrap(), "😀");
}

/// Texts near JSON: valid ones with a few bytes changed.
fn nearly_json() -> impl Strategy<Value = String> {
    let valid = json_value().prop_map(|value| value.to_string());
    let fragments = prop::sample::select(vec![
        "\"", "\\", "\\u", "\\ud83d", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "E+", "tru", "true",
        "null", " ", "\n", "\u{1}", "é", "😀", "1", "a",
    ]);
    (valid, prop::collection::vec((any::<prop::sample::Index>(), fragments, 0..3usize), 0..4)).prop_map(
        |(mut text, edits)| {
            for (index, fragment, removed) in edits {
                let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
                let from = index.index(starts.len());
                let to = (from + removed).min(starts.len() - 1);
                text.replace_range(starts[from]..starts[to], fragment);
            }
            text
        },
    )
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_text_is_accepted_exactly_when_serde_json_accepts_it(text in prop_oneof![nearly_json(), any::<String>()]) {
        prop_assert_eq!(scan(&text).is_ok(), oracle_accepts(&text), "{:?}", text);
    }

    #[test]
    fn members_come_with_the_keys_and_values_that_serde_json_reads(value in json_value()) {
        let object = serde_json::json!({ "first": value, "a \"key\"\n": 1 });
        let text = serde_json::to_string_pretty(&object).unwrap();
        let mut read = serde_json::Map::new();
        Scanner::new(&text, DEPTH)
            .object(|key, scanner| {
                let start = scanner.offset();
                scanner.value()?;
                let value = serde_json::from_str(scanner.slice(start..scanner.offset())).unwrap();
                read.insert(key.decode().unwrap().into_owned(), value);
                Ok::<_, JsonError>(())
            })
            .unwrap();
        let expected = serde_json::Map::deserialize(serde_json::from_str::<serde_json::Value>(&text).unwrap()).unwrap();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_string_reads_back_as_it_was_written(text in any::<String>()) {
        let mut written = vec![b'"'];
        push_escaped(&mut written, &text);
        written.push(b'"');
        let written = String::from_utf8(written).unwrap();
        prop_assert_eq!(scan(&written).unwrap().as_str().unwrap(), text.as_str());
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn escapes_decode_as_serde_json_decodes_them(text in r#"(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\ud83d\\ude0[0-9a-f]|[ -!#-\[\]-~é]){0,12}"#) {
        let quoted = format!("\"{text}\"");
        prop_assert_eq!(scan(&quoted).unwrap().as_str().map(Cow::into_owned), serde_json::from_str::<String>(&quoted).ok());
    }

    #[test]
    fn a_strings_end_is_found_where_a_look_at_each_byte_finds_it(
        plain in "[ -!#-\\[\\]-~é]{0,300}", special in prop::sample::select(vec!["", "\"", "\\", "\u{1f}", "\n", "\u{0}"]), rest in "[\"\\\\a-z\u{7f}é]{0,40}", from in 0usize..310,
    ) {
        let text = format!("{plain}{special}{rest}");
        let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        let expected = text.bytes().enumerate().position(|(at, byte)| at >= from && is_special(byte));
        let expected = expected.unwrap_or(text.len().max(from));
        prop_assert_eq!(text::plain_run_end(text.as_bytes(), from), expected);
        let has_controls = text.bytes().any(|byte| byte < 0x20);
        prop_assert_eq!(text::has_controls(text.as_bytes()), has_controls);
        if !has_controls {
            prop_assert_eq!(text::plain_run_end_without_controls(text.as_bytes(), from), expected);
        }
    }
}
