//! What a transaction says, in 32 bytes: tells two transactions apart that their producer gave one id.

use std::fmt;

use exact_text::decimal::Decimal;
use exact_text::json::Value;
use exact_text::timestamp::Timestamp;
use sha2::{Digest, Sha256};

/// The version of the rule below. Under another rule one transaction has another fingerprint.
const RULE: u8 = 1;

/// The SHA-256 of a transaction's content as far as it is read, in a form that does not depend on how it is written: the
/// amount as a number (0 if it is missing), the event time as an instant to the millisecond, or as its text if it cannot be
/// read, and the merchant if there is one. The arrival is no part of it: a producer that sends a transaction twice
/// sends one transaction.
///
/// Written as `<version of the rule>/<64 hexadecimal digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// An event time as a producer wrote it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WrittenAs<'a> {
    /// Not at all.
    Nothing,
    /// So that it can be read.
    Instant(Timestamp),
    /// Otherwise.
    Text(Value<'a>),
}

impl Fingerprint {
    pub(crate) fn of(amount: &str, event_time: WrittenAs<'_>, merchant: Option<&str>) -> Self {
        let mut parts = Parts(Sha256::new_with_prefix([RULE]));
        match Decimal::parse(amount) {
            Some(number) => parts.add(b'n', number.text().as_bytes()),
            // Zero with more digits in its exponent than a number has.
            None => parts.add(b'a', amount.as_bytes()),
        }
        match event_time {
            WrittenAs::Nothing => {}
            WrittenAs::Instant(instant) => parts.add(b't', &instant.millis().to_be_bytes()),
            WrittenAs::Text(value) => {
                let text = value.as_str();
                parts.add(b'u', text.as_deref().unwrap_or_else(|| raw(value)).as_bytes());
            }
        }
        if let Some(merchant) = merchant {
            parts.add(b'm', merchant.as_bytes());
        }
        Fingerprint(parts.0.finalize().into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hexadecimal digits.
    pub fn short(&self) -> String {
        hexadecimal(self.0.iter().take(8))
    }

    /// All 64 hexadecimal digits.
    pub fn digits(&self) -> String {
        hexadecimal(&self.0)
    }

    /// Reads what [`Display`](fmt::Display) writes; `None` for any other text, and for a fingerprint of another rule.
    pub fn parse(text: &str) -> Option<Self> {
        let (rule, digits) = text.split_once('/')?;
        if rule != RULE.to_string()
            || digits.len() != 64
            || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return None;
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{RULE}/{}", self.digits())
    }
}

/// Parts of a content, each told from the next by its kind and its length.
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, kind: u8, bytes: &[u8]) {
        self.0.update([kind]);
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

/// The text of a value that is no string of valid Unicode.
fn raw(value: Value<'_>) -> &str {
    match value {
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(text) | Value::Array(text) | Value::Object(text) => text,
        Value::String(text) => text.raw(),
    }
}

fn hexadecimal<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::transaction::Transaction;

    fn fingerprint(members: &str) -> Fingerprint {
        Transaction::parse(format!(r#"{{"transaction_id":"T"{members}}}"#).as_bytes()).unwrap().fingerprint()
    }

    #[test]
    fn a_content_that_is_written_in_another_way_has_the_same_fingerprint() {
        for (one, other) in [
            (r#","amount":12.50"#, r#","amount":125e-1"#),
            (r#","amount":0"#, ""),
            (
                r#","amount":1,"event_time":"2026-11-26T01:03:14+01:00""#,
                r#","event_time":1795651394000,"amount":1"#,
            ),
            (r#","event_time":"26.11.""#, r#","event_time":"\u00326.11.""#),
            (r#","merchant_id":"7""#, r#","merchant_id":7"#),
            (r#","merchant_id":"""#, r#","merchant_id":null"#),
            (r#","amount":5"#, r#","amount":5,"channel":"web","transaction_id":"U""#),
        ] {
            assert_eq!(fingerprint(one), fingerprint(other), "{one} {other}");
        }
    }

    #[test]
    fn another_amount_time_or_merchant_is_another_content() {
        let contents = [
            "",
            r#","amount":1"#,
            r#","amount":10"#,
            r#","amount":-1"#,
            r#","amount":0.1000000000000000000000000001"#,
            r#","amount":0.1"#,
            r#","amount":1e-99999999999999999999"#,
            r#","amount":1,"event_time":"2026-11-26T01:03:14Z""#,
            r#","amount":1,"event_time":"2026-11-26T01:03:14.001Z""#,
            r#","amount":1,"event_time":"2026-11-26""#,
            r#","amount":1,"event_time":"""#,
            r#","amount":1,"event_time":null"#,
            r#","amount":1,"event_time":{}"#,
            r#","amount":1,"event_time":[]"#,
            r#","amount":1,"event_time":"\ud800""#,
            r#","amount":1,"merchant_id":"M1""#,
            r#","amount":1,"merchant_id":"M2""#,
            r#","amount":1,"event_time":"M1""#,
        ];
        let distinct: HashSet<_> = contents.iter().map(|content| fingerprint(content)).collect();
        assert_eq!(distinct.len(), contents.len());
    }

    #[test]
    fn a_fingerprint_stays_what_it_is_for_rows_remember_it() {
        let content = r#","amount":19000.50,"event_time":"2026-11-26T01:03:14Z","merchant_id":"A""#;
        // Python: sha256(b"\1" + part(b"n", b"190005e-1") + part(b"t", pack(">q", 1795654994000)) + part(b"m", b"A")),
        // where part(kind, bytes) = kind + pack(">Q", len(bytes)) + bytes.
        let text = fingerprint(content).to_string();
        assert_eq!(text, "1/56c2c8af52b37afd6c76fc966ca02795c9d74a5f83dd0147408efd007aa915e6");
        assert_eq!(fingerprint(content).short(), text[2..18]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else(bytes: [u8; 32], text in ".{0,80}") {
            let fingerprint = Fingerprint(bytes);
            prop_assert_eq!(Fingerprint::parse(&fingerprint.to_string()), Some(fingerprint));
            prop_assert_eq!(Fingerprint::parse(&fingerprint.to_string().replacen('1', "2", 1)), None);
            prop_assert!(Fingerprint::parse(&text).is_none_or(|read| read.to_string() == text));
        }
    }
}
