//! A customer's profile, and what it adds to a record.

use std::borrow::Cow;

use crate::fields;
use exact_text::json::{Scanner, is_number, push_escaped};
use memchr::memchr2;

/// The most characters of a segment. With the bound on digits it bounds what one profile adds to a record, so that no
/// record takes the room of others.
pub const MAX_SEGMENT_LENGTH: usize = 256;

/// The most digits, signs and points of a profile's number. DynamoDB's have at most 38 digits and an exponent.
const MAX_NUMBER_LENGTH: usize = 64;

/// Where the segment begins in a profile's members: behind `"customer_segment":"`.
const SEGMENT_AT: usize = fields::CUSTOMER_SEGMENT.len() + 4;

/// One attribute as a profile store holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// The profile has no such attribute.
    Missing,
    /// A text.
    Text(&'a str),
    /// A number's digits, as the store wrote them.
    Number(&'a str),
    /// A value of any other type.
    Other,
}

/// What can be used of a profile's attributes; defaults stand for what cannot, but for the risk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usable<'a> {
    pub(crate) segment: &'a str,
    /// A JSON number.
    lifetime_value: &'a str,
    /// A JSON number, and its value.
    risk: Option<(&'a str, f64)>,
    /// Whether every attribute could be used.
    pub(crate) is_valid: bool,
}

/// A customer's profile, ready to be written into records.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    risk_score: Option<f64>,
    is_valid: bool,
    /// The three customer fields as JSON members without braces. Without a risk score they end behind its colon.
    members: Box<str>,
}

impl Profile {
    /// Builds a profile from its stored attributes. A missing one takes its default: segment `unknown`, lifetime value
    /// 0, and as risk score the policy's `default_risk`. Numbers may be stored as text. An attribute that cannot be used
    /// counts as missing and makes the profile invalid: one of another type, a segment of more than 256 characters, a
    /// risk outside 0 to 1, digits that JSON cannot write. Digits are kept as they are.
    pub fn new(segment: Attribute<'_>, lifetime_value: Attribute<'_>, risk_score: Attribute<'_>) -> Self {
        let usable = Usable::of(segment, lifetime_value, risk_score);
        Profile {
            risk_score: usable.risk_score(),
            is_valid: usable.is_valid,
            members: members(
                usable.segment,
                usable.lifetime_value,
                usable.risk.map_or("", |(digits, _)| digits),
            ),
        }
    }

    /// The customer's risk, 0 to 1, if the profile has one that can be used.
    pub fn risk_score(&self) -> Option<f64> {
        self.risk_score
    }

    /// Reads what decisions read of it, and gives a number that is made of it; as [`History::touch`](crate::history::History::touch).
    pub fn touch(&self) -> usize {
        usize::from(self.risk_score.is_some()) + self.members.bytes().nth(SEGMENT_AT).map_or(0, usize::from)
    }

    /// Whether every stored attribute could be used.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// The customer's segment, `unknown` if the profile names none.
    pub fn segment(&self) -> Cow<'_, str> {
        // Read out of the members when it is asked for: few policies do, and profiles are many.
        let segment = self.members.get(SEGMENT_AT..).unwrap_or_default();
        match memchr2(b'"', b'\\', segment.as_bytes()).map(|at| segment.split_at(at)) {
            Some((plain, end)) if end.starts_with('"') => Cow::Borrowed(plain),
            _ => {
                let quoted = self.members.get(SEGMENT_AT - 1..).unwrap_or_default();
                Scanner::new(quoted, 0).value().ok().and_then(|value| value.as_str()).unwrap_or_default()
            }
        }
    }

    /// The customer's lifetime value, 0 if the profile has none; `None` for one beyond f64's.
    pub fn lifetime_value(&self) -> Option<f64> {
        // The member before the last. Neither number holds a comma or a colon.
        let (members, _risk) = self.members.rsplit_once(',')?;
        let (_, digits) = members.rsplit_once(':')?;
        finite(digits)
    }

    /// Appends the three customer fields as JSON members, without braces. `default_risk` is what the policy takes for a
    /// customer without a risk score: a JSON number.
    #[inline]
    pub fn write_members(&self, default_risk: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.members.as_bytes());
        if self.risk_score.is_none() {
            out.extend_from_slice(default_risk.as_bytes());
        }
    }

    /// The three customer fields as JSON members: what [`of_members`](Self::of_members) reads.
    pub(crate) fn members(&self) -> &str {
        &self.members
    }

    /// The profile of members that were kept, and of whether each stored attribute could be used; `None` for other text.
    pub(crate) fn of_members(members: &str, is_valid: bool) -> Option<Self> {
        let (before, risk) = members.rsplit_once(':')?;
        let (before, _) = before.rsplit_once(',')?;
        let (segment, value) = before.rsplit_once(',')?;
        let (_, value) = value.split_once(':')?;
        let segment = Scanner::new(segment.get(SEGMENT_AT - 1..)?, 0).value().ok()?.as_str()?.into_owned();
        let attribute =
            |digits| if str::is_empty(digits) { Attribute::Missing } else { Attribute::Number(digits) };
        let profile = Profile::new(Attribute::Text(&segment), attribute(value), attribute(risk));
        (*profile.members == *members).then_some(Profile { is_valid, ..profile })
    }

    /// The same, some of whose stored attributes could not be used.
    pub(crate) fn invalid(self) -> Self {
        Profile { is_valid: false, ..self }
    }

    /// The memory that the profile takes, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.members.len()
    }
}

