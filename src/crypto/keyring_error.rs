//! Why a keyring cannot be used.

use super::passphrase::KdfError;
use super::random::RandomError;
use crate::model::{KekRef, VaultId};

/// Why a keyring cannot be used, by what an operator can do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Neither file is there.
    #[error("there is no keyring")]
    Missing,
    /// The bytes are torn or rotten: a checksum or a length is wrong. Restore the keyring's backup.
    #[error("the keyring is damaged")]
    Damaged,
    /// Both files are whole and say different things under the same number.
    #[error("both keyring files have sequence {sequence}, with different content")]
    Diverged {
        /// The number.
        sequence: u64,
    },
    /// The files are more than one change apart: one of them is not of this row.
    #[error("the keyring files are of sequence {older} and {newer}, more than one change apart")]
    Gap {
        /// The lower number.
        older: u64,
        /// The higher number.
        newer: u64,
    },
    /// The files are of two vaults, or the keyring is of another vault than the store.
    #[error("this is the keyring of vault {found}, not of {want}")]
    OtherVault {
        /// The vault wanted.
        want: VaultId,
        /// The keyring's.
        found: VaultId,
    },
    /// Written by a later version. A newer program is needed.
    #[error("the keyring has {what} {number}: a newer program is needed")]
    Newer {
        /// What is unknown.
        what: &'static str,
        /// Its number.
        number: u8,
    },
    /// Argon2id costs outside what we accept: the file was not written by us.
    #[error("the keyring asks for unacceptable costs")]
    Kdf(#[from] KdfError),
    /// The root key is right and the keyring does not open: somebody altered it.
    #[error("the keyring does not open with its own root key: the file was altered")]
    Altered,
    /// A KEK does not open what it once sealed.
    #[error("the KEK of bucket {}, epoch {} is broken", .kek.bucket, .kek.epoch)]
    BrokenKek {
        /// Which one.
        kek: KekRef,
    },
    /// It opens, but what is inside is no keyring.
    #[error("the keyring opens, but {what} is wrong")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// More keys and tombstones than a keyring's file may hold.
    #[error("the keyring is longer than 1 MiB")]
    TooLong,
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}
