//! Gives the head of the audit trail away, looks now and then whether the trail is whole, and records how
//! many were turned away.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval};

use crate::audit::{Entry, Event, Ledger, Outcome};
use crate::metrics::Metrics;
use crate::model::{Refusal, Timestamp};

/// Between two lines of the log that carry the head, and between two records of who was turned away.
const HEADS: Duration = Duration::from_secs(60);
/// Between two readings of the whole trail.
const VERIFY: Duration = Duration::from_secs(24 * 60 * 60);

/// Watches `ledger` until `stopped` says so.
pub(super) async fn watch_ledger(
    ledger: Arc<Ledger>,
    metrics: Arc<Metrics>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut heads = interval(HEADS);
    let mut turned_away = TurnedAway { metrics, recorded: [0; Refusal::ALL.len()] };
    let mut verified: Option<Instant> = None;
    loop {
        let stops = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => true,
            _ = heads.tick() => false,
        };
        turned_away.record(&ledger).await;
        if stops {
            return;
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

/// Records how many strangers were turned away since it was last recorded: a sum for each reason, so that
/// nobody can make the trail grow by knocking.
struct TurnedAway {
    metrics: Arc<Metrics>,
    recorded: [u64; Refusal::ALL.len()],
}

/// gRPC's number for a call that is not permitted: there was none, but so it is found among the refusals.
const PERMISSION_DENIED: u8 = 7;

impl TurnedAway {
    async fn record(&mut self, ledger: &Ledger) {
        let now = Refusal::ALL.map(|(refusal, _)| self.metrics.refusals(refusal));
        let entry = |((refusal, _), (now, before)): (_, (u64, u64))| Entry {
            detail: refusal as u16,
            value: now.saturating_sub(before),
            outcome: Outcome::of_code(PERMISSION_DENIED),
            ..Entry::new(Event::TurnedAway, Timestamp::now())
        };
        let counts = now.into_iter().zip(self.recorded);
        let entries = Refusal::ALL.into_iter().zip(counts).map(entry);
        let entries: Vec<_> = entries.filter(|entry| entry.value > 0).collect();
        // What could not be recorded is in the next sum.
        if !entries.is_empty() && ledger.append(entries).await.is_ok() {
            self.recorded = now;
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