impl<'a> Usable<'a> {
    /// What can be used of these attributes, by the rules of [`Profile::new`].
    pub(crate) fn of(
        segment: Attribute<'a>,
        lifetime_value: Attribute<'a>,
        risk_score: Attribute<'a>,
    ) -> Self {
        let text = match segment {
            Attribute::Text(text) if has_at_most(text, MAX_SEGMENT_LENGTH) => Some(text),
            _ => None,
        };
        let value = digits(lifetime_value);
        let risk = digits(risk_score).and_then(|digits| Some((digits, risk(digits)?)));
        let usable = |attribute, is_used: bool| is_used || attribute == Attribute::Missing;
        Usable {
            segment: text.unwrap_or("unknown"),
            lifetime_value: value.unwrap_or("0"),
            risk,
            is_valid: usable(segment, text.is_some())
                && usable(lifetime_value, value.is_some())
                && usable(risk_score, risk.is_some()),
        }
    }

    /// As [`Profile::risk_score`].
    pub(crate) fn risk_score(&self) -> Option<f64> {
        self.risk.map(|(_, risk)| risk)
    }

    /// As [`Profile::lifetime_value`].
    pub(crate) fn lifetime_value(&self) -> Option<f64> {
        finite(self.lifetime_value)
    }
}

/// Whether a text has at most this many characters. None has more of them than bytes.
fn has_at_most(text: &str, characters: usize) -> bool {
    text.len() <= characters || text.chars().nth(characters).is_none()
}

