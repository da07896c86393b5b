//! Why a source gave nothing that opens the keyring.

use super::{OwnedError, PlaceError, ProgramError, TokenError};
use crate::config::SecretError;
use crate::crypto::SlotError;

/// Why a keyring was not unlocked with a source, by where the cause lies.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// What was brought opens no slot, or cannot be brought into one.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret cannot be read from where the command line says.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The program, or the token's module, is not safe to run.
    #[error(transparent)]
    Owned(#[from] OwnedError),
    /// The program gave no key.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The token gave no key.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It was cut off.
    #[error("unlocking was interrupted")]
    Interrupted,
}

impl UnlockError {
    /// What to do next.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Slot(SlotError::WrongPassphrase { .. } | SlotError::WrongKey { .. }) => {
                "bring the right one, or open it with another: fmvault keys slot list"
            }
            Self::Slot(SlotError::NoneOfKind { .. }) => {
                "correct [keys] in the settings; fmvault keys slot list shows what opens it"
            }
            Self::Slot(SlotError::Altered { .. }) => "restore the keyring from its backup",
            Self::Slot(SlotError::OutOfMemory { .. }) => {
                "free memory, or raise the service's limit"
            }
            Self::Slot(_) => "do what the message says",
            Self::Secret(_) | Self::Place(_) => {
                "make it readable for this user alone, or correct [keys] in the settings"
            }
            Self::Owned(_) => "do what the message says; nothing was run",
            Self::Program(_) => "run the program by hand as the vault's user, with no environment",
            Self::Token(_) => "check the token with the tools of its maker, and keys.pkcs11",
            Self::Interrupted => "try again",
        }
    }
}
