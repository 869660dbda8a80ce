//! What a decision was made from, as scored records and alerts carry it where the record's own fields do not tell.

use exact_text::json::{Scanner, push_number, push_string_in_string};

use crate::decision::Decision;
use crate::inputs::{Input, InputValue};
use crate::policy::FurtherInput;
use crate::transaction::Transaction;

/// Which reader and scorer decided.
pub const ENGINE: &str = concat!("fraud-core/", env!("CARGO_PKG_VERSION"));

/// The inputs of a decision as used, a JSON object: each name with its number, text or truth. The amount is the producer's
/// digits. Inputs without a value and lists that the entity is not on are left out; the kind of an entity that could not be
/// looked up is `"unavailable"`. `further` are those beyond the basic ones, the first of the decision's; `None` without any:
/// the record's own fields tell all.
pub fn inputs(
    transaction: &Transaction<'_>,
    decision: &Decision<'_>,
    further: &[FurtherInput],
) -> Option<String> {
    if further.is_empty() {
        return None;
    }
    let mut text = vec![b'"'];
    write_inputs(transaction, decision, further, &mut text);
    text.push(b'"');
    // What is written as the content of a JSON string reads back as one.
    let text = String::from_utf8(text).ok()?;
    Some(Scanner::new(&text, 0).value().ok()?.as_str()?.into_owned())
}

/// Appends the [`inputs`] as the content of a JSON string, so that a scored record's are written once.
pub(crate) fn write_inputs(
    transaction: &Transaction<'_>,
    decision: &Decision<'_>,
    further: &[FurtherInput],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(br#"{\"amount\":"#);
    out.extend_from_slice(transaction.amount.digits.as_bytes());
    out.extend_from_slice(br#",\"customer_risk\":"#);
    push_number(out, decision.inputs.customer_risk);
    if let Some(hour) = decision.inputs.hour {
        out.extend_from_slice(br#",\"hour\":"#);
        push_whole(out, f64::from(hour));
    }
    // A member can be asked for as a number and as a text; it is one of them at most.
    for (further, value) in further.iter().zip(&decision.inputs.further) {
        match value {
            InputValue::None | InputValue::Unavailable => continue,
            InputValue::Truth(false) if matches!(further.input, Input::OnList(..)) => continue,
            _ => out.extend_from_slice(further.label.as_bytes()),
        }
        match value {
            InputValue::Number(number) if further.input.is_whole() => push_whole(out, *number),
            InputValue::Number(number) => push_number(out, *number),
            InputValue::Text(text) => push_string_in_string(out, text),
            InputValue::Truth(true) => out.extend_from_slice(b"true"),
            InputValue::Truth(false) => out.extend_from_slice(b"false"),
            InputValue::None | InputValue::Unavailable => {}
        }
    }
    for kind in decision.unavailable.iter() {
        out.extend_from_slice(label(kind.as_str()).as_bytes());
        push_string_in_string(out, "unavailable");
    }
    out.push(b'}');
}

/// What comes before a member's value in [`write_inputs`]: a comma, the name, a colon.
pub(crate) fn label(name: &str) -> String {
    let mut out = vec![b','];
    push_string_in_string(&mut out, name);
    out.push(b':');
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a whole number without a fraction.
fn push_whole(out: &mut Vec<u8>, number: f64) {
    // Hours, weekdays and most counts.
    let small = number as u8;
    if small < 100 && f64::from(small).to_bits() == number.to_bits() {
        if small >= 10 {
            out.push(b'0' + small / 10);
        }
        return out.push(b'0' + small % 10);
    }
    push_number(out, number);
    if out.ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
}
