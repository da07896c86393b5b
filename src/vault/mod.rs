//! The rules: what becomes of an account's facemap, and when.
//!
//! The only place where keys, disk and Jumio meet, and in it only [`Vault::capture`] and
//! [`Vault::start_authentication`] (with its dry run) ever hold a facemap in the clear.

mod admission;
mod attributes;
mod authenticate;
mod background;
mod callback;
mod capture;
mod census;
mod clock_guard;
mod close;
mod commit_many;
mod comparison;
mod coverage;
mod decision;
mod diagnose;
mod drill;
mod enroll;
mod enroll_many;
mod erase;
mod erase_damaged;
mod error;
mod error_from;
mod error_name;
mod evidence;
pub(crate) mod fuzzing;
mod in_flight;
mod keyring_home;
mod keys;
mod keys_error;
mod list;
mod load;
mod missing;
mod page_token;
mod recent;
mod recover;
mod retire;
mod retry;
mod rewrap;
mod rewrap_runs;
mod rewrap_verify;
mod ring;
mod rotate;
mod rotate_steps;
mod rotation;
mod rotation_order;
mod rows;
mod rumours;
mod seal_anew;
mod settings;
mod state_code;
mod store_state;
mod sweep;
mod sweep_pass;
mod sweep_runs;
mod turns;
mod watch;
mod wraps;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::Semaphore;

use crate::audit::Ledger;
use crate::crypto::Keyring;
use crate::metrics::Metrics;
use crate::model::{AccountHash, AccountId, Enrollment, SealedRecord};

pub use crate::jumio::{
    AccountUpdate, Callback, CallbackError, Consent, DecisionType, ExecutionStatus, Jumio, Limit,
    Obtained, Web, on_behalf_of,
};
pub use crate::store::Store;
pub use admission::AdmissionPolicy;
pub use authenticate::{StartAuthentication, Started};
pub use callback::Heard;
pub use census::Census;
pub use clock_guard::{CLOCK_TOLERANCE, ClockGuard, clock_guard};
pub use comparison::{Missing, RolledBack, missing_from};
pub use coverage::{Coverage, CoverageDay, forecast};
pub use decision::AuthenticationView;
pub use diagnose::{AccountFinding, Finding};
pub use drill::{Drilled, drill};
pub use enroll::{Enroll, Registered};
pub use enroll_many::ENROLL_MANY_MAX;
pub use error::VaultError;
pub use in_flight::Orphan;
pub use keyring_home::{KeyringFile, KeyringHome, KeyringHomeError};
pub use keys::{KeyState, KeyView, RetiredKey};
pub use keys_error::KeysError;
pub use list::{Cursor, ListFilter, Page};
pub use missing::MissingKeks;
pub use recover::Recovered;
pub use retry::Reopened;
pub use rewrap_runs::{Rewrap, RewrapState, RewrapStep, RewrapTrouble};
pub use rotation::RotationPlan;
pub use settings::Settings;
pub use store_state::StoreState;
pub use sweep::{SweepPlan, SweepReport};
pub use sweep_runs::{Sweep, SweepState};

use in_flight::InFlight;
use load::Load;
use recent::Recent;
use rewrap_runs::RewrapRuns;
use ring::Ring;
use rows::NewBody;
use rumours::Rumours;
use sweep_runs::SweepRuns;
use turns::Turns;
use watch::Watch;
use wraps::Reserved;

/// The service, without a network: enrollments in a [`Store`], facemaps from and to [`Jumio`].
pub struct Vault<S, J> {
    store: Arc<S>,
    jumio: J,
    ring: Ring,
    ledger: Arc<Ledger>,
    keyring_home: Option<Arc<KeyringHome>>,
    settings: Settings,
    census: Arc<census::Counts>,
    in_flight: InFlight,
    capturing: Turns,
    rumours: Rumours,
    background: Arc<Semaphore>,
    recent: Recent,
    sweeps: SweepRuns,
    rewraps: RewrapRuns,
    load: Load,
    reserved: Reserved,
    sequence: AtomicU64,
    watch: Watch,
}

