//! Alerts to an SNS topic.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchOutput};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use fraud_core::alert::{Alert, SUBJECT};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::batches::{Batches, MAX_BYTES};
use super::{AlertSink, PublishFault};
use crate::sdk::{NO_ANSWER_IN_TIME, error_code};

/// How often a batch, or what is left of it, is tried.
const ATTEMPTS: usize = 3;
/// The longest pause before the second attempt; the next may be twice as long. Each is drawn at random ("full jitter").
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What SNS says of an entry that it will never accept (Amazon SNS API reference, "Common errors" and Publish). Other
/// faults of the sender, such as a missing permission, are a matter of time.
const REFUSALS: [&str; 4] =
    ["InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"];

/// An SNS topic.
///
/// Batches go out one after the other. When a call has failed as a whole, for a reason that is no entry's own, nothing
/// more is started.
#[derive(Debug, Clone)]
pub struct SnsAlerts {
    client: Client,
    topic_arn: String,
}

/// What a batch came to.
struct Outcome {
    /// One for each of its alerts.
    results: Vec<Result<(), PublishFault>>,
    /// Why nothing more is to be started.
    stop: Option<String>,
}

/// What a call came to.
struct Attempt {
    /// The entries that were not accepted.
    failed: Vec<Failed>,
    /// Whether SNS may have accepted some of them all the same.
    in_doubt: bool,
    /// Whether it may go better the next time.
    retry: bool,
    /// Why the call failed as a whole.
    fault: Option<String>,
}

/// An entry that was not accepted.
struct Failed {
    /// The alert's place in its batch.
    place: usize,
    code: String,
    /// Whether it never will be.
    refused: bool,
}

impl SnsAlerts {
    /// The topic `topic_arn`.
    pub fn new(config: &SdkConfig, topic_arn: impl Into<String>) -> Self {
        // Not the SDK's own retries: behind them an entry that was never accepted looks like one that was, and whose
        // answer was lost.
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        SnsAlerts { client: Client::from_conf(config), topic_arn: topic_arn.into() }
    }

    async fn publish_batch(&self, alerts: &[&Alert], deadline: Instant) -> Outcome {
        let mut results = vec![Ok(()); alerts.len()];
        // The places that are not settled. They were in every attempt so far, so that a doubt is about all of them.
        let mut open: Vec<usize> = (0..alerts.len()).collect();
        let mut in_doubt = false;
        let mut pause = FIRST_PAUSE;
        let mut attempts_left = ATTEMPTS;
        loop {
            let attempt = self.attempt(alerts, &open, deadline).await;
            attempts_left -= 1;
            in_doubt |= attempt.in_doubt;
            open.iter().for_each(|&place| set(&mut results, place, Ok(())));
            open.clear();
            for Failed { place, code, refused } in attempt.failed {
                let fault = if refused {
                    PublishFault::Refused { code }
                } else {
                    open.push(place);
                    PublishFault::Unavailable { code, may_be_sent: in_doubt }
                };
                set(&mut results, place, Err(fault));
            }
            let again = Instant::now() + pause.mul_f64(fastrand::f64());
            if open.is_empty() || !attempt.retry || attempts_left == 0 || again >= deadline {
                return Outcome { results, stop: attempt.fault };
            }
            sleep_until(again).await;
            pause *= 2;
        }
    }

    /// One PublishBatch of the alerts at the places `open`.
    async fn attempt(&self, alerts: &[&Alert], open: &[usize], deadline: Instant) -> Attempt {
        if Instant::now() >= deadline {
            return Attempt::failed_as_a_whole(open, NO_ANSWER_IN_TIME.to_owned(), false, false);
        }
        let entries = open.iter().filter_map(|&place| Some(entry(place, alerts.get(place)?)));
        let Ok(entries) = entries.collect() else {
            return Attempt::failed_as_a_whole(open, "unusable request".to_owned(), false, false);
        };
        let call = self.client.publish_batch().topic_arn(&self.topic_arn);
        let call = call.set_publish_batch_request_entries(Some(entries));
        match timeout_at(deadline, call.send()).await {
            Ok(Ok(answer)) => Attempt::answered(open, &answer),
            Ok(Err(error)) => {
                let code = error_code(&error);
                let (retry, in_doubt) = prospects(&error);
                Attempt::failed_as_a_whole(open, code, retry, in_doubt)
            }
            Err(_elapsed) => Attempt::failed_as_a_whole(open, NO_ANSWER_IN_TIME.to_owned(), false, true),
        }
    }
}

