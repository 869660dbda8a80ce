//! Hands a letter's record back to its function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use fraud_aws::config::{Environment, SchemaSource};
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink, StoredLetter};
use fraud_aws::reason::FailureReason;
use fraud_batch::{Batch, Redelivery, transactions};
use fraud_core::transaction::{Asked, Reading};
use tokio::time::Instant;

use super::functions::Functions;
use super::memory::DedupMemory;
use super::result::{RedriveResult, StayReason};
use crate::Failure;
use crate::dead_letters::letter_data::where_the_bytes_are;
use crate::function::FunctionName;

/// The time that a function has for a letter: as the template gives one of them for a batch.
const REMAINING: Duration = Duration::from_secs(60);

/// Hands letters to the functions that they name.
pub(super) struct LetterRedriver<'e> {
    functions: Functions<'e, FailedAgain>,
    failed_again: FailedAgain,
    memory: DedupMemory<'e>,
    reading: Reading,
}

/// Takes the letters of records that fail again: the queue already has theirs.
#[derive(Debug, Clone, Default)]
struct FailedAgain(Arc<Mutex<HashMap<String, FailureReason>>>);

impl FailedAgain {
    fn take(&self, id: &str) -> Option<FailureReason> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

impl DeadLetterSink for FailedAgain {
    async fn send(&self, letter: &DeadLetter<'_>, _deadline: Instant) -> Result<(), CallFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(letter.id(), letter.reason);
        Ok(())
    }
}

impl<'e> LetterRedriver<'e> {
    /// Functions as the environment configures them. None is set up yet.
    ///
    /// # Errors
    /// [`Failure::Input`] if the schema cannot be used.
    pub(super) fn new(
        environment: Environment<'e>,
        sdk: &'e Sdk,
        memory: DedupMemory<'e>,
    ) -> Result<Self, Failure> {
        let schema = SchemaSource::from_environment(environment).map_err(Failure::input)?;
        let schema = schema.load().map_err(Failure::input)?;
        let failed_again = FailedAgain::default();
        Ok(LetterRedriver {
            functions: Functions::new(environment, sdk, failed_again.clone()),
            failed_again,
            memory,
            reading: Reading::new(&schema, &Asked::default()),
        })
    }

    /// Sets up the letter's function, if it is one that reads the stream.
    ///
    /// # Errors
    /// As [`Functions::prepare`].
    pub(super) async fn prepare(&mut self, letter: &StoredLetter) -> Result<(), Failure> {
        match FunctionName::of_function(&letter.function) {
            Some(name) => self.functions.prepare(name).await,
            None => Ok(()),
        }
    }

    /// Hands a letter's record to its function, under its original position. Doing so again changes nothing. No two
    /// letters of one id may be under way at once.
    pub(super) async fn redrive(&self, letter: &StoredLetter) -> RedriveResult {
        let event = match self.event(letter) {
            Ok(event) => event,
            Err(stays) => return RedriveResult::Stays(stays),
        };
        let name = FunctionName::of_function(&letter.function);
        let Some(handler) = name.and_then(|name| self.functions.get(name)) else {
            return unknown_function(letter);
        };
        let handled = handler.retry_reason(&event, REMAINING).await;
        let poison = self.failed_again.take(&letter.id());
        match (handled, poison) {
            (Err(error), _) => RedriveResult::Stays(StayReason::Refused { error: error.to_string() }),
            (Ok(Some(reason)), _) => RedriveResult::Stays(StayReason::MustRetry(reason)),
            (Ok(None), Some(reason)) => RedriveResult::Stays(StayReason::FailedAgain(reason)),
            (Ok(None), None) => RedriveResult::Accepted,
        }
    }

    /// What can be known of the result of [`redrive`](Self::redrive) without calling it.
    pub(super) fn foresee(&self, letter: &StoredLetter) -> RedriveResult {
        if FunctionName::of_function(&letter.function).is_none() {
            return unknown_function(letter);
        }
        let event = match self.event(letter) {
            Ok(event) => event,
            Err(stays) => return RedriveResult::Stays(stays),
        };
        match Batch::read(&event) {
            Ok(batch) => match transactions(&batch, &self.reading).first() {
                Some(Err(reason)) => RedriveResult::Stays(StayReason::FailedAgain(*reason)),
                _ => RedriveResult::Accepted,
            },
            Err(error) => RedriveResult::Stays(StayReason::Refused { error: error.to_string() }),
        }
    }

    /// The event that hands a letter's record over, unless it must not be.
    fn event(&self, letter: &StoredLetter) -> Result<String, StayReason> {
        let Some(data) = &letter.data else {
            return Err(StayReason::DataOmitted { bytes: where_the_bytes_are(letter) });
        };
        if let Some(name) = FunctionName::of_function(&letter.function) {
            match self.memory.has_forgotten(name, letter.arrival) {
                Ok(None) => {}
                Ok(Some(stays)) => return Err(stays),
                Err(failure) => return Err(StayReason::Refused { error: format!("{failure:#}") }),
            }
        }
        Ok(Redelivery { position: letter.position(), arrival: letter.arrival, data }.event())
    }
}

fn unknown_function(letter: &StoredLetter) -> RedriveResult {
    RedriveResult::Stays(StayReason::UnknownFunction { function: letter.function.clone() })
}
