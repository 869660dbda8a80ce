//! Writing JSON: numbers, and objects member by member.

use super::push_escaped;
use super::text::plain_run_end;

/// Appends the shortest text that reads back as the same f64. `number` must be finite: JSON has no other.
#[inline]
pub fn push_number(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
}

/// The shortest text that reads back as the same f64. `number` must be finite: JSON has no other.
pub fn number_text(number: f64) -> String {
    zmij::Buffer::new().format(number).to_owned()
}

/// Whether XML 1.0 has the character (<https://www.w3.org/TR/xml/#charsets>): others are refused by some message queues,
/// SQS among them.
pub fn is_portable(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Appends `text` as the content of a JSON string that is [portable](is_portable). Beyond what [`push_escaped`] escapes
/// anyway, two characters are not.
fn push_portable(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once(['\u{FFFE}', '\u{FFFF}']) {
        push_escaped(out, plain);
        let is_fffe = rest.get(plain.len()..).is_some_and(|special| special.starts_with('\u{FFFE}'));
        out.extend_from_slice(if is_fffe { b"\\ufffe" } else { b"\\uffff" });
        rest = after;
    }
    push_escaped(out, rest);
}

/// Appends `text` as a [portable](is_portable) JSON string, its quotes included, as it is inside another JSON string.
#[inline]
pub fn push_string_in_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.extend_from_slice(br#"\""#);
    if plain_run_end(bytes, 0) == bytes.len() && bytes.is_ascii() {
        out.extend_from_slice(bytes);
    } else {
        let mut content = Vec::with_capacity(2 * bytes.len());
        push_portable(&mut content, text);
        push_escaped(out, &String::from_utf8_lossy(&content));
    }
    out.extend_from_slice(br#"\""#);
}

/// An object in the making: one line of [portable](is_portable) JSON, its members in the order in which they are added. No
/// name may be added twice.
#[derive(Debug, Clone, Default)]
pub struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name).push(b'"');
        push_portable(&mut self.0, text);
        self.0.push(b'"');
        self
    }

    /// Adds a string, or null if there is none.
    pub fn text_or_null(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.json(name, "null"),
        }
    }

    /// Adds a number, which must be finite, in the shortest text that reads back as the same f64.
    pub fn number(&mut self, name: &str, number: f64) -> &mut Self {
        push_number(self.name(name), number);
        self
    }

    /// Adds `true` or `false`.
    pub fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.json(name, if value { "true" } else { "false" })
    }

    /// Adds a value that is JSON on one line already.
    pub fn json(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name).extend_from_slice(json.as_bytes());
        self
    }

    /// The object's text.
    pub fn finish(mut self) -> String {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        // Put together from texts alone, so that the second way is never gone.
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.extend_from_slice(if self.0.is_empty() { b"{\"" } else { b",\"" });
        push_portable(&mut self.0, name);
        self.0.extend_from_slice(b"\":");
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_has_its_members_in_the_order_in_which_they_were_added() {
        assert_eq!(ObjectWriter::new().finish(), "{}");
        let mut object = ObjectWriter::new();
        object.text("b", "\"x\"").text_or_null("a", None).number("n", 0.1 + 0.2).json("j", "[1.50]");
        assert_eq!(object.finish(), r#"{"b":"\"x\"","a":null,"n":0.30000000000000004,"j":[1.50]}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_one_portable_line_that_reads_back(text in "(?s)(.|[\u{FFFE}\u{FFFF}\u{7f}\u{0}\\\\\"\n]){0,20}") {
            let mut object = ObjectWriter::new();
            object.text("text", &text);
            let object = object.finish();
            prop_assert!(object.chars().all(|c| is_portable(c) && c != '\n' && c != '\r'), "{:?}", object);
            let read: serde_json::Value = serde_json::from_str(&object).unwrap();
            prop_assert_eq!(read["text"].as_str(), Some(text.as_str()));
            let mut outer = b"\"".to_vec();
            push_string_in_string(&mut outer, &text);
            outer.push(b'"');
            let inner: String = serde_json::from_slice(&outer).unwrap();
            prop_assert!(inner.chars().all(|c| is_portable(c) && c != '\n' && c != '\r'), "{:?}", inner);
            prop_assert_eq!(serde_json::from_str::<String>(&inner).unwrap(), text);
        }
    }
}
