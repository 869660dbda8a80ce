//! Faults on order: rules that say to which calls what shall happen.

mod entries;
mod fault;
mod when;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use entries::{BatchEntry, Entries};
pub use fault::{Fault, Hook};
pub use when::When;

use hyper::header::HeaderValue;

use crate::calls::Call;
use crate::service::Service;

/// The faults in force. A cloneable handle: rules take effect with the next call that arrives.
///
/// Rules are asked in the order in which they were added, and every rule counts the calls that it matches, whether
/// or not another acts on them. Of those that apply to a call, delays and hooks all take effect, in order; of the
/// others only the first does, and those after it are not reached.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Rules>>,
}

#[derive(Debug, Default)]
struct Rules {
    next_id: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    when: When,
    fault: Fault,
    applied: usize,
}

/// Names a rule that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleId(u64);

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// [`Fault::Half`] for an operation that has no entries to halve, or without naming an operation.
    #[error("{operation} cannot be done by half; these can: {possible}")]
    NoHalf {
        /// The operation that the rule named.
        operation: String,
        /// The operations that have a half form.
        possible: String,
    },
    /// [`Fault::FailEntries`] for an operation whose entries do not fail for themselves, or without naming an
    /// operation.
    #[error("single entries of {operation} cannot fail; those of these can: {possible}")]
    NoEntries {
        /// The operation that the rule named.
        operation: String,
        /// The operations whose entries fail for themselves.
        possible: String,
    },
    /// A probability that is not in 0..=1.
    #[error("a probability of {0}: it must lie in 0..=1")]
    Probability(f64),
    /// [`Fault::CodelessError`] with a status that is not an error's.
    #[error("status {0} is not an error's: it must lie in 400..=599")]
    Status(u16),
    /// [`Fault::Date`] with a text that no header can have.
    #[error("{0:?} cannot be a header's value")]
    Date(String),
    /// `nth(0)`: calls are counted from 1.
    #[error("calls are counted from 1: there is no call 0")]
    NoSuchCall,
}

impl Faults {
    /// Puts a rule in force: what happens to the calls that `when` picks out.
    ///
    /// # Errors
    /// [`FaultError`] if the rule could never mean anything; nothing is in force then.
    pub fn add(&self, when: When, fault: Fault) -> Result<RuleId, FaultError> {
        when.check()?;
        match &fault {
            Fault::Half => when
                .check_operation(Service::operations_with_half)
                .map_err(|(operation, possible)| FaultError::NoHalf { operation, possible })?,
            Fault::FailEntries(entries) => {
                entries.check()?;
                when.check_operation(Service::operations_with_entries)
                    .map_err(|(operation, possible)| FaultError::NoEntries { operation, possible })?;
            }
            Fault::CodelessError { status, .. } if !(400..=599).contains(status) => {
                return Err(FaultError::Status(*status));
            }
            Fault::Date(date) if HeaderValue::from_str(date).is_err() => {
                return Err(FaultError::Date(date.clone()));
            }
            _ => {}
        }
        let mut rules = self.rules();
        let id = RuleId(rules.next_id);
        rules.next_id += 1;
        rules.rules.push(Rule { id, when, fault, applied: 0 });
        Ok(id)
    }

    /// Ends a rule. Returns whether it was in force.
    pub fn remove(&self, id: RuleId) -> bool {
        let mut rules = self.rules();
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.id != id);
        rules.rules.len() < before
    }

    /// Ends all rules. Calls that hang or are delayed under one stay so.
    pub fn clear(&self) {
        self.rules().rules.clear();
    }

    /// To how many calls a rule was applied; 0 once it has been removed.
    #[must_use]
    pub fn applied(&self, id: RuleId) -> usize {
        self.rules().rules.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.applied)
    }

    /// What shall happen to a call.
    pub(crate) fn plan(&self, call: &Call) -> Vec<Fault> {
        let mut plan = Vec::new();
        let mut decided = false;
        for rule in &mut self.rules().rules {
            if !rule.when.applies(call) || decided {
                continue;
            }
            rule.applied += 1;
            decided = rule.fault.decides();
            plan.push(rule.fault.clone());
        }
        plan
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        // Only a test's own predicate can panic in here, and it changes nothing.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
