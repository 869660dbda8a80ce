//! Where things are in this workspace.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The recorded events of one function, sorted by name: the files in `events/` whose names start with `prefix`.
///
/// # Errors
/// If the folder cannot be read.
pub fn recorded_events(prefix: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut events = Vec::new();
    for entry in std::fs::read_dir(root().join("events"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(prefix) && name.ends_with(".json") {
            events.push(path);
        }
    }
    events.sort();
    Ok(events)
}

/// The file of what a function is expected to make of a recorded event: its response, byte for byte, and for those that
/// print them the alerts and dead letters, one a line.
pub fn expected(event: &Path) -> PathBuf {
    let name = event.file_stem().unwrap_or_default();
    let extension = if name.to_string_lossy().starts_with("kinesis-") { "ndjson" } else { "json" };
    event.with_file_name("expected").join(name).with_extension(extension)
}
