//! Given-up batches back to their function. Records that can never succeed go to the dead letters, as they would have.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink, RoutedLetters};
use fraud_aws::reason::FailureReason;
use indicatif::ProgressBar;
use tokio::time::Instant;

use super::RedriveOptions;
use super::functions::Functions;
use super::memory::DedupMemory;
use super::result::{RedriveResult, RedriveSummary, StayReason};
use crate::Failure;
use crate::aws;
use crate::dead_letters::objects::{GivenUpObject, finish, paths};
use crate::display::note;
use crate::function::letters;
use crate::interrupt::Interrupt;
use crate::options::with_options;

/// The time that a function has for a batch, as the template gives one of them.
const REMAINING: Duration = Duration::from_secs(120);

/// The deployment's dead letters, and what went there.
#[derive(Debug, Clone)]
struct CountingDeadLetters {
    inner: Arc<RoutedLetters>,
    taken: Arc<Mutex<BTreeMap<FailureReason, u64>>>,
}

impl DeadLetterSink for CountingDeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        self.inner.send(letter, deadline).await?;
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner).entry(letter.reason).or_default() += 1;
        Ok(())
    }
}

impl CountingDeadLetters {
    /// What went there since this was last asked.
    fn take(&self) -> BTreeMap<FailureReason, u64> {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Redrives the objects at `path`. Gives whether Ctrl-C ended it.
pub(super) async fn redrive_all(
    options: &RedriveOptions,
    path: &Path,
    summary: &mut RedriveSummary,
    bar: &ProgressBar,
) -> Result<bool, Failure> {
    let variable = with_options(&[]);
    let environment = Environment::new(&variable);
    // A dry run calls nothing.
    let sdk = if options.dry_run { Sdk::new() } else { aws::sdk().await? };
    let memory = DedupMemory::new(environment, SystemClock.now(), options.beyond_memory);
    let inner = Arc::new(letters(environment, &sdk).await?);
    let counted = CountingDeadLetters { inner, taken: Arc::default() };
    let mut functions = Functions::new(environment, &sdk, counted.clone());
    let interrupt = Interrupt::listen();
    let mut left = options.limit.unwrap_or(u32::MAX);
    for path in paths(path)? {
        if left == 0 {
            break;
        }
        if interrupt.has_come() {
            return Ok(true);
        }
        let outcome = match GivenUpObject::read(&path) {
            Ok(object) if !object.is_chosen(&options.selection) => continue,
            Ok(object) => redrive(&object, options, &mut functions, &memory).await?,
            Err(error) => RedriveResult::Stays(StayReason::Unreadable { error: error.to_string() }),
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

/// Hands a batch to its function as Lambda did, and marks its object as done if it was accepted. Doing so again
/// changes nothing.
async fn redrive(
    object: &GivenUpObject,
    options: &RedriveOptions,
    functions: &mut Functions<'_, CountingDeadLetters>,
    memory: &DedupMemory<'_>,
) -> Result<RedriveResult, Failure> {
    let stays = |stays| Ok(RedriveResult::Stays(stays));
    let batch = match &object.batch {
        Ok(batch) => batch,
        Err(error) => return stays(StayReason::NotABatch { error: error.clone() }),
    };
    let Some(name) = object.handler(&options.selection) else {
        let function = batch.function().to_owned();
        return stays(StayReason::FunctionNotSaid { function });
    };
    let Some(event) = &batch.payload else {
        let bytes = "it holds no records: only an S3 destination gets them; they are in the stream and in the raw backup";
        return stays(StayReason::DataOmitted { bytes: bytes.to_owned() });
    };
    functions.prepare(name).await?;
    if let Some(forgotten) = memory.has_forgotten(name, object.arrival())? {
        return stays(forgotten);
    }
    if options.dry_run {
        return Ok(RedriveResult::Accepted);
    }
    let handled = match functions.get(name) {
        Some(handler) => handler.retry_reason(event, REMAINING).await,
        None => Err(anyhow!("the function is not set up")),
    };
    match handled {
        Err(error) => stays(StayReason::Refused { error: error.to_string() }),
        Ok(Some(reason)) => stays(StayReason::MustRetry(reason)),
        Ok(None) => match finish(&object.path, options.delete) {
            Ok(()) => Ok(RedriveResult::Accepted),
            Err(error) => stays(StayReason::NotRemoved { error: error.to_string() }),
        },
    }
}
