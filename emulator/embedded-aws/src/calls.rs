//! What was called: every request in the order of its arrival, and how many were under way at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::watch;

use crate::service::Service;

/// A request that arrived at a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service that was called.
    pub service: Service,
    /// The operation as the service's API reference names it; empty if the request named none.
    pub operation: String,
    /// When the request had arrived in full.
    pub received_at: SystemTime,
    /// The request's body, byte for byte: JSON, or for SNS a form.
    pub body: Bytes,
}

impl Call {
    /// The body as JSON; `None` if it is not JSON, as for SNS.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// One parameter of the body as a form, as SNS requests are: `Call::parameter("Subject")`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        crate::http::query_parameter(&self.body, name)
    }
}

/// What [`Calls`] remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recording {
    /// Every call with its body.
    #[default]
    Full,
    /// Only counts and concurrency: for runs whose length is not known, where bodies would fill the memory.
    Counts,
}

/// The calls that arrived, whatever became of them: also those that a fault refused. A cloneable handle.
#[derive(Debug, Clone)]
pub struct Calls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    recording: Recording,
    state: Mutex<CallLog>,
    /// Changes with every arrival, so that waiting needs no polling.
    arrivals: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct CallLog {
    calls: Vec<Call>,
    tallies: HashMap<(Service, String), Tally>,
    /// Grows with each [`Calls::clear`]: a call that began before it must not be taken from the new counts.
    era: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    total: usize,
    in_flight: usize,
    max_in_flight: usize,
}

impl Calls {
    pub(crate) fn new(recording: Recording) -> Self {
        let shared = Shared { recording, state: Mutex::default(), arrivals: watch::Sender::new(()) };
        Self { shared: Arc::new(shared) }
    }

    /// All calls in the order of their arrival; empty under [`Recording::Counts`].
    #[must_use]
    pub fn all(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls of one operation in the order of their arrival; empty under [`Recording::Counts`].
    #[must_use]
    pub fn of(&self, service: Service, operation: &str) -> Vec<Call> {
        let wanted = |call: &&Call| call.service == service && call.operation == operation;
        self.state().calls.iter().filter(wanted).cloned().collect()
    }

    /// How many calls of one operation arrived.
    #[must_use]
    pub fn count(&self, service: Service, operation: &str) -> usize {
        self.tally(service, operation).total
    }

    /// The most calls of one operation that were under way at the same time. A call is under way from its arrival
    /// until its answer is ready, or until its client has gone.
    #[must_use]
    pub fn max_concurrency(&self, service: Service, operation: &str) -> usize {
        self.tally(service, operation).max_in_flight
    }

    /// Waits until `count` calls of one operation have arrived. Sets no limit on the time: wrap it in a timeout.
    pub async fn wait_for(&self, service: Service, operation: &str, count: usize) {
        let mut arrivals = self.shared.arrivals.subscribe();
        while self.count(service, operation) < count {
            // The sender lives in `self`, so that this cannot fail while we wait.
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// Forgets everything up to now.
    pub fn clear(&self) {
        let mut state = self.state();
        let era = state.era + 1;
        *state = CallLog { era, ..CallLog::default() };
    }

    /// Records a call; it is under way until the result is dropped.
    pub(crate) fn begin(&self, call: &Call) -> InFlight {
        let key = (call.service, call.operation.clone());
        let mut state = self.state();
        if self.shared.recording == Recording::Full {
            state.calls.push(call.clone());
        }
        let tally = state.tallies.entry(key.clone()).or_default();
        tally.total += 1;
        tally.in_flight += 1;
        tally.max_in_flight = tally.max_in_flight.max(tally.in_flight);
        let era = state.era;
        drop(state);
        self.shared.arrivals.send_replace(());
        InFlight { calls: self.clone(), key, era }
    }

    fn tally(&self, service: Service, operation: &str) -> Tally {
        self.state().tallies.get(&(service, operation.to_owned())).copied().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, CallLog> {
        // Every change is complete before anything can panic, so that a poisoned lock still guards whole data.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct InFlight {
    calls: Calls,
    key: (Service, String),
    era: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.calls.state();
        if state.era != self.era {
            return;
        }
        if let Some(tally) = state.tallies.get_mut(&self.key) {
            tally.in_flight -= 1;
        }
    }
}
