//! Whether changes are accepted: the disk, and what went wrong before.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rocksdb::ErrorKind;
use rustix::fs::{FallocateFlags, StatVfsMountFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::StoreError;
use super::engine::Engine;
use super::{fault, settings};

/// What went wrong since the store was opened.
#[derive(Default)]
pub(super) struct Health {
    trouble: Mutex<Option<Trouble>>,
    /// Failures in the background after which the engine still took a write.
    survived: AtomicU64,
}

/// Why the engine takes no writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// There was no room, here or in the background.
    Full,
    /// The file system became read-only.
    ReadOnly,
    /// It failed in the background.
    Failed,
    /// A write could not be made durable: what is on the disk is unknown.
    Poisoned,
}

impl Health {
    /// No more writes from here on, for the reason of `error`.
    fn stop(&self, error: &StoreError) {
        let trouble = match error {
            StoreError::Full => Trouble::Full,
            StoreError::ReadOnly => Trouble::ReadOnly,
            StoreError::Poisoned => Trouble::Poisoned,
            StoreError::Unavailable(_)
            | StoreError::Conflict
            | StoreError::Corrupt { .. }
            | StoreError::Ambiguous => Trouble::Failed,
        };
        let mut now = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // The worst is not forgotten for something better.
        if *now != Some(Trouble::Poisoned) {
            *now = Some(trouble);
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether opening the engine anew is allowed to help, and is needed.
    pub(super) fn wants_reopening(&self) -> bool {
        match self.trouble() {
            Some(Trouble::Full | Trouble::ReadOnly | Trouble::Failed) => true,
            Some(Trouble::Poisoned) | None => false,
        }
    }

    /// Whether nothing went wrong so far that stops all writes.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.trouble() {
            None => Ok(()),
            Some(Trouble::Full) => Err(StoreError::Full),
            Some(Trouble::ReadOnly) => Err(StoreError::ReadOnly),
            Some(Trouble::Failed) => {
                Err(StoreError::Unavailable("the engine failed in the background".to_owned()))
            }
            Some(Trouble::Poisoned) => Err(StoreError::Poisoned),
        }
    }
}

impl Engine {
    /// Whether a change would be accepted now.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        self.health.check()?;
        check_disk(&self.path, self.free_min)?;
        // Work in the background has no caller to tell; the engine counts its failures.
        let failures = self.background_failures()?;
        if failures > self.health.survived.load(Ordering::Acquire) {
            self.probe()?;
            self.health.survived.store(failures, Ordering::Release);
        }
        Ok(())
    }

    /// The engine recovers from some failures by itself. A write that changes nothing tells whether it
    /// has, and if not, what was wrong.
    fn probe(&self) -> Result<(), StoreError> {
        match self.db.delete_opt(PROBE_KEY, &settings::synced()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Incomplete => {
                // It waits for room, or for itself.
                let error = check_disk(&self.path, REOPENING_LEN.max(self.free_min)).err();
                let stuck = || StoreError::Unavailable("the engine is stuck".to_owned());
                let error = error.unwrap_or_else(stuck);
                self.health.stop(&error);
                Err(error)
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// What a write's `error` means; there are no more writes after it.
    pub(super) fn refused(&self, error: &rocksdb::Error) -> StoreError {
        let error = fault::of_write(error.as_ref());
        self.health.stop(&error);
        error
    }

    fn background_failures(&self) -> Result<u64, StoreError> {
        self.db
            .property_int_value(rocksdb::properties::BACKGROUND_ERRORS)
            .map(Option::unwrap_or_default)
            .map_err(|error| StoreError::Unavailable(error.into_string()))
    }
}

/// Beside the store's identity; never there.
const PROBE_KEY: &[u8] = b"probe";

/// Bytes that opening the engine anew may need: what is in the log goes into files, and its lists of
/// files are written anew.
const REOPENING_LEN: u64 = 16 << 20;

/// Refuses before the disk at `path` is quite full: then nothing is half written, and changes are
/// accepted again as soon as there is room.
pub(super) fn check_disk(path: &Path, free_min: u64) -> Result<(), StoreError> {
    let disk = statvfs(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(StoreError::ReadOnly);
    }
    if disk.f_bavail.saturating_mul(disk.f_frsize) < free_min {
        return Err(StoreError::Full);
    }
    Ok(())
}

/// Whether the engine could be opened anew at `path`. Takes the room for a moment, as quotas and limits of
/// files show in nothing else: an engine that was closed and does not open serves no reads either.
pub(super) fn check_reopening(path: &Path, free_min: u64) -> Result<(), StoreError> {
    check_disk(path, free_min.max(REOPENING_LEN))?;
    let file = tempfile::tempfile_in(path).map_err(|error| refused_by_system(&error))?;
    match fallocate(&file, FallocateFlags::empty(), 0, REOPENING_LEN) {
        // Not every file system can tell.
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(refused_by_system(&error.into())),
    }
}

fn refused_by_system(error: &std::io::Error) -> StoreError {
    fault::of_system(error).unwrap_or_else(|| StoreError::Unavailable(error.to_string()))
}
