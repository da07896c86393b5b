//! How a ledger is kept.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::segment::Probe;

/// How a ledger is kept.
#[derive(Clone)]
pub struct LedgerSettings {
    /// The directory of its segments. Nothing else is in it.
    pub dir: PathBuf,
    /// A segment of this many bytes is followed by the next one.
    pub segment_len: u64,
    /// Bytes of the disk that are reserved ahead; the last quarter is for what must not wait, such as
    /// erasures.
    pub reserve: u64,
    /// How long whoever waits for a record to be durable waits at most.
    pub write_timeout: Duration,
    /// Called before each step on a file; for tests.
    pub probe: Option<Probe>,
}

/// Space for what is still to be recorded, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// What is reserved ahead.
    pub reserve: u64,
    /// What there is of it.
    pub left: u64,
    /// Free on the disk, the reserve not counted.
    pub disk_free: u64,
}

impl LedgerSettings {
    /// 64 MiB: some 400,000 records, read in well under a second.
    pub const SEGMENT_LEN: u64 = 64 << 20;
    /// 16 MiB: some 100,000 records.
    pub const RESERVE: u64 = 16 << 20;
    /// An answer is refused after this time rather than given without its record.
    pub const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

    /// A ledger in `dir`, otherwise as usual.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            segment_len: Self::SEGMENT_LEN,
            reserve: Self::RESERVE,
            write_timeout: Self::WRITE_TIMEOUT,
            probe: None,
        }
    }
}

impl fmt::Debug for LedgerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dir, segment_len, reserve, write_timeout, probe: _ } = self;
        write!(f, "LedgerSettings({dir:?}, {segment_len}, {reserve}, {write_timeout:?})")
    }
}
