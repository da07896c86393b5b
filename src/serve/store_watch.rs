//! Looks at the store now and then, so that trouble with its disk is told, and so that it can bring itself
//! back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::TheVault;

/// Between two looks. A disk that has room again is to be noticed within ten seconds.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the store of `vault` until `stopped` says so.
pub(super) async fn watch_store(vault: Arc<TheVault>, mut stopped: watch::Receiver<bool>) {
    loop {
        vault.look_at_store().await;
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = sleep(EVERY) => {}
        }
    }
}
