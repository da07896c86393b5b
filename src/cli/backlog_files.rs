//! What a backlog leaves beside its file: how far it came, and the rows that could not be used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::crypto::Provider;

use super::backlog_rows::Position;

/// How far a backlog came. Everything before `offset` is answered for: registered, or among the
/// rejects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Of which file.
    input: Fingerprint,
    /// Bytes before the next row.
    offset: u64,
    /// Lines before the next row.
    line: u64,
    /// Rows registered.
    pub(super) new: u64,
    /// Rows that were known.
    pub(super) known: u64,
    /// Rows that could not be used.
    pub(super) rejected: u64,
    /// Bytes of the file with the rejects that belong to it; what is behind is repeated.
    rejects_len: u64,
}

/// Tells a file from another one that has its name: size, time of change, and how it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    size: u64,
    modified_ms: u64,
    begins_sha256: String,
}

/// How much of the beginning counts, in bytes.
const BEGINNING: u64 = 64 * 1024;

impl Fingerprint {
    /// That of the file at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut begins = Vec::new();
        file.take(BEGINNING).read_to_end(&mut begins)?;
        Ok(Self {
            size: about.len(),
            modified_ms: u64::try_from(modified.as_millis()).unwrap_or(u64::MAX),
            begins_sha256: hex::encode(Provider::AwsLc.sha256(&begins)),
        })
    }
}

impl Progress {
    /// Nothing done yet.
    pub(super) fn of(input: Fingerprint) -> Self {
        Self { input, offset: 0, line: 0, new: 0, known: 0, rejected: 0, rejects_len: 0 }
    }

    /// What `path` says, if it is about this file. Anything else is as good as no progress, because
    /// registering twice is harmless.
    pub(super) fn read(path: &Path, input: &Fingerprint) -> Option<Self> {
        let text = fs::read(path).ok()?;
        let progress: Self = serde_json::from_slice(&text).ok()?;
        (progress.input == *input).then_some(progress)
    }

    /// Length of the input in bytes.
    pub(super) fn size(&self) -> u64 {
        self.input.size
    }

    /// Rows answered for.
    pub(super) fn rows(&self) -> u64 {
        self.new + self.known + self.rejected
    }

    /// Where to go on.
    pub(super) fn position(&self) -> Position {
        Position { offset: self.offset, line: self.line }
    }

    /// Everything before `position` is answered for, and the rejects up to `rejects_len`.
    pub(super) fn reached(&mut self, position: Position, rejects_len: u64) {
        (self.offset, self.line) = (position.offset, position.line);
        self.rejects_len = rejects_len;
    }

    /// Replaces the file at `path`: whoever reads it finds the old one or the new one.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }
}

/// Where rows go that could not be used: line, reason and the row as it was, separated by tabs.
pub(super) struct Rejects {
    to: To,
    len: u64,
}

enum To {
    Stderr,
    /// Made when the first row comes.
    Later(PathBuf),
    File(File),
}

impl Rejects {
    /// To standard error.
    pub(super) fn to_stderr() -> Self {
        Self { to: To::Stderr, len: 0 }
    }

    /// To a file. What it holds beyond those of `progress` is from a run that was interrupted, and
    /// comes again.
    pub(super) fn to_file(path: &Path, progress: Option<&Progress>) -> io::Result<Self> {
        match progress.map_or(0, |progress| progress.rejects_len) {
            0 => {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
                Ok(Self { to: To::Later(path.to_owned()), len: 0 })
            }
            len => {
                let mut file = OpenOptions::new().write(true).open(path)?;
                file.set_len(len)?;
                file.seek(SeekFrom::End(0))?;
                Ok(Self { to: To::File(file), len })
            }
        }
    }

    /// Adds rows, and keeps them.
    pub(super) fn add(&mut self, rows: &[(u64, String, Vec<u8>)]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for (number, reason, original) in rows {
            write!(bytes, "{number}\t{reason}\t")?;
            bytes.extend_from_slice(original);
            bytes.push(b'\n');
        }
        if let To::Later(path) = &self.to {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
            self.to = To::File(file);
        }
        if let To::File(file) = &mut self.to {
            file.write_all(&bytes)?;
            file.sync_data()?;
        } else {
            io::stderr().write_all(&bytes)?;
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }
}

/// `path` with something behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_of_one_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let (input, notes) = (dir.path().join("users.csv"), dir.path().join("users.csv.progress"));
        fs::write(&input, "a\nb\n").unwrap();
        let fingerprint = Fingerprint::of(&input).unwrap();
        let mut progress = Progress::of(fingerprint.clone());
        progress.reached(Position { offset: 2, line: 1 }, 0);
        progress.write(&notes).unwrap();
        assert_eq!(Progress::read(&notes, &fingerprint), Some(progress));

        fs::write(&input, "a\nc\n").unwrap();
        let other = Fingerprint::of(&input).unwrap();
        assert_eq!(Progress::read(&notes, &other), None, "same size, other content");
        fs::write(&notes, "{").unwrap();
        assert_eq!(Progress::read(&notes, &fingerprint), None, "a damaged note");
    }

    #[test]
    fn rejects_behind_the_progress_are_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let (input, path) = (dir.path().join("in"), dir.path().join("out"));
        fs::write(&input, "").unwrap();
        let row = |n: u64| (n, "bad".to_owned(), b"x".to_vec());
        let mut rejects = Rejects::to_file(&path, None).unwrap();
        rejects.add(&[row(1)]).unwrap();
        let mut progress = Progress::of(Fingerprint::of(&input).unwrap());
        progress.reached(Position::default(), rejects.len());
        rejects.add(&[row(2)]).unwrap();

        let mut resumed = Rejects::to_file(&path, Some(&progress)).unwrap();
        resumed.add(&[row(2), row(3)]).unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), "1\tbad\tx\n2\tbad\tx\n3\tbad\tx\n");
    }
}
