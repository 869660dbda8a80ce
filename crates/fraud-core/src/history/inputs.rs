//! The inputs over a history: what is stored of them, and what follows from that.

use crate::inputs::{HistoryInput, InputValue};
use crate::policy::HistorySettings;

/// Seconds of the windows.
const TEN_MINUTES: i64 = 600;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// One unit of an amount.
const UNIT: f64 = 1e4;

/// What a transaction was decided with, as whole numbers: means, ratios and scores follow from them and the policy. Amounts
/// are ten-thousandths; sums are saturated at what an i64 holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryInputs {
    /// The transaction's own amount.
    pub amount: i64,
    /// Whether it is in another currency than the customer's first transaction: then it counts, and its amount does not.
    pub is_foreign: bool,
    /// Earlier transactions of the last ten minutes.
    pub count_10m: u32,
    /// Earlier transactions of the last hour.
    pub count_1h: u32,
    /// Earlier transactions of the last 24 hours.
    pub count_24h: u32,
    /// The sum of the amounts of the last hour.
    pub amount_1h: i64,
    /// The sum of the amounts of the last 24 hours.
    pub amount_24h: i64,
    /// Earlier transactions of the last seven UTC days, today included.
    pub count_7d: u64,
    /// The sum of their amounts.
    pub amount_7d: i64,
    /// Outliers of the last two UTC days.
    pub outliers_2d: u64,
    /// Outliers of the last eight UTC days.
    pub outliers_8d: u64,
    /// Transactions of this epoch week and the seven before whose amounts make up the mean.
    pub mean_count: u64,
    /// The sum of their amounts.
    pub mean_sum: i64,
    /// Seconds since the newest earlier event time.
    pub seconds_since_last: Option<u64>,
    /// Days since the first event time.
    pub days_known: Option<u64>,
    /// Whether the merchant is not among those remembered; `None` without a merchant.
    pub new_merchant: Option<bool>,
}

impl HistoryInputs {
    /// The mean amount of the last eight weeks, with two transactions of the policy's `prior_mean_amount` added, rounded to three
    /// decimals.
    pub fn mean_amount(&self, settings: HistorySettings) -> f64 {
        rounded(self.mean(settings))
    }

    /// The amount over the mean, rounded to three decimals; `None` for a transaction in another currency.
    pub fn amount_ratio(&self, settings: HistorySettings) -> Option<f64> {
        let ratio = (number(self.amount) / UNIT) / self.mean(settings);
        (!self.is_foreign).then(|| rounded(ratio))
    }

    /// Whether the amount is an outlier for the customer.
    pub fn is_outlier(&self, settings: HistorySettings) -> bool {
        self.amount_ratio(settings).is_some_and(|ratio| ratio >= settings.outlier_ratio)
    }

    /// The value of an input.
    pub(crate) fn value(&self, input: HistoryInput, settings: HistorySettings) -> InputValue<'static> {
        let amount = |sum| InputValue::Number(number(sum) / UNIT);
        let optional = |value: Option<f64>| value.map_or(InputValue::None, InputValue::Number);
        match input {
            HistoryInput::Count10m => InputValue::Number(self.count_10m.into()),
            HistoryInput::Count1h => InputValue::Number(self.count_1h.into()),
            HistoryInput::Count24h => InputValue::Number(self.count_24h.into()),
            HistoryInput::Amount1h => amount(self.amount_1h),
            HistoryInput::Amount24h => amount(self.amount_24h),
            HistoryInput::Count7d => InputValue::Number(whole(self.count_7d)),
            HistoryInput::Amount7d => amount(self.amount_7d),
            HistoryInput::Outliers2d => InputValue::Number(whole(self.outliers_2d)),
            HistoryInput::Outliers8d => InputValue::Number(whole(self.outliers_8d)),
            HistoryInput::MeanAmount => InputValue::Number(self.mean_amount(settings)),
            HistoryInput::AmountRatio => optional(self.amount_ratio(settings)),
            HistoryInput::SecondsSinceLast => optional(self.seconds_since_last.map(whole)),
            HistoryInput::DaysKnown => optional(self.days_known.map(whole)),
            HistoryInput::NewMerchant => self.new_merchant.map_or(InputValue::None, InputValue::Truth),
        }
    }

    /// Adds an earlier transaction that is this many seconds older.
    pub(super) fn add_recent(&mut self, age: i64, amount: i64) {
        let within = |window| u32::from((0..window).contains(&age));
        self.count_10m += within(TEN_MINUTES);
        self.count_1h += within(HOUR);
        self.count_24h += within(DAY);
        if within(HOUR) == 1 {
            self.amount_1h = self.amount_1h.saturating_add(amount);
        }
        if within(DAY) == 1 {
            self.amount_24h = self.amount_24h.saturating_add(amount);
        }
    }

    /// The amount as sums take it.
    pub(super) fn counted_amount(&self) -> i64 {
        if self.is_foreign { 0 } else { self.amount }
    }

    fn mean(&self, settings: HistorySettings) -> f64 {
        (number(self.mean_sum) / UNIT + 2.0 * settings.prior_mean_amount) / (whole(self.mean_count) + 2.0)
    }
}

