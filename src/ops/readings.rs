//! Looks up what the metrics show but nobody counts.

use std::path::Path;
use std::time::Duration;

use rustix::fs::statvfs;

use crate::metrics::{AuditReading, KeyReading, Readings};
use crate::model::{Blocked, Risk, Timestamp};
use crate::vault::{Jumio, KeyState, KeyringFile, Store, Vault};

/// The state of `vault` at `now`. What cannot be read shows as 0; the log says why elsewhere.
pub(super) async fn take<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    store: &Path,
    now: Timestamp,
) -> Readings {
    let census = vault.census();
    let rules = vault.settings();
    let pending = census.pending_total();
    let [overdue, critical, warning] = census.at_risk(now, rules.warning, rules.critical);
    let calm = pending.saturating_sub(overdue + critical + warning);
    let count_of = |why| (why, census.blocked.get(&why).copied().unwrap_or_default());
    let disk = statvfs(store).ok();
    let bytes = |blocks: u64, size: u64| blocks.saturating_mul(size);
    Readings {
        pending: vec![
            (Risk::None, calm),
            (Risk::Warning, warning),
            (Risk::Critical, critical),
            (Risk::Overdue, overdue),
        ],
        active: census.captured,
        blocked: REASONS.map(count_of).to_vec(),
        lost: census.lost,
        erased: census.erased,
        damaged: census.damaged,
        next_capture_by: census.next_capture_by(),
        backlog_finish: (pending > 0).then(|| vault.coverage(now, Duration::MAX).finish),
        orphans: u64::try_from(vault.orphans().len()).unwrap_or(u64::MAX),
        keys: keys(vault, now),
        keyring_files: keyring_files(vault).await,
        rewrap_remaining: vault.under_old_keys(None),
        store_size: vault.store_size().await.unwrap_or_default(),
        disk_free: disk.as_ref().map_or(0, |disk| bytes(disk.f_bavail, disk.f_frsize)),
        disk_size: disk.as_ref().map_or(0, |disk| bytes(disk.f_blocks, disk.f_frsize)),
        audit: audit(vault),
    }
}

const REASONS: [Blocked; 4] = [
    Blocked::DownloadNotEnabled,
    Blocked::LivenessUnsupported,
    Blocked::OnboardingNotAccepted,
    Blocked::TooLong,
];

fn audit<S: Store, J: Jumio>(vault: &Vault<S, J>) -> AuditReading {
    let ledger = vault.ledger();
    AuditReading {
        events: ledger.counts(),
        failures: ledger.failures(),
        chain_ok: ledger.is_whole(),
        sequence: ledger.head().sequence,
    }
}

fn keys<S: Store, J: Jumio>(vault: &Vault<S, J>, now: Timestamp) -> Vec<KeyReading> {
    let reading = |key: crate::vault::KeyView| KeyReading {
        kek: key.kek,
        state: match key.state {
            KeyState::Pending => "pending",
            KeyState::Primary => "primary",
            KeyState::Retiring => "retiring",
        },
        created: key.created,
        records: key.records,
        wraps: key.wraps,
    };
    vault.keys(now).into_iter().map(reading).collect()
}

async fn keyring_files<S: Store, J: Jumio>(vault: &Vault<S, J>) -> [Vec<(&'static str, bool)>; 2] {
    let found = vault.look_at_keyring().await;
    let states = |found| KeyringFile::ALL.map(|state| (state.name(), state == found)).to_vec();
    found.map(|files| files.map(states)).unwrap_or_default()
}
