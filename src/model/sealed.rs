//! Ciphertext as plain data: what the store keeps and what only `crypto` can open.
//!
//! ```text
//! record (column family meta), all numbers big-endian
//! 0        4 5 6 7 8         24         32         40     42      46        62
//! +---------+-+-+-+-----------+----------+----------+------+-------+---------+-- - -
//! |  FMR1   |v|s|k|f record id|generation| sequence |bucket| epoch | KEK id  |
//! +---------+-+-+-+-----------+----------+----------+------+-------+---------+-- - -
//!    62        70          78     86          90         94              126  128
//! - - +---------+-----------+------+-----------+----------+----------------+----+----- - -
//!     | created | completed | due  | padded len| body len | SHA-256 of body| len| sealed
//! - - +---------+-----------+------+-----------+----------+----------------+----+----- - -
//! v format version 1 · s suite 1 (Cobblestone-256, both layers) · k kind · f flags
//! sealed = Seal(KEK, context over vault, row key and bytes 0..128, DEK ‖ length ‖ attributes)
//! ```

use std::fmt;

use bytes::Bytes;

use super::Timestamp;

/// Where a record lives: HMAC of the account id under the vault's index key. A stolen disk does not
/// say who is enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(pub [u8; 32]);

/// What stands for an account in logs and in the audit trail: half of its row key. Whoever has the keyring
/// can compute it for an account; nobody can go back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountHash(pub [u8; 16]);

impl From<RowKey> for AccountHash {
    fn from(row: RowKey) -> Self {
        Self(*row.0.first_chunk().expect("16 of 32 bytes"))
    }
}

impl fmt::Display for AccountHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AccountHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A random name for one stored facemap or tombstone; ties a body to its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordId(pub [u8; 16]);

/// The version of a record: the random salt of its sealed part, so every change has a new one and
/// none is ever reused. Compare-and-set is by this.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Revision(pub [u8; 24]);

/// What the body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// A facemap.
    Facemap,
}

/// Which key-encryption key wraps a record's data key: its shred bucket, its epoch there, and its
/// random id, which tells apart equal numbers of different keyrings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KekRef {
    /// Shred bucket, from the first bytes of the row key.
    pub bucket: u16,
    /// Counts up from 1 with each rotation of the bucket.
    pub epoch: u32,
    /// Random id of the key.
    pub id: [u8; 16],
}

/// The clear, authenticated first 126 bytes of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordHeader {
    /// What the body is.
    pub kind: RecordKind,
    /// A named reason not to erase is set.
    pub legal_hold: bool,
    /// Changes when the body does.
    pub record_id: RecordId,
    /// Starts at 1 and rises with every facemap captured for the account; never falls.
    pub generation: u64,
    /// The store-wide number of the change that wrote this record.
    pub sequence: u64,
    /// The key that wraps this record's data key.
    pub kek: KekRef,
    /// When the account was first enrolled.
    pub created: Timestamp,
    /// When the onboarding was completed at Jumio, if known.
    pub completed: Option<Timestamp>,
    /// When the sweep must look: `capture_by` while a capture is pending, else the moment our own
    /// retention erases. `None`: never.
    pub due: Option<Timestamp>,
    /// Length of the padded facemap in bytes; 0 without a body.
    pub padded_len: u32,
    /// Length of the sealed body in bytes; 0 without a body.
    pub body_len: u32,
    /// SHA-256 of the sealed body, for checks without a key; zeros without a body.
    pub body_sha256: [u8; 32],
}

/// A record: header and sealed part. Plain data, opened by `crypto` only.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// The clear part.
    pub header: RecordHeader,
    /// The sealed part: at least a salt, a commitment and a tag (72 bytes).
    pub sealed: Vec<u8>,
}

/// A sealed facemap.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBody(pub Bytes);

/// The first bytes of a sealed body: its salt, and the commitment to its key.
pub type BodyPrefix = [u8; SealedBody::PREFIX_LEN];

impl SealedBody {
    /// Length of a [`BodyPrefix`] in bytes.
    pub const PREFIX_LEN: usize = 24 + 32;
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "row {a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "revision {a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedRecord({:?}, {} bytes sealed)", self.header, self.sealed.len())
    }
}

impl fmt::Debug for SealedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBody({} bytes)", self.0.len())
    }
}
