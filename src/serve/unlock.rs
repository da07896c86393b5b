//! The keyring: unlocked before anything else is opened.

use std::path::Path;

use crate::config::Config;
use crate::crypto::{Keyring, LockedKeyring, Selected, select};
use crate::store::keyring_file::KeyringFiles;
use crate::unlock::Source;
use crate::vault::KeyringHome;

use super::StartError;
use super::settings::{mode, provider};

/// An unlocked keyring, and where it lives.
pub(crate) struct Unlocked {
    pub(crate) keyring: Keyring,
    pub(crate) home: KeyringHome,
}

/// A keyring that was read and not opened yet.
pub(crate) struct Found {
    pub(crate) files: KeyringFiles,
    pub(crate) keyring: LockedKeyring,
}

/// Unlocks the keyring of `config` with the source it names, after the provider has proved itself.
/// Every key in it has opened what it once sealed.
///
/// # Errors
///
/// [`StartError`], each cause its own. Nothing was written.
pub(super) async fn unlock(config: &Config) -> Result<Unlocked, StartError> {
    unlock_with(config, &Source::from(&config.keys.root)).await
}

/// Unlocks the keyring of `config` with another source than the one it names.
///
/// # Errors
///
/// As [`unlock`].
pub(crate) async fn unlock_with(config: &Config, source: &Source) -> Result<Unlocked, StartError> {
    let Found { files, keyring } = find(config)?;
    let opened = source.open(&keyring, provider(config)).await?;
    let ring = keyring.unlock(&opened.root, provider(config))?;
    Ok(Unlocked { keyring: ring, home: KeyringHome::new(files, opened, provider(config)) })
}

/// Reads the keyring of `config`, and refuses one that cannot be it.
///
/// # Errors
///
/// As [`unlock`].
pub(crate) fn find(config: &Config) -> Result<Found, StartError> {
    provider(config).self_test()?;
    let dir = &config.keys.keyring;
    if !dir.exists() {
        return Err(no_keyring(config));
    }
    let files = KeyringFiles::open(dir)?;
    let [zero, one] = files.read()?;
    if zero.is_none() && one.is_none() {
        return Err(no_keyring(config));
    }
    let Selected { keyring, slot, other_damaged } = select(zero.as_deref(), one.as_deref())?;
    if other_damaged {
        let damaged = files.path(slot.other()).display().to_string();
        tracing::error!(
            file = %damaged,
            "one of the two keyring files is damaged or gone: check its disk; it is written anew \
             from the other once everything has opened"
        );
    }
    if keyring.mode() != mode(config) {
        let (keyring, wanted) = (keyring.mode(), mode(config));
        return Err(StartError::OtherMode { keyring, wanted });
    }
    Ok(Found { files, keyring })
}

/// Without a store the vault is new; with one its keyring is gone.
pub(super) fn no_keyring(config: &Config) -> StartError {
    let (store, keyring) = (config.store.path.clone(), config.keys.keyring.clone());
    match has_files(&store) {
        true => StartError::StoreWithoutKeyring { store, keyring },
        false => StartError::NotInitialized { keyring },
    }
}

pub(super) fn has_files(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some())
}
