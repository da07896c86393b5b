//! Keys: 32 bytes each, and each kind its own type, so that one cannot stand in for another.

use std::fmt;
use std::marker::PhantomData;

use secret_page::{SLOT_LEN, Slot};
use zeroize::ZeroizeOnDrop;

use super::random::{self, RandomError};

pub use secret_page::{Protection, protection};

/// Locks the keyring. Random; stored only in the keyring's slots, sealed.
pub type RootKey = Key<kind::Root>;
/// Seals the root key in one slot. Made of what somebody brings.
pub(super) type SlotKey = Key<kind::Slot>;
/// Key-encryption key: wraps the data keys of one shred bucket.
pub(super) type Kek = Key<kind::Kek>;
/// Data key: seals one facemap once.
pub(super) type Dek = Key<kind::Dek>;
/// Turns account ids into row keys.
pub(super) type IndexKey = Key<kind::Index>;
/// Authenticates the audit trail.
pub(super) type AuditKey = Key<kind::Audit>;
/// Authenticates backups.
pub(super) type BackupKey = Key<kind::Backup>;

/// Length of every key in bytes (AES-256, HMAC-SHA-256).
pub const KEY_LEN: usize = SLOT_LEN;

/// A key of one kind.
///
/// The bytes stay where they were made, in a page that is neither swapped nor dumped if the system lets
/// us (see [`protection`]), until they are wiped on drop: moving a key moves a pointer. No `Clone`, no
/// comparison; `Debug` shows the kind.
pub struct Key<K>(Slot, PhantomData<fn() -> K>);

/// What a [`Key`] is for.
pub trait KeyKind {
    /// The word for it in `Debug`.
    const NAME: &'static str;
}

impl<K> Key<K> {
    /// A fresh key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`RandomError`] if there is none.
    pub(super) fn random() -> Result<Self, RandomError> {
        Self::built(|bytes| random::fill(bytes))
    }

    /// A key whose bytes `build` writes in place; wiped if it fails.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    pub(super) fn built<E>(
        build: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut key = Self::zeros();
        build(&mut key.0)?;
        Ok(key)
    }

    /// A key with a copy of `bytes`, which the caller wipes.
    pub(super) fn copied(bytes: &[u8; KEY_LEN]) -> Self {
        let mut key = Self::zeros();
        *key.0 = *bytes;
        key
    }

    /// The stand-in where a record has no body and so no data key. Seals nothing.
    pub(super) fn zeros() -> Self {
        Self(Slot::zeroed(), PhantomData)
    }

    /// The bytes.
    pub(super) fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

// A slot wipes itself.
impl<K> ZeroizeOnDrop for Key<K> {}

impl<K: KeyKind> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", K::NAME)
    }
}

/// The kinds of keys.
pub(super) mod kind {
    use super::KeyKind;

    /// See [`super::RootKey`].
    pub enum Root {}
    /// See [`super::SlotKey`].
    pub(crate) enum Slot {}
    /// See [`crate::crypto::Bytes32`].
    pub enum Brought {}
    /// See [`super::Kek`].
    pub(crate) enum Kek {}
    /// See [`super::Dek`].
    pub(crate) enum Dek {}
    /// See [`super::IndexKey`].
    pub(crate) enum Index {}
    /// See [`super::AuditKey`].
    pub(crate) enum Audit {}
    /// See [`super::BackupKey`].
    pub(crate) enum Backup {}

    impl KeyKind for Root {
        const NAME: &'static str = "RootKey";
    }
    impl KeyKind for Slot {
        const NAME: &'static str = "SlotKey";
    }
    impl KeyKind for Brought {
        const NAME: &'static str = "Bytes32";
    }
    impl KeyKind for Kek {
        const NAME: &'static str = "Kek";
    }
    impl KeyKind for Dek {
        const NAME: &'static str = "Dek";
    }
    impl KeyKind for Index {
        const NAME: &'static str = "IndexKey";
    }
    impl KeyKind for Audit {
        const NAME: &'static str = "AuditKey";
    }
    impl KeyKind for Backup {
        const NAME: &'static str = "BackupKey";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_only() {
        assert_eq!(format!("{:?}", Kek::copied(&[0x6d; KEY_LEN])), "Kek(..)");
    }

    #[test]
    fn fresh_keys_differ() {
        assert_ne!(Dek::random().unwrap().expose(), Dek::random().unwrap().expose());
    }
}
