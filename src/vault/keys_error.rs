//! Why keys were not changed.

use crate::model::{KekRef, RewrapId};

use super::KeyringHomeError;

/// Why a key was not made, not destroyed, or not used, by what an operator can do next.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The keyring's files could not be written. Look at their disk.
    #[error("the keyring was not changed")]
    NotChanged(#[source] KeyringHomeError),

    /// Another rotation is open: running, or ended before its time. Watch it, resume it or cancel it.
    #[error("a rotation is open")]
    RewrapInProgress {
        /// The open one.
        id: RewrapId,
    },

    /// There was no such rotation since the start.
    #[error("there is no such rotation")]
    RewrapNotFound,

    /// The rotation is about to destroy the old key and can no longer be cancelled, or it has ended.
    #[error("the rotation can no longer be cancelled")]
    PastCancelling,

    /// The keyring has no such version. List them.
    #[error("there is no such key version")]
    VersionNotFound,

    /// Records name the version, or new ones are still wrapped under it. Rewrap first.
    #[error("{records} records name the key version")]
    VersionInUse {
        /// How many.
        records: u64,
    },

    /// The KEK has wrapped as many data keys as one may. Rotate.
    #[error("the KEK of bucket {}, epoch {} has wrapped as much as one may", .0.bucket, .0.epoch)]
    WornOut(KekRef),
}

impl KeysError {
    /// One word for it, for metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotChanged(_) => "keys_not_changed",
            Self::RewrapInProgress { .. } => "rewrap_in_progress",
            Self::RewrapNotFound => "rewrap_not_found",
            Self::PastCancelling => "past_cancelling",
            Self::VersionNotFound => "key_version_not_found",
            Self::VersionInUse { .. } => "key_version_in_use",
            Self::WornOut(_) => "key_worn_out",
        }
    }

    /// Whether the request is the matter, so that the vault did not fail.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::RewrapInProgress { .. }
            | Self::RewrapNotFound
            | Self::PastCancelling
            | Self::VersionNotFound
            | Self::VersionInUse { .. } => true,
            Self::NotChanged(_) | Self::WornOut(_) => false,
        }
    }
}
