//! The steps of a run with simulated arrivals.

use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading};
use stream_client::producer::Record;
use tokio::time::{Instant, sleep};

use crate::arrivals::event_time;
use crate::functions::Functions;
use crate::in_order::Steps;

/// How far the readers of the stream may be apart, in the time of the records. A customer's history remembers a day.
const STEP_MILLIS: i64 = 12 * 3_600_000;
/// How often it is looked whether a step is done, and after how long without any progress it is not waited for any more.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// A step for every half day of event time.
pub(crate) struct InStep<'f> {
    reading: Reading,
    functions: &'f Functions,
    ends: Option<i64>,
    is_needed: bool,
}

impl<'f> InStep<'f> {
    /// The steps of transactions that are written by this schema, each done when these functions have seen it. Without a policy
    /// that looks at the customers' history there is one step: nothing is forgotten.
    pub(crate) fn new(schema: &Schema, policy: &Policy, functions: &'f Functions) -> Self {
        let is_needed = policy.history().is_some();
        InStep { reading: Reading::new(schema, &Asked::default()), functions, ends: None, is_needed }
    }
}

impl Steps for InStep<'_> {
    fn begins(&mut self, record: &Record) -> bool {
        if !self.is_needed {
            return false;
        }
        let Some(time) = event_time(&self.reading, &record.data).map(Timestamp::millis) else { return false };
        let is_first = self.ends.is_none();
        let begins = self.ends.is_none_or(|ends| time >= ends);
        if begins {
            self.ends = Some(time + STEP_MILLIS);
        }
        begins && !is_first
    }

    async fn ended(&mut self, sent: u64) {
        let (mut seen, mut since) = (self.functions.seen(), Instant::now());
        while seen.0.min(seen.1) < sent && since.elapsed() < PATIENCE {
            sleep(LOOK).await;
            let now = self.functions.seen();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
    }
}
