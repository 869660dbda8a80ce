//! The way of a letter back to its function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink, StoredLetter};
use fraud_core::reason::FailureReason;
use kinesis_batch::{Batch, Redelivery};
use tokio::time::Instant;

use super::handlers::Handlers;
use super::memory::Memory;
use super::outcome::{Outcome, Stays, where_the_bytes_are};
use crate::Failure;
use crate::handler::HandlerName;

/// The time that a function has for a letter: as the template gives one of them for a batch.
const REMAINING: Duration = Duration::from_secs(60);

/// Hands letters to the functions that they name.
pub(super) struct Redriver<'e> {
    handlers: Handlers<'e, StillPoison>,
    still_poison: StillPoison,
    memory: Memory<'e>,
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
    async fn send(&self, letter: &DeadLetter<'_>, _deadline: Instant) -> Result<(), CallFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(letter.id(), letter.reason);
        Ok(())
    }
}

impl<'e> Redriver<'e> {
    /// Functions as the environment configures them. None is set up yet.
    pub(super) fn new(environment: Environment<'e>, sdk: &'e Sdk, memory: Memory<'e>) -> Self {
        let still_poison = StillPoison::default();
        Redriver { handlers: Handlers::new(environment, sdk, still_poison.clone()), still_poison, memory }
    }

    /// Sets the letter's function up, where it reads the stream.
    ///
    /// # Errors
    /// As [`Handlers::prepare`].
    pub(super) async fn prepare(&mut self, letter: &StoredLetter) -> Result<(), Failure> {
        match HandlerName::of_function(&letter.function) {
            Some(name) => self.handlers.prepare(name).await,
            None => Ok(()),
        }
    }

    /// Hands a letter's record to its function, under its original position. Doing so again changes nothing. No two
    /// letters of one id may be under way at once.
    pub(super) async fn redrive(&self, letter: &StoredLetter) -> Outcome {
        let event = match self.event(letter) {
            Ok(event) => event,
            Err(stays) => return Outcome::Stays(stays),
        };
        let name = HandlerName::of_function(&letter.function);
        let Some(handler) = name.and_then(|name| self.handlers.get(name)) else {
            return unknown_function(letter);
        };
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
        let event = match self.event(letter) {
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

    /// The event that hands a letter's record over, unless it must not be.
    fn event(&self, letter: &StoredLetter) -> Result<String, Stays> {
        let Some(data) = &letter.data else {
            return Err(Stays::DataOmitted { bytes: where_the_bytes_are(letter) });
        };
        if let Some(name) = HandlerName::of_function(&letter.function) {
            match self.memory.has_forgotten(name, letter.arrival) {
                Ok(None) => {}
                Ok(Some(stays)) => return Err(stays),
                Err(failure) => return Err(Stays::Refused { error: format!("{failure:#}") }),
            }
        }
        Ok(Redelivery { position: letter.position(), arrival: letter.arrival, data }.event())
    }
}

fn unknown_function(letter: &StoredLetter) -> Outcome {
    Outcome::Stays(Stays::UnknownFunction { function: letter.function.clone() })
}
