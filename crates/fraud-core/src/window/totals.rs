//! What a customer's window comes to.

use super::Window;
use crate::money::Money;
use exact_text::json::ObjectWriter;

/// The count and the sum of a customer's transactions in a window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowTotals {
    /// The customer.
    pub customer_id: String,
    /// The window.
    pub window: Window,
    /// How many transactions counted.
    pub event_count: u64,
    /// Their amounts' sum.
    pub total_amount: Money,
    /// Whether the sum holds the amount of every one of them: one of 1e18 or more is counted and not added up.
    pub sum_complete: bool,
    /// Whether every one of them is remembered, so that none can be counted twice.
    pub dedup_complete: bool,
}

impl WindowTotals {
    /// Whether count and sum are those of the distinct transactions, to the last digit.
    pub fn is_exact(&self) -> bool {
        self.sum_complete && self.dedup_complete
    }

    /// The sum divided by the count, to 12 decimals, rounded half to even; zero where nothing counted.
    pub fn avg_amount(&self) -> Money {
        self.total_amount.average(self.event_count).unwrap_or(Money::ZERO)
    }

    /// The totals as one line, a JSON object with the members `customer_id`, `event_count`, `total_amount`, `avg_amount`
    /// (numbers with all their digits, see [`avg_amount`](Self::avg_amount)), `event_window_start`, `event_window_end`
    /// (RFC 3339 in UTC; the end is not part of the window), `sum_complete` and `dedup_complete`.
    pub fn to_json(&self) -> String {
        let mut line = ObjectWriter::new();
        line.text("customer_id", &self.customer_id)
            .json("event_count", &self.event_count.to_string())
            .json("total_amount", &self.total_amount.to_string())
            .json("avg_amount", &self.avg_amount().to_string())
            .text("event_window_start", &self.window.start().to_string())
            .text("event_window_end", &self.window.end().to_string())
            .bool("sum_complete", self.sum_complete)
            .bool("dedup_complete", self.dedup_complete);
        line.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn totals_are_one_line_with_all_their_digits() {
        let totals = WindowTotals {
            customer_id: "C\n1".to_owned(),
            window: Window::containing(arrival(301), rule().seconds),
            event_count: 3,
            total_amount: Money::sum("100000000000000000000.000000000001").unwrap(),
            sum_complete: true,
            dedup_complete: true,
        };
        let expected = concat!(
            r#"{"customer_id":"C\n1","event_count":3,"total_amount":100000000000000000000.000000000001,"#,
            r#""avg_amount":33333333333333333333.333333333334,"event_window_start":"2024-01-15T03:05:00.000Z","#,
            r#""event_window_end":"2024-01-15T03:10:00.000Z","sum_complete":true,"dedup_complete":true}"#,
        );
        assert_eq!(totals.to_json(), expected);
        let nothing = WindowTotals { event_count: 0, total_amount: Money::ZERO, ..totals };
        assert_eq!(nothing.avg_amount(), Money::ZERO);
    }
}
