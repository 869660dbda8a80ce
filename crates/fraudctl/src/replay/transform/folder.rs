//! The files of a replay: below a folder, in the lake's partitions.
//!
//! Lines are gathered in a hidden folder, as they come; the files are written from there when all of the span was
//! replayed. A file has the lines of one shard, in their order, and a name made of what is replayed, so that the same
//! replay writes the same files, and replaces them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use exact_text::timestamp::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer::Answered;

/// Where lines are gathered.
const UNFINISHED: &str = ".unfinished-replay";

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// The folder cannot be written to.
    #[error("--out {folder} cannot be written to: {error}")]
    Unusable { folder: String, error: io::Error },
    /// Another replay writes into it, or one was killed.
    #[error(
        "{gathered} is there: another replay writes into this folder, or one was killed; then remove it first"
    )]
    InUse { gathered: String },
    /// A file cannot be written.
    #[error("cannot write {file}: {error}")]
    Write { file: String, error: io::Error },
}

/// What is replayed: files are named after it.
#[derive(Debug, Clone)]
pub(in crate::replay) struct Replay {
    pub(in crate::replay) stream: String,
    pub(in crate::replay) from: Timestamp,
    pub(in crate::replay) to: Timestamp,
}

impl Replay {
    /// The name of a shard's file.
    fn file_name(&self, shard: &str) -> String {
        let compact = |time: Timestamp| time.to_string().replace(['-', ':'], "");
        // A name of another form than AWS's own must not lead out of the folder.
        let named =
            |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c), "_");
        let (from, to) = (compact(self.from), compact(self.to));
        format!("replay-{}-{from}-{to}-{}.ndjson.gz", named(&self.stream), named(shard))
    }
}

/// A folder that lines are gathered in.
#[derive(Debug)]
pub(super) struct LakeFolder {
    out: PathBuf,
    replay: Replay,
    /// The gathered files, by what they become.
    gathered: BTreeMap<PathBuf, PathBuf>,
    /// The numbers of the gathered files, by folder and shard.
    numbers: HashMap<(String, String), PathBuf>,
}

impl LakeFolder {
    /// Makes the folder, and sees that it can be written to.
    ///
    /// # Errors
    /// [`FolderError`] if it cannot, or another replay writes into it.
    pub(super) fn claim(out: &Path, replay: Replay) -> Result<Self, FolderError> {
        let unusable = |error| FolderError::Unusable { folder: out.display().to_string(), error };
        fs::create_dir_all(out).map_err(unusable)?;
        let gathered = out.join(UNFINISHED);
        match fs::create_dir(&gathered) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(FolderError::InUse { gathered: gathered.display().to_string() });
            }
            Err(error) => return Err(unusable(error)),
        }
        Ok(LakeFolder { out: out.to_owned(), replay, gathered: BTreeMap::new(), numbers: HashMap::new() })
    }

    /// Adds a shard's next lines.
    ///
    /// # Errors
    /// [`FolderError::Write`]
    pub(super) fn append(&mut self, shard: &str, answered: &Answered) -> Result<(), FolderError> {
        for (folder, lines) in &answered.0 {
            let path = self.gathering(folder, shard);
            let open = OpenOptions::new().create(true).append(true).open(&path);
            open.and_then(|mut file| file.write_all(lines)).map_err(|error| write(&path, error))?;
        }
        Ok(())
    }

    /// Where the lines for a folder are gathered.
    fn gathering(&mut self, folder: &str, shard: &str) -> PathBuf {
        let key = (folder.to_owned(), shard.to_owned());
        if let Some(path) = self.numbers.get(&key) {
            return path.clone();
        }
        let path = self.out.join(UNFINISHED).join(self.numbers.len().to_string());
        self.gathered.insert(self.out.join(folder).join(self.replay.file_name(shard)), path.clone());
        self.numbers.insert(key, path.clone());
        path
    }

    /// Writes the files, each under another name until it is complete. Gives their number.
    ///
    /// # Errors
    /// [`FolderError::Write`]
    pub(super) fn complete(self) -> Result<u64, FolderError> {
        for (file, gathered) in &self.gathered {
            let unfinished = gathered.with_extension("gz");
            compress(gathered, &unfinished).map_err(|error| write(file, error))?;
            let folder = file.parent().unwrap_or(&self.out);
            let renamed = fs::create_dir_all(folder).and_then(|()| fs::rename(&unfinished, file));
            renamed.map_err(|error| write(file, error))?;
        }
        let count = self.gathered.len() as u64;
        self.abandon()?;
        Ok(count)
    }

    /// Removes what was gathered.
    ///
    /// # Errors
    /// [`FolderError::Write`]
    pub(super) fn abandon(self) -> Result<(), FolderError> {
        let gathered = self.out.join(UNFINISHED);
        fs::remove_dir_all(&gathered).map_err(|error| write(&gathered, error))
    }
}

