//! Key slots: the ways into a keyring. Each holds the keyring's root key, sealed under a key of its
//! own, which is made of what somebody brings.

use std::fmt;

use super::chunked::{self, Salt};
use super::key::{KEY_LEN, RootKey, SlotKey};
use super::passphrase::{KdfCost, argon2id};
use super::provider::Provider;
use super::secret::{Bytes32, KeyFile, RecoveryKey};
use super::slot_error::SlotError;
use crate::model::{Passphrase, Timestamp, VaultId};

/// One way into a keyring, as its file says in the clear. Nothing secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySlot {
    pub(super) id: u16,
    pub(super) created: Timestamp,
    pub(super) label: String,
    pub(super) lock: SlotLock,
    /// `None` in a keyring of format version 1: there the slot's key is the root key.
    pub(super) sealed: Option<[u8; SEALED_ROOT_LEN]>,
}

/// Length in bytes of a sealed root key.
pub(super) const SEALED_ROOT_LEN: usize = chunked::sealed_len(KEY_LEN);

/// What opens a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotLock {
    /// A passphrase, through Argon2id (RFC 9106).
    Passphrase {
        /// Random, chosen with each new passphrase.
        salt: [u8; 16],
        /// How hard guessing is made.
        cost: KdfCost,
    },
    /// A file of 32 random bytes, on disk or a systemd credential.
    KeyFile {
        /// Tells which it was.
        fingerprint: Fingerprint,
    },
    /// A recovery key, kept on paper or in a safe.
    Recovery {
        /// Tells which it was.
        fingerprint: Fingerprint,
    },
    /// 32 bytes that a program of the operator prints.
    Program {
        /// Tells which they were.
        fingerprint: Fingerprint,
    },
    /// HMAC-SHA-256 of the salt, computed by a PKCS#11 token with a key that never leaves it.
    Token {
        /// Random, chosen when the slot was made.
        salt: TokenSalt,
        /// Tells which key it was.
        fingerprint: Fingerprint,
    },
}

/// Tells keys of 32 bytes apart, and nothing about their bytes.
pub type Fingerprint = [u8; 8];
/// What a token computes a slot's key from.
pub type TokenSalt = [u8; 32];

/// The kinds of [`SlotLock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// See [`SlotLock::Passphrase`].
    Passphrase,
    /// See [`SlotLock::KeyFile`].
    KeyFile,
    /// See [`SlotLock::Recovery`].
    Recovery,
    /// See [`SlotLock::Program`].
    Program,
    /// See [`SlotLock::Token`].
    Token,
}

/// What somebody brings to open a keyring.
#[derive(Debug)]
pub enum SlotSecret {
    /// A passphrase.
    Passphrase(Passphrase),
    /// The bytes of a key file.
    KeyFile(KeyFile),
    /// A recovery key.
    Recovery(RecoveryKey),
    /// What the operator's program printed.
    Program(Bytes32),
    /// What the token computed of the salt of each token slot, by the slot's id.
    Token(Vec<(u16, Bytes32)>),
}

/// An opened slot: the root key, and what opened the slot.
#[derive(Debug)]
pub struct OpenedSlot {
    /// Which slot.
    pub slot: u16,
    /// Unlocks the keyring.
    pub root: RootKey,
    /// The slot's own key. Opens it again should the root key have changed meanwhile.
    pub(super) key: SlotKey,
}

/// A slot about to be made: what will open it.
#[derive(Debug)]
pub struct NewSlot {
    pub(super) lock: SlotLock,
    pub(super) key: SlotKey,
}

impl KeySlot {
    /// Its number, from 1, given once.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// What its maker called it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// When it was made, or its passphrase was changed. 1970 in a keyring of format version 1, which
    /// does not say.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// What opens it.
    pub fn lock(&self) -> &SlotLock {
        &self.lock
    }

    /// The slot's own key, made of `secret`; `None` if that cannot be what opens it.
    ///
    /// # Errors
    ///
    /// [`SlotError::Kdf`], [`SlotError::OutOfMemory`].
    pub(super) fn key(&self, secret: &SlotSecret) -> Result<Option<SlotKey>, SlotError> {
        let bytes = match (&self.lock, secret) {
            (SlotLock::Passphrase { salt, cost }, SlotSecret::Passphrase(passphrase)) => {
                return argon2id(passphrase, salt, *cost).map(Some);
            }
            (SlotLock::KeyFile { .. }, SlotSecret::KeyFile(KeyFile(bytes)))
            | (SlotLock::Recovery { .. }, SlotSecret::Recovery(RecoveryKey(bytes)))
            | (SlotLock::Program { .. }, SlotSecret::Program(bytes)) => bytes,
            (SlotLock::Token { .. }, SlotSecret::Token(computed)) => {
                match computed.iter().find(|(id, _)| *id == self.id) {
                    Some((_, bytes)) => bytes,
                    None => return Ok(None),
                }
            }
            (_, _) => return Ok(None),
        };
        let fits = self.lock.fingerprint() == Some(self.lock.kind().fingerprint(bytes));
        Ok(fits.then(|| SlotKey::copied(bytes.expose())))
    }
}

