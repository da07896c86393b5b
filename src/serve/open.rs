//! Opening the vault: keyring, store, Jumio, in the order in which least is risked.

use std::sync::Arc;

use crate::config::Config;
use crate::jumio::HttpJumio;
use crate::metrics::Metrics;
use crate::vault::Vault;

use super::unlock::{Unlocked, unlock};
use super::{StartError, TheVault, recover, settings};

/// Unlocks the keyring, opens the store and reads every record. `progress` is told the number of records
/// read so far.
///
/// # Errors
///
/// [`StartError`]. Nothing was written, but for a keyring's file that was behind the other.
pub(super) async fn open_vault(
    config: &Config,
    metrics: &Arc<Metrics>,
    progress: impl Fn(u64),
) -> Result<TheVault, StartError> {
    let Unlocked { keyring, home } = unlock(config).await?;
    let (store, ledger) = recover::open_both(config, &keyring).await?;
    let note = store.keyring_note();
    let jumio = HttpJumio::new(settings::jumio(config, metrics)?)?;
    let rules = settings::vault(config);
    let (keyring, ledger) = (Arc::new(keyring), Arc::new(ledger));
    let vault = Vault::open(store, jumio, keyring, ledger, rules, progress).await?;
    // Only now, when nothing is in the way of a start, is anything written.
    let home = Arc::new(home.telling(move |sequence| {
        if let Err(error) = note.write(sequence) {
            tracing::warn!(%error, "the store does not know the newest keyring yet");
        }
    }));
    let completing = Arc::clone(&home);
    tokio::task::spawn_blocking(move || completing.complete())
        .await
        .map_err(|_| StartError::Interrupted)??;
    Ok(vault.at_home(home).counted(Arc::clone(metrics)))
}
