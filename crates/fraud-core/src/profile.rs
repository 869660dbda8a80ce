//! A customer's profile, and what it adds to a record.

use std::borrow::Cow;

use crate::fields;
use crate::json::{Scanner, is_number, push_escaped};

/// The risk of a customer whose profile names none.
const DEFAULT_RISK_SCORE: &str = "0.5";

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

/// A customer's profile, ready to be written into records.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    risk_score: f64,
    is_valid: bool,
    members: Box<str>,
}

impl Profile {
    /// Builds a profile from its stored attributes. A missing one takes its default: segment `unknown`, lifetime value
    /// 0, risk score 0.5. One that cannot be used (of another type; a risk outside 0 to 1; digits that JSON cannot
    /// write) counts as missing, and makes the profile invalid. Digits are kept as they are.
    pub fn new(segment: Attribute<'_>, lifetime_value: Attribute<'_>, risk_score: Attribute<'_>) -> Self {
        let mut is_valid = true;
        let segment = match segment {
            Attribute::Text(text) => text,
            other => default_for(other, "unknown", &mut is_valid),
        };
        let lifetime_value = match lifetime_value {
            Attribute::Number(digits) if is_number(digits) => digits,
            other => default_for(other, "0", &mut is_valid),
        };
        let risk_score = match risk_score {
            Attribute::Number(digits) if is_number(digits) && is_risk(digits) => digits,
            other => default_for(other, DEFAULT_RISK_SCORE, &mut is_valid),
        };
        Profile {
            // Checked above to be a number.
            risk_score: risk_score.parse().unwrap_or(f64::NAN),
            is_valid,
            members: members(segment, lifetime_value, risk_score),
        }
    }

    /// The customer's risk, 0 to 1.
    pub fn risk_score(&self) -> f64 {
        self.risk_score
    }

    /// Whether every stored attribute could be used.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// The customer's segment, `unknown` where the profile names none.
    pub fn segment(&self) -> Cow<'_, str> {
        // Read out of the members when it is asked for: only alerts do, and profiles are many.
        let first = self.members.find(':').and_then(|colon| self.members.get(colon + 1..));
        let segment = first.and_then(|value| Scanner::new(value, 0).value().ok()?.as_str());
        segment.unwrap_or_default()
    }

    /// The three customer fields as JSON members, without braces.
    pub fn members(&self) -> &str {
        &self.members
    }
}

/// The default; an attribute that is there but could not be used marks the profile.
fn default_for<'a>(attribute: Attribute<'_>, default: &'a str, is_valid: &mut bool) -> &'a str {
    *is_valid &= attribute == Attribute::Missing;
    default
}

fn is_risk(digits: &str) -> bool {
    digits.parse::<f64>().is_ok_and(|risk| (0.0..=1.0).contains(&risk))
}

fn members(segment: &str, lifetime_value: &str, risk_score: &str) -> Box<str> {
    let mut escaped = Vec::with_capacity(segment.len());
    push_escaped(&mut escaped, segment);
    let segment = String::from_utf8_lossy(&escaped);
    format!(
        r#""{}":"{segment}","{}":{lifetime_value},"{}":{risk_score}"#,
        fields::CUSTOMER_SEGMENT,
        fields::CUSTOMER_LIFETIME_VALUE,
        fields::CUSTOMER_RISK_SCORE,
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::Attribute::{Missing, Number, Other, Text};
    use super::*;

    #[test]
    fn the_stores_digits_are_kept() {
        let profile =
            Profile::new(Text("gold \"A\""), Number("12345678901234567890.123456789"), Number("0.90"));
        assert_eq!(
            profile.members(),
            r#""customer_segment":"gold \"A\"","customer_lifetime_value":12345678901234567890.123456789,"customer_risk_score":0.90"#
        );
        assert_eq!((&*profile.segment(), profile.risk_score()), ("gold \"A\"", 0.9));
        assert!(profile.is_valid());
    }

    #[test]
    fn an_empty_profile_is_valid_and_takes_every_default() {
        let profile = Profile::new(Missing, Missing, Missing);
        assert_eq!(
            profile.members(),
            r#""customer_segment":"unknown","customer_lifetime_value":0,"customer_risk_score":0.5"#
        );
        assert_eq!((&*profile.segment(), profile.risk_score()), ("unknown", 0.5));
        assert!(profile.is_valid());
    }

    #[test]
    fn a_risk_that_is_none_counts_as_missing_and_is_told() {
        for risk in [
            Text("0.9"),
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
            assert_eq!((profile.risk_score(), profile.is_valid()), (0.5, false), "{risk:?}");
        }
        for risk in ["0", "1", "-0", "1E0", "0.99999999999999999999", "5e-324"] {
            assert!(Profile::new(Missing, Missing, Number(risk)).is_valid(), "{risk}");
        }
    }

    #[test]
    fn other_attributes_of_a_wrong_type_are_told_too() {
        assert!(!Profile::new(Number("1"), Missing, Missing).is_valid());
        assert!(!Profile::new(Missing, Text("1"), Missing).is_valid());
        assert!(!Profile::new(Other, Missing, Missing).is_valid());
    }
}
