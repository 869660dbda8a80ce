//! Labels whose transaction nobody knows, kept aside.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::lines::LabelLine;

/// Writes labels to a file, one a line as they were read, in place of what it holds. It can be applied as any other.
///
/// # Errors
/// If it cannot be written; it is then as it was.
pub(super) fn write(path: &Path, labels: &[LabelLine]) -> anyhow::Result<()> {
    let mut content = Vec::new();
    for label in labels {
        // In JSON line breaks are between tokens only.
        content
            .extend(label.bytes.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        content.push(b'\n');
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let cannot = || format!("cannot write {}", path.display());
    let mut file = fs::File::create(&name).with_context(cannot)?;
    file.write_all(&content).and_then(|()| file.sync_all()).with_context(cannot)?;
    fs::rename(&name, path).with_context(cannot)
}
