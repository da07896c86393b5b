//! The store and the audit trail, opened so that neither is taken for whole when it is not.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audit::{Entry, Event, Ledger, LedgerError, LogLoss, Trail};
use crate::config::Config;
use crate::crypto::Keyring;
use crate::jumio::HttpJumio;
use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::store::{Identity, OpenError, Options, RocksStore};
use crate::vault::{Recovered, RolledBack, Vault, VaultError, missing_from};

use super::unlock::{Unlocked, unlock};
use super::{StartError, fence, process, settings};

fn open_ledger(config: &Config, keyring: &Keyring) -> Result<Ledger, StartError> {
    let settings = settings::ledger(config);
    Ok(Ledger::open(settings, keyring.vault().0, keyring.auditor(), Timestamp::now())?)
}

/// Opens the store and the audit trail. If the store's log is damaged, what stands before the damage is
/// looked at without changing anything: if that has all that was acknowledged, the damage lies in what
/// nobody was ever told of, and the store is opened up to it.
pub(super) async fn open_both(
    config: &Config,
    keyring: &Keyring,
) -> Result<(RocksStore, Ledger), StartError> {
    let (path, identity) = (&config.store.path, identity(keyring));
    // The store first: if another process has it, that is what is told.
    let damage = match fence::open_store(config, keyring, &Options::default()) {
        Err(StartError::Store(OpenError::Damaged { what, .. })) => what,
        result => return Ok((result?, open_ledger(config, keyring)?)),
    };
    let ledger = open_ledger(config, keyring)?;
    let up_to_damage = Options { up_to_damage: true, ..Options::default() };
    let store = RocksStore::look(path, identity, &up_to_damage)?;
    let missing = missing_from(&store, keyring, &ledger).await?;
    drop(store);
    if !missing.is_empty() {
        tracing::error!(
            damage,
            "the log of the store is damaged, and acknowledged changes with it"
        );
        return Err(VaultError::RolledBack(Box::new(missing)).into());
    }
    tracing::warn!(
        damage,
        "the log of the store is damaged where nothing was acknowledged: dropped"
    );
    note_dropped(&ledger, LogLoss::Unacknowledged).await?;
    Ok((fence::open_store(config, keyring, &up_to_damage)?, ledger))
}

/// Records that the end of the store's log is dropped; before it is.
async fn note_dropped(ledger: &Ledger, loss: LogLoss) -> Result<(), StartError> {
    let dropped = Entry::new(Event::LogDropped, Timestamp::now());
    let noted = ledger.append(vec![Entry { detail: loss as u16, ..dropped }]).await;
    noted.map(drop).map_err(|error| VaultError::AuditUnavailable(error).into())
}

fn identity(keyring: &Keyring) -> Identity {
    Identity { vault_id: keyring.vault(), mode: keyring.mode() }
}

/// The trail in `dir`, to be read with the keyring of the settings. No vault has to run, and none is in
/// the way.
///
/// # Errors
///
/// [`StartError`], if the keyring does not open.
pub async fn open_trail(config: &Config, dir: PathBuf) -> Result<Trail, StartError> {
    let Unlocked { keyring, .. } = unlock(config).await?;
    Ok(Trail::new(dir, keyring.vault().0, keyring.auditor()))
}

/// What [`recover`] found, and did.
#[derive(Debug)]
pub struct Recovery {
    /// The audit trail is damaged or gone.
    pub damaged_trail: bool,
    /// What is wrong with the end of the store's log, if anything is.
    pub damaged_log: Option<String>,
    /// What the store does not have.
    pub rolled_back: RolledBack,
    /// What was done; `None`: nothing, since it was not asked for.
    pub recovered: Option<Recovered>,
}

/// Makes good what a store that was set back does not have, and accepts a trail that is damaged; or only
/// tells what there is to do, unless `really`.
///
/// # Errors
///
/// [`StartError`]: as for a start.
pub async fn recover(config: &Config, really: bool) -> Result<Recovery, StartError> {
    process::check_memory(config)?;
    let Unlocked { keyring, .. } = unlock(config).await?;
    let (vault_id, auditor, now) = (keyring.vault().0, keyring.auditor(), Timestamp::now());
    let ledger = settings::ledger(config);
    let opened = Ledger::open(ledger.clone(), vault_id, Arc::clone(&auditor), now);
    let (ledger, damaged_trail) = match opened {
        Err(LedgerError::Damaged { .. } | LedgerError::Missing { .. }) if really => {
            (Ledger::open_accepting_damage(ledger, vault_id, auditor, now)?, true)
        }
        Err(LedgerError::Damaged { .. } | LedgerError::Missing { .. }) => {
            let rolled_back = RolledBack::default();
            return Ok(Recovery {
                damaged_trail: true,
                damaged_log: None,
                rolled_back,
                recovered: None,
            });
        }
        result => (result?, false),
    };
    let options = Options { up_to_damage: true, ..Options::default() };
    let (path, identity) = (&config.store.path, identity(&keyring));
    let damaged_log = match RocksStore::look(path, identity, &Options::default()) {
        Err(OpenError::Damaged { what, .. }) => Some(what),
        result => result.map(|_| None)?,
    };
    if !really {
        let store = RocksStore::look(path, identity, &options)?;
        let rolled_back = missing_from(&store, &keyring, &ledger).await?;
        return Ok(Recovery { damaged_trail, damaged_log, rolled_back, recovered: None });
    }
    if damaged_log.is_some() {
        note_dropped(&ledger, LogLoss::Accepted).await?;
    }
    let store = RocksStore::open(path, identity, &options)?;
    let jumio = HttpJumio::new(settings::jumio(config, &Arc::new(Metrics::default()))?)?;
    let (keyring, ledger) = (Arc::new(keyring), Arc::new(ledger));
    let rules = settings::vault(config);
    let opened = Vault::open_as_it_is(store, jumio, keyring, ledger, rules, |_| ());
    let (vault, rolled_back) = opened.await?;
    let recovered = Some(vault.recover(&rolled_back).await?);
    vault.ledger().close().await;
    Ok(Recovery { damaged_trail, damaged_log, rolled_back, recovered })
}
