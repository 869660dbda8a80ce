//! This machine's clock beside DynamoDB's, by the `Date` of its answers. Senders of alerts tell by their clocks when another's
//! claim has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use fraud_aws::clock::{Clock, SystemClock};

use super::finding::{Finding, Wrong};

/// Clocks that are further apart than this many milliseconds are told.
const NOTED: i64 = 3_000;
/// Clocks that are this many milliseconds apart, or more, are wrong: claims of alerts bear no more.
const WRONG: i64 = 30_000;
/// A `Date` has whole seconds, cut off (RFC 9110, section 5.6.7).
const CUT_OFF: i64 = 1_000;

const MEND: &str =
    "synchronize this machine's clock by NTP (chronyc tracking): claims of alerts end by the senders' clocks";

/// Compares this machine's clock with that of a service, by each answer to a client's calls, which must be made one after the
/// other.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceClock(Arc<Mutex<Comparison>>);

#[derive(Debug, Default)]
struct Comparison {
    /// When the call under way was sent.
    sent: Option<i64>,
    /// The furthest that the clocks were seen apart; above zero this machine's is ahead.
    apart: Option<i64>,
}

impl ServiceClock {
    /// A client whose answers are compared.
    pub(super) async fn client(&self, sdk: &Sdk) -> Client {
        let config = Builder::from(sdk.config().await).interceptor(self.clone());
        Client::from_conf(config.build())
    }

    /// What the answers say; `None` if there was none with a `Date`.
    pub(super) fn finding(&self) -> Option<Finding> {
        let (check, target) = ("clock", "this machine");
        let apart = self.comparison().apart?;
        let seconds = apart.abs() / 1_000;
        let side = if apart > 0 { "ahead of" } else { "behind" };
        let found = format!("at least {seconds} s {side} DynamoDB's");
        Some(match apart.abs() {
            WRONG.. => Finding::wrong(check, target, Wrong::new(found, MEND)),
            apart if apart > NOTED => Finding::noted(check, target, found, MEND),
            _ => Finding::ok(check, target, "as DynamoDB's, within a few seconds"),
        })
    }

    fn comparison(&self) -> MutexGuard<'_, Comparison> {
        // Every change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServiceClock {
    fn name(&self) -> &'static str {
        "ServiceClock"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.comparison().sent = Some(SystemClock.now().millis());
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let received = SystemClock.now().millis();
        let mut comparison = self.comparison();
        let date = context.response().headers().get("date").and_then(millis);
        if let (Some(sent), Some(date)) = (comparison.sent, date) {
            let apart = apart(sent, date, received);
            let known = comparison.apart.unwrap_or_default();
            comparison.apart = Some(if apart.abs() > known.abs() { apart } else { known });
        }
        Ok(())
    }
}

/// A `Date` in milliseconds since 1970.
fn millis(date: &str) -> Option<i64> {
    DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?.to_millis().ok()
}

/// How far this machine's clock is ahead of the service's at least, or behind it if below zero: between sending and
/// receiving, by this machine's clock, the service's showed `date`. All in milliseconds.
fn apart(sent: i64, date: i64, received: i64) -> i64 {
    if sent > date + CUT_OFF {
        sent - date - CUT_OFF
    } else if received < date {
        received - date
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_at(apart: i64) -> Finding {
        let clock = ServiceClock::default();
        clock.comparison().apart = Some(apart);
        clock.finding().unwrap()
    }

    #[test]
    fn a_slow_answer_and_the_seconds_that_a_date_cuts_off_set_no_clocks_apart() {
        for (sent, date, received, expected) in [
            (10_000, 10_000, 10_000, 0),
            (10_999, 10_000, 11_001, 0),
            (10_000, 17_000, 17_500, 0),
            (14_001, 10_000, 14_002, 3_001),
            (10_000, 45_000, 15_000, -30_000),
        ] {
            assert_eq!(apart(sent, date, received), expected, "{sent}, {date}, {received}");
        }
    }

    #[test]
    fn beyond_three_seconds_clocks_are_told_and_from_thirty_on_they_are_wrong() {
        for (apart, is_wrong, begins) in [
            (0, false, "ok     clock "),
            (3_000, false, "ok     clock "),
            (3_001, false, "NOTE   clock "),
            (-29_999, false, "NOTE   clock "),
            (30_000, true, "WRONG  clock "),
            (-30_000, true, "WRONG  clock "),
        ] {
            let finding = found_at(apart);
            assert_eq!(finding.is_wrong(), is_wrong, "{apart}");
            assert!(finding.text().starts_with(begins), "{apart}: {}", finding.text());
        }
        assert!(found_at(45_000).text().contains("at least 45 s ahead of DynamoDB's"));
        assert!(found_at(-45_000).text().contains("at least 45 s behind DynamoDB's"));
        assert_eq!(ServiceClock::default().finding(), None);
    }

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        assert_eq!(millis("Mon, 15 Jan 2024 03:00:00 GMT"), Some(1_705_287_600_000));
        assert_eq!(millis("yesterday"), None);
    }
}
