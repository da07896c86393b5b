//! The keys: what each is for, how many records it wraps, and whether it is time for another.

use std::sync::Arc;

use crate::crypto::{KekState, Keyring, KeyringChangeError};
use crate::jumio::Jumio;
use crate::model::{KekRef, Timestamp};
use crate::store::Store;

use super::{KeyringFile, KeyringHomeError, Vault, VaultError};

/// One key-encryption key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Which one.
    pub kek: KekRef,
    /// What it is for.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// Tells keys apart; says nothing about the key.
    pub fingerprint: [u8; 4],
    /// Records it wraps.
    pub records: u64,
    /// Data keys it has wrapped.
    pub wraps: u64,
    /// It is too old, or has wrapped too much: rotate.
    pub rotation_due: bool,
}

impl KeyView {
    /// It has wrapped all that it may.
    pub fn is_worn_out(&self) -> bool {
        self.wraps >= Keyring::WRAPS_MAX
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Made, not used yet.
    Pending,
    /// Wraps new data keys.
    Primary,
    /// Opens older records only.
    Retiring,
}

/// What is left of a destroyed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetiredKey {
    /// Which one.
    pub kek: KekRef,
    /// When it was destroyed.
    pub retired: Timestamp,
    /// How many records its last rotation brought under its successors.
    pub records: u64,
}

/// The count of wraps is written to the keyring too, when it has grown by so much, for a vault that loses its
/// store. Seldom: each time makes older what copies there are of the keyring.
const WRAPS_SAVED_EVERY: u64 = 1 << 24;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Makes `change` durable in the keyring's home, and from then on goes by the new ring.
    ///
    /// # Errors
    ///
    /// [`VaultError::Keys`]; also if the vault has no home.
    pub async fn change_keys(
        &self,
        change: impl FnOnce(&Keyring) -> Result<Keyring, KeyringChangeError> + Send + 'static,
    ) -> Result<Arc<Keyring>, VaultError> {
        let home = self.keyring_home.clone().ok_or(KeyringHomeError::Nowhere)?;
        let changed = tokio::task::spawn_blocking(move || home.change(change)).await;
        let ring = self.ring.replace(changed.map_err(|_| VaultError::ShuttingDown)??);
        self.note_keyring(ring.sequence());
        Ok(ring)
    }

    /// All keys, by bucket and epoch.
    pub fn keys(&self, now: Timestamp) -> Vec<KeyView> {
        let census = self.census();
        let ring = self.ring.now();
        let keys = ring.keks().map(|info| {
            let wraps = ring.wraps(&info.kek).unwrap_or(info.wraps);
            let is_old = now.since(info.created) > self.settings.key_max_age;
            let is_primary = info.state == KekState::Primary;
            KeyView {
                kek: info.kek,
                state: match info.state {
                    KekState::Pending => KeyState::Pending,
                    KekState::Primary => KeyState::Primary,
                    KekState::Retiring => KeyState::Retiring,
                },
                created: info.created,
                fingerprint: info.fingerprint,
                records: census.keks.get(&info.kek).copied().unwrap_or_default(),
                wraps,
                rotation_due: is_primary && (is_old || wraps >= Keyring::WRAPS_WARN),
            }
        });
        let mut keys: Vec<_> = keys.collect();
        keys.sort_by_key(|key| (key.kek.bucket, key.kek.epoch));
        keys
    }

    /// The keys that were destroyed, oldest first.
    pub fn retired_keys(&self) -> Vec<RetiredKey> {
        let ring = self.ring.now();
        let retired = ring.tombstones().iter();
        retired
            .map(|stone| RetiredKey {
                kek: stone.kek,
                retired: stone.destroyed,
                records: stone.records,
            })
            .collect()
    }

    /// How the keyring's two files stand on the disk; none if the vault has no home for them.
    pub async fn look_at_keyring(&self) -> Option<[KeyringFile; 2]> {
        let home = self.keyring_home.clone()?;
        tokio::task::spawn_blocking(move || home.look()).await.ok()
    }

    /// Whether there is such a shred bucket.
    pub fn has_bucket(&self, bucket: u16) -> bool {
        bucket < self.ring.now().bucket_count()
    }

    /// Looks after the keys now and then: writes down how much they have wrapped, and tells of those that
    /// are to be rotated and of a keyring file that is not whole.
    ///
    /// # Errors
    ///
    /// [`VaultError::Keys`] if the keyring cannot be written.
    pub async fn look_after_keys(&self, now: Timestamp) -> Result<(), VaultError> {
        let due = self.keys(now).iter().filter(|key| key.rotation_due).count();
        if due > 0 {
            self.watch.alarm_of_keys(due);
        }
        for (file, state) in (0_u8..).zip(self.look_at_keyring().await.into_iter().flatten()) {
            if state != KeyringFile::Whole {
                self.watch.alarm_of_keyring(file, state);
            }
        }
        let ring = self.ring.now();
        let grown: u64 = ring
            .keks()
            .map(|info| ring.wraps(&info.kek).unwrap_or_default().saturating_sub(info.wraps))
            .sum();
        if grown < WRAPS_SAVED_EVERY || self.keyring_home.is_none() {
            return Ok(());
        }
        let counted = move |newest: &Keyring| {
            let known = newest.wraps_saved();
            newest.with_wraps(|kek| {
                let saved = known.get(kek).copied().unwrap_or_default();
                ring.wraps(kek).unwrap_or_default().max(saved)
            })
        };
        self.change_keys(counted).await.map(drop)
    }
}
