//! The window rule that a store's windows are kept under.
//!
//! Which window a transaction is in depends on the [`WindowRule`]. Under another one the same transaction is in
//! another window, whose row knows nothing of it, and would count a second time. So a store remembers the first rule
//! that it was held to, and refuses every other.
//!
//! In DynamoDB the rule is an item of the table itself. Its `window_start` is one that no window has, because it is before
//! the year 1, and it has no `ttl`.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use fraud_core::window::{WindowRule, WindowTime};

use super::AggregateFault;
use super::row::Item;
use super::table::{WINDOW_RULE, WINDOW_START};
use crate::config::{EVENT_TIME_MAX_AGE_HOURS, EVENT_TIME_MAX_AHEAD_HOURS, WINDOW_SECONDS, WINDOW_TIME};

/// The `customer_id` of the rule's item. A customer may have that id, too: their windows have other starts.
pub(super) const RULE_CUSTOMER: &str = "window rule";
/// The `window_start` of the rule's item. The year 1 begins 62,135,596,800 seconds before the epoch.
pub(super) const RULE_START: i64 = -1_000_000_000_000;

/// Whether an item is the rule's, and no row.
pub(super) fn is_rule(item: &Item) -> bool {
    let start = item.get(WINDOW_START).and_then(|value| value.as_n().ok());
    start.and_then(|digits| digits.parse().ok()) == Some(RULE_START)
}

/// The rule of the rule's item.
///
/// # Errors
/// [`AggregateFault::UnreadableRow`]
pub(super) fn of_item(item: &Item) -> Result<&str, AggregateFault> {
    let rule = item.get(WINDOW_RULE).and_then(|value: &AttributeValue| value.as_s().ok());
    rule.map(String::as_str).ok_or(AggregateFault::UnreadableRow { attribute: WINDOW_RULE })
}

/// # Errors
/// [`AggregateFault::OtherRule`] if `standing` is not the text of `rule`.
pub(super) fn check(standing: &str, rule: &WindowRule) -> Result<(), AggregateFault> {
    let asked = text(rule);
    match standing == asked {
        true => Ok(()),
        false => Err(AggregateFault::OtherRule { standing: standing.to_owned(), asked }),
    }
}

/// The variables that give a rule, and their values. If the arrival decides, event times and so their bounds do not
/// matter, and are left out.
pub fn variables(rule: &WindowRule) -> Vec<(&'static str, String)> {
    let WindowRule { seconds, time, bounds } = rule;
    let time_and_bounds = match time {
        WindowTime::Arrival => vec![(WINDOW_TIME.name, "arrival".to_owned())],
        WindowTime::Event => vec![
            (WINDOW_TIME.name, "event".to_owned()),
            (EVENT_TIME_MAX_AGE_HOURS.name, hours(bounds.max_age)),
            (EVENT_TIME_MAX_AHEAD_HOURS.name, hours(bounds.max_ahead)),
        ],
    };
    [vec![(WINDOW_SECONDS.name, seconds.to_string())], time_and_bounds].concat()
}

/// The rule as a store remembers it, and as people can set it.
pub(super) fn text(rule: &WindowRule) -> String {
    let variables = variables(rule);
    variables.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// A bound in hours; 0 is none.
fn hours(bound: Option<Duration>) -> String {
    match bound.map_or(0, |bound| bound.as_secs()) {
        seconds if seconds % 3600 == 0 => (seconds / 3600).to_string(),
        // The variables give whole hours only.
        seconds => format!("{seconds}/3600"),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use fraud_core::event_time::EventTimeBounds;

    use super::*;

    #[test]
    fn a_rules_text_is_what_sets_it_and_stays_so() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let rule = WindowRule {
            seconds: NonZeroU32::new(300).unwrap(),
            time: WindowTime::Event,
            bounds: EventTimeBounds { max_age: hours(168), max_ahead: None },
        };
        let expected =
            "WINDOW_SECONDS=300 WINDOW_TIME=event EVENT_TIME_MAX_AGE_HOURS=168 EVENT_TIME_MAX_AHEAD_HOURS=0";
        assert_eq!(text(&rule), expected);
        assert_eq!(
            text(&WindowRule { time: WindowTime::Arrival, ..rule }),
            "WINDOW_SECONDS=300 WINDOW_TIME=arrival"
        );
    }

    #[test]
    fn the_variables_of_a_rule_give_that_rule() {
        let rule = |environment: &dyn Fn(&str) -> Option<String>| {
            crate::config::window_rule(crate::config::Environment::new(environment)).unwrap()
        };
        let default = rule(&|_| None);
        for settings in [
            vec![],
            vec![("WINDOW_TIME", "arrival")],
            vec![("EVENT_TIME_MAX_AGE_HOURS", "0"), ("WINDOW_SECONDS", "60")],
        ] {
            let set = |name: &str| {
                settings.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            let expected = rule(&set);
            let variables = variables(&expected);
            let given = |name: &str| {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.clone())
            };
            assert_eq!(rule(&given), expected);
            assert_eq!(expected == default, settings.is_empty());
        }
    }
}
