//! Looks after the keys while the vault runs: an open rotation pauses at the end, and what the keys
//! wrapped is written down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::model::Timestamp;

use super::TheVault;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

pub(super) async fn look_after_keys(vault: Arc<TheVault>, mut stopped: watch::Receiver<bool>) {
    let mut stop = false;
    while !stop {
        look(&vault).await;
        stop = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => true,
            () = sleep(EVERY) => false,
        };
    }
    // It holds the store open; its end is only a moment away.
    vault.pause_rotation().await;
    if let Err(error) = vault.settle_wraps().await {
        tracing::warn!(error = %error, "the count of wraps will seem higher than it is");
    }
    look(&vault).await;
}

async fn look(vault: &TheVault) {
    if let Err(error) = vault.look_after_keys(Timestamp::now()).await {
        tracing::error!(error = %error, "the use of the keys was not written to the keyring");
    }
}