impl Attempt {
    fn answered(open: &[usize], answer: &PublishBatchOutput) -> Self {
        let failure = |place: usize| {
            let failure = answer.failed().iter().find(|failure| failure.id() == place.to_string())?;
            let refused = failure.sender_fault() && REFUSALS.contains(&failure.code());
            Some(Failed { place, code: failure.code().to_owned(), refused })
        };
        let accepted =
            |place: usize| answer.successful().iter().any(|entry| entry.id() == Some(&place.to_string()));
        let mut in_doubt = false;
        let mut failed = Vec::new();
        for &place in open.iter().filter(|&&place| !accepted(place)) {
            failed.push(failure(place).unwrap_or_else(|| {
                in_doubt = true;
                Failed { place, code: "no word of the entry".to_owned(), refused: false }
            }));
        }
        Attempt { failed, in_doubt, retry: true, fault: None }
    }

    fn failed_as_a_whole(open: &[usize], code: String, retry: bool, in_doubt: bool) -> Self {
        let failed = |&place: &usize| Failed { place, code: code.clone(), refused: false };
        Attempt { failed: open.iter().map(failed).collect(), in_doubt, retry, fault: Some(code) }
    }
}

impl AlertSink for SnsAlerts {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        // Whatever is never started follows one of its customer's that failed.
        let mut results = vec![Err(PublishFault::HeldBack); alerts.len()];
        for (result, size) in results.iter_mut().zip(alerts.iter().map(|alert| alert.size())) {
            if size > MAX_BYTES {
                *result = Err(PublishFault::TooLarge { size });
            }
        }
        let mut batches = Batches::new(alerts);
        loop {
            let batch = batches.next();
            if batch.is_empty() {
                return results;
            }
            let chosen: Vec<&Alert> = batch.iter().filter_map(|&place| alerts.get(place).copied()).collect();
            let outcome = self.publish_batch(&chosen, deadline).await;
            for (place, result) in batch.into_iter().zip(outcome.results) {
                if !result.as_ref().is_err_and(PublishFault::is_transient) {
                    batches.settled(place);
                }
                set(&mut results, place, result);
            }
            if let Some(code) = outcome.stop {
                for place in batches.ready() {
                    let fault = PublishFault::Unavailable { code: code.clone(), may_be_sent: false };
                    set(&mut results, place, Err(fault));
                }
                return results;
            }
        }
    }
}

fn set<T>(slots: &mut [T], place: usize, value: T) {
    if let Some(slot) = slots.get_mut(place) {
        *slot = value;
    }
}

fn entry(place: usize, alert: &Alert) -> Result<PublishBatchRequestEntry, BuildError> {
    let mut entry =
        PublishBatchRequestEntry::builder().id(place.to_string()).subject(SUBJECT).message(&alert.message);
    for attribute in alert.attributes() {
        let value = MessageAttributeValue::builder()
            .data_type(attribute.data_type)
            .string_value(attribute.value)
            .build()?;
        entry = entry.message_attributes(attribute.name, value);
    }
    entry.build()
}

/// Of a call that failed as a whole: whether it may go better the next time, and whether SNS may have done it.
fn prospects(error: &SdkError<PublishBatchError>) -> (bool, bool) {
    match error {
        SdkError::ServiceError(context) => {
            let server_error = context.raw().status().is_server_error();
            let throttled = context.err().code().is_some_and(|code| code.contains("Throttl"));
            (server_error || throttled, server_error)
        }
        SdkError::ConstructionFailure(_) => (false, false),
        _ => (true, true),
    }
}
