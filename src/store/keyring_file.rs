//! The keyring's two files, `keyring.0` and `keyring.1`, written alternately: while one is being
//! replaced the other is whole. Each is replaced as a whole or not at all.
//!
//! Blocking, and rare: at the start and when keys change.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::model::KeyringSlot;

/// Longest file accepted, in bytes (1 MiB).
const LEN_MAX: u64 = 1024 * 1024;
/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;

/// The directory of the keyring. Belongs to the vault's user alone.
#[derive(Debug)]
pub struct KeyringFiles {
    dir: PathBuf,
}

impl KeyringFiles {
    /// Takes the directory `dir`, which must be there.
    ///
    /// # Errors
    ///
    /// [`KeyringFileError::Exposed`] if others may enter it, [`KeyringFileError::Foreign`] if it
    /// belongs to somebody else, [`KeyringFileError::Io`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, KeyringFileError> {
        let dir = dir.into();
        let file = open_as(&dir, OpenOptions::new().read(true), OFlags::DIRECTORY)
            .map_err(|source| io_error("open", &dir, source))?;
        check_private(&file, &dir, 0o700)?;
        Ok(Self { dir })
    }

    /// Whether `dir` has a file of a keyring, of whatever content. What an interrupted writer left beside
    /// them is none.
    pub fn are_in(dir: &Path) -> bool {
        let slots = [KeyringSlot::Zero, KeyringSlot::One];
        slots.iter().any(|slot| fs::symlink_metadata(dir.join(slot.file_name())).is_ok())
    }

    /// Waits until nobody else changes the files, and keeps others waiting until the lock is dropped.
    /// Between threads as between processes; the system gives it up when a process ends.
    ///
    /// # Errors
    ///
    /// [`KeyringFileError::Io`].
    pub fn lock(&self) -> Result<KeyringLock, KeyringFileError> {
        let lock = || {
            let dir = File::open(&self.dir)?;
            dir.lock()?;
            Ok(KeyringLock(dir))
        };
        lock().map_err(|source| io_error("lock", &self.dir, source))
    }

    /// The contents of both files, as far as they exist.
    ///
    /// # Errors
    ///
    /// [`KeyringFileError`] by what is wrong with either; a file that cannot be read is not taken for
    /// one that is not there.
    pub fn read(&self) -> Result<[Option<Vec<u8>>; 2], KeyringFileError> {
        Ok([self.read_one(KeyringSlot::Zero)?, self.read_one(KeyringSlot::One)?])
    }

    /// Writes the first file of a new keyring.
    ///
    /// # Errors
    ///
    /// [`KeyringFileError::Exists`] if either file is there: a keyring is never overwritten by a new
    /// one. Otherwise as [`Self::replace`].
    pub fn create_new(&self, content: &[u8]) -> Result<(), KeyringFileError> {
        for slot in [KeyringSlot::Zero, KeyringSlot::One] {
            let path = self.path(slot);
            if fs::symlink_metadata(&path).is_ok() {
                return Err(KeyringFileError::Exists { path });
            }
        }
        let path = self.path(KeyringSlot::Zero);
        self.stage(content)?.persist_noclobber(&path).map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                return KeyringFileError::Exists { path: path.clone() };
            }
            io_error("name", &path, error.error)
        })?;
        self.settle(KeyringSlot::Zero, content)
    }

    /// Replaces one file: the one *not* in use, so that the other stays whole meanwhile. When this
    /// returns, the new content is durable, and the blocks of the old content have been overwritten
    /// as far as the file system does that in place.
    ///
    /// # Errors
    ///
    /// [`KeyringFileError::Io`], [`KeyringFileError::Differs`]. The file then has its old content or
    /// its new one.
    pub fn replace(&self, slot: KeyringSlot, content: &[u8]) -> Result<(), KeyringFileError> {
        let path = self.path(slot);
        let old = match open_as(&path, OpenOptions::new().write(true), OFlags::empty()) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("open", &path, error)),
        };
        let staged = self.stage(content)?;
        staged.persist(&path).map_err(|error| io_error("replace", &path, error.error))?;
        self.settle(slot, content)?;
        match old {
            Some(old) => overwrite(old).map_err(|source| io_error("overwrite", &path, source)),
            None => Ok(()),
        }
    }

    /// The file of `slot`.
    pub fn path(&self, slot: KeyringSlot) -> PathBuf {
        self.dir.join(slot.file_name())
    }

    /// The content of one file, if it exists.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_one(&self, slot: KeyringSlot) -> Result<Option<Vec<u8>>, KeyringFileError> {
        let path = self.path(slot);
        // Not blocking, should somebody have put a pipe there.
        let flags = OFlags::NONBLOCK;
        let file = match open_as(&path, OpenOptions::new().read(true), flags) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open", &path, error)),
        };
        check_private(&file, &path, 0o600)?;
        let mut content = Vec::new();
        file.take(LEN_MAX + 1)
            .read_to_end(&mut content)
            .map_err(|source| io_error("read", &path, source))?;
        if content.len() as u64 > LEN_MAX {
            return Err(KeyringFileError::TooLong { path });
        }
        Ok(Some(content))
    }

    /// `content`, durable, in a file that has no name of its own yet.
    fn stage(&self, content: &[u8]) -> Result<tempfile::NamedTempFile, KeyringFileError> {
        let stage = || {
            let mut staged = tempfile::Builder::new()
                .prefix(".keyring.")
                .permissions(Permissions::from_mode(0o600))
                .tempfile_in(&self.dir)?;
            staged.write_all(content)?;
            staged.as_file().sync_all()?;
            Ok(staged)
        };
        stage().map_err(|source| io_error("write to", &self.dir, source))
    }

    /// Makes the new name durable and reads the file back.
    fn settle(&self, slot: KeyringSlot, content: &[u8]) -> Result<(), KeyringFileError> {
        File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|source| io_error("sync", &self.dir, source))?;
        if self.read_one(slot)?.as_deref() != Some(content) {
            return Err(KeyringFileError::Differs { path: self.path(slot) });
        }
        Ok(())
    }
}

