//! Where the keyring lives: its two files and the root key that opens them. Changes go through here,
//! so that they are durable in both files before anybody relies on them.
//!
//! Blocking: called from threads that may wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::{
    KeySlots, Keyring, KeyringChangeError, KeyringError, LockedKeyring, OpenedSlot, Provider,
    RootKey, SlotError, SlotsChange, select,
};
use crate::model::KeyringSlot;
use crate::store::keyring_file::{KeyringFileError, KeyringFiles};

/// The keyring's files together with the root key, so that a running vault can change its keys.
///
/// Several may exist for the same directory, in one process or in many: a change takes the lock of the
/// directory and begins by reading what is there.
pub struct KeyringHome {
    files: KeyringFiles,
    provider: Provider,
    opened: Mutex<OpenedSlot>,
    tell: Box<dyn Fn(u64) + Send + Sync>,
}

/// How a file of the keyring is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringFile {
    /// As it was written.
    Whole,
    /// Its bytes are not those that were written.
    Damaged,
    /// It is not there.
    Missing,
    /// The system does not let us read it.
    Unreadable,
    /// More than one change older than the other: somebody put a copy there.
    Old,
}

impl KeyringFile {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Whole, Self::Damaged, Self::Missing, Self::Unreadable, Self::Old];

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Old => "old",
        }
    }
}

/// The newer of the two files, opened, and whether the other one says the same.
struct Newest {
    file: KeyringSlot,
    ring: Keyring,
    slots: KeySlots,
    alone: bool,
}

impl KeyringHome {
    /// The home of a keyring whose slot was opened.
    pub fn new(files: KeyringFiles, opened: OpenedSlot, provider: Provider) -> Self {
        Self { files, provider, opened: Mutex::new(opened), tell: Box::new(|_| ()) }
    }

    /// Tells the sequence number of each ring once it is durable in both files.
    #[must_use]
    pub fn telling(mut self, tell: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.tell = Box::new(tell);
        self
    }

    /// Makes a home for the new keyring `ring`, which `slots` open, in a directory without one: both
    /// files, so that there is always one to fall back on. Returns the ring as it is in the newer one.
    ///
    /// # Errors
    ///
    /// [`KeyringHomeError`]; a keyring that is there is never overwritten.
    pub fn create(
        files: &KeyringFiles,
        ring: &Keyring,
        root: &RootKey,
        slots: &KeySlots,
    ) -> Result<Keyring, KeyringHomeError> {
        let second = ring.resaved()?;
        let [first, last] = [ring, &second].map(|ring| ring.lock(root, slots));
        let (first, last) = (first?, last?);
        files.create_new(first.as_bytes())?;
        files.replace(KeyringSlot::One, last.as_bytes())?;
        Ok(second)
    }

    /// The number of the slot that was opened.
    pub fn opened_slot(&self) -> u16 {
        self.opened().slot
    }

    /// Makes `change` durable in both files, one after the other, and returns the new ring. It is given
    /// the newest ring there is, which may be newer than the one in use.
    ///
    /// # Errors
    ///
    /// [`KeyringHomeError`]. If `change` fails, nothing was written. If writing fails, the change may be
    /// in one file, and then counts: [`Self::complete`], and every further change, writes the other.
    pub fn change(
        &self,
        change: impl FnOnce(&Keyring) -> Result<Keyring, KeyringChangeError>,
    ) -> Result<Keyring, KeyringHomeError> {
        let mut opened = self.opened();
        let _lock = self.files.lock()?;
        let mut newest = self.newest(&mut opened)?;
        bring_up_to_date(&mut newest, &mut opened)?;
        let changed = change(&newest.ring)?;
        self.write(&newest, changed, &newest.slots, &opened.root)
    }

