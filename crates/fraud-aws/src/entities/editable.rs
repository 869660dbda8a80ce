//! A file of entities that is written again: with the counts of merchants' days.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use exact_text::json::{ObjectWriter, is_number};
use fraud_core::merchant::Bucket;

use super::rows::{self, Value};
use super::table::{COUNTED, ENTITY, THROUGH};
use super::{EntitiesFault, FileEntities};
use crate::labels::FileFault;

/// The entities of a file, for this process alone.
#[derive(Debug)]
pub struct EditableEntities {
    path: PathBuf,
    rows: BTreeMap<String, BTreeMap<String, Value>>,
    through: Option<i32>,
    /// Held until the entities are closed.
    _lock: File,
}

impl EditableEntities {
    /// Opens a file in any of the forms that [`rows::read`] reads; it may not be there yet.
    ///
    /// # Errors
    /// [`FileFault`] if it cannot be read, if another process has it open, or if it holds what would be lost when it is written
    /// again.
    pub fn open(path: &Path) -> Result<Self, FileFault> {
        let lock = lock(path)?;
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes?,
        };
        let mut entities =
            EditableEntities { path: path.to_owned(), rows: BTreeMap::new(), through: None, _lock: lock };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(entities);
        }
        let read = rows::read(&bytes).map_err(EntitiesFault::from)?;
        FileEntities::of_rows(&read)?;
        if let Some(name) = read.left_out.first() {
            return Err(EntitiesFault::LeftOut(name.clone()).into());
        }
        entities.through = read.through;
        entities.rows.extend(read.rows.into_iter().map(|(_, row)| (row.entity, row.attributes)));
        Ok(entities)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last day through which merchants' transactions are counted, if they are.
    pub fn through(&self) -> Option<i32> {
        self.through
    }

    /// Notes through which day merchants' transactions are counted.
    pub fn set_through(&mut self, day: i32) {
        self.through = Some(day);
    }

    /// Sets a count of an entity's day.
    pub fn set_count(&mut self, entity: &str, bucket: Bucket, day: i32, count: u32) {
        let attributes = self.rows.entry(entity.to_owned()).or_default();
        attributes.insert(bucket.attribute(day), Value::Number(count.to_string()));
    }

    /// Keeps of all counts of days those for which `keep` holds.
    pub fn retain_counts(&mut self, keep: impl Fn(Bucket, i32) -> bool) {
        for attributes in self.rows.values_mut() {
            attributes
                .retain(|name, _| Bucket::of_attribute(name).is_none_or(|(bucket, day)| keep(bucket, day)));
        }
    }

    /// Writes the file anew, one JSON object a line, at once: who reads it sees the old one or the new one.
    ///
    /// # Errors
    /// If it cannot be written; it is then as it was.
    pub fn save(&self) -> io::Result<()> {
        let mut text = String::new();
        for (entity, attributes) in &self.rows {
            let mut object = ObjectWriter::new();
            object.text(ENTITY, entity);
            for (name, value) in attributes {
                match value {
                    Value::Missing => {}
                    Value::Text(content) => drop(object.text(name, content)),
                    Value::Number(digits) if is_number(digits) => drop(object.json(name, digits)),
                    Value::Number(digits) => drop(object.text(name, digits)),
                    // As unusable as what was read.
                    Value::Other => drop(object.json(name, "[]")),
                }
            }
            text += &(object.finish() + "\n");
        }
        if let Some(through) = self.through {
            let mut object = ObjectWriter::new();
            object.text(ENTITY, COUNTED).json(THROUGH, &through.to_string());
            text += &(object.finish() + "\n");
        }
        replace(&self.path, text.as_bytes())
    }
}

/// Takes a file for this process alone, until what is given is dropped or the process ends. The file itself is replaced when it
/// is written, so that one beside it is locked.
///
/// # Errors
/// If another process has it, or the file beside it cannot be created.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let lock = File::create(beside(path, "lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "another process is writing it; try again when that has ended",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Replaces a file's content at once.
///
/// # Errors
/// If it cannot be written; the file is then as it was.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
