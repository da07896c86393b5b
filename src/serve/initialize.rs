//! A new vault: made only where there is nothing.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::audit::{Ledger, LedgerError};
use crate::config::{Config, RootSource, SecretRef};
use crate::crypto::{KdfCost, KeyFile, Keyring, NewSlot, RecoveryKey, SlotsChange};
use crate::model::Timestamp;
use crate::store::keyring_file::KeyringFiles;
use crate::store::{Identity, Options, RocksStore};
use crate::unlock::Source;
use crate::vault::KeyringHome;

use super::StartError;
use super::settings::{mode, provider};
use super::unlock::{has_files, no_keyring, unlock};

/// What [`initialize`] made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialized {
    /// A key file was written, because the settings name one that was not there.
    pub key_file: bool,
    /// A keyring was made. `false`: it was there from an interrupted first try and opens.
    pub keyring: bool,
}

/// Makes a keyring and an empty store where the settings say. Finishes what an interrupted first try
/// began; never makes a new keyring over an existing store. With `recovery`, a new keyring also opens
/// with that.
///
/// # Errors
///
/// [`StartError::StoreWithoutKeyring`] if there is a store already and no keyring; otherwise by what
/// is in the way.
pub async fn initialize_with(
    config: &Config,
    recovery: Option<&RecoveryKey>,
    now: Timestamp,
) -> Result<Initialized, StartError> {
    provider(config).self_test()?;
    let keyring_dir = &config.keys.keyring;
    match (KeyringFiles::are_in(keyring_dir), has_files(&config.store.path)) {
        (true, true) => return Err(StartError::AlreadyInitialized),
        (false, true) => return Err(no_keyring(config)),
        (true, false) => {
            let unlocked = unlock(config).await?;
            create_store(config, &unlocked.keyring)?;
            return Ok(Initialized { key_file: false, keyring: false });
        }
        (false, false) => {}
    }
    let key_file = write_missing_key_file(&config.keys.root)?;
    let ring = Keyring::generate(provider(config), mode(config), config.keys.buckets, now)?;
    let primary = Source::from(&config.keys.root).new_slot(KdfCost::DEFAULT).await?;
    let (root, mut slots) = ring.first_slot(&primary, "primary", now)?;
    if let Some(recovery) = recovery {
        let mut change = SlotsChange::new(&ring, &root, slots);
        change.add(&NewSlot::recovery(recovery), "recovery", now)?;
        slots = change.done();
    }
    make_private_dir(keyring_dir)?;
    let files = KeyringFiles::open(keyring_dir)?;
    let ring = KeyringHome::create(&files, &ring, &root, &slots)?;
    create_store(config, &ring)?;
    Ok(Initialized { key_file, keyring: true })
}

/// As [`initialize_with`] without a recovery key.
///
/// # Errors
///
/// As [`initialize_with`].
pub async fn initialize(config: &Config, now: Timestamp) -> Result<Initialized, StartError> {
    initialize_with(config, None, now).await
}

fn create_store(config: &Config, keyring: &Keyring) -> Result<(), StartError> {
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    // The trail first: a store without one would not be opened, and a trail alone is in nobody's way.
    let (settings, now) = (super::settings::ledger(config), Timestamp::now());
    match Ledger::create(&settings, keyring.vault().0, keyring.auditor(), now) {
        // Left by a first try that was interrupted, if it is this vault's.
        Err(LedgerError::Exists { .. }) => {
            drop(Ledger::open(settings, keyring.vault().0, keyring.auditor(), now)?);
        }
        result => result?,
    }
    RocksStore::create(&config.store.path, identity, &Options::default())?;
    Ok(())
}

/// Writes 32 random bytes where the settings name a key file that is not there.
fn write_missing_key_file(root: &RootSource) -> Result<bool, StartError> {
    let RootSource::KeyFile(SecretRef::File(path)) = root else { return Ok(false) };
    if path.exists() {
        return Ok(false);
    }
    write_secret(path, &*KeyFile::fresh()?)?;
    Ok(true)
}

/// Writes a new file that only its owner can read, durable, and never over another.
///
/// # Errors
///
/// [`StartError::File`].
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), StartError> {
    let failed = |source| StartError::File { path: path.to_owned(), source };
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // Whole or not at all: half a key file would be in the way of every further try.
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(0o400))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(parent)?.sync_all()
    };
    write().map_err(failed)
}

fn make_private_dir(path: &Path) -> Result<(), StartError> {
    crate::model::make_private_dir(path)
        .map_err(|source| StartError::File { path: path.to_owned(), source })
}
