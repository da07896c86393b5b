//! What RocksDB's errors mean for us.
//!
//! The crate hands over a text. Its first words tell the kind; what the system said stands in it
//! word for word, as `strerror` of Linux spells it.

use std::io;

use crate::model::{HeaderError, RowKey};

use super::StoreError;

/// The disk, the quota or the limit of one file.
const DISK_FULL: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];
/// What is said of a file that the engine knows of and that is not there.
const MISSING: &str = "No such file or directory";
const READ_ONLY: &str = "Read-only file system";
/// What the engine was doing when making bytes durable failed.
const SYNCING: [&str; 4] =
    ["While fsync", "While fdatasync", "While sync_file_range", "While closing file"];

/// A failed read of `row`, or of the page after it. A file that somebody removed is damage to the rows in
/// it: trying again will not bring it back.
pub(super) fn of_read(row: RowKey, text: &str) -> StoreError {
    if is_damage(text) {
        return StoreError::Corrupt { row, what: "a checksum or length of the engine is wrong" };
    }
    if text.contains(MISSING) {
        return StoreError::Corrupt { row, what: "a file of the engine is missing" };
    }
    StoreError::Unavailable(text.to_owned())
}

/// A failed write. A full or read-only disk refused it; after anything else, and above all after a
/// failed sync, nobody knows what is on the disk.
pub(super) fn of_write(text: &str) -> StoreError {
    if SYNCING.iter().any(|doing| text.contains(doing)) {
        return StoreError::Poisoned;
    }
    of_disk(text).unwrap_or(StoreError::Poisoned)
}

/// Whether a disk that is full or read-only is the cause, whatever was done.
pub(super) fn of_disk(text: &str) -> Option<StoreError> {
    if DISK_FULL.iter().any(|full| text.contains(full)) {
        return Some(StoreError::Full);
    }
    text.contains(READ_ONLY).then_some(StoreError::ReadOnly)
}

/// The same for an error of the system.
pub(super) fn of_system(error: &io::Error) -> Option<StoreError> {
    use io::ErrorKind as Kind;
    if [Kind::StorageFull, Kind::QuotaExceeded, Kind::FileTooLarge].contains(&error.kind()) {
        return Some(StoreError::Full);
    }
    (error.kind() == Kind::ReadOnlyFilesystem).then_some(StoreError::ReadOnly)
}

/// A record at `row` that does not parse.
pub(super) fn of_record(row: RowKey, error: HeaderError) -> StoreError {
    let what = match error {
        HeaderError::NotARecord => "not a facemap vault record",
        HeaderError::Newer { .. } => "written by a newer program",
        HeaderError::WrongLength => "the record has the wrong length",
        HeaderError::OutOfRange => "the record has a field out of range",
    };
    StoreError::Corrupt { row, what }
}

/// Whether the engine found wrong bytes rather than a failing system.
pub(super) fn is_damage(text: &str) -> bool {
    text.starts_with("Corruption")
}

/// Whether opening failed because another process, or another part of this one, has the lock.
pub(super) fn is_locked(text: &str) -> bool {
    text.contains("While lock file") || text.contains("lock hold by current process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_is_told_by_what_the_system_said() {
        let table = [
            (
                "IO error: No space left on device: While appending to file: \
                 /s/000008.log: No space left on device",
                "Full",
            ),
            (
                "IO error: No space left on device: While fdatasync: \
                 /s/000008.log: No space left on device",
                "Poisoned",
            ),
            (
                "IO error: While open a file for appending: /s/000009.log: Read-only file system",
                "ReadOnly",
            ),
            ("IO error: While fsync: a directory: Read-only file system", "Poisoned"),
            ("IO error: While appending to file: /s/000008.log: Disk quota exceeded", "Full"),
            ("IO error: While appending to file: /s/000008.log: File too large", "Full"),
            ("IO error: While fdatasync: /s/000008.log: Input/output error", "Poisoned"),
            ("IO error: While appending to file: /s/000008.log: Input/output error", "Poisoned"),
            ("Corruption: block checksum mismatch", "Poisoned"),
            ("something never heard of", "Poisoned"),
        ];
        for (text, want) in table {
            assert_eq!(format!("{:?}", of_write(text)), want, "{text}");
        }
    }

    #[test]
    fn a_lock_is_told_from_other_failures() {
        let table = [
            ("IO error: While lock file: /s/LOCK: Resource temporarily unavailable", true),
            (
                "IO error: lock hold by current process, acquire time 1 acquiring thread 2: \
                 /s/LOCK: No locks available",
                true,
            ),
            ("IO error: While open directory: /s: Permission denied", false),
        ];
        for (text, want) in table {
            assert_eq!(is_locked(text), want, "{text}");
        }
    }

    #[test]
    fn a_failing_disk_is_not_damage() {
        let row = RowKey([1; 32]);
        let failing = of_read(row, "IO error: While pread offset 0 len 9: /s/1.sst: I/O error");
        assert!(matches!(failing, StoreError::Unavailable(_)), "{failing:?}");
        let damaged = of_read(row, "Corruption: block checksum mismatch: stored = 1");
        assert!(matches!(damaged, StoreError::Corrupt { .. }), "{damaged:?}");
        let open = "IO error: No such file or directory: While open a file for random read: ";
        let missing = of_read(row, &format!("{open}/s/000017.blob: No such file or directory"));
        assert!(matches!(missing, StoreError::Corrupt { .. }), "{missing:?}");
    }
}
