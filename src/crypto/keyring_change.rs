//! Changes of a keyring. Each gives a new ring with the next sequence number and leaves the old one as
//! it was.
//!
//! A KEK must be in both files of the keyring before anything is wrapped under it. So a rotation that
//! may be interrupted goes: [`Keyring::prepared`], write, [`Keyring::resaved`], write the other file,
//! [`Keyring::promoted`], write both again.

use std::sync::Arc;

use super::keyring::{KekSlot, KekState, Keyring, KeyringChangeError, Tombstone};
use crate::model::{KekRef, Timestamp};

impl Keyring {
    /// A ring with a new primary KEK in each of `buckets`; the old ones only unwrap.
    ///
    /// # Errors
    ///
    /// As [`Self::prepared`].
    pub fn rotated(&self, buckets: &[u16], now: Timestamp) -> Result<Self, KeyringChangeError> {
        let mut ring = self.prepared(buckets, now)?;
        ring.promote();
        Ok(ring)
    }

    /// A ring with a new pending KEK in each of `buckets`.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::NoSuchBucket`], [`KeyringChangeError::AlreadyPending`],
    /// [`KeyringChangeError::Random`].
    pub fn prepared(&self, buckets: &[u16], now: Timestamp) -> Result<Self, KeyringChangeError> {
        let mut ring = self.resaved()?;
        for &bucket in buckets {
            let of_bucket = || ring.keks().filter(move |info| info.kek.bucket == bucket);
            if of_bucket().any(|info| info.state == KekState::Pending) {
                return Err(KeyringChangeError::AlreadyPending(bucket));
            }
            let destroyed = ring.tombstones.iter().map(|tombstone| tombstone.kek);
            let epoch = of_bucket()
                .map(|info| info.kek)
                .chain(destroyed.filter(|kek| kek.bucket == bucket))
                .map(|kek| kek.epoch)
                .max()
                .ok_or(KeyringChangeError::NoSuchBucket(bucket))?
                .checked_add(1)
                .ok_or(KeyringChangeError::Exhausted)?;
            let slot = ring.new_kek(bucket, epoch, KekState::Pending, now)?;
            ring.keks.push(slot);
        }
        ring.keks.sort_by_key(KekSlot::place);
        Ok(ring)
    }

    /// A ring in which every pending KEK is primary, and what it replaces only unwraps.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::Exhausted`].
    pub fn promoted(&self) -> Result<Self, KeyringChangeError> {
        let mut ring = self.resaved()?;
        ring.promote();
        Ok(ring)
    }

    /// A ring without `kek`, and a tombstone for it. `sequence` is the store's, `records` how many
    /// records it had covered. The caller has made sure that none names it any more.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::UnknownKek`], [`KeyringChangeError::StillPrimary`].
    pub fn without(
        &self,
        kek: &KekRef,
        destroyed: Timestamp,
        sequence: u64,
        records: u64,
    ) -> Result<Self, KeyringChangeError> {
        let info = self.kek(kek).ok_or(KeyringChangeError::UnknownKek(*kek))?;
        if info.state == KekState::Primary {
            return Err(KeyringChangeError::StillPrimary(*kek));
        }
        let mut ring = self.resaved()?;
        ring.keks.retain(|slot| slot.info.kek != *kek);
        ring.tombstones.push(Tombstone { kek: *kek, destroyed, sequence, records });
        Ok(ring)
    }

    /// A ring that will not go with a store behind `sequence`. Never lowers what is there.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::Exhausted`].
    pub fn with_min_store_sequence(&self, sequence: u64) -> Result<Self, KeyringChangeError> {
        let mut ring = self.resaved()?;
        ring.min_store_sequence = ring.min_store_sequence.max(sequence);
        Ok(ring)
    }

    /// The same ring with the next sequence number, to be written to the other file.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::Exhausted`].
    pub fn resaved(&self) -> Result<Self, KeyringChangeError> {
        Ok(Self {
            provider: self.provider,
            vault: self.vault,
            mode: self.mode,
            sequence: self.sequence.checked_add(1).ok_or(KeyringChangeError::Exhausted)?,
            bucket_count: self.bucket_count,
            min_store_sequence: self.min_store_sequence,
            fixed: Arc::clone(&self.fixed),
            keks: self.keks.clone(),
            tombstones: self.tombstones.clone(),
            salts: Arc::clone(&self.salts),
        })
    }

    /// The same ring as the direct successor of `before`, however many changes it is away from it.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::Exhausted`].
    pub fn following(mut self, before: &Self) -> Result<Self, KeyringChangeError> {
        self.sequence = before.sequence.checked_add(1).ok_or(KeyringChangeError::Exhausted)?;
        Ok(self)
    }

    fn promote(&mut self) {
        let pending: Vec<KekRef> = self
            .keks()
            .filter(|info| info.state == KekState::Pending)
            .map(|info| info.kek)
            .collect();
        for slot in &mut self.keks {
            let info = &mut slot.info;
            match info.state {
                KekState::Pending => info.state = KekState::Primary,
                KekState::Primary if pending.iter().any(|kek| kek.bucket == info.kek.bucket) => {
                    info.state = KekState::Retiring;
                }
                KekState::Primary | KekState::Retiring => (),
            }
        }
    }
}

impl KekSlot {
    pub(super) fn place(&self) -> (u16, u32) {
        (self.info.kek.bucket, self.info.kek.epoch)
    }
}
