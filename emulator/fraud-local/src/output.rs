//! The output folder: what an earlier run left in it, and what this run wrote.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use exact_text::json::{Scanner, Value};
use fraud_core::entity::{EntityKind, EntityKinds};
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading, TransactionReader};

use crate::reconcile::LandedLine;

/// Scored lines by event hour.
pub(crate) const SCORED: &str = "scored";
/// What the transform gave back as failed.
pub(crate) const ERRORS: &str = "errors";
/// Every record as it came.
pub(crate) const RAW: &str = "raw";
/// The same folders for what was put on the delivery stream beside the stream.
pub(crate) const DIRECT: &str = "direct";
/// Customers' windows, a line each.
const AGGREGATES: &str = "aggregates.ndjson";
/// The alerts' messages.
const ALERTS: &str = "alerts.ndjson";

/// The file that says that the folder is one of `fraud-local`.
const MARKER: &str = ".fraudctl-local";
const MARKER_TEXT: &str =
    "The results of `fraud-local` are in this folder. The next run into it removes them, and nothing else.\n";
/// How many names of a folder's other content an error lists.
const FOUND_NAMED: usize = 3;

/// Why a folder cannot be the output folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// It is not empty, and `fraud-local` did not make it.
    #[error(
        "--out {folder} holds {found}, and it was not made by `fraud-local`: name a new or empty folder; if it is what an \
         older release left, delete it first"
    )]
    Foreign { folder: String, found: String },
    #[error("--out {folder} cannot be used: {error}")]
    Unusable { folder: String, error: io::Error },
}

/// Makes a folder the output folder: creates it, or finds the marker of an earlier run. What is in it stays.
///
/// # Errors
/// [`FolderError`] if it holds anything and has no marker, or cannot be written to.
pub(crate) fn claim(out: &Path) -> Result<(), FolderError> {
    let unusable = |error| FolderError::Unusable { folder: out.display().to_string(), error };
    fs::create_dir_all(out).map_err(unusable)?;
    let marker = out.join(MARKER);
    if !marker.is_file() {
        let mut found = Vec::new();
        for entry in fs::read_dir(out).map_err(unusable)? {
            found.push(entry.map_err(unusable)?.file_name().to_string_lossy().into_owned());
        }
        if !found.is_empty() {
            let folder = out.display().to_string();
            return Err(FolderError::Foreign { folder, found: named(found) });
        }
    }
    fs::write(&marker, MARKER_TEXT).map_err(unusable)
}

fn named(mut found: Vec<String>) -> String {
    found.sort();
    let more = found.len().saturating_sub(FOUND_NAMED);
    let named: Vec<_> = found.iter().take(FOUND_NAMED).map(|name| format!("`{name}`")).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", named.join(", "))
}

