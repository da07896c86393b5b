//! One record, byte for byte.
//!
//! ```text
//!   0   2  length of the record: 160, or 264 with the recovery part
//!   2   2  event
//!   4   2  outcome: 0, or the number of the error reason
//!   6   2  detail: the method, the purpose, the state of the row, or the kind of gap, by event
//!   8   8  sequence in the ledger, from 1, without a hole
//!  16   8  time, milliseconds since 1970
//!  24   8  the store's sequence that the change has
//!  32   8  the store's sequence that the row had before; 0 if it is new
//!  40   8  generation of the row
//!  48   8  a number by event: when the row is due or was erased, how many rows, how many bytes
//!  56  32  row key; zeros if it is about none
//!  88  16  who asked: a keyed hash of the caller's name; zeros for the vault itself
//! 104  16  which request: the same in all records that it made
//! 120   4  epoch of a KEK
//! 124 104  recovery part, sealed: account and onboarding (only in the longer form)
//!  -   16  MAC of the record before
//!  -   16  MAC of this one: the first half of an HMAC-SHA-256 under the audit key
//!  -    4  CRC-32 of all before
//! ```
//!
//! Numbers are big-endian. No field can hold text, and none more than 104 bytes.

use crate::model::{RowKey, Timestamp};

use super::event::{Event, Outcome};

/// Length in bytes of a record without a recovery part.
pub const RECORD_LEN: usize = 160;
/// Length in bytes of a sealed recovery part.
pub const RECOVERY_LEN: usize = 104;
/// Length in bytes of a record with a recovery part.
pub const RECORD_LEN_MAX: usize = RECORD_LEN + RECOVERY_LEN;
/// Length in bytes of a link of the chain.
pub const LINK_LEN: usize = 16;

/// The MAC of a record: what the next one carries on.
pub type Link = [u8; LINK_LEN];

/// Sealed: the account and its onboarding, by which a lost row can be registered again.
pub type Recovery = [u8; RECOVERY_LEN];

const FIXED_LEN: usize = 124;
const CRC_LEN: usize = 4;

/// What is to be recorded. Fixed fields only: there is no place for text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// How it ended.
    pub outcome: Outcome,
    /// More about it, by event.
    pub detail: u16,
    /// When.
    pub at: Timestamp,
    /// The store's sequence after it, if it is a change.
    pub store_sequence: u64,
    /// The store's sequence of the row before it.
    pub previous: u64,
    /// The row's generation after it.
    pub generation: u64,
    /// A number, by event.
    pub value: u64,
    /// Which row.
    pub row: Option<RowKey>,
    /// Who asked, as a keyed hash; zeros for the vault itself.
    pub caller: [u8; 16],
    /// Which request.
    pub request: [u8; 16],
    /// A KEK's epoch, if it is about keys.
    pub epoch: u32,
    /// How to register the row again.
    pub recovery: Option<Box<Recovery>>,
}

impl Entry {
    /// Something that happened at `at`, and nothing more about it yet.
    pub fn new(event: Event, at: Timestamp) -> Self {
        Self {
            event,
            outcome: Outcome::DONE,
            detail: 0,
            at,
            store_sequence: 0,
            previous: 0,
            generation: 0,
            value: 0,
            row: None,
            caller: [0; 16],
            request: [0; 16],
            epoch: 0,
            recovery: None,
        }
    }

    /// Its length as a record, in bytes.
    pub(super) fn len(&self) -> usize {
        if self.recovery.is_some() { RECORD_LEN_MAX } else { RECORD_LEN }
    }
}

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Counts from 1.
    pub sequence: u64,
    /// What happened.
    pub entry: Entry,
    /// The MAC of the record before.
    pub previous: Link,
    /// Its own MAC.
    pub mac: Link,
}

/// The audit key in use: an HMAC-SHA-256 of parts, one after the other. Made by the keyring, which
/// alone has the key.
pub type Hmac = dyn Fn(&[&[u8]]) -> [u8; 32] + Send + Sync;

/// What every record's MAC begins with, before the vault's id.
const DOMAIN: &[u8] = b"fmv1/ledger\0";

