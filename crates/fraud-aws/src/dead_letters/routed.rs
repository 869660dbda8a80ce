//! Which letters go where.

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use tokio::time::Instant;

use super::{DeadLetter, DeadLetterSink, DeadLetters};
use crate::config::{DeadLettersTarget, UnalertedLettersTarget};

/// Sends the letters whose high score nobody was alerted of to a sink of their own, if there is one, and all others to the
/// dead letters.
#[derive(Debug)]
pub struct RoutedLetters<D = DeadLetters> {
    dead_letters: D,
    unalerted: Option<D>,
}

impl<D> RoutedLetters<D> {
    /// All letters to `dead_letters`, but for those that `unalerted` takes.
    pub fn new(dead_letters: D, unalerted: Option<D>) -> Self {
        RoutedLetters { dead_letters, unalerted }
    }
}

impl RoutedLetters {
    /// Opens the sinks. A queue is not asked for anything yet.
    pub async fn connect(
        dead_letters: &DeadLettersTarget,
        unalerted: &UnalertedLettersTarget,
        sdk: &Sdk,
    ) -> Self {
        let unalerted = match unalerted {
            UnalertedLettersTarget::Own(target) => Some(DeadLetters::connect(target, sdk).await),
            UnalertedLettersTarget::DeadLetters => None,
        };
        RoutedLetters::new(DeadLetters::connect(dead_letters, sdk).await, unalerted)
    }
}

impl<D: DeadLetterSink> DeadLetterSink for RoutedLetters<D> {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        match &self.unalerted {
            Some(unalerted) if letter.reason.is_unalerted() => unalerted.send(letter, deadline).await,
            _ => self.dead_letters.send(letter, deadline).await,
        }
    }
}
