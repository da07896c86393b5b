//! Whether changes are accepted: the disk, and what went wrong before.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::StoreError;
use super::engine::Engine;

/// What went wrong since the store was opened.
#[derive(Default)]
pub(super) struct Health {
    /// A write failed: what is on the disk is unknown until the store is opened anew.
    poisoned: AtomicBool,
    /// A failure in the background was reported and no write has succeeded since.
    troubled: AtomicBool,
    /// Failures in the background that a later write survived.
    survived: AtomicU64,
}

impl Health {
    /// No more writes from here on.
    pub(super) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }
}

impl Engine {
    /// Whether a change would be accepted now.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        self.check_poisoned()?;
        self.check_disk()?;
        // Work in the background has no caller to tell; the engine counts its failures.
        let failures = self.background_failures()?;
        if failures > self.health.survived.load(Ordering::Acquire) {
            self.health.troubled.store(true, Ordering::Release);
            let text = format!("the engine failed in the background, {failures} times by now");
            return Err(StoreError::Unavailable(text));
        }
        Ok(())
    }

    /// The engine recovers from some failures by itself; a write that succeeds is the proof.
    pub(super) fn write_succeeded(&self) {
        if self.health.troubled.swap(false, Ordering::AcqRel)
            && let Ok(failures) = self.background_failures()
        {
            self.health.survived.store(failures, Ordering::Release);
        }
    }

    pub(super) fn check_poisoned(&self) -> Result<(), StoreError> {
        match self.health.poisoned.load(Ordering::Acquire) {
            true => Err(StoreError::Poisoned),
            false => Ok(()),
        }
    }

    /// Refuses before the disk is quite full: then nothing is half written, and changes are
    /// accepted again as soon as there is room.
    pub(super) fn check_disk(&self) -> Result<(), StoreError> {
        let disk =
            statvfs(&self.path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(StoreError::ReadOnly);
        }
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.free_min {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    fn background_failures(&self) -> Result<u64, StoreError> {
        self.db
            .property_int_value(rocksdb::properties::BACKGROUND_ERRORS)
            .map(Option::unwrap_or_default)
            .map_err(|error| StoreError::Unavailable(error.into_string()))
    }
}
