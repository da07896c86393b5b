//! Where the keyring lives: its two files and the root key that opens them. Changes go through here,
//! so that they are durable in both files before anybody relies on them.
//!
//! Blocking: called from threads that may wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crypto::{
    Keyring, KeyringChangeError, KeyringError, LockedKeyring, Provider, RootKey, RootProvider,
    select,
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
    root: Mutex<RootKey>,
}

/// The newer of the two files, opened, and whether the other one says the same.
struct Newest {
    slot: KeyringSlot,
    ring: Keyring,
    root_provider: RootProvider,
    alone: bool,
}

impl KeyringHome {
    /// The home of a keyring that `root` opens.
    pub fn new(files: KeyringFiles, root: RootKey, provider: Provider) -> Self {
        Self { files, provider, root: Mutex::new(root) }
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
    ) -> Result<Arc<Keyring>, KeyringHomeError> {
        let root = self.root();
        let _lock = self.files.lock()?;
        let newest = self.newest(&root)?;
        let first = change(&newest.ring)?.following(&newest.ring)?;
        let second = first.resaved()?;
        // Both are made before either is written: what cannot be written is noticed in time.
        let locked = [&first, &second].map(|ring| ring.lock(&root, &newest.root_provider));
        let [first, last] = locked;
        let (first, last) = (first?, last?);
        self.files.replace(newest.slot.other(), first.as_bytes())?;
        self.files.replace(newest.slot, last.as_bytes())?;
        Ok(Arc::new(second))
    }

    /// The newest ring. If a change was cut off before it reached both files, or one of them is damaged
    /// or gone, that file is written first.
    ///
    /// # Errors
    ///
    /// [`KeyringHomeError`].
    pub fn complete(&self) -> Result<Arc<Keyring>, KeyringHomeError> {
        let root = self.root();
        let _lock = self.files.lock()?;
        let newest = self.newest(&root)?;
        if !newest.alone {
            return Ok(Arc::new(newest.ring));
        }
        let again = newest.ring.resaved()?;
        let locked = again.lock(&root, &newest.root_provider)?;
        self.files.replace(newest.slot.other(), locked.as_bytes())?;
        Ok(Arc::new(again))
    }

    fn newest(&self, root: &RootKey) -> Result<Newest, KeyringHomeError> {
        let both = self.files.read()?;
        let [zero, one] = both.each_ref().map(Option::as_deref);
        let selected = select(zero, one)?;
        let ring = selected.keyring.unlock(root, self.provider)?;
        let other = match selected.slot {
            KeyringSlot::Zero => one,
            KeyringSlot::One => zero,
        };
        let says_the_same = |bytes: &[u8]| {
            let other = LockedKeyring::parse(bytes)?.unlock(root, self.provider)?;
            Ok::<_, KeyringError>(other.holds_the_same(&ring))
        };
        let alone = !other.is_some_and(|bytes| says_the_same(bytes).unwrap_or(false));
        let root_provider = *selected.keyring.root_provider();
        Ok(Newest { slot: selected.slot, ring, root_provider, alone })
    }

    fn root(&self) -> MutexGuard<'_, RootKey> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    /// The files do not hold a keyring that the root key opens. Nothing was written.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyringFileError),
}
