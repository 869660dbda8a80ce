//! The steps of a run with simulated arrivals.

use backtest::engine::STEP_MILLIS;
use exact_text::timestamp::Timestamp;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::{Asked, Reading};
use stream_client::producer::Record;

use crate::arrivals::event_time;
use crate::feed::Feed;
use crate::in_order::Steps;
use crate::readers::Readers;

/// A step for every half day of event time, as a back-test has them: the readers of the stream are no further apart, and a
/// customer's history remembers a day.
pub(crate) struct InStep<'f, 'a> {
    reading: Reading,
    readers: &'f Readers,
    /// What changes between steps.
    feed: Option<&'f mut Feed<'a>>,
    /// The step, counted from the epoch.
    step: Option<i64>,
    is_needed: bool,
}

impl<'f, 'a> InStep<'f, 'a> {
    /// The steps of transactions that are written by this schema, each done when these readers have seen it. Without a policy
    /// that looks at the customers' history and without a feed there is one step: nothing is forgotten, and nothing changes.
    pub(crate) fn new(
        schema: &Schema,
        policies: &Policies,
        readers: &'f Readers,
        feed: Option<&'f mut Feed<'a>>,
    ) -> Self {
        let is_needed = policies.history().is_some() || feed.is_some();
        let reading = Reading::new(schema, &Asked::default());
        InStep { reading, readers, feed, step: None, is_needed }
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

    async fn ended(&mut self) -> anyhow::Result<()> {
        self.readers.have_seen_all().await;
        let begin = self.step.map(|step| Timestamp::saturating_from_millis(step.saturating_mul(STEP_MILLIS)));
        match (&mut self.feed, begin) {
            // Boxed: else the compiler's limit of nested futures is met in tests.
            (Some(feed), Some(now)) => Box::pin(feed.becomes(now)).await,
            _ => Ok(()),
        }
    }
}
