//! Which of the keyring's two files is the one.

use super::keyring_error::KeyringError;
use super::keyring_format::LockedKeyring;
use crate::model::KeyringSlot;

/// The file to unlock.
#[derive(Clone, PartialEq, Eq)]
pub struct Selected {
    /// Which one it is. The next change is written to the other.
    pub slot: KeyringSlot,
    /// Its content.
    pub keyring: LockedKeyring,
    /// The other file is damaged, or gone though there must have been one. The keyring works, but
    /// nothing is left to fall back on: write it again, and find out why.
    pub other_damaged: bool,
}

/// Chooses between the contents of the two files: the one with the higher sequence number, or the
/// only whole one.
///
/// # Errors
///
/// [`KeyringError::Missing`], [`KeyringError::Damaged`] if none is whole, [`KeyringError::Newer`] and
/// [`KeyringError::Kdf`] if either is of that kind (falling back would be going back),
/// [`KeyringError::OtherVault`], [`KeyringError::Diverged`], [`KeyringError::Gap`].
pub fn select(zero: Option<&[u8]>, one: Option<&[u8]>) -> Result<Selected, KeyringError> {
    let (slot, keyring, other_damaged) = match (whole(zero)?, whole(one)?) {
        (File::Whole(zero), File::Whole(one)) => return newer(zero, one),
        (File::Whole(zero), File::Damaged) => (KeyringSlot::Zero, zero, true),
        (File::Damaged, File::Whole(one)) => (KeyringSlot::One, one, true),
        // A new keyring has one file until its first change.
        (File::Whole(zero), File::Absent) => {
            let changed = zero.sequence() > 1;
            (KeyringSlot::Zero, zero, changed)
        }
        (File::Absent, File::Whole(one)) => {
            let changed = one.sequence() > 1;
            (KeyringSlot::One, one, changed)
        }
        (File::Absent, File::Absent) => return Err(KeyringError::Missing),
        (File::Damaged, File::Damaged | File::Absent) | (File::Absent, File::Damaged) => {
            return Err(KeyringError::Damaged);
        }
    };
    Ok(Selected { slot, keyring, other_damaged })
}

enum File {
    Absent,
    Damaged,
    Whole(LockedKeyring),
}

fn whole(bytes: Option<&[u8]>) -> Result<File, KeyringError> {
    let Some(bytes) = bytes else {
        return Ok(File::Absent);
    };
    match LockedKeyring::parse(bytes) {
        Ok(keyring) => Ok(File::Whole(keyring)),
        Err(KeyringError::Damaged) => Ok(File::Damaged),
        Err(other) => Err(other),
    }
}

fn newer(zero: LockedKeyring, one: LockedKeyring) -> Result<Selected, KeyringError> {
    zero.expect_vault(one.vault())?;
    let (a, b) = (zero.sequence(), one.sequence());
    if a == b && zero != one {
        return Err(KeyringError::Diverged { sequence: a });
    }
    if a.abs_diff(b) > 1 {
        return Err(KeyringError::Gap { older: a.min(b), newer: a.max(b) });
    }
    let (slot, keyring) = if b > a { (KeyringSlot::One, one) } else { (KeyringSlot::Zero, zero) };
    Ok(Selected { slot, keyring, other_damaged: false })
}