/// The nearest f64. Below 900 billion units of money nothing is lost.
#[expect(clippy::cast_precision_loss)]
fn number(amount: i64) -> f64 {
    amount as f64
}

/// The nearest f64: a count of what one customer did is exact.
#[expect(clippy::cast_precision_loss)]
fn whole(count: u64) -> f64 {
    count as f64
}

/// Rounded to three decimals, half to even: the number as it is, not its shortest text.
pub(crate) fn rounded(number: f64) -> f64 {
    let thousandths = number * 1e3;
    // Where the product may be on the wrong side of a half, or is not exact to a tenth, the digits decide.
    let is_doubtful = (thousandths.fract().abs() - 0.5).abs() < 1e-4 || thousandths.abs() > 1e11;
    if is_doubtful {
        return format!("{number:.3}").parse().unwrap_or(number);
    }
    thousandths.round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTINGS: HistorySettings =
        HistorySettings { prior_mean_amount: 53.6, outlier_ratio: 2.2, ordinary_below: 200.0 };

    #[test]
    fn a_number_is_rounded_to_three_decimals_as_python_rounds_it() {
        // Python: round(x, 3)
        for (number, expected) in [
            (0.0005, 0.001),
            (0.0015, 0.002),
            (2.0005, 2.001),
            (1.0005, 1.0),
            (2.5, 2.5),
            (0.0625, 0.062),
            (0.1875, 0.188),
            (-0.0625, -0.062),
            (1e300, 1e300),
            (123_456_789_012.345_6, 123_456_789_012.346),
        ] {
            assert_eq!(rounded(number), expected, "{number}");
        }
    }

    #[test]
    fn the_mean_begins_with_the_policys_and_the_ratio_is_over_it() {
        let inputs = HistoryInputs { amount: 1_000_000, ..HistoryInputs::default() };
        assert_eq!(inputs.mean_amount(SETTINGS), 53.6);
        assert_eq!(inputs.amount_ratio(SETTINGS), Some(1.866));
        let inputs = HistoryInputs { mean_count: 2, mean_sum: 400_000, ..inputs };
        assert_eq!(inputs.mean_amount(SETTINGS), 36.8);
        assert_eq!(inputs.amount_ratio(SETTINGS), Some(2.717));
        assert!(inputs.is_outlier(SETTINGS));
        let foreign = HistoryInputs { is_foreign: true, ..inputs };
        assert_eq!((foreign.amount_ratio(SETTINGS), foreign.is_outlier(SETTINGS)), (None, false));
    }

    proptest! {
        #[test]
        fn rounding_gives_the_digits_that_formatting_gives(number in prop_oneof![
            any::<f64>().prop_filter("finite", |number| number.is_finite()),
            -1e6..1e6f64,
            (-1_000_000..1_000_000i32).prop_map(|half| f64::from(half) / 2000.0),
        ]) {
            prop_assert_eq!(rounded(number), format!("{number:.3}").parse::<f64>().unwrap());
        }
    }
}
