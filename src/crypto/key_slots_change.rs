//! Making, changing and removing slots. Needs the root key, since every slot holds it.

use super::key::{RootKey, SlotKey};
use super::key_slot::{KeySlot, NewSlot, OpenedSlot, SlotKind, SlotLock, TokenSalt, seal_root};
use super::key_slots::{KeySlots, check_label};
use super::keyring::Keyring;
use super::passphrase::{KdfCost, argon2id, check_policy};
use super::random::{self, RandomError};
use super::secret::{Bytes32, KeyFile, RecoveryKey};
use super::slot_error::SlotError;
use crate::model::{Passphrase, Timestamp};

impl NewSlot {
    /// To be opened by a passphrase. Chooses a salt, and takes as long as the costs say.
    ///
    /// # Errors
    ///
    /// [`SlotError::PassphraseTooShort`], [`SlotError::Kdf`], [`SlotError::OutOfMemory`],
    /// [`SlotError::Random`].
    pub fn passphrase(passphrase: &Passphrase, cost: KdfCost) -> Result<Self, SlotError> {
        check_policy(passphrase)?;
        let salt = random::array()?;
        let key = argon2id(passphrase, &salt, cost)?;
        Ok(Self { lock: SlotLock::Passphrase { salt, cost }, key })
    }

    /// To be opened by a key file.
    pub fn key_file(KeyFile(bytes): &KeyFile) -> Self {
        let fingerprint = SlotKind::KeyFile.fingerprint(bytes);
        Self::of(SlotLock::KeyFile { fingerprint }, bytes)
    }

    /// To be opened by a recovery key.
    pub fn recovery(RecoveryKey(bytes): &RecoveryKey) -> Self {
        let fingerprint = SlotKind::Recovery.fingerprint(bytes);
        Self::of(SlotLock::Recovery { fingerprint }, bytes)
    }

    /// To be opened by what the operator's program prints.
    pub fn program(printed: &Bytes32) -> Self {
        let fingerprint = SlotKind::Program.fingerprint(printed);
        Self::of(SlotLock::Program { fingerprint }, printed)
    }

    /// To be opened by what a token computes of `salt`.
    pub fn token(salt: TokenSalt, computed: &Bytes32) -> Self {
        let fingerprint = SlotKind::Token.fingerprint(computed);
        Self::of(SlotLock::Token { salt, fingerprint }, computed)
    }

    /// A salt for a token to compute a new slot's key of.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn token_salt() -> Result<TokenSalt, RandomError> {
        random::array()
    }

    fn of(lock: SlotLock, bytes: &Bytes32) -> Self {
        Self { lock, key: SlotKey::copied(bytes.expose()) }
    }
}

/// A change of a keyring's slots, as far as it has come.
pub struct SlotsChange<'a> {
    ring: &'a Keyring,
    root: &'a RootKey,
    slots: KeySlots,
}

impl<'a> SlotsChange<'a> {
    /// Begins with `slots`, which hold `root`.
    pub fn new(ring: &'a Keyring, root: &'a RootKey, slots: KeySlots) -> Self {
        Self { ring, root, slots }
    }

    /// The slots as they are now.
    pub fn slots(&self) -> &KeySlots {
        &self.slots
    }

    /// Adds a slot and gives its number: one more than the highest there is.
    ///
    /// # Errors
    ///
    /// [`SlotError::TooManySlots`], [`SlotError::Label`], [`SlotError::Random`].
    pub fn add(&mut self, new: &NewSlot, label: &str, now: Timestamp) -> Result<u16, SlotError> {
        if self.slots.0.len() >= KeySlots::COUNT_MAX {
            return Err(SlotError::TooManySlots);
        }
        let highest = self.slots.0.last().map_or(0, |slot| slot.id);
        let id = highest.checked_add(1).ok_or(SlotError::TooManySlots)?;
        let slot = self.made(id, new, label, now)?;
        self.slots.0.push(slot);
        Ok(id)
    }

    /// Locks slot `id`, which has a passphrase, with another one.
    ///
    /// # Errors
    ///
    /// [`SlotError::NoSuchSlot`], [`SlotError::NotAPassphraseSlot`], [`SlotError::Random`].
    pub fn replace_passphrase(
        &mut self,
        id: u16,
        new: &NewSlot,
        now: Timestamp,
    ) -> Result<(), SlotError> {
        let old = self.slots.get(id).ok_or(SlotError::NoSuchSlot(id))?;
        let kind = old.lock.kind();
        if kind != SlotKind::Passphrase || new.lock.kind() != SlotKind::Passphrase {
            return Err(SlotError::NotAPassphraseSlot { slot: id, kind });
        }
        let slot = self.made(id, new, &old.label, now)?;
        for old in self.slots.0.iter_mut().filter(|old| old.id == id) {
            old.clone_from(&slot);
        }
        Ok(())
    }

    /// Removes slot `id`.
    ///
    /// # Errors
    ///
    /// [`SlotError::NoSuchSlot`], [`SlotError::LastSlot`].
    pub fn remove(&mut self, id: u16) -> Result<(), SlotError> {
        self.slots.get(id).ok_or(SlotError::NoSuchSlot(id))?;
        if self.slots.0.len() == 1 {
            return Err(SlotError::LastSlot(id));
        }
        self.slots.0.retain(|slot| slot.id != id);
        Ok(())
    }

    /// The slots after the change.
    pub fn done(self) -> KeySlots {
        self.slots
    }

    fn made(
        &self,
        id: u16,
        new: &NewSlot,
        label: &str,
        created: Timestamp,
    ) -> Result<KeySlot, SlotError> {
        check_label(label)?;
        let label = label.to_owned();
        let mut slot = KeySlot { id, created, label, lock: new.lock, sealed: None };
        let Keyring { provider, vault, salts, .. } = self.ring;
        let salt = salts.fresh()?;
        slot.sealed = Some(seal_root(*provider, *vault, &slot.place(), &new.key, &salt, self.root));
        Ok(slot)
    }
}

impl Keyring {
    /// A root key and the first slot of a new keyring.
    ///
    /// # Errors
    ///
    /// As [`SlotsChange::add`].
    pub fn first_slot(
        &self,
        new: &NewSlot,
        label: &str,
        now: Timestamp,
    ) -> Result<(RootKey, KeySlots), SlotError> {
        let root = RootKey::random()?;
        let mut change = SlotsChange::new(self, &root, KeySlots(Vec::new()));
        change.add(new, label, now)?;
        let slots = change.done();
        Ok((root, slots))
    }

    /// A new root key in the only slot of a keyring, if `opened` opens it: whoever knows the old root
    /// key opens nothing any more. `None` if there are other slots, whose keys nobody brought.
    ///
    /// So a keyring of format version 1, where the slot's key was the root key, becomes one of version 2.
    ///
    /// # Errors
    ///
    /// [`SlotError::Random`].
    pub fn new_root(
        &self,
        slots: &KeySlots,
        opened: &OpenedSlot,
    ) -> Result<Option<(RootKey, KeySlots)>, SlotError> {
        let [only] = slots.0.as_slice() else { return Ok(None) };
        let opens =
            only.sealed.is_none() || only.open(self.provider, self.vault, &opened.key).is_some();
        if only.id != opened.slot || !opens {
            return Ok(None);
        }
        let root = RootKey::random()?;
        let new = NewSlot { lock: only.lock, key: SlotKey::copied(opened.key.expose()) };
        let slot = SlotsChange::new(self, &root, KeySlots(Vec::new())).made(
            only.id,
            &new,
            &only.label,
            only.created,
        )?;
        Ok(Some((root, KeySlots(vec![slot]))))
    }
}
