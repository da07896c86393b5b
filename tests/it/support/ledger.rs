//! An audit ledger for a vault of the tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use facemap_vault::audit::{Ledger, LedgerSettings};
use facemap_vault::crypto::Keyring;
use facemap_vault::model::Timestamp;
use tempfile::TempDir;

/// As usual, but patient, since other work may keep this machine busy; and with little reserved.
pub(crate) fn ledger_settings(dir: &Path) -> LedgerSettings {
    LedgerSettings {
        reserve: 64 << 10,
        write_timeout: Duration::from_secs(60),
        ..LedgerSettings::new(dir.join("audit"))
    }
}

/// A fresh ledger of the vault with these keys, in memory where the system has a directory for that.
/// The directory must outlive it.
pub(crate) fn fresh_ledger(keyring: &Keyring) -> (TempDir, Arc<Ledger>) {
    let shared_memory = Path::new("/dev/shm");
    let base = if shared_memory.is_dir() { shared_memory.to_owned() } else { std::env::temp_dir() };
    let dir = tempfile::Builder::new().prefix("fmvault-ledger-").tempdir_in(base).unwrap();
    let ledger = open_ledger(&ledger_settings(dir.path()), keyring);
    (dir, ledger)
}

/// The ledger that these settings tell, made if it is not there.
pub(crate) fn open_ledger(settings: &LedgerSettings, keyring: &Keyring) -> Arc<Ledger> {
    let (vault, now) = (keyring.vault().0, Timestamp::now());
    if !settings.dir.exists() {
        Ledger::create(settings, vault, keyring.auditor(), now).unwrap();
    }
    Arc::new(Ledger::open(settings.clone(), vault, keyring.auditor(), now).unwrap())
}
