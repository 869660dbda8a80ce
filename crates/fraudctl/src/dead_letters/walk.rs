//! Walks through a queue: meets every letter once and leaves the queue unchanged.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::CallFault;
use fraud_aws::dead_letters::{DeadLetterQueue, MAX_RECEIVED, NotALetter, ReceivedMessage, StoredLetter};
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::display::{counted, note};
use crate::interrupt::Interrupt;

/// Calls to the queue under way at once.
const CALLS_AT_ONCE: usize = 10;

/// A message of the queue, and the letter that it is, if it is one.
#[derive(Debug)]
pub(super) struct FoundMessage {
    pub(super) message: ReceivedMessage,
    pub(super) letter: Result<StoredLetter, NotALetter>,
}

impl FoundMessage {
    /// The letter's id, or the message's if it is not a letter.
    pub(super) fn id(&self) -> String {
        self.letter.as_ref().map_or_else(|_| self.message.message_id.clone(), StoredLetter::id)
    }
}

/// Meets every letter of a queue, shows how far it is on `bar`, and gives each to `visit`. Gives how many were met; an error
/// of the queue or of `visit` ends it.
pub(super) async fn visit_all(
    walk: &mut QueueWalk<'_>,
    bar: &ProgressBar,
    mut visit: impl AsyncFnMut(&mut QueueWalk<'_>, &FoundMessage) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut seen = 0;
    loop {
        let found = walk.next(MAX_RECEIVED).await?;
        if found.is_empty() {
            return Ok(seen);
        }
        seen += found.len() as u64;
        for found in &found {
            visit(walk, found).await?;
        }
        bar.set_message(format!("{} read", counted(seen, "letter")));
        bar.tick();
    }
}

/// A walk. Letters that it met stay hidden, also from itself, until they are removed or given back.
pub(super) struct QueueWalk<'q> {
    queue: &'q DeadLetterQueue,
    hidden: Duration,
    interrupt: Interrupt,
    interrupted: bool,
    /// By the message's id.
    held: HashMap<String, Held>,
}

struct Held {
    receipt: String,
    until: Instant,
}

impl<'q> QueueWalk<'q> {
    /// Letters are hidden for `hidden` at a time, so that they become visible by themselves if this process dies.
    pub(super) fn new(queue: &'q DeadLetterQueue, hidden: Duration) -> Self {
        QueueWalk { queue, hidden, interrupt: Interrupt::listen(), interrupted: false, held: HashMap::new() }
    }

    /// Up to `most` letters that were not met yet; none at the end, or once Ctrl-C was pressed.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the queue cannot be read.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<FoundMessage>, Failure> {
        let mut rounds_without_new = 0;
        loop {
            self.interrupted |= self.interrupt.has_come();
            // If hiding does not keep up, letters are received again and again: all were met when as many calls as there are
            // letters brought no other.
            if self.interrupted || rounds_without_new > self.held.len() {
                return Ok(Vec::new());
            }
            self.keep_hidden().await;
            let until = Instant::now() + self.hidden;
            let received = self.queue.receive(most.min(MAX_RECEIVED), self.hidden).await;
            let received = received.map_err(|fault| anyhow!("cannot read the queue: {fault}"))?;
            if received.is_empty() {
                return Ok(Vec::new());
            }
            let new: Vec<FoundMessage> =
                received.into_iter().filter_map(|message| self.hold(message, until)).collect();
            if !new.is_empty() {
                return Ok(new);
            }
            rounds_without_new += 1;
        }
    }

    /// Whether Ctrl-C ended the walk.
    pub(super) fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// How many letters another reader hides, as text, if there are any: the walk met none of them. Must be called before
    /// [`give_back`](Self::give_back).
    ///
    /// # Errors
    /// [`Failure::Failed`] if the queue does not say.
    pub(super) async fn hidden_by_others(&self) -> Result<Option<String>, Failure> {
        let waiting =
            self.queue.waiting().await.map_err(|fault| anyhow!("cannot read the queue: {fault}"))?;
        let hidden = waiting.hidden.saturating_sub(self.held.len() as u64);
        Ok((hidden > 0).then(|| {
            format!(
                "about {} hidden by another reader, for at most {} seconds if it has the same --visibility-timeout",
                counted(hidden, "letter") + if hidden == 1 { " is" } else { " are" },
                self.hidden.as_secs()
            )
        }))
    }

    /// Remembers a message. Gives it if it was not met before.
    fn hold(&mut self, message: ReceivedMessage, until: Instant) -> Option<FoundMessage> {
        let held = Held { receipt: message.receipt.clone(), until };
        match self.held.entry(message.message_id.clone()) {
            Entry::Occupied(mut known) => {
                known.insert(held);
                None
            }
            Entry::Vacant(new) => {
                new.insert(held);
                Some(FoundMessage { letter: StoredLetter::read(&message.body), message })
            }
        }
    }

    /// Does some work, and keeps the letters that were met hidden meanwhile.
    pub(super) async fn while_hidden<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = sleep(self.hidden / 3) => self.keep_hidden().await,
            }
        }
    }

    /// Extends the hiding of letters that would soon be visible. A letter that cannot be hidden is received again, which is
    /// safe.
    async fn keep_hidden(&mut self) {
        let soon = Instant::now() + self.hidden / 2;
        let (queue, hidden) = (self.queue, self.hidden);
        let due = self.held.values_mut().filter(|held| held.until < soon);
        let hide = due.map(async |held: &mut Held| {
            let until = Instant::now() + hidden;
            if queue.hide(&held.receipt, hidden).await.is_ok() {
                held.until = until;
            }
        });
        stream::iter(hide).buffer_unordered(CALLS_AT_ONCE).collect::<Vec<()>>().await;
    }

    /// Removes a letter from the queue for good.
    ///
    /// # Errors
    /// [`CallFault`]; it is then given back with the others.
    pub(super) async fn remove(&mut self, message_id: &str) -> Result<(), CallFault> {
        if let Some(held) = self.held.get(message_id) {
            self.queue.remove(&held.receipt).await?;
            self.held.remove(message_id);
        }
        Ok(())
    }

    /// Makes the letters that were met and not removed visible to others at once.
    pub(super) async fn give_back(self) {
        let queue = self.queue;
        let back = self.held.into_values().map(async |held| queue.hide(&held.receipt, Duration::ZERO).await);
        let results: Vec<_> = stream::iter(back).buffer_unordered(CALLS_AT_ONCE).collect().await;
        let failed = results.into_iter().filter_map(Result::err).collect::<Vec<_>>();
        if let Some(fault) = failed.first() {
            note!(
                "{} could not be made visible ({fault}) and will be visible within {} seconds",
                counted(failed.len() as u64, "letter"),
                self.hidden.as_secs()
            );
        }
    }
}
