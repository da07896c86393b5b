//! The keyring's bytes, format version 2. All numbers are big-endian.
//!
//! ```text
//! header   FMK1 · version 2 (1) · mode (1) · vault id (16) · sequence (8)
//!          slots (1): id (2) · kind (1) · created (8) · length (1) · label
//!                     length (2) · parameters · sealed root key (104)
//!          length of the sealed part (4) · SHA-256 of the header so far (32)
//! sealed   Seal(root key, context "fmv1/keyring" ‖ 0 ‖ header, payload)
//! digest   SHA-256 of everything before (32): tells a torn file from a wrong passphrase
//!
//! payload  mode (1) · bucket count (2) · least store sequence (8)
//!          index key (32) · audit key (32) · backup key (32)
//!          KEKs (2): id and place (22) · state (1) · created (8) · wraps (8) · key (32) · canary (88)
//!          tombstones (4): id and place (22) · destroyed (8) · sequence (8) · records (8)
//!
//! sealed root key   Seal(slot's key, context "fmv1/slot" ‖ 0 ‖ vault id ‖ slot so far, root key)
//! parameters        1 passphrase: salt (16) · memory in KiB, passes, lanes of Argon2id (4 each)
//!                   2 key file, 3 recovery, 4 program: fingerprint (8)
//!                   5 token: salt (32) · fingerprint (8)
//! ```
//!
//! Version 1 had one way in: instead of the slots, its kind (1) · length (2) · parameters; and the key
//! it made was the root key itself. Such files are read, and written as version 2 at the next change.
//!
//! Every version keeps the magic, the version byte and the digest where they are.

use zeroize::Zeroizing;

use super::chunked;
use super::key::{RootKey, SlotKey};
use super::key_slot::{KeySlot, OpenedSlot, SlotSecret};
use super::key_slots::{KeySlots, parse_lock};
use super::keyring::Keyring;
use super::keyring_error::KeyringError;
use super::keyring_payload::{parse_payload, payload};
use super::provider::Provider;
use super::reader::Reader;
use super::slot_error::SlotError;
use crate::model::{Mode, Timestamp, VaultId};

/// A keyring as its file holds it. Whole and of this version, but not opened yet: nothing but its
/// checksums has been verified.
#[derive(Clone, PartialEq, Eq)]
pub struct LockedKeyring {
    bytes: Vec<u8>,
    header: Header,
}

#[derive(Clone, PartialEq, Eq)]
struct Header {
    mode: Mode,
    vault: VaultId,
    sequence: u64,
    slots: KeySlots,
    /// Length of the header in bytes.
    len: usize,
}

const MAGIC: [u8; 4] = *b"FMK1";
const VERSION: u8 = 2;
/// Still read, no longer written.
const VERSION_ONE: u8 = 1;
const DIGEST_LEN: usize = 32;

impl LockedKeyring {
    /// Longest keyring accepted, in bytes (1 MiB): 6,500 KEKs.
    pub const LEN_MAX: usize = 1024 * 1024;

