//! Merchants' counts: are they there, and do they reach the days whose labels have come.

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::{EntitySource, Environment, label_delay};
use fraud_core::merchant::{LabelDelay, day_of};
use fraud_core::shadow::Policies;

use super::finding::{Finding, Wrong};
use crate::entities::EntityTable;

const CHECK: &str = "merchants' counts";
const MEND: &str = "count them from the lake: fraudctl merchants count <files> --from <day> --through <day>";

/// Nothing if no policy looks at them, or the table cannot be asked.
pub(super) async fn check(
    environment: Environment<'_>,
    policies: Option<&Policies>,
    sdk: &Sdk,
    can_call: bool,
) -> Vec<Finding> {
    let (Ok(EntitySource::DynamoDb { table }), Ok(delay), true, true) = (
        EntitySource::from_environment(environment),
        label_delay(environment),
        policies.is_some_and(Policies::looks_at_merchants_days),
        can_call,
    ) else {
        return Vec::new();
    };
    let target = format!("dynamodb:{table}");
    let table = EntityTable::new(Client::new(sdk.config().await), table);
    let result = match table.counted_through().await {
        // What is wrong with the table is told by its own check.
        Err(_) => return Vec::new(),
        Ok(through) => judged(through, day_of(SystemClock.now().millis().div_euclid(1000)), delay),
    };
    vec![Finding::of(CHECK, target, result)]
}

/// Whether counts that reach through this day are enough today.
fn judged(through: Option<i32>, today: i32, delay: LabelDelay) -> Result<String, Wrong> {
    let text = crate::merchants::day_text;
    // The day that is the delay before today is the first that is judged whole; it has ended.
    let needed = today.saturating_sub(i32::from(delay.days()).max(1));
    match through {
        Some(through) if through >= needed => Ok(format!("through {}", text(through))),
        Some(through) => Err(Wrong::new(
            format!(
                "they reach through {}: of the days after it that labels have reached only frauds are known (LABEL_DELAY_DAYS {})",
                text(through),
                delay.days()
            ),
            MEND,
        )),
        None => Err(Wrong::new(
            "no merchant's transactions are counted, so that merchants' fraud rates are too high",
            MEND,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_enough_if_they_reach_the_last_day_whose_labels_have_come() {
        let is_enough = |through, days| judged(through, 20_468, LabelDelay::of_days(days).unwrap()).is_ok();
        assert!(is_enough(Some(20_461), 7) && !is_enough(Some(20_460), 7));
        assert!(is_enough(Some(20_467), 0) && !is_enough(Some(20_466), 1) && is_enough(Some(20_467), 1));
        assert!(!is_enough(None, 60));
        let told = judged(Some(20_460), 20_468, LabelDelay::default()).unwrap_err().what;
        assert!(told.starts_with("they reach through 2026-01-07: "), "{told}");
    }
}