/// Keeps others from changing the keyring until it is dropped.
#[derive(Debug)]
pub struct KeyringLock(#[expect(dead_code, reason = "held, not read")] File);

/// Opens what is at `path` itself, never what a symbolic link there points at.
fn open_as(path: &Path, options: &mut OpenOptions, flags: OFlags) -> io::Result<File> {
    let flags = (flags | OFlags::NOFOLLOW | OFlags::CLOEXEC).bits();
    options.custom_flags(flags.cast_signed()).open(path)
}

fn check_private(file: &File, path: &Path, want: u32) -> Result<(), KeyringFileError> {
    let data = file.metadata().map_err(|source| io_error("examine", path, source))?;
    let path = path.to_owned();
    if !(data.is_file() || data.is_dir()) {
        return Err(KeyringFileError::NotAFile { path });
    }
    if data.uid() != rustix::process::geteuid().as_raw() {
        return Err(KeyringFileError::Foreign { path, owner: data.uid() });
    }
    let mode = data.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeyringFileError::Exposed { path, mode, want });
    }
    Ok(())
}

/// Writes zeros over a file that has lost its name.
fn overwrite(mut old: File) -> io::Result<()> {
    let len = old.metadata()?.len().min(LEN_MAX);
    io::copy(&mut io::repeat(0).take(len), &mut old)?;
    old.sync_all()
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> KeyringFileError {
    KeyringFileError::Io { what, path: path.to_owned(), source }
}

/// What is wrong with the keyring's files.
#[derive(Debug, thiserror::Error)]
pub enum KeyringFileError {
    /// Others than the owner may use it.
    #[error(
        "{} has mode {mode:04o}, others may use it: run `chmod {want:o} {}`",
        path.display(), path.display()
    )]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        want: u32,
    },
    /// It belongs to another user than the one the vault runs as.
    #[error("{} belongs to user {owner}: run `chown` as root, or run the vault as that user", path.display())]
    Foreign {
        /// The file or directory.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// A device, a pipe or a socket.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was opened.
        path: PathBuf,
    },
    /// There is a keyring already.
    #[error("there is a keyring already: {}", path.display())]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// No keyring is that long.
    #[error("{} is longer than 1 MiB: not a keyring", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// What was read back is not what was written.
    #[error("{} does not read back as it was written: do not trust this disk", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
