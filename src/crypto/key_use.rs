//! How often a KEK has wrapped: counted while the vault runs, written to the keyring now and then, and to
//! the store ahead of the count.
//!
//! The limits are ours. The construction is good for 2⁵⁵ messages under one key; a KEK that wraps even a
//! thousandth of a thousandth of that is in a loop that somebody should look at.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::keyring::{KekSlot, Keyring, KeyringChangeError};
use crate::model::KekRef;

/// Counts what one KEK wraps. Shared by the rings that have it.
#[derive(Clone, Default)]
pub(super) struct KeyUse(Arc<AtomicU64>);

impl KeyUse {
    /// Goes on from `wraps`.
    pub(super) fn since(wraps: u64) -> Self {
        Self(Arc::new(AtomicU64::new(wraps)))
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn count_on_at(&self, wraps: u64) {
        self.0.fetch_max(wraps, Ordering::Relaxed);
    }

    /// Counts one more; `false` if there must be no more.
    pub(super) fn wraps_once_more(&self) -> bool {
        if self.count() >= Keyring::WRAPS_MAX {
            return false;
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

impl Keyring {
    /// From so many wraps on an operator is told to rotate.
    pub const WRAPS_WARN: u64 = 1 << 30;
    /// After so many a KEK wraps no more.
    pub const WRAPS_MAX: u64 = 1 << 31;

    /// How many data keys `kek` has wrapped so far; none if the ring does not have it.
    pub fn wraps(&self, kek: &KekRef) -> Option<u64> {
        self.slot(kek).map(|slot| slot.used.count())
    }

    /// How many data keys each KEK had wrapped when the ring was written.
    pub fn wraps_saved(&self) -> HashMap<KekRef, u64> {
        self.keks().map(|info| (info.kek, info.wraps)).collect()
    }

    /// Goes on counting with the counters of `before`, the ring in force until now: who still holds that
    /// one is counted as well, and the file knows an older count.
    #[must_use]
    pub fn counting_with(mut self, before: &Self) -> Self {
        for slot in &mut self.keks {
            if let Some(known) = before.slot(&slot.info.kek) {
                known.used.count_on_at(slot.used.count());
                slot.used = known.used.clone();
            }
        }
        self
    }

    /// Goes on counting at `wraps`, wherever that is further on.
    pub fn count_on_at(&self, wraps: impl Fn(&KekRef) -> u64) {
        for slot in &self.keks {
            slot.used.count_on_at(wraps(&slot.info.kek));
        }
    }

    /// A ring that knows how many data keys each KEK has wrapped, and counts on from there.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::Exhausted`].
    pub fn with_wraps(&self, wraps: impl Fn(&KekRef) -> u64) -> Result<Self, KeyringChangeError> {
        let mut ring = self.resaved()?;
        for KekSlot { info, used, .. } in &mut ring.keks {
            info.wraps = wraps(&info.kek);
            *used = KeyUse::since(info.wraps);
        }
        Ok(ring)
    }
}
