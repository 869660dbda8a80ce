//! Where objects are written.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// A bucket: takes objects under keys, and is never asked for them.
///
/// An error ends the delivery stream's run: an implementation retries what can be retried.
pub trait ObjectStore {
    /// Why an object could not be written.
    type Error;

    /// Writes an object, in place of one that has the same key.
    fn put(&self, key: &str, data: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<O: ObjectStore + Send + Sync> ObjectStore for Arc<O> {
    type Error = O::Error;

    async fn put(&self, key: &str, data: Bytes) -> Result<(), Self::Error> {
        O::put(self, key, data).await
    }
}

/// Objects in memory. A cloneable handle.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl MemoryObjects {
    /// All objects by key.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The objects whose keys begin with a prefix, one after the other.
    #[must_use]
    pub fn concatenated(&self, prefix: &str) -> Vec<u8> {
        let objects = self.snapshot();
        objects
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .flat_map(|(_, data)| data.to_vec())
            .collect()
    }
}

impl ObjectStore for MemoryObjects {
    type Error = Infallible;

    async fn put(&self, key: &str, data: Bytes) -> Result<(), Infallible> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), data);
        Ok(())
    }
}

/// Objects as files below a directory, at the paths that their keys are.
#[derive(Debug, Clone)]
pub struct DirectoryObjects(PathBuf);

/// Why an object did not become a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The key leads out of the directory, or names no file in it.
    #[error("the key {0:?} is not a path below a directory")]
    Key(String),
    /// The file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl DirectoryObjects {
    /// Below a directory, which is created with the first object.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }
}

impl ObjectStore for DirectoryObjects {
    type Error = DirectoryError;

    /// Blocks for as long as the file system takes. A file appears whole or not at all.
    async fn put(&self, key: &str, data: Bytes) -> Result<(), DirectoryError> {
        let relative = Path::new(key);
        let below = relative.components().all(|component| matches!(component, Component::Normal(_)));
        // A file's name ends a key: a partition key out of a function's hands may be anything.
        let Some(name) = relative.file_name().filter(|_| below && !key.ends_with('/')) else {
            return Err(DirectoryError::Key(key.to_owned()));
        };
        let path = self.0.join(relative);
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        let partial = path.with_file_name(partial);
        let written = std::fs::create_dir_all(path.parent().unwrap_or(&self.0))
            .and_then(|()| std::fs::write(&partial, &data))
            .and_then(|()| std::fs::rename(&partial, &path));
        written.map_err(|error| DirectoryError::Write { path, error })
    }
}
