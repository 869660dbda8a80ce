//! Amounts of money, added up to the last digit.

use std::fmt;

use exact_text::decimal::Decimal;

/// The decimals that a sum keeps.
pub const DECIMALS: u32 = 12;

/// The digits before the decimal point that an amount may have. With [`DECIMALS`] that makes 30 digits, and DynamoDB's
/// numbers have 38 (Amazon DynamoDB developer guide, "Naming rules and data types"): a hundred million of the largest
/// amounts fit into one sum.
const WHOLE_DIGITS: i64 = 18;

/// One unit, in the last decimal.
const ONE: i128 = 10i128.pow(DECIMALS);

/// An amount, or a sum of amounts: a decimal number with up to 12 decimals, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// An amount that cannot be added up: 1e18 or more, on either side of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount of 1e18 or more")]
pub struct TooLarge;

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// An amount as a producer writes it: a JSON number below 1e18, in any form, rounded half to even to 12 decimals.
    /// Programs that add up binary floats write more of them: 0.30000000000000004.
    ///
    /// # Errors
    /// [`TooLarge`] for an amount of 1e18 or more, and for a text that is not a JSON number.
    pub fn amount(number: &str) -> Result<Self, TooLarge> {
        let Some(decimal) = Decimal::parse(number) else {
            // No JSON number, or one whose exponent has more than 18 digits.
            let is_small =
                exact_text::json::is_number(number) && (number.contains("e-") || number.contains("E-"));
            return if is_small { Ok(Money::ZERO) } else { Err(TooLarge) };
        };
        if decimal.whole_digits() > WHOLE_DIGITS {
            return Err(TooLarge);
        }
        decimal.scaled_and_rounded(DECIMALS).map(Money).ok_or(TooLarge)
    }

    /// A sum as this type or DynamoDB writes it; `None` if it is not a JSON number or does not fit.
    pub fn sum(number: &str) -> Option<Self> {
        Decimal::parse(number)?.scaled(DECIMALS).map(Money)
    }

    /// The sum of both, where it fits: it always does for fewer than a hundred million amounts.
    pub fn checked_add(self, other: Money) -> Option<Self> {
        self.0.checked_add(other.0).map(Money)
    }

    /// Whether it is above zero.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum divided by `count`, to 12 decimals, rounded half to even; `None` for a count of 0.
    pub fn average(self, count: u64) -> Option<Self> {
        let count = i128::from(count);
        let quotient = self.0.checked_div_euclid(count)?;
        // Below 2^64, so that doubling it does not overflow.
        let twice_rest = self.0.checked_rem_euclid(count)? * 2;
        let up = twice_rest > count || (twice_rest == count && quotient % 2 != 0);
        Some(Money(quotient + i128::from(up)))
    }
}

