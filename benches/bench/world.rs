//! A vault over a store of its own on the disk under measurement.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use facemap_vault::audit::{FileStep, Ledger, LedgerSettings};
use facemap_vault::crypto::{KeyFile, Keyring, NewSlot, Provider, SlotSecret, select};
use facemap_vault::jumio::Jumio;
use facemap_vault::model::{Mode, Timestamp};
use facemap_vault::store::keyring_file::KeyringFiles;
use facemap_vault::store::{Identity, Options, RocksStore};
use facemap_vault::vault::{AdmissionPolicy, Enroll, KeyringHome, Settings, Vault};
use tempfile::TempDir;

use crate::simulator::Onboarded;

/// The vault as a library in this process, as the server builds it.
pub type TheVault<J> = Vault<RocksStore, J>;

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder on the disk that is measured: where the build is.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// New keys.
pub fn keyring() -> Arc<Keyring> {
    let made = Keyring::generate(Provider::AwsLc, Mode::Simulator, 16, Timestamp::now());
    Arc::new(made.unwrap())
}

/// A new store for `keyring`.
pub fn create(dir: &Path, keyring: &Keyring) -> RocksStore {
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    RocksStore::create(&dir.join("store"), identity, &Options::default()).unwrap()
}

/// The store that is there.
pub fn reopen(dir: &Path, keyring: &Keyring) -> RocksStore {
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    RocksStore::open(&dir.join("store"), identity, &Options::default()).unwrap()
}

/// The vault over `store`, with its audit trail beside it.
pub async fn open<J: Jumio>(
    dir: &Path,
    store: RocksStore,
    jumio: J,
    keyring: Arc<Keyring>,
) -> Arc<TheVault<J>> {
    open_with_trail(&dir.join("audit"), store, jumio, keyring).await
}

/// The vault over `store`, with its audit trail in `trail`.
pub async fn open_with_trail<J: Jumio>(
    trail: &Path,
    store: RocksStore,
    jumio: J,
    keyring: Arc<Keyring>,
) -> Arc<TheVault<J>> {
    let ledger = Arc::new(ledger(trail, &keyring));
    Arc::new(Vault::open(store, jumio, keyring, ledger, settings(), |_| ()).await.unwrap())
}

/// The vault over `store`, whose keys can be changed: their home is in `dir` as well.
pub async fn open_at_home<J: Jumio>(
    dir: &Path,
    store: RocksStore,
    jumio: J,
    keyring: Arc<Keyring>,
) -> Arc<TheVault<J>> {
    let ledger = Arc::new(ledger(&dir.join("audit"), &keyring));
    let home = dir.join("keyring");
    DirBuilder::new().mode(0o700).create(&home).unwrap();
    let files = KeyringFiles::open(&home).unwrap();
    let secret = KeyFile::fresh().unwrap();
    let key_file = || KeyFile::new(&*secret).unwrap();
    let slot = NewSlot::key_file(&key_file());
    let (root, slots) = keyring.first_slot(&slot, "primary", Timestamp::now()).unwrap();
    let keyring = Arc::new(KeyringHome::create(&files, &keyring, &root, &slots).unwrap());
    let [zero, one] = files.read().unwrap();
    let locked = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let opened = locked.open_slot(&SlotSecret::KeyFile(key_file()), Provider::AwsLc).unwrap();
    let home = Arc::new(KeyringHome::new(files, opened, Provider::AwsLc));
    let vault = Vault::open(store, jumio, keyring, ledger, settings(), |_| ()).await.unwrap();
    Arc::new(vault.at_home(home))
}

/// How often audit trails were synced so far.
pub fn trail_syncs() -> u64 {
    TRAIL_SYNCS.load(Ordering::Relaxed)
}

static TRAIL_SYNCS: AtomicU64 = AtomicU64::new(0);

/// The audit trail, made if it is not there. Patient: what is measured is not refused.
fn ledger(trail: &Path, keyring: &Keyring) -> Ledger {
    let settings = LedgerSettings {
        write_timeout: Duration::from_secs(60),
        probe: Some(Arc::new(|step| {
            TRAIL_SYNCS.fetch_add(u64::from(step == FileStep::Sync), Ordering::Relaxed);
            Ok(())
        })),
        ..LedgerSettings::new(trail.to_owned())
    };
    let (vault, now) = (keyring.vault().0, Timestamp::now());
    if !settings.dir.exists() {
        Ledger::create(&settings, vault, keyring.auditor(), now).unwrap();
    }
    Ledger::open(settings, vault, keyring.auditor(), now).unwrap()
}

/// Enrolls, durably; nothing is captured yet.
pub async fn enroll<J: Jumio>(vault: &TheVault<J>, accounts: &[Onboarded]) {
    let now = Timestamp::now();
    for page in accounts.chunks(1000) {
        let one = |one: &Onboarded| Enroll {
            account: one.account,
            execution: one.execution,
            completed: None,
        };
        let answers = vault.enroll_many(page.iter().map(one).collect(), now).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
    }
}

fn settings() -> Settings {
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        },
        retention: 30 * DAY,
        warning: 14 * DAY,
        critical: 2 * DAY,
        facemap_len_max: 8 << 20,
        captures_per_second: 5.0,
        background_captures_max: 8,
        workflow_key: "10071".to_owned(),
        token_lifetime: Duration::from_secs(1800),
        supersede: true,
        consent_max_age: 365 * DAY,
        key_max_age: 90 * DAY,
        datacenter: "amer-1".to_owned(),
    }
}