impl SlotLock {
    /// Its kind.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase { .. } => SlotKind::Passphrase,
            Self::KeyFile { .. } => SlotKind::KeyFile,
            Self::Recovery { .. } => SlotKind::Recovery,
            Self::Program { .. } => SlotKind::Program,
            Self::Token { .. } => SlotKind::Token,
        }
    }

    /// Tells its key apart from others; a passphrase has none, it could be guessed by it.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Passphrase { .. } => None,
            Self::KeyFile { fingerprint }
            | Self::Recovery { fingerprint }
            | Self::Program { fingerprint }
            | Self::Token { fingerprint, .. } => Some(*fingerprint),
        }
    }
}

impl SlotKind {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Passphrase, Self::KeyFile, Self::Recovery, Self::Program, Self::Token];

    /// One word for it, as commands take and print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key-file",
            Self::Recovery => "recovery",
            Self::Program => "program",
            Self::Token => "pkcs11",
        }
    }

    /// The provider is fixed: a fingerprint is the same whoever computes it.
    pub(super) fn fingerprint(self, bytes: &Bytes32) -> Fingerprint {
        let what: &[u8] = match self {
            Self::Passphrase => b"fmv1/passphrase",
            Self::KeyFile => b"fmv1/key-file",
            Self::Recovery => b"fmv1/recovery",
            Self::Program => b"fmv1/program",
            Self::Token => b"fmv1/token",
        };
        let mac = Provider::AwsLc.hmac_sha256(bytes.expose(), &[what]);
        *mac.first_chunk().expect("8 of 32 bytes")
    }
}

impl fmt::Display for SlotKind {
    /// With its article, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "a passphrase",
            Self::KeyFile => "a key file",
            Self::Recovery => "a recovery key",
            Self::Program => "a program",
            Self::Token => "a PKCS#11 token",
        })
    }
}

impl SlotSecret {
    /// The kind of slots it may open.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::KeyFile(_) => SlotKind::KeyFile,
            Self::Recovery(_) => SlotKind::Recovery,
            Self::Program(_) => SlotKind::Program,
            Self::Token(_) => SlotKind::Token,
        }
    }

    /// Fingerprints of what was brought, for messages.
    pub(super) fn fingerprints(&self) -> Vec<Fingerprint> {
        let kind = self.kind();
        match self {
            Self::Passphrase(_) => Vec::new(),
            Self::KeyFile(KeyFile(bytes))
            | Self::Recovery(RecoveryKey(bytes))
            | Self::Program(bytes) => vec![kind.fingerprint(bytes)],
            Self::Token(computed) => {
                computed.iter().map(|(_, bytes)| kind.fingerprint(bytes)).collect()
            }
        }
    }
}

/// Seals `root` under the slot's key. `place` is the slot as its file says it, up to the sealed part.
pub(super) fn seal_root(
    provider: Provider,
    vault: VaultId,
    place: &[u8],
    key: &SlotKey,
    salt: &Salt,
    root: &RootKey,
) -> [u8; SEALED_ROOT_LEN] {
    let context = context(vault, place);
    let sealed = chunked::seal(provider, key.expose(), salt, &context, root.expose(), 0);
    sealed.try_into().expect("32 bytes and what sealing adds")
}

/// Opens what [`seal_root`] sealed. `None` if it does not open.
pub(super) fn open_root(
    provider: Provider,
    vault: VaultId,
    place: &[u8],
    key: &SlotKey,
    sealed: &[u8; SEALED_ROOT_LEN],
) -> Option<RootKey> {
    let opened = chunked::open(provider, key.expose(), &context(vault, place), sealed).ok()?;
    Some(RootKey::copied(opened.first_chunk().filter(|_| opened.len() == KEY_LEN)?))
}

fn context(vault: VaultId, place: &[u8]) -> Vec<u8> {
    [&b"fmv1/slot\0"[..], &vault.0, place].concat()
}