/// A JSON number without an exponent, and without zeros behind the last decimal that counts.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (magnitude, one) = (self.0.unsigned_abs(), ONE.unsigned_abs());
        let (whole, fraction) = (magnitude / one, magnitude % one);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if fraction > 0 {
            let decimals = format!("{fraction:012}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(number: &str) -> Result<String, TooLarge> {
        Money::amount(number).map(|money| money.to_string())
    }

    #[test]
    fn an_amount_is_its_value_in_whatever_form_it_is_written() {
        for (written, value) in [
            ("12.50", "12.5"),
            ("1250e-2", "12.5"),
            ("0.00000125E+7", "12.5"),
            ("-0.10", "-0.1"),
            ("0", "0"),
            ("-0.0e99", "0"),
            ("1E+2", "100"),
            ("0.000000000001", "0.000000000001"),
            ("0.0000000000010000000000", "0.000000000001"),
            ("999999999999999999.999999999999", "999999999999999999.999999999999"),
            ("-999999999999999999.999999999999", "-999999999999999999.999999999999"),
            ("0.00000000000000000000000000000001e32", "1"),
        ] {
            assert_eq!(text(written).as_deref(), Ok(value), "{written}");
        }
    }

    #[test]
    fn an_amount_of_1e18_or_more_is_refused() {
        for written in
            ["1e18", "1000000000000000000", "-1e18", "1e308", "1.5e99999999999999999999", "1 0", "e-1"]
        {
            assert_eq!(text(written), Err(TooLarge), "{written}");
        }
    }

    #[test]
    fn an_amount_is_rounded_half_to_even_in_its_twelfth_decimal() {
        for (written, rounded) in [
            ("0.30000000000000004", "0.3"),
            ("59.970000000000006", "59.970000000000"),
            ("1.1234567890125", "1.123456789012"),
            ("1.1234567890135", "1.123456789014"),
            ("1.12345678901250000000000000000001", "1.123456789013"),
            ("-1.1234567890135", "-1.123456789014"),
            ("0.9999999999995", "1"),
            ("999999999999999999.9999999999999", "1000000000000000000"),
            ("0.0000000000005", "0"),
            ("0.00000000000050000001", "0.000000000001"),
            ("0.0000000000015", "0.000000000002"),
            ("1e-13", "0"),
            ("9e-13", "0.000000000001"),
            ("9e-14", "0"),
            ("5e-324", "0"),
            ("1e-99999999999999999999", "0"),
            ("123456789e-99999999999999999", "0"),
        ] {
            let rounded = Money::sum(rounded).unwrap();
            assert_eq!(Money::amount(written), Ok(rounded), "{written}");
        }
    }

    #[test]
    fn an_average_is_rounded_half_to_even_in_its_twelfth_decimal() {
        let average =
            |sum: &str, count| Money::sum(sum).unwrap().average(count).map(|money| money.to_string());
        assert_eq!(average("10", 4).as_deref(), Some("2.5"));
        assert_eq!(average("10", 3).as_deref(), Some("3.333333333333"));
        assert_eq!(average("20", 3).as_deref(), Some("6.666666666667"));
        for (sum, rounded) in [
            ("0.000000000001", "0"),
            ("0.000000000003", "0.000000000002"),
            ("0.000000000005", "0.000000000002"),
            ("-0.000000000001", "0"),
            ("-0.000000000003", "-0.000000000002"),
        ] {
            assert_eq!(average(sum, 2).as_deref(), Some(rounded), "{sum}");
        }
        assert_eq!(average("1", 0), None);
    }

    #[test]
    fn a_sum_holds_38_digits_and_says_when_it_does_not() {
        let most = Money::sum("99999999999999999999999999.999999999999").unwrap();
        assert_eq!(most.to_string(), "99999999999999999999999999.999999999999");
        assert_eq!(most.checked_add(most), None);
        assert_eq!(Money::sum("1e27"), None);
        assert_eq!(Money::sum("1e-13"), None);
        assert_eq!(Money::sum("many"), None);
    }

    proptest! {
        #[test]
        fn sums_are_exact_to_the_last_digit(amounts in prop::collection::vec((0u64..1_000_000_000_000_000_000, 0u64..1_000_000_000_000), 0..40)) {
            let written = amounts.iter().map(|(whole, fraction)| format!("{whole}.{fraction:012}"));
            let sum = written.map(|text| Money::amount(&text).unwrap()).try_fold(Money::ZERO, Money::checked_add).unwrap();
            // By hand: decimals and whole units apart.
            let fractions: u128 = amounts.iter().map(|&(_, fraction)| u128::from(fraction)).sum();
            let wholes: u128 = amounts.iter().map(|&(whole, _)| u128::from(whole)).sum();
            let (carry, fraction) = (fractions / 1_000_000_000_000, fractions % 1_000_000_000_000);
            let by_hand = format!("{}.{fraction:012}", wholes + carry);
            prop_assert_eq!(Money::sum(&by_hand), Some(sum));
            prop_assert_eq!(Money::sum(&sum.to_string()), Some(sum));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), near in "-?[0-9]{0,33}\\.?[0-9]{0,15}([eE][+-]?[0-9]{0,25})?", count in any::<u64>()) {
            for text in [&text, &near] {
                if let Ok(money) = Money::amount(text) {
                    prop_assert_eq!(Money::amount(&money.to_string()), Ok(money));
                    let _ = money.average(count);
                }
                let _ = Money::sum(text).and_then(|sum| sum.average(count));
            }
        }
    }
}
