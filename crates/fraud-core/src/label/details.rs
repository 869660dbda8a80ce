//! What alerts and scored lines know of a label's transaction.

use std::borrow::Cow;

use exact_text::json::{JsonError, Scanner, Value};
use exact_text::timestamp::Timestamp;
use exact_text::written_time;

use super::Details;
use crate::alert::Alert;
use crate::history::counted_second;
use crate::inputs::{HistoryInput, Input};
use crate::policy::HistorySettings;
use crate::record::ScoredLine;
use crate::transaction::{TimeField, Transaction};

/// Deeper than a decision's inputs are.
const MAX_DEPTH: usize = 4;

impl Details {
    /// What an alert tells of its transaction: the second in which it [counts](counted_second) for its event time, and whether
    /// it is an outlier if its inputs and the policy's `[history]` say so.
    pub fn of_alert(alert: &Alert, settings: Option<HistorySettings>) -> Self {
        let event_time = match alert.event_time.as_deref().and_then(written_time::parse) {
            Some(time) => TimeField::Known(time, "".into()),
            None => TimeField::Missing,
        };
        let inputs = alert.evidence.as_ref().map(|evidence| evidence.inputs.as_str());
        Details {
            merchant_id: alert.merchant_id.clone(),
            event_time: Some(second(counted_second(&event_time, alert.arrival.millis()))),
            amount: Some(alert.transaction_amount.clone()),
            outlier: inputs.and_then(|inputs| outlier(inputs, settings)),
        }
    }

    /// What a scored line tells of its transaction, in the same way.
    pub fn of_line(line: &ScoredLine<'_>, settings: Option<HistorySettings>) -> Self {
        let outlier = line.inputs().and_then(|inputs| outlier(&inputs, settings));
        Self::of_transaction(&line.transaction, line.arrival, outlier)
    }

    /// What a transaction that arrived at `arrival` tells of itself, beside whether it is an outlier.
    pub fn of_transaction(transaction: &Transaction<'_>, arrival: Timestamp, outlier: Option<bool>) -> Self {
        Details {
            merchant_id: transaction.merchant().map(Cow::into_owned),
            event_time: Some(second(counted_second(&transaction.event_time, arrival.millis()))),
            amount: Some(transaction.amount.digits.clone().into_owned()),
            outlier,
        }
    }
}

/// A second since the epoch as the text of a time; before the epoch there is none, so that the first one stands for them.
fn second(second: i64) -> String {
    second.max(0).to_string()
}

/// Whether the inputs of a decision say that the amount is an outlier; `None` if they do not tell.
fn outlier(inputs: &str, settings: Option<HistorySettings>) -> Option<bool> {
    let name = Input::History(HistoryInput::AmountRatio).name();
    let mut ratio = None;
    let read = Scanner::new(inputs, MAX_DEPTH).object(|key, scanner| {
        if let (Value::Number(digits), true) = (scanner.value()?, key.raw() == name) {
            ratio = digits.parse::<f64>().ok();
        }
        Ok::<_, JsonError>(())
    });
    read.ok()?;
    Some(ratio? >= settings?.outlier_ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Option<HistorySettings> =
        Some(HistorySettings { prior_mean_amount: 50.0, outlier_ratio: 2.0, ordinary_below: 200.0 });

    fn of_line(event_time: &str, inputs: &str) -> Details {
        let line = format!(
            r#"{{"customer_id":"C1","transaction_id":"T1","merchant_id":7,"amount":12.50,"event_time":"{event_time}","ingested_at":"2026-01-15T12:00:00.000Z","fraud_inputs":{inputs}}}"#
        );
        let reading = crate::transaction::PLAIN.clone();
        Details::of_line(&ScoredLine::read(&reading, line.as_bytes()).unwrap(), SETTINGS)
    }

    #[test]
    fn a_line_tells_merchant_amount_and_the_second_in_which_it_counts() {
        let details = of_line("2026-01-15T09:00:00+01:00", "null");
        assert_eq!(details.merchant_id.as_deref(), Some("7"));
        assert_eq!(details.amount.as_deref(), Some("12.50"));
        assert_eq!(details.event_time.as_deref(), Some("1768464000"));
        assert!(details.are_complete() && details.outlier.is_none());
        // A year ago is a wrong clock: the arrival counts.
        assert_eq!(of_line("2025-01-15T09:00:00Z", "null").event_time.as_deref(), Some("1768478400"));
    }

    #[test]
    fn the_inputs_of_a_decision_tell_an_outlier() {
        let outlier = |inputs: &str| of_line("2026-01-15T09:00:00Z", inputs).outlier;
        assert_eq!(outlier(r#""{\"amount\":1,\"history.amount_ratio\":2}""#), Some(true));
        assert_eq!(outlier(r#""{\"history.amount_ratio\":1.999}""#), Some(false));
        assert_eq!(outlier(r#""{\"amount\":1}""#), None);
        assert_eq!(outlier("\"[]\""), None);
        assert_eq!(super::outlier(r#"{"history.amount_ratio":2}"#, None), None);
    }
}
