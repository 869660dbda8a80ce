//! Alerts to an SNS topic.

use std::time::Duration;

use aws_calls::fault::{CallFault, FaultKind, NO_ANSWER_IN_TIME, answer_by};
use aws_calls::pauses::Pauses;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use fraud_core::alert::Alert;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::lanes::{Chunk, Fit, Lanes};
use super::message::{SUBJECT, attributes, size};
use super::{AlertSink, PublishFault};

/// The most entries of a PublishBatch (Amazon SNS API reference).
const MAX_ENTRIES: usize = 10;
/// The most bytes of an alert, and of all in a PublishBatch (Amazon SNS API reference).
pub(super) const MAX_BYTES: usize = 262_144;
/// How often a batch, or what is left of it, is tried.
const ATTEMPTS: usize = 3;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 4;
/// The first pause before what is left of a batch is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What SNS says of an entry that it will never accept (Amazon SNS API reference, "Common errors" and Publish). Other
/// faults of the sender, such as a missing permission, are a matter of time.
const REFUSALS: [&str; 4] =
    ["InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"];

/// An SNS topic.
///
/// A few calls are under way at once, a customer's alerts in one of them. When a call has failed as a whole, for a reason
/// that is not one entry's own, nothing more is started.
#[derive(Debug, Clone)]
pub struct SnsAlerts {
    client: Client,
    topic_arn: String,
}

/// What a batch came to.
struct BatchOutcome {
    /// One for each of its alerts.
    results: Vec<Result<(), PublishFault>>,
    /// Why nothing more is to be started.
    stop: Option<CallFault>,
}

/// What a call came to.
struct Attempt {
    /// The entries that were not accepted.
    failed: Vec<Failed>,
    /// Whether SNS may have accepted some of them all the same.
    in_doubt: bool,
    /// Why the call failed as a whole.
    fault: Option<CallFault>,
}

/// An entry that was not accepted.
struct Failed {
    /// The alert's place in its batch.
    place: usize,
    fault: CallFault,
}

impl SnsAlerts {
    /// The topic `topic_arn`.
    pub fn new(config: &SdkConfig, topic_arn: impl Into<String>) -> Self {
        // Not the SDK's own retries: behind them an entry that was never accepted looks like one that was, and whose
        // answer was lost.
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        SnsAlerts { client: Client::from_conf(config), topic_arn: topic_arn.into() }
    }

    async fn publish_batch(&self, alerts: &[&Alert], deadline: Instant) -> BatchOutcome {
        let mut results = vec![Ok(()); alerts.len()];
        // The places that are not settled. They were in every attempt so far, so that a doubt is about all of them.
        let mut open: Vec<usize> = (0..alerts.len()).collect();
        let mut in_doubt = false;
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut attempts_left = ATTEMPTS;
        loop {
            let attempt = self.attempt(alerts, &open, deadline).await;
            attempts_left -= 1;
            in_doubt |= attempt.in_doubt;
            open.iter().for_each(|&place| set(&mut results, place, Ok(())));
            open.clear();
            for Failed { place, fault } in attempt.failed {
                let fault = if is_refusal(&fault) {
                    PublishFault::Refused { code: fault.code.into_owned() }
                } else {
                    open.push(place);
                    PublishFault::Unavailable { fault, may_be_sent: in_doubt }
                };
                set(&mut results, place, Err(fault));
            }
            let is_over = open.is_empty()
                || attempts_left == 0
                || attempt.fault.as_ref().is_some_and(|fault| !fault.is_transient());
            if is_over || !pauses.wait_before(deadline).await {
                return BatchOutcome { results, stop: attempt.fault };
            }
        }
    }

    /// One PublishBatch of the alerts at the places `open`.
    async fn attempt(&self, alerts: &[&Alert], open: &[usize], deadline: Instant) -> Attempt {
        if Instant::now() >= deadline {
            let fault = CallFault::new(FaultKind::NotSent, NO_ANSWER_IN_TIME);
            return Attempt::failed_as_a_whole(open, fault);
        }
        let entries = open.iter().filter_map(|&place| Some(entry(place, alerts.get(place)?)));
        let entries = match entries.collect() {
            Ok(entries) => entries,
            Err(error) => return Attempt::failed_as_a_whole(open, CallFault::unusable(&error)),
        };
        let call = self.client.publish_batch().topic_arn(&self.topic_arn);
        let call = call.set_publish_batch_request_entries(Some(entries));
        match answer_by(deadline, call.send()).await {
            Ok(answer) => Attempt::answered(open, &answer),
            Err(fault) => Attempt::failed_as_a_whole(open, fault),
        }
    }
}

