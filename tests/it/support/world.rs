//! A vault with all it needs: a store in memory, a fake Jumio, fresh keys, and a clock of its own.

use std::sync::Arc;
use std::time::Duration;

use facemap_vault::audit::Ledger;
use facemap_vault::crypto::{Keyring, Provider};
use facemap_vault::model::{
    AccountId, Enrollment, Mode, RequestId, State, Timestamp, WorkflowExecutionId,
};
use facemap_vault::store::Store as _;
use facemap_vault::vault::{
    AccountUpdate, AdmissionPolicy, Census, Enroll, KeyringHome, Loaded, Rewrap, RotationPlan,
    Settings, StartAuthentication, Started, Vault, VaultError,
};
use tempfile::TempDir;

use super::fake_jumio::FakeJumio;
use super::ledger::fresh_ledger;
use super::mem_store::MemStore;
use super::wobbly::Wobbly;

/// The vault of the tests.
pub(crate) type TestVault = Vault<Wobbly<MemStore>, FakeJumio>;

/// See the module. When it is dropped, Jumio must have no complaint.
pub(crate) struct World {
    pub(crate) jumio: FakeJumio,
    pub(crate) store: Wobbly<MemStore>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) vault: Arc<TestVault>,
    pub(crate) now: Timestamp,
    home: Option<(TempDir, Arc<KeyringHome>)>,
    _ledger_dir: TempDir,
}

/// How long Jumio keeps data, for the tests.
pub(crate) const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// One hour.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// How long tokens live, for the tests.
pub(crate) const LIFETIME: Duration = Duration::from_secs(1800);
/// When the tests begin.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

impl World {
    /// An empty vault at [`START`].
    pub(crate) async fn new() -> Self {
        let jumio = FakeJumio::default();
        let store = Wobbly::<MemStore>::default();
        let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, START).unwrap();
        let keyring = Arc::new(ring);
        let (_ledger_dir, ledger) = fresh_ledger(&keyring);
        let vault = open(&store, &jumio, &keyring, &ledger, None, settings()).await;
        Self { jumio, store, keyring, ledger, vault, now: START, home: None, _ledger_dir }
    }

    /// An empty vault whose keys can be changed.
    pub(crate) async fn rotating() -> Self {
        let mut world = Self::new().await;
        world.home = Some(super::rotating::home(&world.keyring));
        world.crash().await;
        world
    }

    /// Rotates as `plan` says, to the end.
    pub(crate) async fn rotate(&mut self, plan: RotationPlan) -> Rewrap {
        let rewrap = self.vault.start_rotation(plan, self.now).unwrap();
        let ended = self.vault.rotation_ended(Some(rewrap.id), Duration::MAX).await.unwrap();
        self.keyring = copy(&self.vault.keyring());
        ended
    }

    /// The process dies and another one starts: memory is gone, disk and Jumio stay.
    pub(crate) async fn crash(&mut self) {
        let settings = self.vault.settings().clone();
        self.keyring = copy(&self.vault.keyring());
        let home = self.home.as_ref().map(|(_, home)| home);
        let ring = match home {
            Some(home) => Arc::new(home.complete().unwrap()),
            None => copy(&self.keyring),
        };
        self.vault = open(&self.store, &self.jumio, &ring, &self.ledger, home, settings).await;
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now.plus(duration);
    }

    /// The person of account `n` has just completed an onboarding, which gave `facemap`.
    pub(crate) fn onboard(&self, n: u8, facemap: &[u8]) -> WorkflowExecutionId {
        self.jumio.onboard(account(n), self.now, facemap)
    }

    /// Enrolls account `n`, without saying when the onboarding was completed.
    pub(crate) async fn enroll(
        &self,
        n: u8,
        execution: WorkflowExecutionId,
    ) -> Result<Loaded, VaultError> {
        let request = Enroll { account: account(n), execution, completed: None };
        self.vault.enroll(request, self.now).await
    }

    /// Tries once to capture.
    pub(crate) async fn capture(&self, n: u8) -> Result<Loaded, VaultError> {
        self.vault.capture(account(n), self.now).await
    }

    /// Erases account `n`.
    pub(crate) async fn erase(&self, n: u8) -> Result<Loaded, VaultError> {
        self.vault.erase(account(n), self.now).await
    }

    /// Onboards, enrolls and captures account `n`.
    pub(crate) async fn captured(&self, n: u8, facemap: &[u8]) -> WorkflowExecutionId {
        let execution = self.onboard(n, facemap);
        self.enroll(n, execution).await.unwrap();
        let loaded = self.capture(n).await.unwrap();
        assert_eq!(loaded.enrollment.onboarding.state, State::Captured);
        execution
    }

    /// Starts an authentication as caller `backend`.
    pub(crate) async fn start(
        &self,
        id: RequestId,
        request: StartAuthentication,
    ) -> Result<Arc<Started>, Arc<VaultError>> {
        self.vault.start_authentication("backend", id, request, self.now).await
    }

    /// What an authentication of account `n` would send to Jumio. `None` if there is nothing to send.
    pub(crate) async fn served(&self, n: u8) -> Option<Vec<u8>> {
        let row = self.keyring.row_key(account(n));
        let (record, body) = self.store.record_with_body(row).await.unwrap()?;
        let facemap = self.vault.keyring().open_facemap(row, &record, body?).unwrap();
        Some(facemap.expose().to_vec())
    }

    /// The enrollment of account `n`.
    pub(crate) async fn enrollment(&self, n: u8) -> Enrollment {
        self.vault.enrollment(account(n)).await.unwrap().enrollment
    }

    /// A count of what is stored now, made anew.
    pub(crate) async fn recount(&self) -> Census {
        let settings = self.vault.settings().clone();
        let ring = self.vault.keyring();
        open(&self.store, &self.jumio, &ring, &self.ledger, None, settings).await.census()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.jumio.complaints(), Vec::<String>::new());
        }
    }
}

