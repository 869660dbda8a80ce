//! The file that a report goes to.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use anyhow::anyhow;

use super::Report;
use crate::Failure;
use crate::display::note;

/// Sees that a report can be written, before anybody waits for it; what the file holds stays until then.
///
/// # Errors
/// [`Failure::Input`] if it cannot.
pub(crate) fn claim(path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    OpenOptions::new().create(true).append(true).open(path).map_err(|error| cannot_write(path, &error))?;
    Ok(())
}

impl Report<'_> {
    /// Writes the page, and tells where it is.
    ///
    /// # Errors
    /// [`Failure::Input`] if the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        fs::write(path, self.to_page()).map_err(|error| cannot_write(path, &error))?;
        note!("the report is in {}", path.display());
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::input(anyhow!("cannot write {}: {error}", path.display()))
}