impl Attempt {
    fn answered(open: &[usize], answer: &PublishBatchOutput) -> Self {
        let failure = |place: usize| {
            let failure = answer.failed().iter().find(|failure| failure.id() == place.to_string())?;
            let kind = if failure.sender_fault() { FaultKind::Refused } else { FaultKind::Failed };
            Some(Failed { place, fault: CallFault::new(kind, failure.code().to_owned()) })
        };
        let accepted =
            |place: usize| answer.successful().iter().any(|entry| entry.id() == Some(&place.to_string()));
        let mut in_doubt = false;
        let mut failed = Vec::new();
        for &place in open.iter().filter(|&&place| !accepted(place)) {
            failed.push(failure(place).unwrap_or_else(|| {
                in_doubt = true;
                Failed {
                    place,
                    fault: CallFault::new(FaultKind::NoAnswer, "the answer leaves the entry out"),
                }
            }));
        }
        Attempt { failed, in_doubt, fault: None }
    }

    fn failed_as_a_whole(open: &[usize], fault: CallFault) -> Self {
        let failed = open.iter().map(|&place| Failed { place, fault: fault.clone() });
        Attempt { failed: failed.collect(), in_doubt: fault.may_be_done(), fault: Some(fault) }
    }
}

impl AlertSink for SnsAlerts {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        // Whatever is never started follows one of its customer's that failed.
        let mut results = vec![Err(PublishFault::HeldBack); alerts.len()];
        for (result, size) in results.iter_mut().zip(alerts.iter().map(|alert| size(alert))) {
            if size > MAX_BYTES {
                *result = Err(PublishFault::TooLarge { size });
            }
        }
        let mut lanes = lanes(alerts);
        let mut calls = FuturesUnordered::new();
        let mut stop = None;
        loop {
            while stop.is_none()
                && calls.len() < CALLS_AT_ONCE
                && let Some(chunk) = next_call(&mut lanes, alerts)
            {
                let chosen: Vec<&Alert> =
                    chunk.places().filter_map(|place| alerts.get(place).copied()).collect();
                calls.push(async move { (chunk, self.publish_batch(&chosen, deadline).await) });
            }
            let Some((chunk, outcome)) = calls.next().await else { break };
            for (place, result) in chunk.places().zip(outcome.results) {
                set(&mut results, place, result);
            }
            let must_wait = |place: usize| {
                results
                    .get(place)
                    .is_some_and(|result| result.as_ref().is_err_and(PublishFault::is_transient))
            };
            lanes.settled(chunk, must_wait);
            stop = stop.or(outcome.stop);
        }
        if let Some(fault) = stop {
            for place in lanes.ready() {
                let fault = PublishFault::Unavailable { fault: fault.clone(), may_be_sent: false };
                set(&mut results, place, Err(fault));
            }
        }
        results
    }
}

/// The lanes of all alerts but those that are larger than a call takes.
pub(super) fn lanes(alerts: &[&Alert]) -> Lanes {
    let fitting = alerts.iter().enumerate().filter(|(_, alert)| size(alert) <= MAX_BYTES);
    Lanes::new(fitting.map(|(place, alert)| (place, alert.customer_id.as_deref())))
}

/// The alerts of the next call: as many as it takes.
pub(super) fn next_call(lanes: &mut Lanes, alerts: &[&Alert]) -> Option<Chunk> {
    let (mut entries, mut bytes) = (0, 0);
    lanes.next(|place| {
        entries += 1;
        bytes += alerts.get(place).map_or(0, |alert| size(alert));
        if entries <= MAX_ENTRIES && bytes <= MAX_BYTES { Fit::Fits } else { Fit::Full }
    })
}

/// Whether SNS will never take an entry.
fn is_refusal(fault: &CallFault) -> bool {
    fault.kind == FaultKind::Refused && REFUSALS.contains(&&*fault.code)
}

fn set<T>(slots: &mut [T], place: usize, value: T) {
    if let Some(slot) = slots.get_mut(place) {
        *slot = value;
    }
}

fn entry(place: usize, alert: &Alert) -> Result<PublishBatchRequestEntry, BuildError> {
    let mut entry =
        PublishBatchRequestEntry::builder().id(place.to_string()).subject(SUBJECT).message(&alert.message);
    for attribute in attributes(alert) {
        let value = MessageAttributeValue::builder()
            .data_type(attribute.data_type)
            .string_value(attribute.value)
            .build()?;
        entry = entry.message_attributes(attribute.name, value);
    }
    entry.build()
}
