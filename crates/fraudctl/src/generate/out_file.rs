//! A file that is written to, or standard output.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

/// What `-` names.
const STDOUT: &str = "-";

/// A file that is written to, or standard output.
pub(super) struct OutFile<'a> {
    path: &'a Path,
    out: BufWriter<Box<dyn Write>>,
}

/// The file's name for people.
pub(super) fn named(path: &Path) -> String {
    if path.as_os_str() == STDOUT { "standard output".to_owned() } else { path.display().to_string() }
}

impl<'a> OutFile<'a> {
    pub(super) fn create(path: &'a Path) -> anyhow::Result<Self> {
        let out: Box<dyn Write> = match path.as_os_str() == STDOUT {
            true => Box::new(io::stdout()),
            false => {
                Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
            }
        };
        Ok(OutFile { path, out: BufWriter::new(out) })
    }

    /// That the reader of standard output is gone, such as `head`, is not an error.
    pub(super) fn write(
        &mut self,
        content: impl FnOnce(&mut BufWriter<Box<dyn Write>>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        match content(&mut self.out) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).with_context(|| format!("cannot write {}", named(self.path)))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.write(BufWriter::flush)
    }
}
