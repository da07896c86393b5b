//! Do keyring and store belong to the same time? Asked before anything is written.

use crate::config::Config;
use crate::crypto::Keyring;
use crate::store::{Identity, Look, Options, RocksStore};
use crate::vault::MissingKeks;

use super::StartError;

/// Opens the store of `config`, if `keyring` is the one it was last used with, or a newer one.
///
/// # Errors
///
/// [`StartError`]. If keyring and store do not belong together, nothing was written.
pub(super) fn open_store(
    config: &Config,
    keyring: &Keyring,
    options: &Options,
) -> Result<RocksStore, StartError> {
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    let check = |look: &Look| {
        has_every_key(look, keyring)?;
        is_not_older(look, keyring)?;
        store_is_not_older(look, keyring)
    };
    RocksStore::open_if(&config.store.path, identity, options, check)
}

/// Takes `keyring` for the one of the store of `config`, although it is an older copy: the newer one is
/// lost. From then on the vault starts with it.
///
/// # Errors
///
/// [`StartError`]; also if a record needs a key that it does not have.
pub(crate) fn accept_older(config: &Config, keyring: &Keyring) -> Result<(), StartError> {
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    let check = |look: &Look| {
        has_every_key(look, keyring)?;
        store_is_not_older(look, keyring)
    };
    let store = RocksStore::open_if(&config.store.path, identity, &Options::default(), check)?;
    store.keyring_note().write(keyring.sequence()).map_err(StartError::Note)
}

fn has_every_key(look: &Look, keyring: &Keyring) -> Result<(), StartError> {
    let named = look.keks.iter().map(|(kek, records)| (*kek, *records));
    let missing = MissingKeks(named.filter(|(kek, _)| keyring.kek(kek).is_none()).collect());
    match missing.0.is_empty() {
        true => Ok(()),
        false => Err(StartError::MissingKeks(missing)),
    }
}

/// Both files of a keyring say the same under two numbers, and one may have been lost: so the number
/// before the newest is new enough.
fn is_not_older(look: &Look, keyring: &Keyring) -> Result<(), StartError> {
    let (found, known) = (keyring.sequence(), look.keyring_sequence);
    match found.saturating_add(1) >= known {
        true => Ok(()),
        false => Err(StartError::OlderKeyring { found, known }),
    }
}

fn store_is_not_older(look: &Look, keyring: &Keyring) -> Result<(), StartError> {
    let (found, least) = (look.sequence, keyring.min_store_sequence());
    match found >= least {
        true => Ok(()),
        false => Err(StartError::OlderStore { found, least }),
    }
}
