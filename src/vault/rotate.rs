//! Keys are rotated: new ones are made, every record is brought under them, and the old ones are destroyed
//! once a look at all records has shown that none names them.
//!
//! A crash at any moment loses nothing: the rotation is in the store before the first key is made, a key is
//! in both files of the keyring before a record names it, and it leaves them only after the look.

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::KekState;
use crate::jumio::Jumio;
use crate::model::{KekRef, RewrapId, Timestamp};
use crate::store::{NoteName, Store};

use super::rewrap_runs::{self, Rewrap, RewrapState, Run, Stop};
use super::rotation::{Rotation, RotationPlan};
use super::rotation_order::Ending;
use super::sweep::clock_from;
use super::{KeysError, Vault, VaultError};

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
            None => {
                // Later than every key there is: that tells the new ones from the others.
                let newest = self.ring.now().keks().map(|info| info.created).max();
                let after = newest.map_or(now, |newest| newest.plus(Duration::from_millis(1)));
                (Rotation::new(plan, now.max(after)), false)
            }
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

    /// The newest rotation since the start.
    pub fn newest_rotation(&self) -> Option<Rewrap> {
        self.rewraps.newest().map(|run| run.rewrap())
    }

    /// The rotation that is running, or ended early and may go on.
    pub fn open_rotation(&self) -> Option<Rewrap> {
        self.rewraps.newest().filter(|run| run.is_open()).map(|run| run.rewrap())
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
}
