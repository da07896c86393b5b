//! The keys, and how many records each wraps.

use crate::crypto::KekState;
use crate::jumio::Jumio;
use crate::model::{KekRef, Timestamp};
use crate::store::Store;

use super::Vault;

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

impl<S: Store, J: Jumio> Vault<S, J> {
    /// All keys, by bucket and epoch.
    pub fn keys(&self) -> Vec<KeyView> {
        let census = self.census();
        let ring = self.ring.now();
        let mut keys: Vec<_> = ring
            .keks()
            .map(|info| KeyView {
                kek: info.kek,
                state: match info.state {
                    KekState::Pending => KeyState::Pending,
                    KekState::Primary => KeyState::Primary,
                    KekState::Retiring => KeyState::Retiring,
                },
                created: info.created,
                fingerprint: info.fingerprint,
                records: census.keks.get(&info.kek).copied().unwrap_or_default(),
            })
            .collect();
        keys.sort_by_key(|key| (key.kek.bucket, key.kek.epoch));
        keys
    }
}
