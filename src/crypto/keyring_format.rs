//! The keyring's bytes, format version 1. All numbers are big-endian.
//!
//! ```text
//! header   FMK1 · version 1 (1) · mode (1) · vault id (16) · sequence (8)
//!          root provider (1) · length of its parameters (2) · parameters
//!          length of the sealed part (4) · SHA-256 of the header so far (32)
//! sealed   Seal(root key, context "fmv1/keyring" ‖ 0 ‖ header, payload)
//! digest   SHA-256 of everything before (32): tells a torn file from a wrong passphrase
//!
//! payload  mode (1) · bucket count (2) · least store sequence (8)
//!          index key (32) · audit key (32) · backup key (32)
//!          KEKs (2): id and place (22) · state (1) · created (8) · wraps (8) · key (32) · canary (88)
//!          tombstones (4): id and place (22) · destroyed (8) · sequence (8) · records (8)
//! ```
//!
//! Every version keeps the magic, the version byte and the digest where they are.

use super::chunked;
use super::key::RootKey;
use super::keyring::Keyring;
use super::keyring_error::KeyringError;
use super::keyring_payload::{parse_payload, payload};
use super::passphrase::{KdfCost, RootProvider};
use super::provider::Provider;
use super::reader::Reader;
use crate::model::{Mode, VaultId};

/// A keyring as its file holds it. Whole and of this version, but not opened yet: nothing but its
/// checksums has been verified.
#[derive(Clone, PartialEq, Eq)]
pub struct LockedKeyring {
    bytes: Vec<u8>,
    header: Header,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    mode: Mode,
    vault: VaultId,
    sequence: u64,
    root: RootProvider,
    /// Length of the header in bytes.
    len: usize,
}

const MAGIC: [u8; 4] = *b"FMK1";
const VERSION: u8 = 1;
const PROVIDER_PASSPHRASE: u8 = 1;
const PROVIDER_KEY_FILE: u8 = 2;
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
        if version != VERSION {
            return Err(KeyringError::Newer { what: "format version", number: version });
        }
        Ok(Self { header: Header::parse(content)?, bytes: bytes.to_vec() })
    }

    /// Opens the keyring with its root key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::WrongSecretOrAltered`] if it does not open; [`KeyringError::BrokenKek`] if a
    /// key in it is not what it was; [`KeyringError::Malformed`] if what was sealed is no keyring.
    pub fn unlock(&self, root: &RootKey, provider: Provider) -> Result<Keyring, KeyringError> {
        let content = self.bytes.split_last_chunk::<DIGEST_LEN>();
        let (header, sealed) = content
            .and_then(|(content, _)| content.split_at_checked(self.header.len))
            .ok_or(KeyringError::Damaged)?;
        let opened = chunked::open(provider, root.expose(), &context(header), sealed)
            .map_err(|_| KeyringError::WrongSecretOrAltered)?;
        let Header { mode, vault, sequence, .. } = self.header;
        parse_payload(&opened, provider, mode, vault, sequence)
    }

    /// How its root key is made.
    pub fn root_provider(&self) -> &RootProvider {
        &self.header.root
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
    /// Locks the ring with `root`, which was made as `provider` says.
    ///
    /// # Errors
    ///
    /// [`KeyringError::TooLong`] if it has more keys than a file may hold;
    /// [`KeyringError::Kdf`] if the costs of the passphrase are outside what we accept;
    /// [`KeyringError::Random`].
    pub fn lock(
        &self,
        root: &RootKey,
        provider: &RootProvider,
    ) -> Result<LockedKeyring, KeyringError> {
        let payload = payload(self)?;
        let sealed_len = chunked::sealed_len(payload.len());
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[VERSION, mode_byte(self.mode)]);
        bytes.extend_from_slice(&self.vault.0);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        write_provider(&mut bytes, provider)?;
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
    fn parse(content: &[u8]) -> Result<Self, KeyringError> {
        let mut rest = Reader(content);
        let damaged = KeyringError::Damaged;
        rest.take::<5>().ok_or(damaged.clone())?; // magic and version, seen already
        let mode = rest.u8().and_then(mode_from).ok_or(damaged.clone())?;
        let vault = VaultId(*rest.take().ok_or(damaged.clone())?);
        let sequence = rest.u64().ok_or(damaged.clone())?;
        let kind = rest.u8().ok_or(damaged.clone())?;
        let len = usize::from(rest.u16().ok_or(damaged.clone())?);
        let parameters = rest.slice(len).ok_or(damaged.clone())?;
        let sealed_len = rest.u32().ok_or(damaged.clone())?;
        let hashed = content.len() - rest.0.len();
        let digest = rest.take::<DIGEST_LEN>().ok_or(damaged.clone())?;
        if content.get(..hashed).map(digest_of).as_ref() != Some(digest)
            || usize::try_from(sealed_len) != Ok(rest.0.len())
        {
            return Err(damaged);
        }
        let root = parse_provider(kind, parameters)?;
        Ok(Self { mode, vault, sequence, root, len: hashed + DIGEST_LEN })
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

fn write_provider(out: &mut Vec<u8>, provider: &RootProvider) -> Result<(), KeyringError> {
    match provider {
        RootProvider::Passphrase { salt, cost } => {
            cost.check()?;
            out.push(PROVIDER_PASSPHRASE);
            out.extend_from_slice(&28u16.to_be_bytes());
            out.extend_from_slice(salt);
            for number in [cost.memory_kib, cost.passes, cost.lanes] {
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
        RootProvider::KeyFile { fingerprint } => {
            out.push(PROVIDER_KEY_FILE);
            out.extend_from_slice(&8u16.to_be_bytes());
            out.extend_from_slice(fingerprint);
        }
    }
    Ok(())
}

fn parse_provider(kind: u8, parameters: &[u8]) -> Result<RootProvider, KeyringError> {
    let mut rest = Reader(parameters);
    let parsed = match kind {
        PROVIDER_PASSPHRASE => parse_passphrase(&mut rest),
        PROVIDER_KEY_FILE => {
            rest.take().map(|fingerprint| RootProvider::KeyFile { fingerprint: *fingerprint })
        }
        number => return Err(KeyringError::Newer { what: "root provider", number }),
    };
    let provider = parsed.filter(|_| rest.0.is_empty()).ok_or(KeyringError::Damaged)?;
    if let RootProvider::Passphrase { cost, .. } = provider {
        cost.check()?;
    }
    Ok(provider)
}

fn parse_passphrase(rest: &mut Reader<'_>) -> Option<RootProvider> {
    let salt = *rest.take()?;
    let cost = KdfCost { memory_kib: rest.u32()?, passes: rest.u32()?, lanes: rest.u32()? };
    Some(RootProvider::Passphrase { salt, cost })
}
