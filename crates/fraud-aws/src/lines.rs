//! Text as whole lines, whoever else writes.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// A writer of lines, shared by all who hold it.
#[derive(Debug)]
pub(crate) struct Lines<W>(Mutex<W>);

impl<W: Write> Lines<W> {
    /// Lines to `out`.
    pub(crate) fn new(out: W) -> Self {
        Lines(Mutex::new(out))
    }

    /// Writes a line; `text` must hold no line break.
    ///
    /// # Errors
    /// If the writer fails; a part of the line may have been written.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        // In one write, so that no other writer's line can come between.
        let line = format!("{text}\n");
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(line.as_bytes())?;
        out.flush()
    }
}
