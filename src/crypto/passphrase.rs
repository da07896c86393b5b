//! Where the root key comes from: a passphrase through Argon2id, or a key file.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::key::{KEY_LEN, RootKey};
use super::provider::Provider;
use super::random::{self, RandomError};
use crate::model::Passphrase;

/// How the root key of a keyring is made, as the keyring's header says. Nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootProvider {
    /// Argon2id (RFC 9106) of a passphrase.
    Passphrase {
        /// Random, chosen with each new passphrase.
        salt: [u8; 16],
        /// How hard guessing is made.
        cost: KdfCost,
    },
    /// A file of 32 random bytes, which are the root key.
    KeyFile {
        /// Tells which file it was, and nothing about its bytes.
        fingerprint: [u8; 8],
    },
}

/// What a person or a machine brings to unlock a keyring.
#[derive(Debug, Clone, Copy)]
pub enum RootSecret<'a> {
    /// A passphrase.
    Passphrase(&'a Passphrase),
    /// The bytes of a key file.
    KeyFile(&'a KeyFile),
}

/// The bytes of a key file: exactly 32, random.
#[derive(Debug)]
pub struct KeyFile(RootKey);

/// Costs of Argon2id. A keyring with others than [`KdfCost::FLOOR`] to [`KdfCost::CEILING`] is
/// refused before any memory is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl KdfCost {
    /// What new keyrings get: the second recommended choice of RFC 9106, section 4.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// The least accepted: OWASP's password storage cheat sheet.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
    /// The most accepted: twice the memory of RFC 9106's first choice, so that a hostile keyring
    /// cannot exhaust the machine.
    pub const CEILING: Self = Self { memory_kib: 4 * 1024 * 1024, passes: 16, lanes: 16 };

    /// Whether this is between floor and ceiling.
    ///
    /// # Errors
    ///
    /// [`KdfError`] naming the first cost that is not.
    pub fn check(self) -> Result<(), KdfError> {
        let (floor, ceiling) = (Self::FLOOR, Self::CEILING);
        let rows = [
            ("memory in KiB", self.memory_kib, floor.memory_kib, ceiling.memory_kib),
            ("passes", self.passes, floor.passes, ceiling.passes),
            ("lanes", self.lanes, floor.lanes, ceiling.lanes),
        ];
        for (what, value, min, max) in rows {
            if value < min {
                return Err(KdfError::TooWeak { what, value, min });
            }
            if value > max {
                return Err(KdfError::TooCostly { what, value, max });
            }
        }
        Ok(())
    }
}

impl RootProvider {
    /// A root key from a passphrase that is new: its policy is checked and a salt is chosen.
    ///
    /// # Errors
    ///
    /// [`RootKeyError`].
    pub fn new_passphrase(
        passphrase: &Passphrase,
        cost: KdfCost,
    ) -> Result<(Self, RootKey), RootKeyError> {
        check_policy(passphrase)?;
        let provider = Self::Passphrase { salt: random::array()?, cost };
        let key = provider.root_key(RootSecret::Passphrase(passphrase))?;
        Ok((provider, key))
    }

    /// A root key from a key file that is new to the keyring.
    pub fn new_key_file(file: &KeyFile) -> (Self, RootKey) {
        (Self::KeyFile { fingerprint: file.fingerprint() }, RootKey::copied(file.0.expose()))
    }

    /// The root key of a keyring that was locked with this. Takes as long as the costs say: about a
    /// tenth of a second for the default.
    ///
    /// # Errors
    ///
    /// [`RootKeyError`]. A wrong passphrase is not noticed here but when the keyring does not open;
    /// a wrong key file is.
    pub fn root_key(&self, secret: RootSecret<'_>) -> Result<RootKey, RootKeyError> {
        match (self, secret) {
            (Self::Passphrase { salt, cost }, RootSecret::Passphrase(passphrase)) => {
                argon2id(passphrase, salt, *cost)
            }
            (Self::KeyFile { fingerprint }, RootSecret::KeyFile(file)) => {
                if file.fingerprint() != *fingerprint {
                    return Err(RootKeyError::WrongKeyFile {
                        want: hex::encode(fingerprint),
                        found: hex::encode(file.fingerprint()),
                    });
                }
                Ok(RootKey::copied(file.0.expose()))
            }
            (Self::Passphrase { .. }, RootSecret::KeyFile(_)) => {
                Err(RootKeyError::WrongKind { want: "a passphrase" })
            }
            (Self::KeyFile { .. }, RootSecret::Passphrase(_)) => {
                Err(RootKeyError::WrongKind { want: "a key file" })
            }
        }
    }
}

