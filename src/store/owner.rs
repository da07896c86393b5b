//! One process per store: a lock on the directory, and a small file that says whose it is.
//!
//! RocksDB has a lock of its own, but rolls its log file before it takes it. Ours comes first, so a
//! second process changes nothing.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::model::Timestamp;

/// Who uses a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUse {
    /// Nobody.
    Free,
    /// A process has it: which and since when, if it said so.
    Held(Option<(u32, Timestamp)>),
}

/// Looks who uses the store in `dir`, and changes nothing. The lock is taken for the moment of the
/// look, so a vault that starts at that very moment may have to be started again.
///
/// # Errors
///
/// What the system says, if the directory cannot be opened or locked.
pub fn store_use(dir: &Path) -> io::Result<StoreUse> {
    let holder = || Owner::of(dir).map(|owner| (owner.pid, owner.since));
    // Without a name in it, since dropping an `Ownership` would take away the owner's file.
    match File::open(dir)?.try_lock_shared() {
        Ok(()) => Ok(StoreUse::Free),
        Err(TryLockError::WouldBlock) => Ok(StoreUse::Held(holder())),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock, held until dropped. The system gives it up when the process ends, however it ends.
pub(super) struct Ownership {
    file: PathBuf,
    _lock: File,
}

/// Who has the store, as far as it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pid: u32,
    pub(super) since: Timestamp,
}

impl Ownership {
    /// Takes the lock on `dir`; `None` if somebody has it.
    ///
    /// # Errors
    ///
    /// What the system says, if the directory cannot be opened or locked.
    pub(super) fn take(dir: &Path) -> io::Result<Option<Self>> {
        let lock = File::open(dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { file: owner_file(dir), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says in the `owner` file who has the store. What a killed process left there is replaced.
    ///
    /// # Errors
    ///
    /// What the system says, if the file cannot be written.
    pub(super) fn announce(&self, owner: Owner) -> io::Result<()> {
        let dir = self.file.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(dir)?;
        writeln!(file, "{} {}", owner.pid, owner.since)?;
        file.persist(&self.file)?;
        Ok(())
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // A file that stays behind is no obstacle.
        let _ = fs::remove_file(&self.file);
    }
}

impl Owner {
    /// This process, since `now`.
    pub(super) fn this_process(now: Timestamp) -> Self {
        Self { pid: std::process::id(), since: now }
    }

    /// Who said last that it has the store in `dir`.
    pub(super) fn of(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(owner_file(dir)).ok()?;
        let (pid, since) = text.trim_end().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, since: Timestamp::parse(since)? })
    }
}

fn owner_file(dir: &Path) -> PathBuf {
    dir.join("owner")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_held_by_one_and_given_up_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let first = Ownership::take(dir.path()).unwrap().expect("nobody has it");
        assert!(Ownership::take(dir.path()).unwrap().is_none());
        assert_eq!(store_use(dir.path()).unwrap(), StoreUse::Held(None));
        drop(first);
        assert_eq!(store_use(dir.path()).unwrap(), StoreUse::Free);
        assert!(Ownership::take(dir.path()).unwrap().is_some());
    }

    #[test]
    fn the_owner_is_read_back_and_what_is_no_owner_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let ownership = Ownership::take(dir.path()).unwrap().expect("nobody has it");
        let owner = Owner { pid: 4711, since: Timestamp::from_millis(1_000) };
        ownership.announce(owner).unwrap();
        assert_eq!(Owner::of(dir.path()), Some(owner));
        for text in ["", "4711", "x 1970-01-01T00:00:01Z", "4711 yesterday"] {
            fs::write(owner_file(dir.path()), text).unwrap();
            assert_eq!(Owner::of(dir.path()), None, "{text:?}");
        }
    }
}