    /// Makes a change of the slots durable in both files. Keys and records stay as they are.
    ///
    /// # Errors
    ///
    /// As [`Self::change`].
    pub fn change_slots<T>(
        &self,
        change: impl FnOnce(&mut SlotsChange<'_>) -> Result<T, SlotError>,
    ) -> Result<T, KeyringHomeError> {
        let mut opened = self.opened();
        let _lock = self.files.lock()?;
        let mut newest = self.newest(&mut opened)?;
        bring_up_to_date(&mut newest, &mut opened)?;
        let mut slots = SlotsChange::new(&newest.ring, &opened.root, newest.slots.clone());
        let result = change(&mut slots)?;
        let mut slots = slots.done();
        // Whoever knew the root key by a slot that is gone shall not know it any longer.
        if slots.iter().count() < newest.slots.iter().count()
            && let Some((root, only)) = newest.ring.new_root(&slots, &opened)?
        {
            (opened.root, slots) = (root, only);
        }
        self.write(&newest, newest.ring.resaved()?, &slots, &opened.root)?;
        Ok(result)
    }

    /// The newest ring. If a change was cut off before it reached both files, or one of them is damaged
    /// or gone, that file is written first.
    ///
    /// # Errors
    ///
    /// [`KeyringHomeError`].
    pub fn complete(&self) -> Result<Keyring, KeyringHomeError> {
        let mut opened = self.opened();
        let _lock = self.files.lock()?;
        let mut newest = self.newest(&mut opened)?;
        if !newest.alone {
            (self.tell)(newest.ring.sequence());
            return Ok(newest.ring);
        }
        bring_up_to_date(&mut newest, &mut opened)?;
        let again = newest.ring.resaved()?;
        let locked = again.lock(&opened.root, &newest.slots)?;
        self.files.replace(newest.file.other(), locked.as_bytes())?;
        (self.tell)(again.sequence());
        Ok(again)
    }

    /// How the two files stand on the disk at this moment. Each appears as a whole, so a change that is
    /// under way is not taken for damage.
    pub fn look(&self) -> [KeyringFile; 2] {
        let [zero, one] = [KeyringSlot::Zero, KeyringSlot::One].map(|slot| {
            let bytes = self.files.read_one(slot).map_err(|_| KeyringFile::Unreadable)?;
            let keyring = LockedKeyring::parse(&bytes.ok_or(KeyringFile::Missing)?);
            keyring.map_err(|_| KeyringFile::Damaged).map(|keyring| keyring.sequence())
        });
        let older = |mine: &Result<u64, _>, other: &Result<u64, _>| matches!((mine, other), (Ok(mine), Ok(other)) if other.saturating_sub(*mine) > 1);
        [(&zero, &one), (&one, &zero)].map(|(mine, other)| match mine {
            Err(state) => *state,
            Ok(_) if older(mine, other) => KeyringFile::Old,
            Ok(_) => KeyringFile::Whole,
        })
    }

    fn newest(&self, opened: &mut OpenedSlot) -> Result<Newest, KeyringHomeError> {
        let both = self.files.read()?;
        let [zero, one] = both.each_ref().map(Option::as_deref);
        let selected = select(zero, one)?;
        let keyring = selected.keyring;
        let ring = match keyring.unlock(&opened.root, self.provider) {
            // Somebody else has made the root key anew meanwhile.
            Err(KeyringError::Altered) => {
                opened.root = keyring.reopen_slot(opened, self.provider)?;
                keyring.unlock(&opened.root, self.provider)?
            }
            unlocked => unlocked?,
        };
        let other = match selected.slot {
            KeyringSlot::Zero => one,
            KeyringSlot::One => zero,
        };
        let says_the_same = |bytes: &[u8]| {
            let other = LockedKeyring::parse(bytes)?;
            let same_slots = other.slots() == keyring.slots();
            Ok::<_, KeyringError>(
                same_slots && other.unlock(&opened.root, self.provider)?.holds_the_same(&ring),
            )
        };
        let alone = !other.is_some_and(|bytes| says_the_same(bytes).unwrap_or(false));
        Ok(Newest { file: selected.slot, ring, slots: keyring.slots().clone(), alone })
    }

    fn write(
        &self,
        newest: &Newest,
        changed: Keyring,
        slots: &KeySlots,
        root: &RootKey,
    ) -> Result<Keyring, KeyringHomeError> {
        let first = changed.following(&newest.ring)?;
        let second = first.resaved()?;
        // Both are made before either is written: what cannot be written is noticed in time.
        let [first, last] = [&first, &second].map(|ring| ring.lock(root, slots));
        let (first, last) = (first?, last?);
        self.files.replace(newest.file.other(), first.as_bytes())?;
        self.files.replace(newest.file, last.as_bytes())?;
        (self.tell)(second.sequence());
        Ok(second)
    }

    fn opened(&self) -> MutexGuard<'_, OpenedSlot> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was read in an older format is written in the newest.
fn bring_up_to_date(newest: &mut Newest, opened: &mut OpenedSlot) -> Result<(), SlotError> {
    if newest.slots.is_of_version_1()
        && let Some((root, slots)) = newest.ring.new_root(&newest.slots, opened)?
    {
        (opened.root, newest.slots) = (root, slots);
    }
    Ok(())
}

/// Why the keyring was not changed, or not in both files.
#[derive(Debug, thiserror::Error)]
pub enum KeyringHomeError {
    /// The vault was made without a home for its keyring.
    #[error("this vault's keys cannot be changed")]
    Nowhere,
    /// The change is not possible. Nothing was written.
    #[error(transparent)]
    Change(#[from] KeyringChangeError),
    /// The change of the slots is not possible, or the slot that was opened is gone. Nothing was
    /// written.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// The files do not hold a keyring that the root key opens. Nothing was written.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyringFileError),
}
