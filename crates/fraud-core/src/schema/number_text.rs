//! Numbers that a producer writes as text.

/// Which mark divides the whole units from the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// The schema does not say: a point, and a comma only where a point behind it leaves no doubt.
    #[default]
    Unsaid,
    /// `12.50`; commas are between thousands.
    Point,
    /// `12,50`; points are between thousands.
    Comma,
}

impl DecimalMark {
    /// The mark that a schema writes; `None` for any other text.
    pub fn of_text(text: &str) -> Option<Self> {
        match text {
            "." => Some(DecimalMark::Point),
            "," => Some(DecimalMark::Comma),
            _ => None,
        }
    }

    /// The mark as a schema writes it; nothing if the schema does not say.
    pub fn as_str(self) -> &'static str {
        match self {
            DecimalMark::Unsaid => "",
            DecimalMark::Point => ".",
            DecimalMark::Comma => ",",
        }
    }

    /// The mark itself, and the one that can then be between thousands.
    fn marks(self) -> (char, char) {
        match self {
            DecimalMark::Unsaid | DecimalMark::Point => ('.', ','),
            DecimalMark::Comma => (',', '.'),
        }
    }
}

/// The most characters of a number that is read.
const MAX_LENGTH: usize = 128;

/// The JSON number that a text writes, decimals kept as they are: `12.50`, `-3`, `+3`, `.5`, and with a sign of
/// currency (`$`, `€`, `EUR`, `US$`) before or behind it. Thousands may be divided by the other mark, an apostrophe or a space,
/// but then all of them are. `None` for any other text, and for one that two readers could take for two numbers:
/// `1,234` is a thousand to one and about one to another, as long as the schema does not say.
pub(crate) fn number(text: &str, mark: DecimalMark) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_LENGTH {
        return None;
    }
    if mark != DecimalMark::Comma && exact_text::json::is_number(text) {
        return Some(text.to_owned());
    }
    let (negative, unsigned) = without_currency(text)?;
    let (decimal, thousands) = mark.marks();
    let (whole, fraction) = match unsigned.split_once(decimal) {
        Some((whole, fraction)) if is_digits(fraction) => (whole, Some(fraction)),
        Some(_) => return None,
        None => (unsigned, None),
    };
    let is_in_doubt = mark == DecimalMark::Unsaid && fraction.is_none() && whole.contains(thousands);
    let digits = match whole {
        "" if fraction.is_some() => "0".to_owned(),
        _ if is_in_doubt => return None,
        _ => without_divisions(whole, thousands)?,
    };
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    let sign = if negative { "-" } else { "" };
    Some(match fraction {
        Some(fraction) => format!("{sign}{digits}.{fraction}"),
        None => format!("{sign}{digits}"),
    })
}

/// Whether the number is negative, and the rest of its text: a sign of currency is at one end, a sign of the number before
/// or behind it.
fn without_currency(text: &str) -> Option<(bool, &str)> {
    let (first, rest) = sign(text);
    let number = rest.trim_start_matches(is_of_currency);
    let has_currency = is_currency(&rest[..rest.len() - number.len()])?;
    let (second, number) = if has_currency { sign(number.trim_start()) } else { (None, rest) };
    let negative = match (first, second) {
        (Some(_), Some(_)) => return None,
        (sign, None) | (None, sign) => sign == Some('-'),
    };
    let plain = number.trim_end_matches(is_of_currency);
    let has_more = is_currency(&number[plain.len()..])?;
    if has_currency && has_more {
        return None;
    }
    Some((negative, plain.trim()))
}

fn sign(text: &str) -> (Option<char>, &str) {
    match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.chars().next(), rest.trim_start()),
        None => (None, text),
    }
}

fn is_of_currency(character: char) -> bool {
    character.is_ascii_alphabetic()
        || matches!(character, '$' | '\u{A2}'..='\u{A5}' | '\u{58F}' | '\u{60B}' | '\u{9F2}' | '\u{9F3}' | '\u{E3F}' | '\u{20A0}'..='\u{20CF}')
}

