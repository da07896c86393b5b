//! Tells health checks whether the vault serves: it does not while nothing can be recorded.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::vault::{Jumio, Store, Vault};

/// What health checks ask for; without a name they ask whether the process lives.
const SERVICE: &str = "facemapvault.v1.FacemapVaultService";
/// Between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Keeps `reporters` told until `stop` says so.
pub(super) async fn keep_told<S: Store, J: Jumio>(
    vault: Arc<Vault<S, J>>,
    reporters: [HealthReporter; 2],
    mut stop: watch::Receiver<bool>,
) {
    let mut told = None;
    loop {
        let serves = vault.is_ready();
        if told.replace(serves) != Some(serves) {
            let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
            for reporter in &reporters {
                reporter.set_service_status(SERVICE, status).await;
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
