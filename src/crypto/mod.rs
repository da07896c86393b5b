//! Keys, and what is sealed with them. No I/O, no clock: bytes in, bytes out.
//!
//! ```text
//! passphrase --Argon2id--> root key --locks--> keyring
//! key file   --------------^                     |  index key:   account id -> row key, tokens
//!                                                |  audit key, backup key: MACs
//!                                                |
//!                                                +- KEK of each shred bucket and epoch
//!                                                      |
//!                                                    wraps (with the record's attributes)
//!                                                      v
//!                                   data key, one per facemap --seals--> facemap
//! ```
//!
//! Everything sealed is sealed by one construction (`chunked.rs`), computed by one of two providers
//! with the same bytes.

mod buckets;
mod chunked;
mod envelope;
mod evidence;
pub(crate) mod fuzzing;
mod key;
mod key_use;
mod keyring;
mod keyring_change;
mod keyring_error;
mod keyring_format;
mod keyring_payload;
mod keyring_select;
pub(crate) mod measuring;
mod passphrase;
mod provider;
mod random;
mod reader;
mod self_test;
mod token;
mod wrap;

pub use envelope::{ATTRIBUTES_LEN_MAX, Draft, OpenError, SealError};
pub use evidence::{Auditor, RECOVERY_LEN};
pub use key::{KEY_LEN, Key, KeyKind, Protection, RootKey, protection};
pub use keyring::{KekInfo, KekState, Keyring, KeyringChangeError, Tombstone};
pub use keyring_error::KeyringError;
pub use keyring_format::LockedKeyring;
pub use keyring_select::{Selected, select};
pub use passphrase::{
    KdfCost, KdfError, KeyFile, PASSPHRASE_LEN_MIN, PASSPHRASE_WORDS_MIN, RootKeyError,
    RootProvider, RootSecret, check_policy,
};
pub use provider::Provider;
pub use random::RandomError;
pub use self_test::SelfTestError;
pub use token::TOKEN_LEN_MAX;