impl KeyFile {
    /// Takes a key file's bytes. The caller wipes its own copy.
    ///
    /// # Errors
    ///
    /// [`RootKeyError::NotAKeyFile`] unless there are exactly 32, not all the same: a file of zeros
    /// is a mistake, not a key.
    pub fn new(bytes: &[u8]) -> Result<Self, RootKeyError> {
        let exact: &[u8; KEY_LEN] =
            bytes.try_into().map_err(|_| RootKeyError::NotAKeyFile { len: bytes.len() })?;
        if exact.iter().all(|byte| Some(byte) == exact.first()) {
            return Err(RootKeyError::NotAKeyFile { len: bytes.len() });
        }
        Ok(Self(RootKey::copied(exact)))
    }

    /// The content of a new key file: 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn fresh() -> Result<Zeroizing<[u8; KEY_LEN]>, RandomError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        random::fill(&mut *bytes)?;
        Ok(bytes)
    }

    fn fingerprint(&self) -> [u8; 8] {
        // The provider is fixed: the fingerprint is the same whoever computes it.
        let mac = Provider::AwsLc.hmac_sha256(self.0.expose(), &[b"fmv1/key-file"]);
        *mac.first_chunk().expect("8 of 32 bytes")
    }
}

/// Whether a new passphrase is long enough: [`PASSPHRASE_LEN_MIN`] characters or
/// [`PASSPHRASE_WORDS_MIN`] words.
///
/// # Errors
///
/// [`RootKeyError::PassphraseTooShort`].
pub fn check_policy(passphrase: &Passphrase) -> Result<(), RootKeyError> {
    let text = passphrase.expose();
    let long = text.chars().count() >= PASSPHRASE_LEN_MIN;
    if long || text.split_whitespace().count() >= PASSPHRASE_WORDS_MIN {
        return Ok(());
    }
    Err(RootKeyError::PassphraseTooShort)
}

/// Characters that make a passphrase long enough.
pub const PASSPHRASE_LEN_MIN: usize = 16;
/// Words that make a passphrase long enough; five from a list of 7,776 are 64 bits.
pub const PASSPHRASE_WORDS_MIN: usize = 5;

fn argon2id(
    passphrase: &Passphrase,
    salt: &[u8; 16],
    cost: KdfCost,
) -> Result<RootKey, RootKeyError> {
    cost.check()?;
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_LEN))
        .expect("costs between floor and ceiling are within those of RFC 9106");
    let out_of_memory = RootKeyError::OutOfMemory { kib: cost.memory_kib };
    // Our own memory, because it is wiped: what is in there makes guessing cheap.
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| out_of_memory.clone())?;
    memory.resize_with(params.block_count(), Block::new);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    RootKey::built(|out| {
        argon2
            .hash_password_into_with_memory(
                passphrase.expose().as_bytes(),
                salt,
                out,
                memory.as_mut_slice(),
            )
            .map_err(|_| out_of_memory)
    })
}

/// Argon2id costs outside what we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// Guessing would be too cheap.
    #[error("argon2id with {value} {what} is too weak: the least is {min}")]
    TooWeak {
        /// Which cost.
        what: &'static str,
        /// Its value.
        value: u32,
        /// The least accepted.
        min: u32,
    },
    /// Unlocking would take too much of the machine.
    #[error("argon2id with {value} {what} is too costly: the most is {max}")]
    TooCostly {
        /// Which cost.
        what: &'static str,
        /// Its value.
        value: u32,
        /// The most accepted.
        max: u32,
    },
}

/// Why there is no root key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyError {
    /// The new passphrase is too short.
    #[error("the passphrase needs at least 16 characters or 5 words")]
    PassphraseTooShort,
    /// The costs are outside what we accept.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// Argon2id did not get its memory.
    #[error("no memory for argon2id, which needs {kib} KiB")]
    OutOfMemory {
        /// How much it needs, in KiB.
        kib: u32,
    },
    /// The keyring is locked with something else.
    #[error("the keyring is locked with {want}")]
    WrongKind {
        /// What it is locked with.
        want: &'static str,
    },
    /// A key file of another keyring.
    #[error("the keyring is locked with key file {want}, this one is {found}")]
    WrongKeyFile {
        /// Fingerprint of the right one.
        want: String,
        /// Fingerprint of this one.
        found: String,
    },
    /// Not 32 random bytes.
    #[error("a key file has exactly 32 random bytes, this one has {len} bytes or is constant")]
    NotAKeyFile {
        /// Its length in bytes.
        len: usize,
    },
    /// There is no randomness for a salt.
    #[error(transparent)]
    Random(#[from] RandomError),
}
