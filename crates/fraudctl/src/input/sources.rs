//! Folders and patterns of names as the files that they stand for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::pattern::Pattern;
use super::{InputError, Source};
use crate::display::{counted, note};

/// The files that sources stand for: those below a folder and those that match a pattern, each sorted by their paths.
/// Hidden files and folders and those whose names begin with `_`, as Spark names what is not data, are left out, which is
/// told. What is named itself, or by a pattern that begins so, is taken.
///
/// # Errors
/// [`InputError`] if a folder cannot be read or nothing is in it, or nothing matches a pattern.
pub(super) fn expand(sources: &[Source]) -> Result<Vec<Source>, InputError> {
    let mut files = Vec::new();
    for source in sources {
        match source {
            Source::File(path) => expand_path(path, &mut files)?,
            Source::Stdin => files.push(Source::Stdin),
        }
    }
    Ok(files)
}

fn expand_path(path: &Path, files: &mut Vec<Source>) -> Result<(), InputError> {
    let name = || path.display().to_string();
    let mut found = Found::default();
    if path.is_dir() {
        found.add_folder(path)?;
    } else if !path.exists()
        && let Some(pattern) = path.to_str().and_then(Pattern::parse)
    {
        found.add_matches(&pattern)?;
    } else {
        files.push(Source::File(path.to_owned()));
        return Ok(());
    }
    if found.left_out > 0 {
        let left_out = counted(found.left_out, "name");
        note!("{}: {left_out} left out: hidden, beginning with `_`, or a link to a folder", name());
    }
    if found.files.is_empty() {
        return Err(match path.is_dir() {
            true => InputError::EmptyFolder { source_name: name() },
            false => InputError::NoMatch { pattern: name() },
        });
    }
    found.files.sort();
    files.extend(found.files.into_iter().map(Source::File));
    Ok(())
}

#[derive(Debug, Default)]
struct Found {
    files: Vec<PathBuf>,
    left_out: u64,
}

impl Found {
    /// Adds the files below a folder. Links to folders are not followed: one could lead back.
    fn add_folder(&mut self, folder: &Path) -> Result<(), InputError> {
        for (path, is_marker) in entries(folder)? {
            if is_marker {
                self.left_out += 1;
            } else if path.is_dir() {
                match path.is_symlink() {
                    true => self.left_out += 1,
                    false => self.add_folder(&path)?,
                }
            } else {
                self.files.push(path);
            }
        }
        Ok(())
    }

    /// Adds the files that match, and those below folders that match.
    fn add_matches(&mut self, pattern: &Pattern) -> Result<(), InputError> {
        let mut matching = vec![pattern.root()];
        for part in pattern.parts() {
            let mut next = Vec::new();
            for folder in matching {
                match part.literal() {
                    Some(name) => next.push(folder.join(name)),
                    None if part.is_any_depth() => self.add_folders(folder, &mut next)?,
                    None if is_folder(&folder) => {
                        for (path, is_marker) in entries(&folder)? {
                            let name = path.file_name().unwrap_or_default().to_string_lossy();
                            match part.matches(&name) {
                                true if is_marker && !part.names_markers() => self.left_out += 1,
                                true => next.push(path),
                                false => {}
                            }
                        }
                    }
                    None => {}
                }
            }
            matching = next;
        }
        for path in matching {
            match path.is_dir() {
                true => self.add_folder(&path)?,
                false if path.exists() => self.files.push(path),
                false => {}
            }
        }
        // Two ways through folders of any depth may lead to one file.
        self.files.sort();
        self.files.dedup();
        Ok(())
    }

    /// Adds a folder and all folders below it to `folders`.
    fn add_folders(&mut self, folder: PathBuf, folders: &mut Vec<PathBuf>) -> Result<(), InputError> {
        if !is_folder(&folder) {
            return Ok(());
        }
        for (path, is_marker) in entries(&folder)? {
            if path.is_dir() {
                match is_marker || path.is_symlink() {
                    true => self.left_out += 1,
                    false => self.add_folders(path, folders)?,
                }
            }
        }
        folders.push(folder);
        Ok(())
    }
}

/// Whether this is a folder; the empty path is the one that relative paths begin in.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}

