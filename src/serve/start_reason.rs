//! By which reason of the error catalogue a refused start is told.

use crate::crypto::{KeyringError, SlotError};
use crate::proto::v1::ErrorReason;
use crate::store::OpenError;
use crate::unlock::UnlockError;
use crate::vault::VaultError;

use super::StartError;

impl StartError {
    /// The reason, if the catalogue has one.
    pub fn reason(&self) -> Option<ErrorReason> {
        if matches!(self, Self::OlderStore { .. } | Self::Vault(VaultError::RolledBack(_))) {
            Some(ErrorReason::StoreRolledBack)
        } else if matches!(self, Self::MissingKeks(_)) {
            Some(ErrorReason::KeyVersionMissing)
        } else if self.is_of_another_key() {
            Some(ErrorReason::KeyMismatch)
        } else if self.is_sealed() {
            Some(ErrorReason::VaultSealed)
        } else {
            None
        }
    }

    /// Whether a key is there, and it is not the one that this vault was made with.
    fn is_of_another_key(&self) -> bool {
        matches!(
            self,
            Self::OtherMode { .. }
                | Self::OlderKeyring { .. }
                | Self::Store(OpenError::OtherVault { .. })
                | Self::Unlock(UnlockError::Slot(
                    SlotError::WrongPassphrase { .. }
                        | SlotError::WrongKey { .. }
                        | SlotError::Altered { .. }
                ))
                | Self::Keyring(
                    KeyringError::OtherVault { .. }
                        | KeyringError::Altered
                        | KeyringError::BrokenKek { .. }
                )
        )
    }
}