    /// Reads a keyring's file, without a key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Damaged`], [`KeyringError::Newer`], [`KeyringError::Kdf`].
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.len() > Self::LEN_MAX {
            return Err(KeyringError::Damaged);
        }
        let (content, digest) = bytes.split_last_chunk().ok_or(KeyringError::Damaged)?;
        if digest_of(content) != *digest || content.first_chunk() != Some(&MAGIC) {
            return Err(KeyringError::Damaged);
        }
        let version = *content.get(MAGIC.len()).ok_or(KeyringError::Damaged)?;
        if ![VERSION, VERSION_ONE].contains(&version) {
            return Err(KeyringError::Newer { what: "format version", number: version });
        }
        Ok(Self { header: Header::parse(content, version)?, bytes: bytes.to_vec() })
    }

    /// Opens a slot with what somebody brought, and so the root key. Tries each slot of that kind.
    ///
    /// # Errors
    ///
    /// [`SlotError`], by what is wrong with what was brought.
    pub fn open_slot(
        &self,
        secret: &SlotSecret,
        provider: Provider,
    ) -> Result<OpenedSlot, SlotError> {
        self.header.slots.open(secret, |slot, key| self.root_of(slot, key, provider))
    }

    /// Opens the slot again that was opened before, after the root key has changed.
    ///
    /// # Errors
    ///
    /// [`SlotError::NoSuchSlot`] if it was removed; [`SlotError::Altered`] if another key opens it now.
    pub fn reopen_slot(
        &self,
        before: &OpenedSlot,
        provider: Provider,
    ) -> Result<RootKey, SlotError> {
        let id = before.slot;
        let slot = self.header.slots.get(id).ok_or(SlotError::NoSuchSlot(id))?;
        self.root_of(slot, &before.key, provider).ok_or(SlotError::Altered { slot: id })
    }

    /// Opens the keyring with its root key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Altered`] if it does not open; [`KeyringError::BrokenKek`] if a key in it is
    /// not what it was; [`KeyringError::Malformed`] if what was sealed is no keyring.
    pub fn unlock(&self, root: &RootKey, provider: Provider) -> Result<Keyring, KeyringError> {
        let opened = self.payload(root, provider).ok_or(KeyringError::Altered)?;
        let Header { mode, vault, sequence, .. } = self.header;
        parse_payload(&opened, provider, mode, vault, sequence)
    }

    /// The root key that `slot` holds, if `key` opens it.
    fn root_of(&self, slot: &KeySlot, key: &SlotKey, provider: Provider) -> Option<RootKey> {
        if slot.sealed.is_some() {
            return slot.open(provider, self.header.vault, key);
        }
        // Version 1: the key is the root key, and opens the keyring itself or nothing.
        let root = RootKey::copied(key.expose());
        self.payload(&root, provider).map(|_| root)
    }

    fn payload(&self, root: &RootKey, provider: Provider) -> Option<Zeroizing<Vec<u8>>> {
        let (content, _) = self.bytes.split_last_chunk::<DIGEST_LEN>()?;
        let (header, sealed) = content.split_at_checked(self.header.len)?;
        chunked::open(provider, root.expose(), &context(header), sealed).ok()
    }

    /// The ways in.
    pub fn slots(&self) -> &KeySlots {
        &self.header.slots
    }

    /// Which vault it says it belongs to. True once it has been unlocked.
    pub fn vault(&self) -> VaultId {
        self.header.vault
    }

    /// Which world it says it was made for. True once it has been unlocked.
    pub fn mode(&self) -> Mode {
        self.header.mode
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u64 {
        self.header.sequence
    }

    /// Refuses the keyring of another vault than `want`.
    ///
    /// # Errors
    ///
    /// [`KeyringError::OtherVault`].
    pub fn expect_vault(&self, want: VaultId) -> Result<(), KeyringError> {
        if self.header.vault != want {
            return Err(KeyringError::OtherVault { want, found: self.header.vault });
        }
        Ok(())
    }

    /// The bytes to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Keyring {
    /// Locks the ring with `root`, which each of `slots` holds.
    ///
    /// # Errors
    ///
    /// [`KeyringError::TooLong`] if it has more keys than a file may hold;
    /// [`KeyringError::Kdf`] if the costs of a passphrase are outside what we accept;
    /// [`KeyringError::Random`].
    pub fn lock(&self, root: &RootKey, slots: &KeySlots) -> Result<LockedKeyring, KeyringError> {
        let payload = payload(self)?;
        let sealed_len = chunked::sealed_len(payload.len());
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[VERSION, mode_byte(self.mode)]);
        bytes.extend_from_slice(&self.vault.0);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        slots.write(&mut bytes)?;
        let len = u32::try_from(sealed_len).map_err(|_| KeyringError::TooLong)?;
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&digest_of(&bytes));

        let (salt, context) = (self.salts.fresh()?, context(&bytes));
        let sealed = chunked::seal(self.provider, root.expose(), &salt, &context, &payload, 0);
        bytes.extend_from_slice(&sealed);
        bytes.extend_from_slice(&digest_of(&bytes));
        if bytes.len() > LockedKeyring::LEN_MAX {
            return Err(KeyringError::TooLong);
        }
        LockedKeyring::parse(&bytes)
    }
}

impl Header {
    /// Reads the header at the start of `content`, which is the file but for its digest.
    fn parse(content: &[u8], version: u8) -> Result<Self, KeyringError> {
        let mut rest = Reader(content);
        let damaged = KeyringError::Damaged;
        rest.take::<5>().ok_or(damaged.clone())?; // magic and version, seen already
        let mode = rest.u8().and_then(mode_from).ok_or(damaged.clone())?;
        let vault = VaultId(*rest.take().ok_or(damaged.clone())?);
        let sequence = rest.u64().ok_or(damaged.clone())?;
        let slots = match version {
            VERSION_ONE => only_slot(&mut rest)?,
            _ => KeySlots::parse(&mut rest)?,
        };
        let sealed_len = rest.u32().ok_or(damaged.clone())?;
        let hashed = content.len() - rest.0.len();
        let digest = rest.take::<DIGEST_LEN>().ok_or(damaged.clone())?;
        if content.get(..hashed).map(digest_of).as_ref() != Some(digest)
            || usize::try_from(sealed_len) != Ok(rest.0.len())
        {
            return Err(damaged);
        }
        Ok(Self { mode, vault, sequence, slots, len: hashed + DIGEST_LEN })
    }
}

fn context(header: &[u8]) -> Vec<u8> {
    [b"fmv1/keyring\0", header].concat()
}

/// A checksum, not a secret: the same whoever computes it.
fn digest_of(bytes: &[u8]) -> [u8; DIGEST_LEN] {
    Provider::AwsLc.sha256(bytes)
}

pub(super) fn mode_byte(mode: Mode) -> u8 {
    match mode {
        Mode::Production => 1,
        Mode::Simulator => 2,
    }
}

pub(super) fn mode_from(byte: u8) -> Option<Mode> {
    [Mode::Production, Mode::Simulator].into_iter().find(|&mode| mode_byte(mode) == byte)
}

/// The one way into a keyring of version 1.
fn only_slot(rest: &mut Reader<'_>) -> Result<KeySlots, KeyringError> {
    let kind = rest.u8().ok_or(KeyringError::Damaged)?;
    let len = usize::from(rest.u16().ok_or(KeyringError::Damaged)?);
    let lock = parse_lock(kind, rest.slice(len).ok_or(KeyringError::Damaged)?)?;
    let (created, label) = (Timestamp::from_millis(0), "primary".to_owned());
    Ok(KeySlots(vec![KeySlot { id: 1, created, label, lock, sealed: None }]))
}