/// Removes what an earlier run left in a folder that was [claimed](claim), and nothing else.
pub(crate) fn clear(out: &Path) -> anyhow::Result<()> {
    for name in [SCORED, ERRORS, RAW, DIRECT] {
        let path = out.join(name);
        ignore_missing(fs::remove_dir_all(&path))
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    for name in [ALERTS, AGGREGATES] {
        let path = out.join(name);
        ignore_missing(fs::remove_file(&path))
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// How many files a run has written.
pub(crate) fn written(out: &Path) -> anyhow::Result<u64> {
    let mut count = [ALERTS, AGGREGATES].iter().filter(|name| out.join(name).is_file()).count();
    for name in [SCORED, ERRORS, RAW, DIRECT] {
        count += files(&out.join(name))?.len();
    }
    Ok(count as u64)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file of lines that is written.
pub(crate) struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Lines {
    /// The alerts' messages.
    pub(crate) fn of_alerts(out: &Path) -> anyhow::Result<Self> {
        Lines::create(out.join(ALERTS))
    }

    /// Customers' windows.
    pub(crate) fn of_windows(out: &Path) -> anyhow::Result<Self> {
        Lines::create(out.join(AGGREGATES))
    }

    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Lines { path, file: BufWriter::new(file) })
    }

    pub(crate) fn write(&mut self, lines: impl Iterator<Item = impl Display>) -> anyhow::Result<()> {
        for line in lines {
            writeln!(self.file, "{line}").with_context(|| format!("cannot write {}", self.path.display()))?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The files below a folder; none if there is no such folder.
pub(crate) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

/// What the scored lines say of themselves.
///
/// # Errors
/// If the folder cannot be read, or a line is not a scored transaction.
pub fn landed(out: &Path) -> anyhow::Result<Vec<LandedLine>> {
    let mut landed = Vec::new();
    each_landed(out, |_, line| {
        landed.push(read_landed(&line)?);
        Ok(())
    })?;
    Ok(landed)
}

/// Shows the customer and the text of each scored line; without a customer it is empty.
pub(crate) fn each_landed(
    out: &Path,
    mut show: impl FnMut(&str, String) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let reading = Reading::new(&Schema::builtin_default(), &Asked::default());
    for file in files(&out.join(SCORED))? {
        let unreadable = || format!("cannot read {}", file.display());
        for line in BufReader::new(File::open(&file).with_context(unreadable)?).lines() {
            let line = line.with_context(unreadable)?;
            let transaction = TransactionReader::new(&reading).read(line.as_bytes()).ok();
            let customer = transaction.and_then(|transaction| transaction.customer_id.map(Cow::into_owned));
            show(&customer.unwrap_or_default(), line)
                .with_context(|| format!("{} holds a line that cannot be checked", file.display()))?;
        }
    }
    Ok(())
}

/// What a scored line says of itself.
pub(crate) fn read_landed(line: &str) -> anyhow::Result<LandedLine> {
    let (mut decision_id, mut enrichment) = (None, None);
    let (mut fraud_score, mut shadow_score) = (None, None);
    let (mut history, mut inputs, mut reasons) = (None, None, Vec::new());
    let mut unavailable = EntityKinds::NONE;
    Scanner::new(line, 64).object(|key, scanner| {
        let value = scanner.value()?;
        match (key.decode().as_deref(), value) {
            (Some("decision_id"), value) => decision_id = value.as_str(),
            (Some("history"), value) => history = value.as_str(),
            (Some("enrichment"), value) => enrichment = value.as_str(),
            (Some("fraud_inputs"), value) => {
                inputs = value.as_str();
                unavailable = unavailable_kinds(inputs.as_deref().unwrap_or_default())?;
            }
            (Some("fraud_reasons"), Value::Array(names)) => reasons = texts(names)?,
            (Some("fraud_score"), Value::Number(digits)) => fraud_score = digits.parse().ok(),
            (Some("shadow_score"), Value::Number(digits)) => shadow_score = digits.parse().ok(),
            _ => {}
        }
        Ok::<_, exact_text::json::JsonError>(())
    })?;
    Ok(LandedLine {
        decision_id: decision_id.ok_or_else(|| anyhow!("no decision_id"))?.into_owned(),
        fraud_score: fraud_score.ok_or_else(|| anyhow!("no fraud_score"))?,
        shadow_score,
        enrichment: enrichment.ok_or_else(|| anyhow!("no enrichment"))?.into_owned(),
        unavailable,
        history: history.map(Cow::into_owned),
        inputs: inputs.map(Cow::into_owned),
        reasons,
    })
}

/// The texts of a JSON array.
fn texts(array: &str) -> Result<Vec<String>, exact_text::json::JsonError> {
    let mut texts = Vec::new();
    Scanner::new(array, 64).array(|scanner| {
        texts.extend(scanner.value()?.as_str().map(Cow::into_owned));
        Ok::<_, exact_text::json::JsonError>(())
    })?;
    Ok(texts)
}

/// The kinds of entities that a record's inputs call unavailable.
fn unavailable_kinds(inputs: &str) -> Result<EntityKinds, exact_text::json::JsonError> {
    let mut kinds = EntityKinds::NONE;
    Scanner::new(inputs, 64).object(|key, scanner| {
        let value = scanner.value()?;
        let kind = key.decode().and_then(|name| EntityKind::of_name(&name));
        if let Some(kind) = kind.filter(|_| value.as_str().as_deref() == Some("unavailable")) {
            kinds.insert(kind);
        }
        Ok::<_, exact_text::json::JsonError>(())
    })?;
    Ok(kinds)
}

/// The payloads of the records under the error prefix: Firehose's error objects, one a line, hold them as base64.
pub(crate) fn failed(out: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut failed = Vec::new();
    for file in files(&out.join(ERRORS))? {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for line in text.lines() {
            let error: serde_json::Value = serde_json::from_str(line)?;
            let data =
                error["rawData"].as_str().with_context(|| format!("{} lacks rawData", file.display()))?;
            failed.push(base64_simd::STANDARD.decode_to_vec(data)?);
        }
    }
    Ok(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_carries_the_marker_is_cleared_and_only_results_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        claim(&out).unwrap();
        fs::create_dir_all(out.join("raw/2026")).unwrap();
        for name in ["raw/2026/object", "alerts.ndjson", "notes.txt"] {
            fs::write(out.join(name), "x").unwrap();
        }
        assert_eq!(written(&out).unwrap(), 2);
        claim(&out).unwrap();
        assert_eq!(written(&out).unwrap(), 2, "to claim it removes nothing");
        clear(&out).unwrap();
        assert_eq!(written(&out).unwrap(), 0);
        assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "x");
    }

    #[test]
    fn a_folder_with_other_content_is_refused_and_named_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["raw", "a", "c", "b"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let error = claim(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds `a`, `b`, `c` and 1 more, and"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
