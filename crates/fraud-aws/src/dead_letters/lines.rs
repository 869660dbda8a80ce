//! Dead letters as lines, for development.

use std::io::Write;

use aws_calls::fault::CallFault;
use tokio::time::Instant;

use super::{DeadLetter, DeadLetterSink, MAX_BODY_BYTES};
use crate::lines::Lines;

/// A writer that takes dead letters as lines.
#[derive(Debug)]
pub struct DeadLetterLines<W>(Lines<W>);

impl<W: Write> DeadLetterLines<W> {
    /// Lines to `out`.
    pub fn new(out: W) -> Self {
        DeadLetterLines(Lines::new(out))
    }
}

impl<W: Write + Send> DeadLetterSink for DeadLetterLines<W> {
    async fn send(&self, letter: &DeadLetter<'_>, _deadline: Instant) -> Result<(), CallFault> {
        self.0.write(&letter.body(MAX_BODY_BYTES)).map_err(|error| CallFault::of_writer(&error))
    }
}
