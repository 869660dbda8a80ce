//! Given-up batches back to their function. What of a batch is poison goes to the dead letters, as it would have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::{DeadLettersTarget, Environment};
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink, DeadLetters};
use fraud_core::reason::FailureReason;
use indicatif::ProgressBar;
use tokio::time::Instant;

use super::super::handlers::Handlers;
use super::super::memory::Memory;
use super::super::outcome::{Outcome, Stays, Summary};
use super::super::redrive::Arguments;
use super::{Object, finish, paths};
use crate::Failure;
use crate::aws;
use crate::display::note;
use crate::interrupt::Interrupt;

/// The time that a function has for a batch, as the template gives one of them.
const REMAINING: Duration = Duration::from_secs(120);

/// The deployment's dead letters, and what went there.
#[derive(Debug, Clone)]
struct Counted {
    inner: Arc<DeadLetters>,
    taken: Arc<Mutex<BTreeMap<FailureReason, u64>>>,
}

impl DeadLetterSink for Counted {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        self.inner.send(letter, deadline).await?;
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner).entry(letter.reason).or_default() += 1;
        Ok(())
    }
}

impl Counted {
    /// What went there since this was last asked.
    fn take(&self) -> BTreeMap<FailureReason, u64> {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Redrives the objects at the arguments' path. Gives whether Ctrl-C ended it.
pub(in crate::dead_letters) async fn run(
    arguments: &Arguments,
    path: &std::path::Path,
    environment: Environment<'_>,
    summary: &mut Summary,
    bar: &ProgressBar,
) -> Result<bool, Failure> {
    let target = DeadLettersTarget::from_environment(environment).map_err(Failure::input)?;
    // A dry run calls nothing.
    let sdk = if arguments.dry_run { Sdk::new() } else { aws::sdk().await? };
    let memory = Memory::new(environment, SystemClock.now(), arguments.beyond_memory);
    let inner = Arc::new(DeadLetters::connect(&target, &sdk).await);
    let counted = Counted { inner, taken: Arc::default() };
    let mut handlers = Handlers::new(environment, &sdk, counted.clone());
    let interrupt = Interrupt::listen();
    let mut left = arguments.limit.unwrap_or(u32::MAX);
    for path in paths(path)? {
        if left == 0 {
            break;
        }
        if interrupt.has_come() {
            return Ok(true);
        }
        let outcome = match Object::read(&path) {
            Ok(object) if !object.is_chosen(&arguments.selection) => continue,
            Ok(object) => redrive(&object, arguments, &mut handlers, &memory).await?,
            Err(error) => Outcome::Stays(Stays::Unreadable { error: error.to_string() }),
        };
        left -= 1;
        let id = path.display();
        for (reason, count) in counted.take() {
            bar.suspend(|| note!("{id}: {count} {reason} went to the dead letters"));
        }
        if let Some(line) = summary.count(&id.to_string(), &outcome) {
            bar.suspend(|| note!("{line}"));
        }
        bar.set_message(summary.progress());
        bar.tick();
    }
    Ok(false)
}

/// Hands a batch to its function as Lambda did, and marks its object as done where it was accepted. Doing so again
/// changes nothing.
async fn redrive(
    object: &Object,
    arguments: &Arguments,
    handlers: &mut Handlers<'_, Counted>,
    memory: &Memory<'_>,
) -> Result<Outcome, Failure> {
    let stays = |stays| Ok(Outcome::Stays(stays));
    let batch = match &object.batch {
        Ok(batch) => batch,
        Err(error) => return stays(Stays::NotABatch { error: error.clone() }),
    };
    let Some(name) = object.handler(&arguments.selection) else {
        let function = batch.function().to_owned();
        return stays(Stays::FunctionNotSaid { function });
    };
    let Some(event) = &batch.payload else {
        let bytes = "it holds no records: only an S3 destination gets them; they are in the stream and in the raw backup";
        return stays(Stays::DataOmitted { bytes: bytes.to_owned() });
    };
    handlers.prepare(name).await?;
    if let Some(forgotten) = memory.has_forgotten(name, object.arrival())? {
        return stays(forgotten);
    }
    if arguments.dry_run {
        return Ok(Outcome::Accepted);
    }
    let handled = match handlers.get(name) {
        Some(handler) => handler.retry_reason(event, REMAINING).await,
        None => Err(anyhow!("the function is not set up")),
    };
    match handled {
        Err(error) => stays(Stays::Refused { error: error.to_string() }),
        Ok(Some(reason)) => stays(Stays::MustComeAgain(reason)),
        Ok(None) => match finish(&object.path, arguments.delete) {
            Ok(()) => Ok(Outcome::Accepted),
            Err(error) => stays(Stays::NotRemoved { error: error.to_string() }),
        },
    }
}
