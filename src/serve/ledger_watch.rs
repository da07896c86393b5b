//! Gives the head of the audit trail away, and looks now and then whether the trail is whole.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval};

use crate::audit::{Entry, Event, Ledger};
use crate::model::Timestamp;

/// Between two lines of the log that carry the head.
const HEADS: Duration = Duration::from_secs(60);
/// Between two readings of the whole trail.
const VERIFY: Duration = Duration::from_secs(24 * 60 * 60);

/// Watches `ledger` until `stopped` says so.
pub(super) async fn watch_ledger(ledger: Arc<Ledger>, mut stopped: watch::Receiver<bool>) {
    let mut heads = interval(HEADS);
    let mut verified: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            _ = heads.tick() => {}
        }
        tracing::info!(head = %ledger.head(), "audit trail");
        if verified.is_none_or(|at| at.elapsed() >= VERIFY) {
            verified = Some(Instant::now());
            let reading = Arc::clone(&ledger);
            // A large trail takes its time; a stop does not wait for it.
            tokio::task::spawn_blocking(move || match reading.verify(None) {
                Ok(verified) if !verified.is_whole() => {
                    let first = verified.findings.first().map(ToString::to_string);
                    let first = first.unwrap_or_default();
                    tracing::error!(first, "the audit trail is not whole: fmvault audit verify");
                }
                Ok(_) => {}
                Err(error) => tracing::error!(error = %error, "the audit trail cannot be read"),
            });
        }
    }
}

/// Notes that the vault serves from now on.
pub(super) fn started(ledger: &Ledger) {
    ledger.submit(vec![Entry::new(Event::ServerStarted, Timestamp::now())]).leave();
}

/// Notes that the vault stops, and closes the trail.
pub(super) async fn stopped(ledger: &Ledger) {
    ledger.submit(vec![Entry::new(Event::ServerStopped, Timestamp::now())]).leave();
    ledger.close().await;
}
