//! How many data keys each KEK has wrapped, so that a crash never makes it look like fewer.
//!
//! Counting each one on disk would cost a write each. So the store is told a figure that lies ahead of the
//! count, before anything that was wrapped is written; a start counts on from that figure, and a clean stop
//! brings it back to the count. Whoever can write the store can lower it; the limits are so far below what
//! the construction bears that this wins nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync;

use crate::crypto::Keyring;
use crate::jumio::Jumio;
use crate::model::KekRef;
use crate::store::{Note, NoteName, Store, StoreError};

use super::{Vault, VaultError};

/// So far ahead the figure lies: what a crash makes it too high by, at most. Nothing beside the limits.
pub(super) const AHEAD: u64 = 1 << 16;

/// What the store was told.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    wraps: Mutex<HashMap<KekRef, u64>>,
    telling: sync::Mutex<()>,
}

impl Reserved {
    fn wraps(&self) -> MutexGuard<'_, HashMap<KekRef, u64>> {
        self.wraps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cover(&self, ring: &Keyring) -> bool {
        let wraps = self.wraps();
        counts(ring).all(|(kek, count)| count <= wraps.get(&kek).copied().unwrap_or_default())
    }
}

fn counts(ring: &Keyring) -> impl Iterator<Item = (KekRef, u64)> {
    ring.keks().map(|info| (info.kek, ring.wraps(&info.kek).unwrap_or_default()))
}

/// Counts on from what `store` was told before it was closed, or before a crash.
///
/// # Errors
///
/// By what is wrong with the store.
pub(super) async fn count_on<S: Store>(store: &S, ring: &Keyring) -> Result<(), VaultError> {
    let note = store.note(NoteName::Wraps).await.map_err(VaultError::Store)?;
    let known = note.and_then(|note| parse(&note)).unwrap_or_default();
    ring.count_on_at(|kek| known.get(kek).copied().unwrap_or_default());
    Ok(())
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Makes sure that the store knows of all wraps so far. Before anything that was wrapped is written.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store.
    pub(super) async fn reserve_wraps(&self) -> Result<(), VaultError> {
        if self.reserved.cover(&self.ring.now()) {
            return Ok(());
        }
        let _alone = self.reserved.telling.lock().await;
        if self.reserved.cover(&self.ring.now()) {
            return Ok(());
        }
        self.tell_wraps(AHEAD).await
    }

    /// Tells the store what was wrapped and no more. For a stop; what goes on meanwhile reserves anew.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store.
    pub async fn settle_wraps(&self) -> Result<(), VaultError> {
        let _alone = self.reserved.telling.lock().await;
        // From here on everybody waits who has wrapped more than is counted below.
        self.reserved.wraps().clear();
        self.tell_wraps(0).await
    }

    async fn tell_wraps(&self, ahead: u64) -> Result<(), VaultError> {
        const TRIES: usize = 3;
        let ring = self.ring.now();
        let wraps: HashMap<_, _> = counts(&ring)
            .filter(|(_, count)| *count > 0)
            .map(|(kek, count)| (kek, count + ahead))
            .collect();
        let note = Note { name: NoteName::Wraps, content: Some(to_bytes(&wraps)) };
        for _ in 0..TRIES {
            match self.store.commit_noted(Vec::new(), note.clone()).await {
                // The same twice is harmless.
                Err(StoreError::Ambiguous) => {}
                result => {
                    result.map_err(VaultError::of_store_alone)?;
                    *self.reserved.wraps() = wraps;
                    return Ok(());
                }
            }
        }
        Err(VaultError::of_store_alone(StoreError::Ambiguous))
    }
}

const VERSION: u8 = 1;
/// Bucket, epoch, id, count.
const LEN: usize = 2 + 4 + 16 + 8;

fn to_bytes(wraps: &HashMap<KekRef, u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + wraps.len() * LEN);
    out.push(VERSION);
    for (KekRef { bucket, epoch, id }, count) in wraps {
        out.extend_from_slice(&bucket.to_be_bytes());
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(id);
        out.extend_from_slice(&count.to_be_bytes());
    }
    out
}

/// `None` if no version of us wrote that.
fn parse(bytes: &[u8]) -> Option<HashMap<KekRef, u64>> {
    let (&[VERSION], rest) = bytes.split_first_chunk()? else { return None };
    let (entries, []) = rest.as_chunks::<LEN>() else { return None };
    entries.iter().map(entry_of).collect()
}

fn entry_of(entry: &[u8; LEN]) -> Option<(KekRef, u64)> {
    let (bucket, rest) = entry.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let kek =
        KekRef { bucket: u16::from_be_bytes(*bucket), epoch: u32::from_be_bytes(*epoch), id: *id };
    Some((kek, u64::from_be_bytes(rest.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_comes_back(
            wraps in proptest::collection::hash_map((0..256_u16, 1..u32::MAX, any::<[u8; 16]>()), any::<u64>(), 0..20)
        ) {
            let wraps: HashMap<_, _> = wraps
                .into_iter()
                .map(|((bucket, epoch, id), count)| (KekRef { bucket, epoch, id }, count))
                .collect();
            let bytes = to_bytes(&wraps);
            prop_assert_eq!(parse(&bytes), Some(wraps));
            prop_assert_eq!(parse(&bytes[..bytes.len() - 1]), None);
        }
    }
}
