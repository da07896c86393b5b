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
mod coverage;
mod decision;
mod diagnose;
mod enroll;
mod enroll_many;
mod erase;
mod error;
mod error_name;
mod in_flight;
mod keys;
mod list;
mod page_token;
mod recent;
mod retry;
mod rumours;
mod settings;
mod state_code;
mod sweep;
mod sweep_pass;
mod sweep_runs;
mod turns;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use crate::crypto::{Draft, Keyring, OpenError};
use crate::metrics::Metrics;
use crate::model::{AccountId, Enrollment, Facemap, RowKey, SealedRecord};
use crate::store::{BodyChange, Change, Expect, StoreError};

pub use crate::jumio::{
    AccountUpdate, Callback, CallbackError, Consent, DecisionType, ExecutionStatus, Jumio, Limit,
    Obtained, Web,
};
pub use crate::store::Store;
pub use admission::AdmissionPolicy;
pub use authenticate::{StartAuthentication, Started};
pub use callback::Heard;
pub use census::Census;
pub use clock_guard::{CLOCK_TOLERANCE, ClockGuard, clock_guard};
pub use coverage::{Coverage, CoverageDay, forecast};
pub use decision::AuthenticationView;
pub use diagnose::{AccountFinding, Finding};
pub use enroll::{Enroll, Registered};
pub use enroll_many::ENROLL_MANY_MAX;
pub use error::VaultError;
pub use in_flight::Orphan;
pub use keys::{KeyState, KeyView};
pub use list::{Cursor, ListFilter, Page};
pub use retry::Reopened;
pub use settings::Settings;
pub use sweep::{SweepPlan, SweepReport};
pub use sweep_runs::{Sweep, SweepState};

use in_flight::InFlight;
use recent::Recent;
use rumours::Rumours;
use sweep_runs::SweepRuns;
use turns::Turns;
use watch::Watch;

/// The service, without a network: enrollments in a [`Store`], facemaps from and to [`Jumio`].
pub struct Vault<S, J> {
    store: Arc<S>,
    jumio: J,
    keyring: Arc<Keyring>,
    settings: Settings,
    census: Arc<census::Counts>,
    in_flight: InFlight,
    capturing: Turns,
    rumours: Rumours,
    background: Arc<Semaphore>,
    recent: Recent,
    sweeps: SweepRuns,
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

/// What a commit does to the body.
enum NewBody<'a> {
    Keep,
    Set(&'a Facemap),
    Remove,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Opens the vault over a store: reads every record once, to count what there is and to find the
    /// highest change number. `progress` is told the number of records read, now and then.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the store cannot be read. A damaged record is counted, not an error.
    pub async fn open(
        store: S,
        jumio: J,
        keyring: Arc<Keyring>,
        settings: Settings,
        progress: impl Fn(u64),
    ) -> Result<Self, VaultError> {
        let (census, sequence) = census::count(&store, &keyring, progress).await?;
        Ok(Self {
            store: Arc::new(store),
            jumio,
            keyring,
            census: Arc::new(census),
            in_flight: InFlight::default(),
            capturing: Turns::default(),
            rumours: Rumours::default(),
            background: Arc::new(Semaphore::new(settings.background_captures_max)),
            recent: Recent::default(),
            sweeps: SweepRuns::default(),
            sequence: AtomicU64::new(sequence),
            watch: Watch::default(),
            settings,
        })
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

    /// While `pause`, our own retention erases nothing: the clock cannot be trusted. Captures, and
    /// erasures on request, go on.
    pub fn pause_erasing(&self, pause: bool) {
        self.watch.pause_erasing(pause);
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
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
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

    async fn load(&self, account: AccountId) -> Result<Option<Loaded>, VaultError> {
        let row = self.keyring.row_key(account);
        let of_store = |error| VaultError::of_store(account, error);
        match self.store.record(row).await.map_err(of_store)? {
            Some(record) => self.loaded(account, row, record).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a record's attributes.
    fn loaded(
        &self,
        account: AccountId,
        row: RowKey,
        record: SealedRecord,
    ) -> Result<Loaded, VaultError> {
        let unreadable = |source| VaultError::Unreadable { account, source };
        let bytes = self.keyring.open_attributes(row, &record).map_err(unreadable)?;
        match attributes::decode(&bytes, &record.header) {
            Some(enrollment) if enrollment.account == account => Ok(Loaded { enrollment, record }),
            Some(_) | None => Err(unreadable(OpenError::Tampered)),
        }
    }

    /// Seals `next` and makes it durable, if the row still is as `previous` was read.
    async fn commit(
        &self,
        previous: Option<&Loaded>,
        next: Enrollment,
        body: NewBody<'_>,
    ) -> Result<Loaded, VaultError> {
        let row = self.keyring.row_key(next.account);
        let (record, body) = self.sealed(row, previous, &next, body)?;
        let expect =
            previous.map_or(Expect::Absent, |loaded| Expect::Revision(loaded.record.revision()));
        let change = Change { row, expect, record: record.clone(), body };
        let (account, before) = (next.account, previous.cloned());
        let after = Loaded { enrollment: next, record };
        let (store, census) = (Arc::clone(&self.store), Arc::clone(&self.census));
        // A task of its own: what is written is counted even if the caller goes away meanwhile.
        let written = tokio::spawn(async move {
            write(&*store, change).await?;
            census.moved(before.as_ref(), Some(&after));
            Ok(after)
        });
        let result = written.await.map_err(|_| VaultError::ShuttingDown)?;
        result.map_err(|error| VaultError::of_store(account, error))
    }

    fn sealed(
        &self,
        row: RowKey,
        previous: Option<&Loaded>,
        next: &Enrollment,
        body: NewBody<'_>,
    ) -> Result<(SealedRecord, BodyChange), VaultError> {
        let old = previous.map(|loaded| &loaded.record);
        let attributes = attributes::encode(next);
        let mut draft = Draft {
            legal_hold: old.is_some_and(|record| record.header.legal_hold),
            generation: old.map_or(0, |record| record.header.generation),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            created: next.created,
            completed: next.onboarding.completed,
            due: next.due(),
        };
        let has_body = old.filter(|record| record.header.body_len > 0);
        Ok(match (body, has_body) {
            (NewBody::Set(facemap), _) => {
                draft.generation += 1;
                let (record, body) =
                    self.keyring.seal_facemap(row, &draft, facemap, &attributes)?;
                (record, BodyChange::Set(body))
            }
            (NewBody::Keep, Some(old)) => {
                let record = self.keyring.reseal(row, old, &draft, &attributes)?;
                (record, BodyChange::Keep)
            }
            (NewBody::Keep, None) => {
                (self.keyring.seal_empty(row, &draft, &attributes)?, BodyChange::Keep)
            }
            (NewBody::Remove, _) => {
                (self.keyring.seal_empty(row, &draft, &attributes)?, BodyChange::Remove)
            }
        })
    }
}

/// Commits `change`. If the store's answer is lost, looks whether it happened, and repeats it if not:
/// the same change twice is harmless.
async fn write(store: &impl Store, change: Change) -> Result<(), StoreError> {
    const TRIES: usize = 3;
    let revision = change.record.revision();
    for _ in 0..TRIES {
        match store.commit(change.clone()).await {
            Err(StoreError::Ambiguous) => {}
            result => return result,
        }
        if store.record(change.row).await?.is_some_and(|found| found.revision() == revision) {
            return Ok(());
        }
    }
    Err(StoreError::Ambiguous)
}
