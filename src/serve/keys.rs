//! Looks after the keys while the vault runs: an open rotation pauses at the end, and what the keys
//! wrapped is written down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::model::Timestamp;
use crate::vault::KeyringHome;

use super::{StartError, TheVault};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// Gives the vault the home of its keyring. Only now, when nothing is in the way of a start, is anything
/// written: a change of keys that was cut off is completed, and an open rotation goes on.
///
/// # Errors
///
/// [`StartError`], by what cannot be written or read.
pub(super) async fn at_home(
    vault: TheVault,
    home: KeyringHome,
) -> Result<Arc<TheVault>, StartError> {
    let home = Arc::new(home);
    let completing = Arc::clone(&home);
    tokio::task::spawn_blocking(move || completing.complete())
        .await
        .map_err(|_| StartError::Interrupted)??;
    let vault = Arc::new(vault.at_home(home));
    vault.resume_rotation(Timestamp::now()).await?;
    Ok(vault)
}

pub(super) async fn look_after_keys(vault: Arc<TheVault>, mut stopped: watch::Receiver<bool>) {
    loop {
        let stop = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => true,
            () = sleep(EVERY) => false,
        };
        if stop {
            // It holds the store open; its end is only a moment away.
            vault.pause_rotation().await;
        }
        if let Err(error) = vault.look_after_keys(Timestamp::now()).await {
            tracing::error!(error = %error, "the use of the keys was not written to the keyring");
        }
        if stop {
            return;
        }
    }
}
