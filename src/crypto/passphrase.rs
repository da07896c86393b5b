//! From a passphrase to a key: Argon2id, its costs, and what a new passphrase must have.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::key::{KEY_LEN, SlotKey};
use super::slot_error::SlotError;
use crate::model::Passphrase;

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

/// Whether a new passphrase is long enough: [`PASSPHRASE_LEN_MIN`] characters or
/// [`PASSPHRASE_WORDS_MIN`] words.
///
/// # Errors
///
/// [`SlotError::PassphraseTooShort`].
pub fn check_policy(passphrase: &Passphrase) -> Result<(), SlotError> {
    let text = passphrase.expose();
    let long = text.chars().count() >= PASSPHRASE_LEN_MIN;
    if long || text.split_whitespace().count() >= PASSPHRASE_WORDS_MIN {
        return Ok(());
    }
    Err(SlotError::PassphraseTooShort)
}

/// Characters that make a passphrase long enough.
pub const PASSPHRASE_LEN_MIN: usize = 16;
/// Words that make a passphrase long enough; five from a list of 7,776 are 64 bits.
pub const PASSPHRASE_WORDS_MIN: usize = 5;

/// The key of a passphrase. Takes as long as the costs say: about a tenth of a second for the default.
pub(super) fn argon2id(
    passphrase: &Passphrase,
    salt: &[u8; 16],
    cost: KdfCost,
) -> Result<SlotKey, SlotError> {
    cost.check()?;
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_LEN))
        .expect("costs between floor and ceiling are within those of RFC 9106");
    let out_of_memory = SlotError::OutOfMemory { kib: cost.memory_kib };
    // Our own memory, because it is wiped: what is in there makes guessing cheap.
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| out_of_memory.clone())?;
    memory.resize_with(params.block_count(), Block::new);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    SlotKey::built(|out| {
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
