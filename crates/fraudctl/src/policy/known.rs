//! The policies that decisions on record were made by.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use fraud_core::policy::Policy;

use super::published_policies;
use crate::Failure;

/// The built-in policy, and those of files, folders and stores.
///
/// # Errors
/// [`Failure`] if one cannot be read or is not valid, or a folder has none.
pub(crate) async fn known_policies(named: &[PathBuf]) -> Result<Vec<Policy>, Failure> {
    let mut policies = vec![Policy::builtin_default().map_err(Failure::input)?];
    for path in named {
        match path.to_str() {
            Some("store") => policies.extend(published_policies(None).await?),
            Some(target) if target.starts_with("dynamodb:") => {
                policies.extend(published_policies(Some(target.to_owned())).await?);
            }
            _ => policies.extend(of_path(path)?),
        }
    }
    Ok(policies)
}

fn of_path(path: &Path) -> Result<Vec<Policy>, Failure> {
    if !path.is_dir() {
        return Ok(vec![of_file(path)?]);
    }
    let mut files = Vec::new();
    add_files(path, &mut files).map_err(Failure::input)?;
    files.sort();
    if files.is_empty() {
        return Err(Failure::input(anyhow!("{} has no file that ends in .toml", path.display())));
    }
    files.iter().map(|file| of_file(file)).collect()
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let path = entry.path();
        if entry.file_type().with_context(cannot_read)?.is_dir() {
            add_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn of_file(path: &Path) -> Result<Policy, Failure> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let policy = Policy::parse(&text.map_err(Failure::input)?);
    policy.map_err(|error| Failure::input(anyhow!("{}: {error}", path.display())))
}
