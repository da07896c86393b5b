//! Keys, and what is sealed with them. No I/O, no clock: bytes in, bytes out.
//!
//! ```text
//! passphrase --Argon2id--> slot's key --opens--> root key --locks--> keyring
//! key file, recovery ------^                     |  index key:   account id -> row key, tokens
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
mod key_slot;
mod key_slots;
mod key_slots_change;
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
mod secret;
mod self_test;
mod slot_error;
mod token;
mod wrap;

pub use envelope::{ATTRIBUTES_LEN_MAX, Draft, OpenError, SealError};
pub use evidence::{Auditor, RECOVERY_LEN};
pub use key::{KEY_LEN, Key, KeyKind, Protection, RootKey, protection};
pub use key_slot::{
    Fingerprint, KeySlot, NewSlot, OpenedSlot, SlotKind, SlotLock, SlotSecret, TokenSalt,
};
pub use key_slots::KeySlots;
pub use key_slots_change::SlotsChange;
pub use keyring::{KekInfo, KekState, Keyring, KeyringChangeError, Tombstone};
pub use keyring_error::KeyringError;
pub use keyring_format::LockedKeyring;
pub use keyring_select::{Selected, select};
pub use passphrase::{KdfCost, KdfError, PASSPHRASE_LEN_MIN, PASSPHRASE_WORDS_MIN, check_policy};
pub use provider::Provider;
pub use random::RandomError;
pub use secret::{Bytes32, KeyFile, RecoveryKey};
pub use self_test::SelfTestError;
pub use slot_error::SlotError;
pub use token::TOKEN_LEN_MAX;