/// Appends `entry` to `bytes` as record `sequence` after the one with MAC `previous`, and gives its
/// MAC.
pub(super) fn append(
    bytes: &mut Vec<u8>,
    entry: &Entry,
    sequence: u64,
    previous: &Link,
    vault: &[u8; 16],
    hmac: &Hmac,
) -> Link {
    let start = bytes.len();
    let len = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    for number in [len, entry.event.code(), entry.outcome.0, entry.detail] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    let numbers = [
        sequence,
        entry.at.as_millis(),
        entry.store_sequence,
        entry.previous,
        entry.generation,
        entry.value,
    ];
    for number in numbers {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&entry.row.map_or([0; 32], |row| row.0));
    bytes.extend_from_slice(&entry.caller);
    bytes.extend_from_slice(&entry.request);
    bytes.extend_from_slice(&entry.epoch.to_be_bytes());
    if let Some(recovery) = &entry.recovery {
        bytes.extend_from_slice(&recovery[..]);
    }
    bytes.extend_from_slice(previous);
    let mac = link(vault, bytes.get(start..).unwrap_or_default(), hmac);
    bytes.extend_from_slice(&mac);
    let crc = crc32fast::hash(bytes.get(start..).unwrap_or_default());
    bytes.extend_from_slice(&crc.to_be_bytes());
    mac
}

fn link(vault: &[u8; 16], body: &[u8], hmac: &Hmac) -> Link {
    let full = hmac(&[DOMAIN, vault, body]);
    *full.first_chunk().expect("16 of 32 bytes")
}

/// The record at the beginning of `bytes` and its length, if there is one that this vault wrote.
/// Anything else is `None`; no bytes make it panic.
pub(super) fn parse(bytes: &[u8], vault: &[u8; 16], hmac: &Hmac) -> Option<(Record, usize)> {
    let (record, len) = parse_unproved(bytes)?;
    let body = bytes.get(..len - LINK_LEN - CRC_LEN)?;
    (link(vault, body, hmac) == record.mac).then_some((record, len))
}

/// As [`parse`], but whoever made it. For the length of what was edited, and for fuzzing.
pub fn parse_unproved(bytes: &[u8]) -> Option<(Record, usize)> {
    let len = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    if len != RECORD_LEN && len != RECORD_LEN_MAX {
        return None;
    }
    let bytes = bytes.get(..len)?;
    let (summed, crc) = bytes.split_last_chunk::<CRC_LEN>()?;
    if crc32fast::hash(summed) != u32::from_be_bytes(*crc) {
        return None;
    }
    let (fixed, rest) = summed.split_first_chunk::<FIXED_LEN>()?;
    let (rest, mac) = rest.split_last_chunk()?;
    let (recovery, previous) = rest.split_last_chunk()?;
    let row: [u8; 32] = array(fixed, 56);
    let entry = Entry {
        event: Event::of_code(u16::from_be_bytes(array(fixed, 2)))?,
        outcome: Outcome(u16::from_be_bytes(array(fixed, 4))),
        detail: u16::from_be_bytes(array(fixed, 6)),
        at: Timestamp::from_millis(number(fixed, 16)),
        store_sequence: number(fixed, 24),
        previous: number(fixed, 32),
        generation: number(fixed, 40),
        value: number(fixed, 48),
        row: (row != [0; 32]).then_some(RowKey(row)),
        caller: array(fixed, 88),
        request: array(fixed, 104),
        epoch: u32::from_be_bytes(array(fixed, 120)),
        recovery: recovery.try_into().ok().map(Box::new),
    };
    let record = Record { sequence: number(fixed, 8), entry, previous: *previous, mac: *mac };
    Some((record, len))
}

fn number(fixed: &[u8; FIXED_LEN], at: usize) -> u64 {
    u64::from_be_bytes(array(fixed, at))
}

/// The `N` bytes at `at`.
fn array<const N: usize>(fixed: &[u8; FIXED_LEN], at: usize) -> [u8; N] {
    *fixed.get(at..).and_then(<[u8]>::first_chunk).expect("all fields lie within the fixed part")
}
