//! The keyring: unlocked before anything else is opened, and made new only where there is nothing.

use std::fs::{DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use crate::audit::{Ledger, LedgerError};
use crate::config::{Config, RootSource, SecretRef};
use crate::crypto::{
    KdfCost, KeyFile, Keyring, RootKey, RootProvider, RootSecret, Selected, select,
};
use crate::model::{KeyringSlot, Passphrase, Timestamp};
use crate::store::keyring_file::KeyringFiles;
use crate::store::{Identity, Options, RocksStore};
use crate::vault::KeyringHome;

use super::StartError;
use super::settings::{mode, provider};

/// The operator's secret, read.
enum Secret {
    Passphrase(Passphrase),
    KeyFile(KeyFile),
}

impl Secret {
    fn read(root: &RootSource) -> Result<Self, StartError> {
        Ok(match root {
            RootSource::Passphrase(reference) => {
                Self::Passphrase(Passphrase::new(reference.read()?.to_string()))
            }
            RootSource::KeyFile(reference) => {
                Self::KeyFile(KeyFile::new(&reference.read_bytes()?)?)
            }
        })
    }

    fn as_root_secret(&self) -> RootSecret<'_> {
        match self {
            Self::Passphrase(passphrase) => RootSecret::Passphrase(passphrase),
            Self::KeyFile(file) => RootSecret::KeyFile(file),
        }
    }
}

/// An unlocked keyring, and where it lives.
pub(super) struct Unlocked {
    pub(super) keyring: Keyring,
    pub(super) home: KeyringHome,
}

/// Unlocks the keyring of `config`, after the provider has proved itself. Every key in it has opened
/// what it once sealed.
///
/// # Errors
///
/// [`StartError`], each cause its own. Nothing was written.
pub(super) async fn unlock(config: &Config) -> Result<Unlocked, StartError> {
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
    let Selected { keyring, other_damaged, .. } = select(zero.as_deref(), one.as_deref())?;
    if other_damaged {
        tracing::error!("one of the two keyring files is damaged: restore it from its backup");
    }
    if keyring.mode() != mode(config) {
        let (keyring, wanted) = (keyring.mode(), mode(config));
        return Err(StartError::OtherMode { keyring, wanted });
    }
    let secret = Secret::read(&config.keys.root)?;
    let provider = provider(config);
    let unlock = move || {
        let root = keyring.root_provider().root_key(secret.as_root_secret())?;
        let keyring = keyring.unlock(&root, provider)?;
        Ok(Unlocked { keyring, home: KeyringHome::new(files, root, provider) })
    };
    // Argon2id takes its time and its memory; not on a thread that serves.
    tokio::task::spawn_blocking(unlock).await.unwrap_or(Err(StartError::Interrupted))
}

/// Without a store the vault is new; with one its keyring is gone.
fn no_keyring(config: &Config) -> StartError {
    let (store, keyring) = (config.store.path.clone(), config.keys.keyring.clone());
    match has_files(&store) {
        true => StartError::StoreWithoutKeyring { store, keyring },
        false => StartError::NotInitialized { keyring },
    }
}

fn has_files(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some())
}

/// What [`initialize`] made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialized {
    /// A key file was written, because the settings name one that was not there.
    pub key_file: bool,
    /// A keyring was made. `false`: it was there from an interrupted first try and opens.
    pub keyring: bool,
}

/// Makes a keyring and an empty store where the settings say. Finishes what an interrupted first try
/// began; never makes a new keyring over an existing store.
///
/// # Errors
///
/// [`StartError::StoreWithoutKeyring`] if there is a store already and no keyring; otherwise by what
/// is in the way.
pub async fn initialize(config: &Config, now: Timestamp) -> Result<Initialized, StartError> {
    provider(config).self_test()?;
    let keyring_dir = &config.keys.keyring;
    match (has_files(keyring_dir), has_files(&config.store.path)) {
        (true, true) => return Err(StartError::AlreadyInitialized),
        (false, true) => return Err(no_keyring(config)),
        (true, false) => {
            let unlocked = unlock(config).await?;
            create_store(config, &unlocked.keyring)?;
            return Ok(Initialized { key_file: false, keyring: false });
        }
        (false, false) => {}
    }
    let key_file = write_key_file(&config.keys.root)?;
    let ring = Keyring::generate(provider(config), mode(config), config.keys.buckets, now)?;
    let (root_provider, root) = new_root(&config.keys.root).await?;
    make_private_dir(keyring_dir)?;
    let files = KeyringFiles::open(keyring_dir)?;
    files.create_new(ring.lock(&root, &root_provider)?.as_bytes())?;
    // The second file at once, so that there is always one to fall back on.
    let second = ring.resaved()?;
    files.replace(KeyringSlot::One, second.lock(&root, &root_provider)?.as_bytes())?;
    create_store(config, &second)?;
    Ok(Initialized { key_file, keyring: true })
}

async fn new_root(source: &RootSource) -> Result<(RootProvider, RootKey), StartError> {
    let secret = Secret::read(source)?;
    let make = move || match &secret {
        Secret::Passphrase(passphrase) => {
            Ok(RootProvider::new_passphrase(passphrase, KdfCost::DEFAULT)?)
        }
        Secret::KeyFile(file) => Ok(RootProvider::new_key_file(file)),
    };
    tokio::task::spawn_blocking(make).await.unwrap_or(Err(StartError::Interrupted))
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
fn write_key_file(root: &RootSource) -> Result<bool, StartError> {
    let RootSource::KeyFile(SecretRef::File(path)) = root else { return Ok(false) };
    if path.exists() {
        return Ok(false);
    }
    let failed = |source| StartError::File { path: path.clone(), source };
    let bytes = KeyFile::fresh()?;
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // Whole or not at all: half a key file would be in the way of every further try.
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(&*bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(0o400))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(parent)?.sync_all()
    };
    write().map_err(failed)?;
    Ok(true)
}

fn make_private_dir(path: &Path) -> Result<(), StartError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StartError::File { path: path.to_owned(), source })
}