/// The same keys in a ring of its own, as the files have it: a rotation waits for all who hold the vault's,
/// and what the vault counted is in its memory only.
fn copy(ring: &Keyring) -> Arc<Keyring> {
    let saved = ring.wraps_saved();
    Arc::new(ring.with_wraps(|kek| saved[kek]).unwrap())
}

/// A vault over these.
async fn open(
    store: &Wobbly<MemStore>,
    jumio: &FakeJumio,
    keyring: &Arc<Keyring>,
    ledger: &Arc<Ledger>,
    home: Option<&Arc<KeyringHome>>,
    settings: Settings,
) -> Arc<TestVault> {
    let (keyring, ledger) = (Arc::clone(keyring), Arc::clone(ledger));
    let vault = Vault::open(store.clone(), jumio.clone(), keyring, ledger, settings, |_| ());
    let vault = vault.await.unwrap();
    Arc::new(match home {
        Some(home) => vault.at_home(Arc::clone(home)),
        None => vault,
    })
}

/// The rules of the tests.
pub(crate) fn settings() -> Settings {
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        },
        retention: RETENTION,
        warning: 48 * HOUR,
        critical: 6 * HOUR,
        facemap_len_max: 100_000,
        captures_per_second: 5.0,
        background_captures_max: 8,
        workflow_key: "10071".to_owned(),
        token_lifetime: LIFETIME,
        supersede: false,
        consent_max_age: 3 * 365 * 24 * HOUR,
        key_max_age: 90 * 24 * HOUR,
        datacenter: "amer-1".to_owned(),
    }
}

/// Account number `n`.
pub(crate) fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

/// A request to start an authentication of account `n`.
pub(crate) fn start(n: u8) -> StartAuthentication {
    let update = AccountUpdate {
        customer_internal_reference: "login".to_owned(),
        ..AccountUpdate::default()
    };
    StartAuthentication { account: account(n), update, supersede: false }
}

/// `len` bytes that look like no others.
pub(crate) fn facemap(seed: u8, len: usize) -> Vec<u8> {
    super::rng::Rng::new(u64::from(seed)).bytes(len)
}
