//! Where an object ends.

/// The deepest nesting that is followed: twice what the functions score.
pub(super) const MAX_DEPTH: u32 = 128;

/// A walk over an object that is not all there yet, from its opening brace on. It knows where strings, brackets, commas
/// and colons may stand; what a number or a word is made of is left to the reader of the whole object.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// How far it has got.
    at: usize,
    state: Awaited,
    /// The containers that are open: a bit each, 1 for an object.
    open: u128,
    depth: u32,
}

/// How far a walk has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The bytes end within the object.
    More,
    /// The object's length in bytes.
    Complete(usize),
    /// No object can have the byte at this offset.
    Fault(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// A value must follow; in an array that was just opened its end may.
    Value {
        or_end: bool,
    },
    /// A key must follow; in an object that was just opened its end may.
    Key {
        or_end: bool,
    },
    Colon,
    /// A comma must follow, or the end of the innermost container.
    AfterValue,
    String {
        is_key: bool,
    },
    /// Behind a backslash.
    Escape {
        is_key: bool,
    },
    /// Within a number, `true`, `false` or `null`.
    Word,
}

impl Scan {
    /// At the opening brace.
    pub(super) fn new() -> Self {
        Scan { at: 0, state: Awaited::Value { or_end: false }, open: 0, depth: 0 }
    }

    /// Goes on over `bytes`, which begin at the opening brace and are longer each time.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Step {
        while let Some(&byte) = bytes.get(self.at) {
            match self.state {
                Awaited::String { is_key } => {
                    let rest = bytes.get(self.at..).unwrap_or_default();
                    let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
                    let Some(plain) = plain else {
                        self.at = bytes.len();
                        return Step::More;
                    };
                    self.at += plain;
                    match bytes.get(self.at) {
                        Some(b'"') if is_key => self.state = Awaited::Colon,
                        Some(b'"') => self.state = Awaited::AfterValue,
                        Some(b'\\') => self.state = Awaited::Escape { is_key },
                        _ => return Step::Fault(self.at),
                    }
                }
                Awaited::Escape { .. } if byte < b' ' => return Step::Fault(self.at),
                Awaited::Escape { is_key } => self.state = Awaited::String { is_key },
                Awaited::Word if matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.') =>
                    {}
                Awaited::Word => {
                    self.state = Awaited::AfterValue;
                    // The byte itself is after the word.
                    continue;
                }
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => {}
                _ => match self.token(byte) {
                    None => return Step::Fault(self.at),
                    Some(()) if self.depth == 0 => return Step::Complete(self.at + 1),
                    Some(()) => {}
                },
            }
            self.at += 1;
        }
        Step::More
    }

    /// Takes a byte that begins or ends something; `None` if it is not allowed here.
    fn token(&mut self, byte: u8) -> Option<()> {
        let in_object = self.open & 1 == 1;
        self.state = match (self.state, byte) {
            (Awaited::Value { .. }, b'{') => return self.enter(true),
            (Awaited::Value { .. }, b'[') if self.depth > 0 => return self.enter(false),
            (Awaited::Value { .. }, b'"') => Awaited::String { is_key: false },
            (Awaited::Value { .. }, b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => Awaited::Word,
            (Awaited::Value { or_end: true }, b']') => self.leave(),
            (Awaited::Key { .. }, b'"') => Awaited::String { is_key: true },
            (Awaited::Key { or_end: true }, b'}') => self.leave(),
            (Awaited::Colon, b':') => Awaited::Value { or_end: false },
            (Awaited::AfterValue, b',') if in_object => Awaited::Key { or_end: false },
            (Awaited::AfterValue, b',') => Awaited::Value { or_end: false },
            (Awaited::AfterValue, b'}') if in_object => self.leave(),
            (Awaited::AfterValue, b']') if !in_object => self.leave(),
            _ => return None,
        };
        Some(())
    }

    fn enter(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.open = self.open << 1 | u128::from(object);
        self.state = if object { Awaited::Key { or_end: true } } else { Awaited::Value { or_end: true } };
        Some(())
    }

    fn leave(&mut self) -> Awaited {
        self.depth -= 1;
        self.open >>= 1;
        Awaited::AfterValue
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a walk says of `text`, whatever pieces it comes in.
    fn scan(text: &str) -> Step {
        let mut pieces = Scan::new();
        let steps: Vec<Step> =
            (1..=text.len()).map(|length| pieces.advance(&text.as_bytes()[..length])).collect();
        let at_once = Scan::new().advance(text.as_bytes());
        let first = steps.into_iter().find(|step| *step != Step::More).unwrap_or(Step::More);
        assert_eq!(first, at_once, "{text}");
        at_once
    }

    #[test]
    fn an_object_ends_at_its_own_brace() {
        for text in [
            "{}",
            "{ }",
            r#"{"a":1}"#,
            "{\"a\" : [ ] ,\n\"b\":{\"c\":[1,{},\"}\",null]}}",
            r#"{"a":"}\"{\\"}"#,
            r#"{"a":-1.5e+7,"b":true}"#,
        ] {
            assert_eq!(scan(text), Step::Complete(text.len()), "{text}");
            assert_eq!(scan(&format!("{text}{text}")), Step::Complete(text.len()), "{text}");
            assert_eq!(scan(&text[..text.len() - 1]), Step::More, "{text}");
        }
    }

    #[test]
    fn what_can_stand_in_no_object_is_found_where_it_stands() {
        for (text, at) in [
            ("{]", 1),
            ("{a:1}", 1),
            ("{'a':1}", 1),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":[1}"#, 7),
            (r#"{"a":[1,]}"#, 8),
            (r#"{"a":{1}}"#, 6),
            ("{\"a\":\"x\n\"}", 7),
            ("{\"a\":\"\\\n\"}", 7),
            ("{\"a\":1\n{\"b\":2}", 7),
            ("[]", 0),
        ] {
            assert_eq!(scan(text), Step::Fault(at), "{text}");
        }
        let deep = |depth: usize| format!("{{\"a\":{}1", "[".repeat(depth));
        assert_eq!(scan(&deep(127)), Step::More);
        assert_eq!(scan(&deep(128)), Step::Fault(5 + 127));
    }

    proptest! {
        #[test]
        fn every_json_object_is_found_whole(text in fraud_json()) {
            prop_assert_eq!(scan(&text), Step::Complete(text.len()));
        }
    }

    /// Any object as serde_json writes it.
    fn fraud_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,8}".prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::hash_map(".{0,4}", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        });
        (prop::collection::hash_map(".{0,4}", value, 0..4), any::<bool>()).prop_map(|(members, pretty)| {
            let object = serde_json::Value::Object(members.into_iter().collect());
            if pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() }
        })
    }
}
