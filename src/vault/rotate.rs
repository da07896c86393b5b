//! Keys are rotated: new ones are made, every record is brought under them, and the old ones are destroyed
//! once a look at all records has shown that none names them.
//!
//! A crash at any moment loses nothing: the rotation is in the store before the first key is made, a key is
//! in both files of the keyring before a record names it, and it leaves them only after the look.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crypto::{KekState, Keyring, KeyringChangeError};
use crate::jumio::Jumio;
use crate::model::{KekRef, RewrapId, Timestamp};
use crate::store::{Applied, Change, Note, NoteName, Store, StoreError};

use super::rewrap_runs::{self, Rewrap, RewrapState, Run, Stop};
use super::rotation::{Phase, Rotation, RotationPlan};
use super::rotation_order::{Ending, Found, Next, Order, Step};
use super::sweep::clock_from;
use super::{KeysError, Vault, VaultError};

/// Longest wait for somebody who may still wrap under an old key. Requests hold a ring for milliseconds.
const WRAPPERS_MAX: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK: Duration = Duration::from_millis(5);
/// A rotation that is stopped ends between two batches.
const SOON: Duration = Duration::from_secs(30);

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Starts a rotation. One that ended early is gone on with instead, if `plan` makes no new keys.
    ///
    /// # Errors
    ///
    /// [`KeysError::RewrapInProgress`] while another one is open; [`KeysError::NotChanged`] if the vault
    /// has no home for its keyring.
    pub fn start_rotation(
        self: &Arc<Self>,
        plan: RotationPlan,
        now: Timestamp,
    ) -> Result<Rewrap, VaultError> {
        if self.keyring_home.is_none() {
            return Err(super::KeyringHomeError::Nowhere.into());
        }
        let mut runs = self.rewraps.lock();
        let open = runs.front().filter(|run| run.is_open()).map(|run| run.rewrap());
        let (rotation, known) = match open {
            None => (Rotation::new(plan, now), false),
            Some(open) if open.state != RewrapState::Running && !plan.new_keys => {
                // From the start, and as it was planned; where it was is in the store.
                let plan = RotationPlan { rate: plan.rate, ..open.plan };
                let again =
                    Rotation { id: open.id, started: open.started, ..Rotation::new(plan, now) };
                (again, true)
            }
            Some(open) => return Err(KeysError::RewrapInProgress { id: open.id }.into()),
        };
        let run = rewrap_runs::begin(&mut runs, &rotation, self.under_old_keys(plan.bucket), now);
        drop(runs);
        let rewrap = run.rewrap();
        self.spawn_rotation(run, rotation, known, now);
        Ok(rewrap)
    }

    /// Goes on with the rotation that an earlier process left open, if there is one.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store.
    pub async fn resume_rotation(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<Option<Rewrap>, VaultError> {
        let note = self.store.note(NoteName::Rotation).await.map_err(VaultError::Store)?;
        let Some(rotation) = note.and_then(|note| Rotation::parse(&note)) else { return Ok(None) };
        let total = self.under_old_keys(rotation.plan.bucket);
        let run = rewrap_runs::begin(&mut self.rewraps.lock(), &rotation, total, now);
        tracing::info!(rotation = %rotation.id.hyphenated(), "an open rotation goes on");
        let rewrap = run.rewrap();
        self.spawn_rotation(run, rotation, true, now);
        Ok(Some(rewrap))
    }

    /// The rotation `id`, or the newest, when it has ended or `wait` is over.
    ///
    /// # Errors
    ///
    /// [`KeysError::RewrapNotFound`].
    pub async fn rotation_ended(
        &self,
        id: Option<RewrapId>,
        wait: Duration,
    ) -> Result<Rewrap, VaultError> {
        let run = match id {
            Some(id) => self.rewraps.find(id),
            None => self.rewraps.newest(),
        };
        Ok(run.ok_or(KeysError::RewrapNotFound)?.ended(wait).await)
    }

    /// Cancels the open rotation. The new keys stay in force, the old ones stay as well.
    ///
    /// # Errors
    ///
    /// [`KeysError::RewrapNotFound`]; [`KeysError::PastCancelling`] if it has ended or the old keys are
    /// being destroyed.
    pub async fn cancel_rotation(
        &self,
        id: Option<RewrapId>,
        now: Timestamp,
    ) -> Result<Rewrap, VaultError> {
        let newest = self.rewraps.newest().filter(|run| id.is_none_or(|id| run.rewrap().id == id));
        let run = newest.ok_or(KeysError::RewrapNotFound)?;
        if !run.is_open() {
            return Err(KeysError::PastCancelling.into());
        }
        run.stop(Stop::Cancelled);
        if run.is_running() {
            run.ended(SOON).await;
        }
        match run.rewrap().state {
            RewrapState::Cancelled => {}
            RewrapState::Incomplete | RewrapState::Failed => {
                self.remember(Vec::new(), None).await?;
                run.end(RewrapState::Cancelled, None, now);
            }
            RewrapState::Running | RewrapState::Succeeded => {
                return Err(KeysError::PastCancelling.into());
            }
        }
        Ok(run.rewrap())
    }

    /// Lets the running rotation stop between two batches, because the process ends. The next start goes on.
    pub async fn pause_rotation(&self) {
        let Some(run) = self.rewraps.newest().filter(|run| run.is_running()) else { return };
        run.stop(Stop::Paused);
        run.ended(SOON).await;
    }

    /// Records under keys that wrap nothing new, or that a rotation would make so.
    pub fn under_old_keys(&self, bucket: Option<u16>) -> u64 {
        let (ring, census) = (self.ring.now(), self.census());
        let wanted = |kek: &KekRef| bucket.is_none_or(|bucket| kek.bucket == bucket);
        let of = |kek: &KekRef| census.keks.get(kek).copied().unwrap_or_default();
        ring.keks()
            .filter(|info| info.state == KekState::Retiring && wanted(&info.kek))
            .map(|info| of(&info.kek))
            .sum()
    }

    fn spawn_rotation(
        self: &Arc<Self>,
        run: Arc<Run>,
        rotation: Rotation,
        known: bool,
        now: Timestamp,
    ) {
        let vault = Arc::clone(self);
        tokio::spawn(async move {
            let clock = clock_from(now);
            let work = tokio::spawn({
                let run = Arc::clone(&run);
                async move { vault.rotate(&run, rotation, known).await }
            });
            let (state, ending) = match work.await {
                Err(_) => {
                    tracing::error!("a rotation ended by a defect");
                    (RewrapState::Failed, None)
                }
                Ok(Err(error)) => {
                    tracing::error!(error = %error, "the rotation failed; it can be resumed");
                    (RewrapState::Failed, None)
                }
                Ok(Ok(Ending::Complete)) => (RewrapState::Succeeded, Some(Ending::Complete)),
                Ok(Ok(Ending::Stopped)) => match run.stopped() {
                    Some(Stop::Cancelled) => (RewrapState::Cancelled, Some(Ending::Stopped)),
                    Some(Stop::Paused) | None => (RewrapState::Incomplete, Some(Ending::Stopped)),
                },
                Ok(Ok(ending)) => {
                    tracing::error!(?ending, "the rotation is incomplete: the old keys are kept");
                    (RewrapState::Incomplete, Some(ending))
                }
            };
            run.end(state, ending, clock());
            tracing::info!(?state, "rotation ended");
        });
    }

    async fn rotate(
        &self,
        run: &Run,
        mut rotation: Rotation,
        known: bool,
    ) -> Result<Ending, VaultError> {
        let clock = clock_from(rotation.started.max(run.rewrap().resumed));
        if !known {
            tracing::info!(step = 1, "rotation");
            self.remember(Vec::new(), Some(&rotation)).await?;
        }
        let mut order = Order::new(rotation.phase, rotation.plan.rewrap);
        let mut step = order.first();
        loop {
            run.begins(step);
            let found = match step {
                Step::Prepare => self.make_keys(&rotation).await?,
                Step::Promote => {
                    tracing::info!(step = 4, "rotation");
                    self.change_keys(|ring| ring.promoted()).await?;
                    rotation.phase = Phase::Rewrapping;
                    tracing::info!(step = 5, "rotation");
                    self.remember(Vec::new(), Some(&rotation)).await?;
                    let total = self.under_old_keys(rotation.plan.bucket);
                    run.tell(|rewrap| rewrap.total = total);
                    Found::Done
                }
                Step::Rewrap => {
                    tracing::info!(step = 6, "rotation");
                    self.rewrap(run, &mut rotation).await?
                }
                Step::Wait => {
                    tracing::info!(step = 7, "rotation");
                    self.wait_for_wrappers(&rotation).await
                }
                Step::Verify => {
                    tracing::info!(step = 8, "rotation");
                    self.verify_rewrapped(run, &rotation).await?
                }
                Step::Drop => {
                    tracing::info!(step = 9, "rotation");
                    self.store.drop_replaced().await.map_err(VaultError::Store)?;
                    Found::Done
                }
                Step::Commit if run.stopped().is_some() => Found::Stopped,
                Step::Commit => {
                    tracing::info!(step = 10, "rotation");
                    rotation.phase = Phase::Retiring;
                    self.remember(Vec::new(), Some(&rotation)).await?;
                    Found::Done
                }
                Step::Retire => {
                    tracing::info!(step = 11, "rotation");
                    let retired = self.destroy_old_keys(run, &rotation, clock()).await?;
                    run.tell(|rewrap| rewrap.retired = retired);
                    Found::Done
                }
                Step::Close => {
                    tracing::info!(step = 12, "rotation");
                    self.remember(Vec::new(), None).await?;
                    Found::Done
                }
            };
            if let Found::Stale(count) = found {
                tracing::info!(count, "records came back to an old key; they are taken again");
                rotation.cursor = None;
            }
            match order.after(found) {
                Next::Do(next) => step = next,
                Next::End(Ending::Stopped) if run.stopped() == Some(Stop::Cancelled) => {
                    self.remember(Vec::new(), None).await?;
                    return Ok(Ending::Stopped);
                }
                Next::End(ending) => return Ok(ending),
            }
        }
    }

    /// Pending keys in both files, for the buckets that do not have theirs yet.
    async fn make_keys(&self, rotation: &Rotation) -> Result<Found, VaultError> {
        tracing::info!(step = 2, "rotation");
        let rotation = *rotation;
        self.change_keys(move |ring| prepared(ring, &rotation)).await?;
        tracing::info!(step = 3, "rotation");
        Ok(Found::Done)
    }

    async fn wait_for_wrappers(&self, rotation: &Rotation) -> Found {
        let old = self.old_keys(rotation);
        let began = Instant::now();
        while self.ring.wrappers(&old) > 0 {
            if began.elapsed() > WRAPPERS_MAX {
                return Found::Busy;
            }
            sleep(LOOK).await;
        }
        Found::Done
    }

    pub(super) fn old_keys(&self, rotation: &Rotation) -> Vec<KekRef> {
        rotation.old_keys(&self.ring.now())
    }

    /// The old keys leave both files of the keyring, whose old contents are overwritten.
    async fn destroy_old_keys(
        &self,
        run: &Run,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<u64, VaultError> {
        let old = self.old_keys(rotation);
        let (sequence, records) = (self.sequence.load(Ordering::Relaxed), run.rewrap().rewrapped);
        let count = old.len() as u64;
        self.change_keys(move |ring| without(ring, &old, now, sequence, records)).await?;
        Ok(count)
    }

    /// Makes durable, with `changes`, how far the rotation is; `None` forgets it.
    pub(super) async fn remember(
        &self,
        changes: Vec<Change>,
        rotation: Option<&Rotation>,
    ) -> Result<Vec<Applied>, VaultError> {
        let content = rotation.map(|rotation| rotation.to_bytes());
        let note = Note { name: NoteName::Rotation, content };
        let rows: Vec<_> = changes.iter().map(|c| (c.row, c.record.revision())).collect();
        match self.store.commit_noted(changes, note.clone()).await {
            Err(StoreError::Ambiguous) => {}
            result => return result.map_err(VaultError::of_store_alone),
        }
        // The same again is harmless, but for rows that changed since then; those are looked at.
        self.store.commit_noted(Vec::new(), note).await.map_err(VaultError::of_store_alone)?;
        let mut applied = Vec::with_capacity(rows.len());
        for (row, revision) in rows {
            let found = self.store.record(row).await.map_err(VaultError::of_store_alone)?;
            let is_ours = found.is_some_and(|found| found.revision() == revision);
            applied.push(if is_ours { Applied::Yes } else { Applied::Conflict });
        }
        Ok(applied)
    }
}

/// A ring with pending keys for those buckets of the rotation that got none yet.
fn prepared(ring: &Keyring, rotation: &Rotation) -> Result<Keyring, KeyringChangeError> {
    let made = |bucket: &u16| {
        ring.keks().any(|info| {
            info.kek.bucket == *bucket
                && match info.state {
                    KekState::Pending => true,
                    KekState::Primary => info.created == rotation.started,
                    KekState::Retiring => false,
                }
        })
    };
    let mut buckets = rotation.buckets(ring);
    buckets.retain(|bucket| !made(bucket));
    ring.prepared(&buckets, rotation.started)
}

/// A ring without `old`.
pub(super) fn without(
    ring: &Keyring,
    old: &[KekRef],
    now: Timestamp,
    sequence: u64,
    records: u64,
) -> Result<Keyring, KeyringChangeError> {
    let mut next = ring.resaved()?;
    for kek in old {
        if next.kek(kek).is_some() {
            next = next.without(kek, now, sequence, records)?;
        }
    }
    Ok(next)
}
