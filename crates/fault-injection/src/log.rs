//! What a function logs when its calls fail.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
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

/// The first line that does not say which record it is about: neither its `position` nor its `first` field begins with
/// `position`. A line that is not a JSON object says nothing.
pub fn without_position<'l>(lines: &'l [String], position: &str) -> Option<&'l str> {
    let says = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let fields = &line["fields"];
        let said = fields["position"].as_str().or_else(|| fields["first"].as_str());
        said.is_some_and(|said| said.starts_with(position))
    };
    lines.iter().map(String::as_str).find(|line| !says(line))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_names_no_record_is_found() {
        let named =
            [r#"{"fields":{"position":"s/10"}}"#, r#"{"fields":{"first":"s/11 s/12"}}"#].map(str::to_owned);
        assert_eq!(without_position(&named, "s/1"), None);
        for other in [r#"{"fields":{"position":"s/2"}}"#, r#"{"fields":{}}"#, "text"] {
            let lines = [&named[..], &[other.to_owned()]].concat();
            assert_eq!(without_position(&lines, "s/1"), Some(other));
        }
    }
}
