//! What a function logs when its calls fail.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;

/// Runs, and gives the log lines of this thread beside the result: a JSON object each.
pub fn logged<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let written = Written::default();
    let writer = written.clone();
    let lines = fmt::layer().json().with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(lines);
    let result = tracing::subscriber::with_default(subscriber, run);
    let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner);
    (result, String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// What the lines are written into.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
