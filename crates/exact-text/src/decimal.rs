//! Decimal numbers as they are written, compared exactly.

use std::fmt;

/// A JSON number's value: `digits × 10^exponent`. Two texts of one number are equal, such as `1.50` and `15e-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Without leading or trailing zeros; empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Takes a number apart. `None` for a text that is not a JSON number, and for an exponent beyond 18 digits on anything
    /// but zero.
    pub fn parse(number: &str) -> Option<Self> {
        if !crate::json::is_number(number) {
            return None;
        }
        let (negative, unsigned) = match number.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, number),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = String::with_capacity(mantissa.len());
        digits.push_str(whole.trim_start_matches('0'));
        digits.push_str(if digits.is_empty() { fraction.trim_start_matches('0') } else { fraction });
        let significant = digits.len();
        digits.truncate(digits.trim_end_matches('0').len());
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        let length = |length: usize| i64::try_from(length).ok();
        let exponent = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub(length(fraction.len())?)?
            .checked_add(length(significant - digits.len())?)?;
        Some(Decimal { negative, digits, exponent })
    }

    /// The one text of all those that write this number: `-123e-2`.
    pub fn text(&self) -> String {
        const LONGEST_REST: usize = "-e-9223372036854775808".len();
        let mut text = String::with_capacity(self.digits.len() + LONGEST_REST);
        text.push_str(if self.negative { "-" } else { "" });
        text.push_str(if self.digits.is_empty() { "0" } else { &self.digits });
        text.push('e');
        match u8::try_from(self.exponent.unsigned_abs()) {
            Ok(digit @ 0..=9) => {
                text.push_str(if self.exponent < 0 { "-" } else { "" });
                text.push(char::from(b'0' + digit));
            }
            _ => text.push_str(&self.exponent.to_string()),
        }
        text
    }

    /// The power of ten of the last digit that is not zero; 0 for zero.
    pub fn exponent(&self) -> i64 {
        self.exponent
    }

    /// How many digits are before the decimal point; 0 or fewer for a number below one.
    pub fn whole_digits(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX))
    }

    /// The number times ten to the power of `places`, where that is an integer that fits.
    pub fn scaled(&self, places: u32) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent.checked_add(i64::from(places))?).ok()?;
        let digits: i128 = self.digits.parse().ok()?;
        let magnitude = digits.checked_mul(10i128.checked_pow(zeros)?)?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The number times ten to the power of `places`, without what is then behind the point, if that fits.
    pub fn scaled_and_cut(&self, places: u32) -> Option<i128> {
        let zeros = self.exponent.saturating_add(i64::from(places));
        if zeros >= 0 {
            return self.scaled(places);
        }
        let kept = i64::try_from(self.digits.len()).ok()?.saturating_add(zeros);
        let kept = usize::try_from(kept).ok().and_then(|kept| self.digits.get(..kept)).unwrap_or_default();
        let magnitude: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The number times ten to the power of `places`, rounded half to even to an integer, if that fits.
    pub fn scaled_and_rounded(&self, places: u32) -> Option<i128> {
        let zeros = self.exponent.saturating_add(i64::from(places));
        if zeros >= 0 {
            return self.scaled(places);
        }
        // The last digits are behind the point: `kept` stays, `cut` decides the rounding. It ends in another digit than 0.
        let length = i64::try_from(self.digits.len()).ok()?;
        let kept = usize::try_from(length.saturating_add(zeros)).ok();
        let (kept, cut) = match kept {
            Some(kept) => self.digits.split_at_checked(kept)?,
            // A number far below a half.
            None => ("", "0"),
        };
        let floor: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        let up = match cut.as_bytes() {
            [b'5'] => floor % 2 != 0,
            [first, ..] => *first >= b'5',
            [] => false,
        };
        let magnitude = floor.checked_add(i128::from(up))?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

/// The [text](Decimal::text).
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Whether a JSON number is above zero, however small or large it is.
pub fn is_positive(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    !number.starts_with('-') && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether two texts write one number. Texts that cannot be compared do if they are the same text.
    fn same_number(a: &str, b: &str) -> bool {
        a == b || Decimal::parse(a).is_some_and(|a| Some(a) == Decimal::parse(b))
    }

    #[test]
    fn one_number_in_many_forms_is_one_number() {
        for (a, b) in [
            ("1.50", "15e-1"),
            ("100", "1E+2"),
            ("0", "-0.000e99999999999999999999"),
            ("-12.30", "-0.1230e2"),
            ("10000000000000000000000000000001", "10000000000000000000000000000001.0"),
            ("1e-99999999999999999999", "1e-99999999999999999999"),
        ] {
            assert!(same_number(a, b), "{a} {b}");
        }
    }

    #[test]
    fn numbers_that_differ_only_beyond_a_floats_precision_differ() {
        for (a, b) in [
            ("10000000000000000000000000000001", "10000000000000000000000000000002"),
            ("0.1", "0.1000000000000000000000000001"),
            ("5", "-5"),
            ("1", "10"),
            ("one", "1"),
        ] {
            assert!(!same_number(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_number_is_cut_where_it_is_told_to() {
        let cut = |number: &str, places| Decimal::parse(number).unwrap().scaled_and_cut(places);
        for (number, places, expected) in [
            ("1705287600.0019", 3, Some(1_705_287_600_001)),
            ("1.7052876e9", 3, Some(1_705_287_600_000)),
            ("-1.9", 0, Some(-1)),
            ("0.9", 0, Some(0)),
            ("9e-30", 3, Some(0)),
            ("9e-999999999999999999", 3, Some(0)),
            ("0", 3, Some(0)),
            ("1e40", 0, None),
        ] {
            assert_eq!(cut(number, places), expected, "{number}");
        }
    }

    proptest! {
        #[test]
        fn integers_shifted_by_any_power_of_ten_stay_themselves(number in any::<i64>(), shift in 0usize..20) {
            let zeros = "0".repeat(shift);
            let plain = number.to_string();
            let exponent = format!("{number}{zeros}e-{shift}");
            let fraction = format!("{number}.0{zeros}");
            prop_assert!(same_number(&plain, &exponent));
            prop_assert!(same_number(&plain, &fraction));
            let canonical = Decimal::parse(&plain).unwrap().to_string();
            prop_assert_eq!(&Decimal::parse(&exponent).unwrap().to_string(), &canonical);
            prop_assert!(same_number(&canonical, &plain));
            let other = number.wrapping_add(1).to_string();
            prop_assert!(!same_number(&other, &exponent));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), near in "-?[0-9]{0,3}\\.?[0-9]{0,3}[eE]?[+-]?[0-9]{0,25}") {
            let _ = (Decimal::parse(&text), Decimal::parse(&near));
        }
    }
}
