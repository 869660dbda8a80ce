//! The variables of the function that keeps aggregates.

use fraud_core::window::WindowTime;

use super::super::{AggregateSinkTarget, AggregatesTarget, window_rule};
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn aggregates_are_kept_in_a_table_or_in_memory() {
    let aggregates = |value| with(&[("AGGREGATES", value)], AggregatesTarget::from_environment);
    let table =
        AggregatesTarget::DynamoDb { table: "aggregates".into(), retention: 400 * DAY, remembered: 3_000 };
    assert_eq!(aggregates("dynamodb:aggregates"), Ok(table));
    assert_eq!(aggregates("memory:"), Ok(AggregatesTarget::Memory { remembered: 3_000 }));
    for wrong in ["dynamodb:", "memory", "memory:x", "redis:x"] {
        let expected = format!("AGGREGATES is `{wrong}`; it accepts `dynamodb:<table>` or `memory:`");
        assert_eq!(aggregates(wrong).unwrap_err().to_string(), expected);
    }
    let missing = with(&[], AggregatesTarget::from_environment).unwrap_err().to_string();
    assert_eq!(missing, "AGGREGATES is not set; it accepts `dynamodb:<table>` or `memory:`");
}

#[test]
fn how_long_rows_are_kept_is_a_number_of_days() {
    let aggregates = |days: &str| {
        let variables = [("AGGREGATES", "dynamodb:aggregates"), ("AGGREGATE_DAYS", days)];
        with(&variables, AggregatesTarget::from_environment)
    };
    let table =
        AggregatesTarget::DynamoDb { table: "aggregates".into(), retention: 9 * DAY, remembered: 3_000 };
    assert_eq!(aggregates("9"), Ok(table));
    for wrong in ["0", "-1", "1.5", "soon"] {
        let expected = format!("AGGREGATE_DAYS is `{wrong}`; it accepts a whole number of days, at least 1");
        assert_eq!(aggregates(wrong).unwrap_err().to_string(), expected);
    }
}

#[test]
fn how_much_a_row_remembers_is_1_to_20000_transactions() {
    let aggregates = |store: &str, number: &str| {
        let variables = [("AGGREGATES", store), ("AGGREGATE_REMEMBERED", number)];
        with(&variables, AggregatesTarget::from_environment)
    };
    for remembered in [1, 20_000] {
        let number = remembered.to_string();
        let table =
            AggregatesTarget::DynamoDb { table: "aggregates".into(), retention: 400 * DAY, remembered };
        assert_eq!(aggregates("dynamodb:aggregates", &number), Ok(table));
        assert_eq!(aggregates("memory:", &number), Ok(AggregatesTarget::Memory { remembered }));
    }
    for wrong in ["0", "-1", "20001", "all"] {
        let expected = format!(
            "AGGREGATE_REMEMBERED is `{wrong}`; it accepts a whole number of transactions, 1 to 20000"
        );
        assert_eq!(aggregates("memory:", wrong).unwrap_err().to_string(), expected);
    }
}

#[test]
fn totals_are_sent_to_a_stream_to_standard_output_or_nowhere() {
    let sink = |value| with(&[("AGGREGATE_SINK", value)], AggregateSinkTarget::from_environment);
    assert_eq!(sink("kinesis:totals"), Ok(AggregateSinkTarget::Kinesis { stream: "totals".into() }));
    assert_eq!(sink("stdout:"), Ok(AggregateSinkTarget::Stdout));
    assert_eq!(sink("none:"), Ok(AggregateSinkTarget::None));
    assert_eq!(with(&[], AggregateSinkTarget::from_environment), Ok(AggregateSinkTarget::None));
    for wrong in ["kinesis:", "none", "none:x", "sns:x"] {
        let expected =
            format!("AGGREGATE_SINK is `{wrong}`; it accepts `kinesis:<stream>`, `stdout:` or `none:`");
        assert_eq!(sink(wrong).unwrap_err().to_string(), expected);
    }
}

#[test]
fn windows_are_five_minutes_of_event_time_unless_it_is_said_otherwise() {
    let rule = with(&[], window_rule).unwrap();
    assert_eq!((rule.seconds.get(), rule.time), (300, WindowTime::Event));
    assert_eq!(rule.bounds, with(&[], event_time_bounds).unwrap());
    let variables =
        [("WINDOW_SECONDS", "86400"), ("WINDOW_TIME", "arrival"), ("EVENT_TIME_MAX_AGE_HOURS", "1")];
    let rule = with(&variables, window_rule).unwrap();
    assert_eq!((rule.seconds.get(), rule.time), (86_400, WindowTime::Arrival));
    assert_eq!(rule.bounds.max_age, Some(Duration::from_secs(3600)));
    assert_eq!(with(&[("WINDOW_TIME", "event")], window_rule).unwrap().time, WindowTime::Event);
    for (variable, wrong, accepts) in [
        ("WINDOW_SECONDS", "0", "a whole number of seconds, 1 to 86400"),
        ("WINDOW_SECONDS", "86401", "a whole number of seconds, 1 to 86400"),
        ("WINDOW_SECONDS", "5m", "a whole number of seconds, 1 to 86400"),
        ("WINDOW_TIME", "Event", "`event` or `arrival`"),
    ] {
        let expected = format!("{variable} is `{wrong}`; it accepts {accepts}");
        assert_eq!(with(&[(variable, wrong)], window_rule).unwrap_err().to_string(), expected);
    }
}
