//! The steps of a run with simulated arrivals.

use std::time::Duration;

use backtest::engine::STEP_MILLIS;
use exact_text::timestamp::Timestamp;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::{Asked, Reading};
use stream_client::producer::Record;
use tokio::time::{Instant, sleep};

use crate::arrivals::event_time;
use crate::feed::Feed;
use crate::functions::Functions;
use crate::in_order::Steps;

/// How often it is looked whether a step is done, and after how long without any progress it is not waited for any more.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// A step for every half day of event time, as a back-test has them: the readers of the stream are no further apart, and a
/// customer's history remembers a day.
pub(crate) struct InStep<'f, 'a> {
    reading: Reading,
    functions: &'f Functions,
    /// What changes between steps.
    feed: Option<&'f mut Feed<'a>>,
    /// The step, counted from the epoch.
    step: Option<i64>,
    is_needed: bool,
}

impl<'f, 'a> InStep<'f, 'a> {
    /// The steps of transactions that are written by this schema, each done when these functions have seen it. Without a policy
    /// that looks at the customers' history and without a feed there is one step: nothing is forgotten, and nothing changes.
    pub(crate) fn new(
        schema: &Schema,
        policies: &Policies,
        functions: &'f Functions,
        feed: Option<&'f mut Feed<'a>>,
    ) -> Self {
        let is_needed = policies.history().is_some() || feed.is_some();
        let reading = Reading::new(schema, &Asked::default());
        InStep { reading, functions, feed, step: None, is_needed }
    }
}

/// Waits until the alerting function is done with this many records: Firehose delivers when a stream's other readers have long
/// seen them, which in simulated time is at once.
pub(crate) async fn alerts_have_seen(functions: &Functions, records: u64) {
    until(functions, |(alerts, _)| alerts >= records).await;
}

/// Waits until it is so, or nothing has been seen for long.
async fn until(functions: &Functions, is_so: impl Fn((u64, u64)) -> bool) {
    let (mut seen, mut since) = (functions.seen(), Instant::now());
    while !is_so(seen) && since.elapsed() < PATIENCE {
        sleep(LOOK).await;
        let now = functions.seen();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
}

impl Steps for InStep<'_, '_> {
    fn begins(&mut self, record: &Record) -> bool {
        if !self.is_needed {
            return false;
        }
        let Some(time) = event_time(&self.reading, &record.data) else { return false };
        let step = time.millis().div_euclid(STEP_MILLIS);
        let is_first = self.step.is_none();
        let begins = self.step.is_none_or(|before| before < step);
        if begins {
            self.step = Some(step);
        }
        begins && !is_first
    }

    async fn ended(&mut self, sent: u64) -> anyhow::Result<()> {
        until(self.functions, |(alerts, transform)| alerts.min(transform) >= sent).await;
        let begin = self.step.map(|step| Timestamp::saturating_from_millis(step.saturating_mul(STEP_MILLIS)));
        match (&mut self.feed, begin) {
            // Boxed: else the compiler's limit of nested futures is met in tests.
            (Some(feed), Some(now)) => Box::pin(feed.becomes(now)).await,
            _ => Ok(()),
        }
    }
}
