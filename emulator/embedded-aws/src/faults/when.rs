//! CallCondition calls a rule picks out.

use std::fmt;
use std::sync::Arc;

use super::FaultError;
use crate::calls::Call;
use crate::service::Service;

/// Picks out calls: by service, operation and content, and of those the n-th, the next few, some by chance, or
/// every one. Calls are counted from the moment the rule was added.
#[derive(Clone)]
pub struct When {
    service: Option<Service>,
    operation: Option<String>,
    predicate: Option<Predicate>,
    which: CallCondition,
    seen: usize,
}

type Predicate = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

#[derive(Debug, Clone)]
enum CallCondition {
    Every,
    Nth(usize),
    Next(usize),
    From(usize),
    Chance { probability: f64, random: fastrand::Rng },
}

impl When {
    /// Every call of one operation, named as in the service's API reference: `"BatchGetItem"`.
    pub fn calls(service: Service, operation: impl Into<String>) -> Self {
        Self { service: Some(service), operation: Some(operation.into()), ..Self::any_call() }
    }

    /// Every call to a service.
    #[must_use]
    pub fn any_call_to(service: Service) -> Self {
        Self { service: Some(service), ..Self::any_call() }
    }

    /// Every call to every service.
    #[must_use]
    pub fn any_call() -> Self {
        Self { service: None, operation: None, predicate: None, which: CallCondition::Every, seen: 0 }
    }

    /// Of the calls so far only those for which `predicate` holds. It runs on the servers' thread, once for each
    /// call.
    #[must_use]
    pub fn matching(mut self, predicate: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Only the `n`-th such call, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.which = CallCondition::Nth(n);
        self
    }

    /// Only the next `count` such calls.
    #[must_use]
    pub fn next(mut self, count: usize) -> Self {
        self.which = CallCondition::Next(count);
        self
    }

    /// The `n`-th such call, counted from 1, and all after it.
    #[must_use]
    pub fn from_nth(mut self, n: usize) -> Self {
        self.which = CallCondition::From(n);
        self
    }

    /// Each such call with this probability in 0..=1. The same seed and the same calls in the same order give the
    /// same choice.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.which = CallCondition::Chance { probability, random: fastrand::Rng::with_seed(seed) };
        self
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        match self.which {
            CallCondition::Nth(0) | CallCondition::From(0) => Err(FaultError::NoSuchCall),
            CallCondition::Chance { probability, .. } if !(0.0..=1.0).contains(&probability) => {
                Err(FaultError::Probability(probability))
            }
            _ => Ok(()),
        }
    }

    /// Whether the rule names an operation that can have a fault; `Err` with its name and those that can.
    pub(super) fn check_operation(
        &self,
        possible: fn(Service) -> &'static [&'static str],
    ) -> Result<(), (String, String)> {
        let services = self.service.as_ref().map_or(&Service::ALL[..], std::slice::from_ref);
        let possible: Vec<_> = services.iter().flat_map(|service| possible(*service)).copied().collect();
        match &self.operation {
            Some(operation) if possible.contains(&operation.as_str()) => Ok(()),
            operation => {
                let named = operation.clone().unwrap_or_else(|| "any operation".to_owned());
                Err((named, possible.join(", ")))
            }
        }
    }

    /// Whether this call is picked out; counts it if it is of the kind.
    pub(super) fn applies(&mut self, call: &Call) -> bool {
        let of_the_kind = self.service.is_none_or(|service| service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
            && self.predicate.as_ref().is_none_or(|predicate| predicate(call));
        if !of_the_kind {
            return false;
        }
        self.seen += 1;
        match &mut self.which {
            CallCondition::Every => true,
            CallCondition::Nth(n) => self.seen == *n,
            CallCondition::Next(count) => self.seen <= *count,
            CallCondition::From(n) => self.seen >= *n,
            CallCondition::Chance { probability, random } => random.f64() < *probability,
        }
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("When")
            .field("service", &self.service)
            .field("operation", &self.operation)
            .field("predicate", &self.predicate.as_ref().map(|_| "Fn(&Call) -> bool"))
            .field("which", &self.which)
            .field("seen", &self.seen)
            .finish()
    }
}
