//! Where a CSV record and its fields end.

use std::borrow::Cow;

/// A walk over a record that is not all there yet.
#[derive(Debug, Clone)]
pub(super) struct RecordScan {
    separator: u8,
    /// How far it has got.
    at: usize,
    state: State,
    field: Field,
    fields: Vec<Field>,
}

/// How far a walk has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordStep {
    /// The bytes end within the record.
    More,
    /// The record's length in bytes, without the line break behind it.
    Complete(usize),
    /// Text follows a closing quote.
    Fault,
}

/// Where a field's text is in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Field {
    start: usize,
    end: usize,
    /// Whether it is in quotes, which are not part of its text.
    is_quoted: bool,
    /// Whether its text has quotes, each written twice.
    has_quotes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but blanks were read of the field.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: the closing one, or the first of two.
    BehindQuote,
    /// Behind blanks after the closing quote.
    BehindField,
}

impl RecordScan {
    pub(super) fn new(separator: u8) -> Self {
        RecordScan { separator, at: 0, state: State::Begin, field: Field::default(), fields: Vec::new() }
    }

    /// Begins the next record.
    pub(super) fn restart(&mut self) {
        self.at = 0;
        self.state = State::Begin;
        self.field = Field::default();
        self.fields.clear();
    }

    /// The fields of the record that is complete.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Goes on over `bytes`, which begin where the record does and are longer each time.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> RecordStep {
        while let Some(&byte) = bytes.get(self.at) {
            let ends_record = matches!(byte, b'\n' | b'\r');
            match self.state {
                State::Quoted => {
                    let rest = bytes.get(self.at..).unwrap_or_default();
                    let Some(quote) = memchr::memchr(b'"', rest) else {
                        self.at = bytes.len();
                        return RecordStep::More;
                    };
                    self.at += quote;
                    self.field.end = self.at;
                    self.state = State::BehindQuote;
                }
                State::BehindQuote if byte == b'"' => {
                    self.field.has_quotes = true;
                    self.state = State::Quoted;
                }
                _ if byte == self.separator => {
                    self.end_field();
                    self.field.start = self.at + 1;
                }
                _ if ends_record => {
                    self.end_field();
                    return RecordStep::Complete(self.at);
                }
                State::Begin if byte == b'"' => {
                    self.field.is_quoted = true;
                    self.field.start = self.at + 1;
                    self.state = State::Quoted;
                }
                State::Begin | State::Plain => {
                    if !is_blank(byte) {
                        self.state = State::Plain;
                    }
                }
                State::BehindQuote | State::BehindField if is_blank(byte) => self.state = State::BehindField,
                State::BehindQuote | State::BehindField => return RecordStep::Fault,
            }
            self.at += 1;
        }
        RecordStep::More
    }

    /// What the record is if its bytes end here.
    pub(super) fn finish(&mut self) -> RecordStep {
        match self.state {
            State::Quoted => RecordStep::Fault,
            _ => {
                self.end_field();
                RecordStep::Complete(self.at)
            }
        }
    }

    fn end_field(&mut self) {
        if !self.field.is_quoted {
            self.field.end = self.at;
        }
        self.fields.push(self.field);
        self.field = Field::default();
        self.state = State::Begin;
    }
}

impl Field {
    /// The field's text in its record; blanks around it are left out unless it is in quotes.
    pub(super) fn text<'r>(&self, record: &'r str) -> Cow<'r, str> {
        // A field ends at ASCII characters, so that there is no other case.
        let text = record.get(self.start..self.end).unwrap_or_default();
        match (self.is_quoted, self.has_quotes) {
            (false, _) => Cow::Borrowed(text.trim_matches([' ', '\t'])),
            (true, false) => Cow::Borrowed(text),
            (true, true) => Cow::Owned(text.replace("\"\"", "\"")),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of a text's first record, and where it ends; the same whatever pieces it comes in.
    fn scan(text: &str, separator: u8) -> Option<(Vec<String>, usize)> {
        let read = |pieces: &[usize]| {
            let mut scan = RecordScan::new(separator);
            let steps = pieces.iter().map(|length| scan.advance(&text.as_bytes()[..*length]));
            let step = steps.collect::<Vec<_>>().into_iter().find(|step| *step != RecordStep::More);
            let step = step.unwrap_or_else(|| scan.finish());
            let RecordStep::Complete(length) = step else { return None };
            Some((scan.fields.iter().map(|field| field.text(text).into_owned()).collect(), length))
        };
        let at_once = read(&[text.len()]);
        // Behind the end of a record no further pieces are given.
        let end = at_once
            .as_ref()
            .map_or(text.len(), |(_, length): &(Vec<String>, usize)| text.len().min(length + 1));
        assert_eq!(at_once, read(&(1..=end).collect::<Vec<_>>()), "{text:?}");
        at_once
    }

    fn fields(text: &str, separator: u8) -> Vec<String> {
        scan(text, separator).expect(text).0
    }

    #[test]
    fn a_record_is_taken_apart_at_its_separators() {
        for (text, expected) in [
            ("a,b,c", vec!["a", "b", "c"]),
            ("a,,\n", vec!["a", "", ""]),
            (" a , b\t,\"c\" \r\nd", vec!["a", "b", "c"]),
            ("\"a,b\",\"c\"\"d\"\"\",\" e \"", vec!["a,b", "c\"d\"", " e "]),
            ("\"a\nb\r\nc\",d\n", vec!["a\nb\r\nc", "d"]),
            ("5\" pipe,a\"b\"", vec!["5\" pipe", "a\"b\""]),
            ("\"\",\"\"\"\"", vec!["", "\""]),
        ] {
            assert_eq!(fields(text, b','), expected, "{text}");
        }
        assert_eq!(fields("a\t\"b\tc\"\t d ", b'\t'), ["a", "b\tc", "d"]);
        assert_eq!(fields("1,5;2", b';'), ["1,5", "2"]);
    }

    #[test]
    fn text_behind_a_closing_quote_and_a_quote_that_is_not_closed_are_faults() {
        for text in ["\"a\"b,c\n", "a,\"b\" c\n", "a,\"b", "a,\"b\"\"\nc,d\n", "\"a \\\"b\\\"\",c"] {
            assert_eq!(scan(text, b','), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            records in prop::collection::vec(prop::collection::vec("[a-c,;\"\n\r é]{0,6}", 3), 1..5),
            separator in prop::sample::select(vec![b',', b';', b'|', b'\t']),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(separator)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for record in &records {
                writer.write_record(record).unwrap();
            }
            let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let mut rest = written.as_str();
            for record in &records {
                let (fields, length) = scan(rest, separator).unwrap();
                prop_assert_eq!(&fields, record);
                rest = rest[length..].trim_start_matches('\n');
            }
            prop_assert_eq!(rest, "");
        }
    }
}
