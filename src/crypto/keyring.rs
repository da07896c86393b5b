//! The keyring: every key the vault needs, as an immutable value. A change makes a new ring; whoever
//! still holds the old one is not disturbed.

use std::fmt;
use std::sync::Arc;

use super::chunked::{self, Salt};
use super::key::{AuditKey, BackupKey, IndexKey, Kek};
use super::key_use::KeyUse;
use super::provider::Provider;
use super::random::{self, RandomError, Salts};
use crate::model::{KekRef, Mode, RowKey, Timestamp, VaultId};

/// All keys of one vault, unlocked.
///
/// Row keys are divided into equal ranges, the *shred buckets*; each has its own KEKs, one of them
/// primary. Destroying the KEKs of a bucket shreds what was erased there, and rotating one bucket
/// touches only its rows.
pub struct Keyring {
    pub(super) provider: Provider,
    pub(super) vault: VaultId,
    pub(super) mode: Mode,
    pub(super) sequence: u64,
    pub(super) bucket_count: u16,
    pub(super) min_store_sequence: u64,
    pub(super) fixed: Arc<FixedKeys>,
    /// In the order of bucket and epoch; each bucket has exactly one primary.
    pub(super) keks: Vec<KekSlot>,
    pub(super) tombstones: Vec<Tombstone>,
    pub(super) salts: Arc<Salts>,
}

/// The keys that rotation leaves alone.
pub(super) struct FixedKeys {
    pub(super) index: IndexKey,
    pub(super) audit: AuditKey,
    pub(super) backup: BackupKey,
}

/// A KEK in its place. The key itself is shared between the rings that have it, never copied.
#[derive(Clone)]
pub(super) struct KekSlot {
    pub(super) info: KekInfo,
    pub(super) key: Arc<Kek>,
    /// A constant sealed under the key when it was made; unlocking opens it.
    pub(super) canary: Arc<[u8]>,
    pub(super) used: KeyUse,
}

/// What may be told about a KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KekInfo {
    /// Which one.
    pub kek: KekRef,
    /// What it is for at present.
    pub state: KekState,
    /// When it was made.
    pub created: Timestamp,
    /// How many data keys it has wrapped, as last written to the keyring's file.
    pub wraps: u64,
    /// Tells keys apart for people; says nothing about the key's bytes.
    pub fingerprint: [u8; 4],
}

/// What a KEK is for. A destroyed one has a [`Tombstone`] instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KekState {
    /// Made, and to become primary once it is in both files of the keyring.
    Pending,
    /// Wraps new data keys.
    Primary,
    /// Unwraps only; goes once no record names it.
    Retiring,
}

/// What is left of a destroyed KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// Which one.
    pub kek: KekRef,
    /// When it was destroyed.
    pub destroyed: Timestamp,
    /// The store's sequence at that time.
    pub sequence: u64,
    /// How many records it had covered when it was last rotated away.
    pub records: u64,
}

impl Keyring {
    /// Shred buckets of a new vault if nothing else is wanted.
    pub const BUCKETS_DEFAULT: u16 = 16;
    /// The most shred buckets: one for each first byte of a row key.
    pub const BUCKETS_MAX: u16 = 256;

    /// The keyring of a new vault, with fresh keys, one primary KEK in each bucket, and sequence 1.
    ///
    /// # Errors
    ///
    /// [`KeyringChangeError::BucketCount`] unless there are 1 to [`Self::BUCKETS_MAX`] buckets;
    /// [`KeyringChangeError::Random`].
    pub fn generate(
        provider: Provider,
        mode: Mode,
        bucket_count: u16,
        now: Timestamp,
    ) -> Result<Self, KeyringChangeError> {
        if !(1..=Self::BUCKETS_MAX).contains(&bucket_count) {
            return Err(KeyringChangeError::BucketCount(bucket_count));
        }
        let mut ring = Self {
            provider,
            vault: VaultId(random::array()?),
            mode,
            sequence: 1,
            bucket_count,
            min_store_sequence: 0,
            fixed: Arc::new(FixedKeys {
                index: IndexKey::random()?,
                audit: AuditKey::random()?,
                backup: BackupKey::random()?,
            }),
            keks: Vec::with_capacity(usize::from(bucket_count)),
            tombstones: Vec::new(),
            salts: Arc::new(Salts::new()),
        };
        for bucket in 0..bucket_count {
            let slot = ring.new_kek(bucket, 1, KekState::Primary, now)?;
            ring.keks.push(slot);
        }
        Ok(ring)
    }

    /// The KEK that wraps new data keys in `bucket`; none if there is no such bucket.
    pub fn primary(&self, bucket: u16) -> Option<&KekInfo> {
        self.keks().find(|info| info.kek.bucket == bucket && info.state == KekState::Primary)
    }

    /// What is known of `kek`, if it is in the ring.
    pub fn kek(&self, kek: &KekRef) -> Option<&KekInfo> {
        self.slot(kek).map(|slot| &slot.info)
    }