/// Whether a text is a sign of currency (true) or nothing (false); `None` if it is longer than any such sign.
fn is_currency(text: &str) -> Option<bool> {
    match text.chars().count() {
        0 => Some(false),
        1..=4 => Some(true),
        _ => None,
    }
}

/// The digits of a whole number whose thousands are divided or not.
fn without_divisions(whole: &str, mark: char) -> Option<String> {
    let is_division = |character: char| {
        character == mark || matches!(character, '\'' | '\u{2019}' | ' ' | '\u{A0}' | '\u{202F}')
    };
    let Some(division) = whole.chars().find(|&character| is_division(character)) else {
        return is_digits(whole).then(|| whole.to_owned());
    };
    let mut groups = whole.split(division);
    let first = groups.next().filter(|first| is_digits(first) && first.len() <= 3)?;
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_read_with_its_sign_its_currency_and_its_thousands() {
        use DecimalMark::{Comma, Point, Unsaid};
        for (text, mark, expected) in [
            ("12.50", Unsaid, "12.50"),
            ("-3", Unsaid, "-3"),
            ("+3", Unsaid, "3"),
            (" 19000.50 ", Unsaid, "19000.50"),
            ("1.234", Unsaid, "1.234"),
            ("1e3", Unsaid, "1e3"),
            ("007.10", Unsaid, "7.10"),
            ("00", Unsaid, "0"),
            (".5", Unsaid, "0.5"),
            ("$7.18", Unsaid, "7.18"),
            ("$-77.00", Unsaid, "-77.00"),
            ("-$77.00", Unsaid, "-77.00"),
            ("US$ 1,234.50", Unsaid, "1234.50"),
            ("1'234'567.5 CHF", Unsaid, "1234567.5"),
            ("1,234", Point, "1234"),
            ("1,234,567.89", Point, "1234567.89"),
            ("7,18 EUR", Comma, "7.18"),
            ("7,18\u{A0}€", Comma, "7.18"),
            ("1.234,50", Comma, "1234.50"),
            ("1 234 567,5", Comma, "1234567.5"),
            ("1.234", Comma, "1234"),
            ("12", Comma, "12"),
        ] {
            assert_eq!(number(text, mark).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_in_doubt_or_no_number_is_refused() {
        use DecimalMark::{Comma, Point, Unsaid};
        for (text, mark) in [
            ("1,234", Unsaid),
            ("7,18", Unsaid),
            ("7,18", Point),
            ("12.50", Comma),
            ("1e3", Comma),
            ("1,23,456.00", Point),
            ("1234,567.00", Point),
            ("1,234'567.00", Point),
            ("1.2.3", Unsaid),
            ("5.", Unsaid),
            ("", Unsaid),
            ("-", Unsaid),
            ("$", Unsaid),
            ("--3", Unsaid),
            ("-$-3", Unsaid),
            ("$3 USD", Unsaid),
            ("3-", Unsaid),
            ("(3.00)", Unsaid),
            ("NaN", Unsaid),
            ("inf", Unsaid),
            ("0x10", Unsaid),
            ("3 apples", Unsaid),
            ("١٢", Unsaid),
            ("1 2", Unsaid),
        ] {
            assert_eq!(number(text, mark), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_json_number_and_any_json_number_is_read(
            text in "[-+$€a-c ]{0,3}[0-9.,' ]{0,9}[ A-C€]{0,4}|.{0,10}",
            cents in any::<i32>(),
        ) {
            for mark in [DecimalMark::Unsaid, DecimalMark::Point, DecimalMark::Comma] {
                if let Some(digits) = number(&text, mark) {
                    prop_assert!(exact_text::json::is_number(&digits), "{} {}", text, digits);
                }
            }
            let plain = format!("{}.{:02}", cents / 100, (cents % 100).abs());
            prop_assert_eq!(number(&plain, DecimalMark::Unsaid), Some(plain.clone()));
            prop_assert_eq!(number(&format!("€{}", plain.replace('.', ",")), DecimalMark::Comma), Some(plain));
        }
    }
}