fn finite(digits: &str) -> Option<f64> {
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number's digits, be it stored as a number or as text.
fn digits(attribute: Attribute<'_>) -> Option<&str> {
    let digits = match attribute {
        Attribute::Number(digits) => digits,
        Attribute::Text(text) => text.trim_ascii(),
        Attribute::Missing | Attribute::Other => return None,
    };
    (digits.len() <= MAX_NUMBER_LENGTH && is_number(digits)).then_some(digits)
}

fn risk(digits: &str) -> Option<f64> {
    digits.parse().ok().filter(|risk| (0.0..=1.0).contains(risk))
}

fn members(segment: &str, lifetime_value: &str, risk_score: &str) -> Box<str> {
    const NAMES: usize = r#""":"","":,"":"#.len()
        + fields::CUSTOMER_SEGMENT.len()
        + fields::CUSTOMER_LIFETIME_VALUE.len()
        + fields::CUSTOMER_RISK_SCORE.len();
    let mut members = Vec::with_capacity(NAMES + segment.len() + lifetime_value.len() + risk_score.len());
    for piece in ["\"", fields::CUSTOMER_SEGMENT, "\":\""] {
        members.extend_from_slice(piece.as_bytes());
    }
    push_escaped(&mut members, segment);
    for piece in [
        "\",\"",
        fields::CUSTOMER_LIFETIME_VALUE,
        "\":",
        lifetime_value,
        ",\"",
        fields::CUSTOMER_RISK_SCORE,
        "\":",
        risk_score,
    ] {
        members.extend_from_slice(piece.as_bytes());
    }
    // Nothing but text was written.
    String::from_utf8(members).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::Attribute::{Missing, Number, Other, Text};
    use super::*;

    fn members(profile: &Profile) -> String {
        let mut out = Vec::new();
        profile.write_members("0.25", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_stores_digits_are_kept() {
        let profile =
            Profile::new(Text("gold \"A\""), Number("12345678901234567890.123456789"), Number("0.90"));
        assert_eq!(
            members(&profile),
            r#""customer_segment":"gold \"A\"","customer_lifetime_value":12345678901234567890.123456789,"customer_risk_score":0.90"#
        );
        assert_eq!((&*profile.segment(), profile.risk_score()), ("gold \"A\"", Some(0.9)));
        assert_eq!(profile.lifetime_value(), Some(12345678901234567890.123456789));
        assert!(profile.is_valid());
    }

    #[test]
    fn an_empty_profile_is_valid_and_takes_every_default() {
        let profile = Profile::new(Missing, Missing, Missing);
        assert_eq!(
            members(&profile),
            r#""customer_segment":"unknown","customer_lifetime_value":0,"customer_risk_score":0.25"#
        );
        assert_eq!((&*profile.segment(), profile.risk_score()), ("unknown", None));
        assert_eq!(profile.lifetime_value(), Some(0.0));
        assert!(profile.is_valid());
    }

    #[test]
    fn numbers_are_taken_from_text_too() {
        let profile = Profile::new(Missing, Text("1234.50"), Text(" 0.90 "));
        assert_eq!(
            members(&profile),
            r#""customer_segment":"unknown","customer_lifetime_value":1234.50,"customer_risk_score":0.90"#
        );
        assert_eq!((profile.risk_score(), profile.is_valid()), (Some(0.9), true));
    }

    #[test]
    fn a_risk_that_cannot_be_used_counts_as_the_policys_default_and_makes_the_profile_invalid() {
        for risk in [
            Text("high"),
            Text("1.5"),
            Text("0,9"),
            Text(""),
            Other,
            Number("1.01"),
            Number("-0.1"),
            Number("1e400"),
            Number("-1e-300"),
            Number("NaN"),
            Number("inf"),
            Number("+0.5"),
            Number(".5"),
            Number(""),
        ] {
            let profile = Profile::new(Missing, Missing, risk);
            assert_eq!((profile.risk_score(), profile.is_valid()), (None, false), "{risk:?}");
            assert!(members(&profile).ends_with(r#""customer_risk_score":0.25"#), "{risk:?}");
        }
        for risk in ["0", "1", "-0", "1E0", "0.99999999999999999999", "5e-324"] {
            assert!(Profile::new(Missing, Missing, Number(risk)).is_valid(), "{risk}");
        }
    }

    #[test]
    fn other_attributes_of_a_wrong_type_are_told_too() {
        assert!(!Profile::new(Number("1"), Missing, Missing).is_valid());
        assert!(!Profile::new(Missing, Text("many"), Missing).is_valid());
        assert!(!Profile::new(Other, Missing, Missing).is_valid());
    }

    #[test]
    fn what_a_profile_adds_to_a_record_is_bounded() {
        let longest = "\u{1}".repeat(MAX_SEGMENT_LENGTH);
        let digits = format!("0.{}", "1".repeat(MAX_NUMBER_LENGTH - 2));
        let profile = Profile::new(Text(&longest), Number(&digits), Number(&digits));
        assert!(profile.is_valid());
        assert_eq!(profile.segment(), longest);
        assert_eq!(profile.size(), size_of::<Profile>() + members(&profile).len());
        assert!(members(&profile).len() < 1_800);
        let longer = format!("{longest}a");
        let profile = Profile::new(Text(&longer), Number("1"), Number("1"));
        assert_eq!((&*profile.segment(), profile.is_valid()), ("unknown", false));
        let digits = format!("{digits}1");
        assert!(!Profile::new(Missing, Number(&digits), Missing).is_valid());
        assert!(!Profile::new(Missing, Missing, Number(&digits)).is_valid());
    }
}
