//! The functions that letters go back to, in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterFault, DeadLetterSink, StoredLetter};
use fraud_aws::sdk::Sdk;
use fraud_core::reason::FailureReason;
use kinesis_batch::{Batch, Redelivery};
use tokio::time::Instant;

use super::outcome::{Outcome, Stays, where_the_bytes_are};
use crate::Failure;
use crate::handler::{Handler, HandlerName};

/// The time that a function has for a letter, as the template gives its functions for a batch.
const REMAINING: Duration = Duration::from_secs(60);

/// Variables and their values that are for development: what they would take is lost with this process, or reaches nobody.
const FOR_DEVELOPMENT: [(&str, &str); 4] = [
    ("ALERT_LEDGER", "memory:"),
    ("ALERT_SINK", "stdout:"),
    ("AGGREGATES", "memory:"),
    ("AGGREGATE_SINK", "stdout:"),
];

/// Hands letters to the functions that they name.
pub(super) struct Redriver<'e> {
    environment: Environment<'e>,
    sdk: &'e Sdk,
    still_poison: StillPoison,
    alerts: Option<Handler<StillPoison>>,
    analytics: Option<Handler<StillPoison>>,
}

/// Takes what is poison again in place of the queue, where its letter lies already.
#[derive(Debug, Clone, Default)]
struct StillPoison(Arc<Mutex<HashMap<String, FailureReason>>>);

impl StillPoison {
    fn take(&self, id: &str) -> Option<FailureReason> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

impl DeadLetterSink for StillPoison {
    async fn send(&self, letter: &DeadLetter<'_>, _deadline: Instant) -> Result<(), DeadLetterFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(letter.id(), letter.reason);
        Ok(())
    }
}

impl<'e> Redriver<'e> {
    /// Functions as the environment configures them. None is set up yet.
    pub(super) fn new(environment: Environment<'e>, sdk: &'e Sdk) -> Self {
        Redriver { environment, sdk, still_poison: StillPoison::default(), alerts: None, analytics: None }
    }

    /// Sets the letter's function up, where that is not done yet. No service is asked for anything.
    ///
    /// # Errors
    /// [`Failure::Input`] where the environment does not say how.
    pub(super) async fn prepare(&mut self, letter: &StoredLetter) -> Result<(), Failure> {
        let Some(name) = HandlerName::of_function(&letter.function) else { return Ok(()) };
        let slot = match name {
            HandlerName::Alerts => &mut self.alerts,
            HandlerName::Analytics => &mut self.analytics,
        };
        if slot.is_none() {
            refuse_development(self.environment)?;
            let (environment, still_poison) = (self.environment, self.still_poison.clone());
            *slot = Some(Handler::with_dead_letters(name, environment, self.sdk, still_poison).await?);
        }
        Ok(())
    }

    /// Hands a letter's record to its function, under its original position. Doing so again changes nothing. No two
    /// letters of one id may be under way at once.
    pub(super) async fn redrive(&self, letter: &StoredLetter) -> Outcome {
        let event = match event(letter) {
            Ok(event) => event,
            Err(stays) => return Outcome::Stays(stays),
        };
        let handler = match HandlerName::of_function(&letter.function) {
            Some(HandlerName::Alerts) => &self.alerts,
            Some(HandlerName::Analytics) => &self.analytics,
            None => &None,
        };
        let Some(handler) = handler else { return unknown_function(letter) };
        let handled = handler.retry_reason(&event, REMAINING).await;
        let poison = self.still_poison.take(&letter.id());
        match (handled, poison) {
            (Err(error), _) => Outcome::Stays(Stays::Refused { error: error.to_string() }),
            (Ok(Some(reason)), _) => Outcome::Stays(Stays::MustComeAgain(reason)),
            (Ok(None), Some(reason)) => Outcome::Stays(Stays::Poison(reason)),
            (Ok(None), None) => Outcome::Accepted,
        }
    }

    /// What is known beforehand of what [`redrive`](Self::redrive) would come to.
    pub(super) fn foresee(&self, letter: &StoredLetter) -> Outcome {
        if HandlerName::of_function(&letter.function).is_none() {
            return unknown_function(letter);
        }
        let event = match event(letter) {
            Ok(event) => event,
            Err(stays) => return Outcome::Stays(stays),
        };
        match Batch::read(&event) {
            Ok(batch) => match batch.transactions().first() {
                Some(Err(reason)) => Outcome::Stays(Stays::Poison(*reason)),
                _ => Outcome::Accepted,
            },
            Err(error) => Outcome::Stays(Stays::Refused { error: error.to_string() }),
        }
    }
}

fn unknown_function(letter: &StoredLetter) -> Outcome {
    Outcome::Stays(Stays::UnknownFunction { function: letter.function.clone() })
}

fn event(letter: &StoredLetter) -> Result<String, Stays> {
    match &letter.data {
        None => Err(Stays::DataOmitted { bytes: where_the_bytes_are(letter) }),
        Some(data) => Ok(Redelivery { position: letter.position(), arrival: letter.arrival, data }.event()),
    }
}

/// A letter is removed once its record was accepted: by what keeps it.
fn refuse_development(environment: Environment<'_>) -> Result<(), Failure> {
    for (variable, value) in FOR_DEVELOPMENT {
        if environment.get(variable).is_some_and(|found| found == value) {
            return Err(Failure::input(anyhow!(
                "{variable} is `{value}`, which is for development: a letter sent back there would be lost; name what the \
                 deployed functions use"
            )));
        }
    }
    Ok(())
}