/// An enrollment together with the record it was read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The enrollment.
    pub enrollment: Enrollment,
    /// The record: header, revision, key version.
    pub record: SealedRecord,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Opens the vault over a store: reads every record once, to count what there is and to find the
    /// highest change number. `progress` is told the number of records read, now and then.
    ///
    /// # Errors
    ///
    /// [`VaultError::RolledBack`] if the store does not have all that the audit trail says was
    /// acknowledged; [`VaultError::Store`] if the store cannot be read. A damaged record is counted, not
    /// an error.
    pub async fn open(
        store: S,
        jumio: J,
        keyring: Arc<Keyring>,
        ledger: Arc<Ledger>,
        settings: Settings,
        progress: impl Fn(u64),
    ) -> Result<Self, VaultError> {
        let opened = Self::open_as_it_is(store, jumio, keyring, ledger, settings, progress);
        let (vault, rolled_back) = opened.await?;
        match rolled_back.is_empty() {
            true => Ok(vault),
            false => Err(VaultError::RolledBack(Box::new(rolled_back))),
        }
    }

    /// As [`Vault::open`], but also if the store was set back; tells then what is missing.
    ///
    /// # Errors
    ///
    /// As [`Vault::open`], without [`VaultError::RolledBack`].
    pub async fn open_as_it_is(
        store: S,
        jumio: J,
        keyring: Arc<Keyring>,
        ledger: Arc<Ledger>,
        settings: Settings,
        progress: impl Fn(u64),
    ) -> Result<(Self, RolledBack), VaultError> {
        let counted = census::count(&store, &keyring, ledger.hmac(), progress).await?;
        let rolled_back = comparison::compare(&store, &keyring, &ledger, &counted).await?;
        wraps::count_on(&store, &keyring).await?;
        let census::Counted { census, sequence, .. } = counted;
        let sequence = sequence.max(ledger.store_sequence());
        let vault = Self {
            store: Arc::new(store),
            jumio,
            ring: Ring::new(keyring),
            ledger,
            keyring_home: None,
            census: Arc::new(census),
            in_flight: InFlight::default(),
            capturing: Turns::default(),
            rumours: Rumours::default(),
            background: Arc::new(Semaphore::new(settings.background_captures_max)),
            recent: Recent::default(),
            sweeps: SweepRuns::default(),
            rewraps: RewrapRuns::default(),
            load: Load::default(),
            reserved: Reserved::default(),
            sequence: AtomicU64::new(sequence),
            watch: Watch::default(),
            settings,
        };
        Ok((vault, rolled_back))
    }

    /// Its keys can be changed from here on: `home` is where its keyring lives.
    #[must_use]
    pub fn at_home(mut self, home: Arc<KeyringHome>) -> Self {
        self.keyring_home = Some(home);
        self
    }

    /// Where its keyring lives. Without one, as in some tests, its keys cannot be changed.
    pub fn keyring_home(&self) -> Option<&Arc<KeyringHome>> {
        self.keyring_home.as_ref()
    }

    /// Counts in `metrics` from here on.
    #[must_use]
    pub fn counted(mut self, metrics: Arc<Metrics>) -> Self {
        self.watch.metrics = metrics;
        self
    }

    /// Where the vault counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.watch.metrics
    }

    /// While in `doubt` the clock decides nothing that cannot be undone: our own retention erases
    /// nothing, and no facemap counts as lost because its deadline seems to have passed. Captures, and
    /// erasures on request, go on.
    pub fn doubt_clock(&self, doubt: bool) {
        self.watch.doubt_clock(doubt);
    }

    /// The enrollment of `account`.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`], or by what is wrong with the store.
    pub async fn enrollment(&self, account: AccountId) -> Result<Loaded, VaultError> {
        self.load(account).await?.ok_or(VaultError::NotEnrolled(account))
    }

    /// The rules in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The keys in force.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.ring.now()
    }

    /// What stands for `account` in the log.
    fn hash(&self, account: AccountId) -> AccountHash {
        self.ring.now().account_hash(account)
    }

    /// What is stored, counted.
    pub fn census(&self) -> Census {
        self.census.snapshot()
    }

    /// Bytes on disk.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store.
    pub async fn store_size(&self) -> Result<u64, VaultError> {
        self.store.size().await.map_err(VaultError::Store)
    }

    /// Executions that were opened at Jumio and whose upload did not complete, newest last. They
    /// expire at Jumio by themselves.
    pub fn orphans(&self) -> Vec<Orphan> {
        self.in_flight.orphans()
    }
}
