//! One old key is destroyed, where a rotation was told to keep it.

use std::sync::Arc;

use crate::crypto::KekState;
use crate::jumio::Jumio;
use crate::model::Timestamp;
use crate::store::Store;

use super::{KeysError, Rewrap, RotationPlan, Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Starts to destroy the key of `bucket` and `epoch`, which no record names any more. Goes the way of a
    /// rotation: all records are looked at, and the files rewritten, before the key is gone.
    ///
    /// # Errors
    ///
    /// [`KeysError::VersionNotFound`]; [`KeysError::VersionInUse`] if records name it or new ones would;
    /// as [`Vault::start_rotation`].
    pub fn retire_key(
        self: &Arc<Self>,
        bucket: u16,
        epoch: u32,
        now: Timestamp,
    ) -> Result<Rewrap, VaultError> {
        let ring = self.ring.now();
        let found = ring.keks().find(|info| info.kek.bucket == bucket && info.kek.epoch == epoch);
        let info = found.ok_or(KeysError::VersionNotFound)?;
        let records = self.census().keks.get(&info.kek).copied().unwrap_or_default();
        if records > 0 || info.state != KekState::Retiring {
            return Err(KeysError::VersionInUse { records }.into());
        }
        let plan =
            RotationPlan { bucket: Some(bucket), epoch: Some(epoch), ..RotationPlan::REWRAP };
        self.start_rotation(plan, now)
    }
}