fn write(path: &Path, error: io::Error) -> FolderError {
    FolderError::Write { file: path.display().to_string(), error }
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    let mut encoder = GzEncoder::new(File::create(to)?, Compression::default());
    io::copy(&mut BufReader::new(File::open(from)?), &mut encoder)?;
    // Renamed only when it is on the disk.
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn replay() -> Replay {
        let time = |millis| Timestamp::from_millis(millis).unwrap();
        Replay { stream: "tx".to_owned(), from: time(1_768_464_000_000), to: time(1_768_467_600_000) }
    }

    fn answered(folder: &str, lines: &str) -> Answered {
        Answered([(folder.to_owned(), lines.as_bytes().to_vec())].into())
    }

    /// The files below a folder, with their lines.
    fn files(folder: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                found.extend(files(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
                continue;
            }
            let mut text = String::new();
            let mut decoder = flate2::read::GzDecoder::new(File::open(&path).unwrap());
            decoder.read_to_string(&mut text).unwrap();
            found.insert(name, text);
        }
        found
    }

    #[test]
    fn a_complete_replay_has_a_file_for_each_partition_and_shard_and_the_same_again() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        let name =
            |shard: &str| format!("replay-tx-20260115T080000.000Z-20260115T090000.000Z-{shard}.ndjson.gz");
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let mut lake = LakeFolder::claim(&out, replay()).unwrap();
            lake.append("s-0", &answered("a/h=1", "1\n")).unwrap();
            lake.append("s-1", &answered("a/h=1", "2\n")).unwrap();
            lake.append("s-0", &answered("a/h=2", "3\n")).unwrap();
            lake.append("s-0", &answered("a/h=1", "4\n")).unwrap();
            assert_eq!(lake.complete().unwrap(), 3);
            let expected = [
                (format!("a/h=1/{}", name("s-0")), "1\n4\n".to_owned()),
                (format!("a/h=1/{}", name("s-1")), "2\n".to_owned()),
                (format!("a/h=2/{}", name("s-0")), "3\n".to_owned()),
            ];
            assert_eq!(files(&out), expected.into());
            bytes.push(fs::read(out.join("a/h=1").join(name("s-0"))).unwrap());
        }
        assert_eq!(bytes[0], bytes[1]);
    }

    #[test]
    fn what_is_not_complete_leaves_nothing_and_two_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut lake = LakeFolder::claim(folder.path(), replay()).unwrap();
        lake.append("s-0", &answered("a", "1\n")).unwrap();
        assert!(matches!(LakeFolder::claim(folder.path(), replay()), Err(FolderError::InUse { .. })));
        lake.abandon().unwrap();
        assert!(files(folder.path()).is_empty());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(LakeFolder::claim(&file, replay()), Err(FolderError::Unusable { .. })));
        let odd = Replay { stream: "../x".to_owned(), ..replay() };
        assert!(
            odd.file_name("a/b").starts_with("replay-.._x-")
                && odd.file_name("a/b").ends_with("-a_b.ndjson.gz")
        );
    }
}