/// What is in a folder, and whether it is hidden or not data.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, InputError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error: io::Error| InputError::Open { source_name: folder.display().to_string(), error };
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(unreadable)?;
        let is_marker = matches!(entry.file_name().as_encoded_bytes().first(), Some(b'.' | b'_'));
        let path = if folder == Path::new(".") { entry.file_name().into() } else { entry.path() };
        Ok((path, is_marker))
    };
    fs::read_dir(folder).map_err(unreadable)?.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        folder
    }

    const LAKE: [&str; 8] = [
        "lake/dt=2026-01-15/hour=07/b.parquet",
        "lake/dt=2026-01-15/hour=07/a.parquet",
        "lake/dt=2026-01-15/hour=07/a.parquet.crc",
        "lake/dt=2026-01-16/c.parquet",
        "lake/dt=2026-02-01/d.parquet",
        "lake/_SUCCESS",
        "lake/.hidden/x.parquet",
        "lake/_temporary/x.parquet",
    ];

    /// What a path below the folder stands for, relative to it.
    fn expanded(folder: &tempfile::TempDir, path: &str) -> Result<Vec<String>, InputError> {
        let files = expand(&[Source::File(folder.path().join(path))])?;
        let relative = |source: Source| match source {
            Source::File(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
            Source::Stdin => "-".to_owned(),
        };
        Ok(files.into_iter().map(relative).collect())
    }

    #[test]
    fn a_folder_is_all_files_below_it_but_hidden_ones_and_markers() {
        let folder = folder(&LAKE);
        std::os::unix::fs::symlink(folder.path().join("lake"), folder.path().join("lake/loop")).unwrap();
        let all = [
            "lake/dt=2026-01-15/hour=07/a.parquet",
            "lake/dt=2026-01-15/hour=07/a.parquet.crc",
            "lake/dt=2026-01-15/hour=07/b.parquet",
            "lake/dt=2026-01-16/c.parquet",
            "lake/dt=2026-02-01/d.parquet",
        ];
        assert_eq!(expanded(&folder, "lake").unwrap(), all);
        assert_eq!(expanded(&folder, "lake/.hidden").unwrap(), ["lake/.hidden/x.parquet"]);
    }

    #[test]
    fn a_pattern_is_the_files_that_match_it_in_order() {
        let folder = folder(&LAKE);
        let january = [
            "lake/dt=2026-01-15/hour=07/a.parquet",
            "lake/dt=2026-01-15/hour=07/b.parquet",
            "lake/dt=2026-01-16/c.parquet",
        ];
        assert_eq!(expanded(&folder, "lake/dt=2026-01-*/**/*.parquet").unwrap(), january);
        assert_eq!(expanded(&folder, "lake/dt=2026-01-1[6-9]/?.parquet").unwrap(), january[2..]);
        assert_eq!(expanded(&folder, "lake/dt=2026-0[!1]-*").unwrap(), ["lake/dt=2026-02-01/d.parquet"]);
        assert_eq!(expanded(&folder, "lake/_*").unwrap(), ["lake/_SUCCESS", "lake/_temporary/x.parquet"]);
        for nothing in ["lake/*.parquet", "nowhere/*", "lake/dt=*/*/*/*"] {
            let error = expanded(&folder, nothing).unwrap_err().to_string();
            assert!(error.starts_with("nothing matches ") && error.contains(nothing), "{error}");
        }
    }

    #[test]
    fn what_is_there_under_its_own_name_is_no_pattern_and_an_empty_folder_is_an_error() {
        let folder = folder(&["a[1].json", "a1.json", "empty/_SUCCESS"]);
        assert_eq!(expanded(&folder, "a[1].json").unwrap(), ["a[1].json"]);
        assert_eq!(expanded(&folder, "a[1]*.json").unwrap(), ["a1.json"]);
        assert_eq!(expanded(&folder, "missing.json").unwrap(), ["missing.json"]);
        assert!(matches!(expanded(&folder, "empty"), Err(InputError::EmptyFolder { .. })));
        assert_eq!(expand(&[Source::Stdin]).unwrap(), [Source::Stdin]);
    }
}
