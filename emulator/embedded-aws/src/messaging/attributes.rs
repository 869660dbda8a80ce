//! Message attributes and the rules that both services hold them to.

use bytes::Bytes;

/// The longest name and the longest type of an attribute, in characters.
/// Source: SQS developer guide, "Amazon SQS message metadata"; SNS developer guide, "Message attributes".
const MAX_NAME: usize = 256;

/// Data beside a message's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary` or one of these with a label of the sender's own, such as `Number.float`; also
    /// SNS's `String.Array`.
    pub data_type: String,
    /// The value, as it was sent.
    pub value: MessageAttributeValue,
}

/// The value of a [`MessageAttribute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAttributeValue {
    /// Of a `String` or a `Number`.
    Text(String),
    /// Of a `Binary`.
    Binary(Bytes),
}

impl MessageAttribute {
    /// The value as text; `None` if it is binary.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            MessageAttributeValue::Text(text) => Some(text),
            MessageAttributeValue::Binary(_) => None,
        }
    }

    /// What the attribute adds to its message's size, in bytes: name, type and value all count.
    pub(crate) fn size(&self, name: &str) -> usize {
        let value = match &self.value {
            MessageAttributeValue::Text(text) => text.len(),
            MessageAttributeValue::Binary(bytes) => bytes.len(),
        };
        name.len() + self.data_type.len() + value
    }
}

/// An attribute as a request holds it: binary values in base64.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RawAttribute {
    pub(crate) data_type: Option<String>,
    pub(crate) string_value: Option<String>,
    pub(crate) binary_value: Option<String>,
}

/// The attribute if it keeps the rules, else what is wrong with it, in words for people.
pub(crate) fn checked_attribute(name: &str, raw: RawAttribute) -> Result<MessageAttribute, String> {
    check_name(name)?;
    let data_type = raw.data_type.unwrap_or_default();
    let (kind, label) =
        data_type.split_once('.').map_or((&*data_type, None), |(kind, rest)| (kind, Some(rest)));
    if !["String", "Number", "Binary"].contains(&kind) || label == Some("") || data_type.len() > MAX_NAME {
        return Err(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
             prefixes is Binary, Number, and String."
        ));
    }
    let of_type = format!("for message attribute type '{data_type}'");
    let value = match (kind, raw.string_value, raw.binary_value) {
        ("Binary", None, Some(value)) => {
            let bytes = base64_simd::STANDARD
                .decode_to_vec(value)
                .map_err(|_| format!("The message attribute '{name}' does not hold base64."))?;
            MessageAttributeValue::Binary(bytes.into())
        }
        ("String" | "Number", Some(value), None) => MessageAttributeValue::Text(value),
        (_, None, None) => {
            return Err(format!(
                "The message attribute '{name}' must contain non-empty message attribute value {of_type}."
            ));
        }
        (kind, ..) => {
            let field = if kind == "Binary" { "Binary" } else { "String" };
            return Err(format!("The message attribute '{name}' {of_type} must use field '{field}'."));
        }
    };
    let attribute = MessageAttribute { data_type, value };
    match &attribute.value {
        MessageAttributeValue::Text(text) if text.is_empty() => {}
        MessageAttributeValue::Binary(bytes) if bytes.is_empty() => {}
        MessageAttributeValue::Text(text)
            if attribute.data_type.starts_with("Number") && !is_number(text) =>
        {
            return Err(format!("Could not cast message attribute '{name}' value to number."));
        }
        _ => return Ok(attribute),
    }
    Err(format!(
        "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
         '{}'.",
        attribute.data_type
    ))
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err("Length of message attribute name must be from 1 to 256 bytes.".to_owned());
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
        return Err(format!(
            "Invalid non-alphanumeric character was found in the message attribute name '{name}'. Can only include \
             alphanumeric characters, hyphens, underscores, or dots."
        ));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(format!(
            "Invalid message attribute name '{name}': dots must not stand at its ends or beside each other."
        ));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(format!(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.': '{name}'"
        ));
    }
    Ok(())
}

/// Decimal, with or without a fraction and an exponent.
fn is_number(text: &str) -> bool {
    // Rust also reads "inf" and "nan".
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> RawAttribute {
        RawAttribute {
            data_type: Some(data_type.to_owned()),
            string_value: Some(value.to_owned()),
            binary_value: None,
        }
    }

    #[test]
    fn strings_numbers_arrays_and_labels_of_ones_own_are_accepted() {
        for (data_type, value) in [
            ("String", "a"),
            ("String.Array", r#"["a",1]"#),
            ("Number", "-0.5e3"),
            ("Number.java.lang.Long", "1493147359900"),
        ] {
            let attribute = checked_attribute("name", text(data_type, value)).unwrap();
            assert_eq!((attribute.data_type.as_str(), attribute.text()), (data_type, Some(value)));
        }
    }

    #[test]
    fn binary_values_come_in_base64_and_count_by_their_bytes() {
        let raw = RawAttribute {
            data_type: Some("Binary".to_owned()),
            binary_value: Some("AAEC".to_owned()),
            string_value: None,
        };
        let attribute = checked_attribute("bytes", raw).unwrap();
        assert_eq!(attribute.value, MessageAttributeValue::Binary(Bytes::from_static(&[0, 1, 2])));
        assert_eq!(attribute.size("bytes"), 5 + 6 + 3);
    }

    #[test]
    fn other_types_missing_or_misplaced_values_and_words_for_numbers_are_refused() {
        let binary = |value: &str| RawAttribute {
            data_type: Some("Binary".to_owned()),
            binary_value: Some(value.to_owned()),
            string_value: None,
        };
        for raw in [
            text("Int", "1"),
            text("String.", "a"),
            text("Stringy", "a"),
            text("", "a"),
            text("String", ""),
            text("Number", "ten"),
            text("Number", "inf"),
            text("Number", "1e999"),
            text("Binary", "a"),
            binary(""),
            binary("no base64!"),
            RawAttribute { data_type: Some("String".to_owned()), ..RawAttribute::default() },
            RawAttribute::default(),
        ] {
            let shown = format!("{raw:?}");
            assert!(checked_attribute("name", raw).is_err(), "{shown}");
        }
    }

    #[test]
    fn names_are_held_to_their_characters_length_and_reserved_prefixes() {
        let longest = "n".repeat(256);
        for name in ["a", "SOME_Valid.attribute-Name", longest.as_str()] {
            assert!(checked_attribute(name, text("String", "a")).is_ok(), "{name}");
        }
        let too_long = "n".repeat(257);
        for name in ["", "a b", "ä", ".a", "a.", "a..b", "AWS.x", "amazon.x", too_long.as_str()] {
            assert!(checked_attribute(name, text("String", "a")).is_err(), "{name}");
        }
    }
}
