//! How a command ends that could not change who opens the keyring.

use crate::crypto::SlotError;
use crate::serve::StartError;
use crate::unlock::UnlockError;
use crate::vault::KeyringHomeError;

use super::exit::{Exit, Failure};

/// For a change that did not come about.
pub(super) fn home_failure(error: KeyringHomeError) -> Failure {
    match error {
        KeyringHomeError::Slot(error) => slot_failure(&error),
        error @ (KeyringHomeError::Nowhere
        | KeyringHomeError::Change(_)
        | KeyringHomeError::Keyring(_)
        | KeyringHomeError::File(_)) => super::server::failure(&StartError::KeyringHome(error)),
    }
}

/// For a source that gives nothing a slot could be made of.
pub(super) fn unlock_failure(error: UnlockError) -> Failure {
    match error {
        UnlockError::Slot(error) => slot_failure(&error),
        error @ (UnlockError::Secret(_)
        | UnlockError::Place(_)
        | UnlockError::Owned(_)
        | UnlockError::Program(_)
        | UnlockError::Token(_)
        | UnlockError::Interrupted) => super::server::failure(&StartError::Unlock(error)),
    }
}

/// For a slot that cannot be opened, made or removed.
pub(super) fn slot_failure(error: &SlotError) -> Failure {
    let (exit, next) = match error {
        SlotError::NoSuchSlot(_) => (Exit::NotFound, "fmvault keys slot list"),
        SlotError::LastSlot(_) => (Exit::Conflict, "add another first: fmvault keys slot add"),
        SlotError::TooManySlots => (Exit::Conflict, "remove one first: fmvault keys slot list"),
        SlotError::NotAPassphraseSlot { .. } => {
            (Exit::Usage, "name a slot with --slot: fmvault keys slot list")
        }
        SlotError::PassphraseTooShort | SlotError::Label | SlotError::Kdf(_) => {
            (Exit::Usage, "choose another")
        }
        SlotError::NotAKey { .. } | SlotError::NotARecoveryKey => {
            (Exit::Usage, "name the right file, or a new one")
        }
        SlotError::NoneOfKind { .. }
        | SlotError::WrongPassphrase { .. }
        | SlotError::WrongKey { .. }
        | SlotError::Altered { .. }
        | SlotError::OutOfMemory { .. }
        | SlotError::Random(_) => (Exit::Sealed, "do what the message says"),
    };
    Failure::new(exit, error.to_string(), next)
}
