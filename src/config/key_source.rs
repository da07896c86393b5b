//! `[keys]`: the keyring, and which of the ways into it the service takes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Period, SecretRef, TokenUri};

/// `[keys]`: the keyring and what unlocks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "KeysAsWritten", into = "KeysAsWritten")]
pub struct Keys {
    /// The keyring's own directory.
    pub keyring: PathBuf,
    /// What opens a slot of the keyring.
    pub root: RootSource,
    /// The primary key-encryption key should not get older.
    pub max_age: Period,
    /// Into how many groups records fall, each with a key-encryption key of its own: 1 to 256.
    pub buckets: u16,
}

/// What opens a slot of the keyring, which holds the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSource {
    /// The operator's passphrase, by Argon2id: [`SecretRef::read`].
    Passphrase(SecretRef),
    /// 32 random bytes: [`SecretRef::read_bytes`].
    KeyFile(SecretRef),
    /// 32 bytes that a program prints: its absolute path, and its arguments.
    Program(Vec<String>),
    /// A key in a PKCS#11 token.
    Token(TokenUri),
}

/// The settings that name a [`RootSource`]: exactly one is given.
pub(super) const ROOT_SOURCES: [&str; 4] =
    ["keys.passphrase", "keys.key_file", "keys.program", "keys.pkcs11"];

impl RootSource {
    /// The secret it reads itself, if it reads one: passphrase, key file, or the token's PIN.
    pub fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Passphrase(reference) | Self::KeyFile(reference) => Some(reference),
            Self::Program(_) => None,
            Self::Token(uri) => Some(&uri.pin),
        }
    }

    /// The setting it is written in, and the one that decides what is allowed.
    pub(super) fn setting(&self) -> &'static [&'static str] {
        match self {
            Self::Passphrase(_) => &["keys.passphrase", "mode"],
            Self::KeyFile(_) => &["keys.key_file", "mode"],
            Self::Program(_) => &["keys.program", "mode"],
            Self::Token(_) => &["keys.pkcs11", "mode"],
        }
    }
}

/// `[keys]` before it is known that there is one source.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeysAsWritten {
    keyring: PathBuf,
    passphrase: Option<SecretRef>,
    key_file: Option<SecretRef>,
    program: Option<Vec<String>>,
    pkcs11: Option<TokenUri>,
    max_age: Period,
    buckets: u16,
}

impl Default for KeysAsWritten {
    fn default() -> Self {
        Self {
            keyring: PathBuf::from("/var/lib/fmvault/keyring"),
            passphrase: None,
            key_file: None,
            program: None,
            pkcs11: None,
            max_age: Period::days(90),
            buckets: 16,
        }
    }
}

impl TryFrom<KeysAsWritten> for Keys {
    type Error = &'static str;

    fn try_from(written: KeysAsWritten) -> Result<Self, Self::Error> {
        let KeysAsWritten { keyring, passphrase, key_file, program, pkcs11, max_age, buckets } =
            written;
        let given = [
            passphrase.map(RootSource::Passphrase),
            key_file.map(RootSource::KeyFile),
            program.map(RootSource::Program),
            pkcs11.map(RootSource::Token),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(root), None) = (given.next(), given.next()) else {
            return Err("give one of passphrase, key_file, program and pkcs11");
        };
        Ok(Self { keyring, root, max_age, buckets })
    }
}

impl From<Keys> for KeysAsWritten {
    fn from(keys: Keys) -> Self {
        let Keys { keyring, root, max_age, buckets } = keys;
        let mut written = Self { keyring, max_age, buckets, ..Self::default() };
        match root {
            RootSource::Passphrase(reference) => written.passphrase = Some(reference),
            RootSource::KeyFile(reference) => written.key_file = Some(reference),
            RootSource::Program(command) => written.program = Some(command),
            RootSource::Token(uri) => written.pkcs11 = Some(uri),
        }
        written
    }
}