    /// All KEKs in the order of bucket and epoch.
    pub fn keks(&self) -> impl Iterator<Item = &KekInfo> {
        self.keks.iter().map(|slot| &slot.info)
    }

    /// What is left of destroyed KEKs, oldest first.
    pub fn tombstones(&self) -> &[Tombstone] {
        &self.tombstones
    }

    /// How many shred buckets there are; never changes.
    pub fn bucket_count(&self) -> u16 {
        self.bucket_count
    }

    /// Which vault this is the keyring of.
    pub fn vault(&self) -> VaultId {
        self.vault
    }

    /// Which world the vault was made for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Counts the changes of the ring, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The store must have come at least this far; if not, it was set back.
    pub fn min_store_sequence(&self) -> u64 {
        self.min_store_sequence
    }

    /// Who computes.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// HMAC-SHA-256 of `parts`, one after the other, under the audit key.
    pub fn audit_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.provider.hmac_sha256(self.fixed.audit.expose(), parts)
    }

    /// HMAC-SHA-256 of `parts`, one after the other, under the backup key.
    pub fn backup_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.provider.hmac_sha256(self.fixed.backup.expose(), parts)
    }

    pub(super) fn slot(&self, kek: &KekRef) -> Option<&KekSlot> {
        self.keks.iter().find(|slot| slot.info.kek == *kek)
    }

    pub(super) fn primary_slot(&self, row: RowKey) -> &KekSlot {
        let bucket = self.bucket_of(row);
        let is_it = |slot: &&KekSlot| {
            slot.info.kek.bucket == bucket && slot.info.state == KekState::Primary
        };
        self.keks.iter().find(is_it).expect("every bucket has a primary")
    }

    pub(super) fn new_kek(
        &self,
        bucket: u16,
        epoch: u32,
        state: KekState,
        created: Timestamp,
    ) -> Result<KekSlot, RandomError> {
        let kek = KekRef { bucket, epoch, id: random::array()? };
        let key = Kek::random()?;
        let canary = seal_canary(self.provider, self.vault, kek, &key, &self.salts.fresh()?);
        let fingerprint = fingerprint(self.provider, &key);
        let info = KekInfo { kek, state, created, wraps: 0, fingerprint };
        let used = KeyUse::default();
        Ok(KekSlot { info, key: Arc::new(key), canary: canary.into(), used })
    }
}

/// First four bytes of an HMAC under the key: enough to compare by eye, useless for anything else.
pub(super) fn fingerprint(provider: Provider, key: &Kek) -> [u8; 4] {
    let mac = provider.hmac_sha256(key.expose(), &[b"fmv1/fingerprint\0"]);
    *mac.first_chunk().expect("4 of 32 bytes")
}

/// What every KEK seals when it is made, so that a damaged key is noticed before it is needed.
const CANARY: &[u8; 16] = b"this KEK is well";
/// Length of a canary in bytes.
pub(super) const CANARY_LEN: usize = chunked::sealed_len(CANARY.len());

fn seal_canary(provider: Provider, vault: VaultId, kek: KekRef, key: &Kek, salt: &Salt) -> Vec<u8> {
    chunked::seal(provider, key.expose(), salt, &canary_context(vault, kek), CANARY, 0)
}

/// Whether `key` opens the canary that was sealed under it.
pub(super) fn canary_opens(
    provider: Provider,
    vault: VaultId,
    kek: KekRef,
    key: &Kek,
    canary: &[u8],
) -> bool {
    let context = canary_context(vault, kek);
    chunked::open(provider, key.expose(), &context, canary).is_ok_and(|opened| *opened == CANARY)
}

fn canary_context(vault: VaultId, kek: KekRef) -> Vec<u8> {
    let (bucket, epoch) = (kek.bucket.to_be_bytes(), kek.epoch.to_be_bytes());
    [&b"fmv1/canary\0"[..], &vault.0, &bucket, &epoch, &kek.id].concat()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vault, mode, sequence, .. } = self;
        write!(f, "Keyring({vault:?}, {mode:?}, sequence {sequence}, {} KEKs)", self.keks.len())
    }
}

/// Why a keyring cannot be changed that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringChangeError {
    /// Not 1 to [`Keyring::BUCKETS_MAX`].
    #[error("a vault has 1 to 256 shred buckets, not {0}")]
    BucketCount(u16),
    /// The vault has fewer buckets.
    #[error("there is no shred bucket {0}")]
    NoSuchBucket(u16),
    /// A rotation of this bucket was begun and not ended.
    #[error("shred bucket {0} has a pending KEK already")]
    AlreadyPending(u16),
    /// The ring does not have it.
    #[error("unknown KEK of bucket {}, epoch {}", .0.bucket, .0.epoch)]
    UnknownKek(KekRef),
    /// It wraps new data keys.
    #[error("the KEK of bucket {}, epoch {} is primary: rotate first", .0.bucket, .0.epoch)]
    StillPrimary(KekRef),
    /// A counter is at its end.
    #[error("the keyring cannot count any further")]
    Exhausted,
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}
