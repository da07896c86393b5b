//! Why nothing can be recorded, and why a ledger cannot be opened.

use std::io;
use std::path::PathBuf;

use super::trail::{Finding, Wrong};

/// Why nothing can be recorded for the moment. Ends by itself when its cause does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A write takes longer than it may.
    #[error("the audit trail is slow: a write has not ended in time")]
    Slow,
    /// The disk is full, and what is reserved is kept for erasures.
    #[error("the disk of the audit trail is full")]
    Full,
    /// The file cannot be written.
    #[error("the audit trail cannot be written")]
    Failed,
    /// The vault is stopping.
    #[error("the audit trail is closed")]
    Closed,
}

/// Why a ledger cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is none.
    #[error("there is no audit trail in {}", .dir.display())]
    Missing {
        /// Where.
        dir: PathBuf,
    },
    /// There is one already.
    #[error("there is an audit trail in {} already", .dir.display())]
    Exists {
        /// Where.
        dir: PathBuf,
    },
    /// It is of another vault.
    #[error("the audit trail in {} is of another vault", .dir.display())]
    OtherVault {
        /// Where.
        dir: PathBuf,
    },
    /// Another process writes it.
    #[error("the audit trail in {} is in use by another process", .dir.display())]
    InUse {
        /// Where.
        dir: PathBuf,
    },
    /// It was altered.
    #[error("the audit trail in {} is damaged: {finding}", .dir.display())]
    Damaged {
        /// Where.
        dir: PathBuf,
        /// What, and at which place.
        finding: Finding,
    },
    /// The system refused.
    #[error("cannot use the audit trail in {}: {source}", .dir.display())]
    Io {
        /// Where.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, sequence, wrong } = self;
        let at = format!("segment {}, offset {}", place.segment, place.offset);
        match wrong {
            Wrong::Edited => write!(f, "{at}: record {sequence} was edited"),
            Wrong::Removed { until } => {
                let last = until.saturating_sub(1);
                write!(f, "{at}: records {sequence} to {last} were removed")
            }
            Wrong::OutOfOrder { found } => {
                write!(f, "{at}: record {found} stands where record {sequence} belongs")
            }
            Wrong::SegmentMissing => {
                write!(f, "segment {} is missing: it began with record {sequence}", place.segment)
            }
            Wrong::NotOurs => write!(f, "{at}: this is not a segment of this vault's trail"),
            Wrong::TornTail { bytes } => {
                write!(f, "{at}: the last {bytes} bytes are no record: cut, edited or not finished")
            }
            Wrong::Cut { head } => {
                write!(f, "{at}: the trail ends here, and once it went on to record {head}")
            }
            Wrong::Rewritten { head } => {
                write!(f, "{at}: record {head} is not the one whose head was given out")
            }
        }
    }
}
