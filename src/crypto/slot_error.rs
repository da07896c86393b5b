//! Why a slot cannot be opened, made or removed.

use super::key_slot::SlotKind;
use super::passphrase::KdfError;
use super::random::RandomError;

/// Why a slot cannot be opened, made or removed, by what an operator can do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Nothing of that kind opens the keyring.
    #[error("the keyring is not locked with {wanted}; it opens with {}", kinds(have))]
    NoneOfKind {
        /// What was brought.
        wanted: SlotKind,
        /// What its slots are locked with.
        have: Vec<SlotKind>,
    },
    /// The passphrase opens no slot. The seal cannot tell whether a file was altered instead.
    #[error("wrong passphrase: it opens none of the keyring's {slots} passphrase slots")]
    WrongPassphrase {
        /// How many there are.
        slots: usize,
    },
    /// A key file, recovery key, program or token of another keyring.
    #[error(
        "the keyring is locked with {kind} of fingerprint {}, this one is {}",
        want.join(" or "),
        found.join(" and ")
    )]
    WrongKey {
        /// Which kind.
        kind: SlotKind,
        /// Fingerprints of the right ones.
        want: Vec<String>,
        /// Fingerprints of what was brought.
        found: Vec<String>,
    },
    /// The slot is for this key, but does not open with it.
    #[error("slot {slot} is for this key, but does not open with it: the keyring was altered")]
    Altered {
        /// Which one.
        slot: u16,
    },
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
    /// Not 32 random bytes.
    #[error("a key file has exactly 32 random bytes, this one has {len} bytes or is constant")]
    NotAKey {
        /// Its length in bytes.
        len: usize,
    },
    /// Mistyped, or something else.
    #[error(
        "this is no recovery key: it begins with `fmvr1` and has 63 characters without spaces; \
         compare each with what was written down"
    )]
    NotARecoveryKey,
    /// There is no slot of that number.
    #[error("the keyring has no slot {0}")]
    NoSuchSlot(u16),
    /// Nothing would open the keyring any more.
    #[error("slot {0} is the last: without it nothing opens the keyring")]
    LastSlot(u16),
    /// As many as a keyring may have.
    #[error("a keyring has at most 16 slots")]
    TooManySlots,
    /// Too long, or with characters that do not show.
    #[error("a label has at most 64 bytes, and no control characters")]
    Label,
    /// Only the passphrase of a passphrase slot can be changed.
    #[error("slot {slot} opens with {kind}, not with a passphrase")]
    NotAPassphraseSlot {
        /// Which slot.
        slot: u16,
        /// What it opens with.
        kind: SlotKind,
    },
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn kinds(have: &[SlotKind]) -> String {
    let mut distinct: Vec<_> = have.iter().map(ToString::to_string).collect();
    distinct.dedup();
    distinct.join(" or ")
}
