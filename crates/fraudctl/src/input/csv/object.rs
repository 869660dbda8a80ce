//! A CSV row as a JSON object.

use exact_text::json::{is_number, push_escaped};
use fraud_core::fields::{
    CARD_ID, CURRENCY, CUSTOMER_ID, DECISION_ID, DEVICE_ID, IP, MERCHANT_ID, TRANSACTION_ID,
};

use super::record::Field;

/// The columns whose values are texts whatever they look like: ids, which `1e5` and `1.10` are as well.
const TEXTS: [&str; 9] =
    [TRANSACTION_ID, CUSTOMER_ID, MERCHANT_ID, DEVICE_ID, CARD_ID, IP, CURRENCY, DECISION_ID, "alert_id"];

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    name: String,
    /// The name as the key of a member, with its colon; nothing for a column without a name.
    key: Vec<u8>,
    is_text: bool,
}

impl Column {
    pub(super) fn new(name: String) -> Self {
        let mut key = Vec::new();
        if !name.is_empty() {
            push_text(&mut key, &name);
            key.push(b':');
        }
        let is_text = TEXTS.contains(&name.as_str());
        Column { name, key, is_text }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Writes a row. A field without text is left out, and so is a column without a name. A JSON number without an exponent is
/// written as a number with the same digits, `true` and `false` as such, anything else as text: `00501` and `1e5` may be
/// ids.
pub(super) fn write(record: &str, fields: &[Field], columns: &[Column], out: &mut Vec<u8>) {
    out.push(b'{');
    for (column, field) in columns.iter().zip(fields) {
        let text = field.text(record);
        if text.is_empty() || column.key.is_empty() {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(&column.key);
        match (column.is_text, word(&text)) {
            (false, Some(word)) => out.extend_from_slice(word.as_bytes()),
            _ => push_text(out, &text),
        }
    }
    out.push(b'}');
}

/// The JSON that is not text and that a field writes, if it does.
fn word(text: &str) -> Option<&str> {
    match text {
        // As programs, Python and spreadsheets write them.
        "true" | "True" | "TRUE" => Some("true"),
        "false" | "False" | "FALSE" => Some("false"),
        _ => {
            let may_be_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            let is_plain = may_be_number && is_number(text) && !text.contains(['e', 'E']);
            is_plain.then_some(text)
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}
