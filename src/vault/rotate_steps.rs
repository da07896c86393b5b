//! The steps of a rotation, as `rotation_order.rs` asks for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crypto::{KekState, Keyring, KeyringChangeError};
use crate::jumio::Jumio;
use crate::model::{KekRef, Timestamp};
use crate::store::{Applied, Change, Note, NoteName, Store, StoreError};

use super::rewrap_runs::{Run, Stop};
use super::rotation::{Phase, Rotation};
use super::rotation_order::{Ending, Found, Next, Order, Step};
use super::sweep::clock_from;
use super::{Vault, VaultError};

/// Longest wait for somebody who may still wrap under an old key. Requests hold a ring for milliseconds.
const WRAPPERS_MAX: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK: Duration = Duration::from_millis(5);

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Carries out `rotation`, which is in the store already if it is `known`.
    pub(super) async fn rotate(
        &self,
        run: &Run,
        mut rotation: Rotation,
        known: bool,
    ) -> Result<Ending, VaultError> {
        let clock = clock_from(run.rewrap().resumed);
        if !known {
            tell(1);
            self.remember(Vec::new(), Some(&rotation)).await?;
        }
        let mut order = Order::new(rotation.phase, rotation.plan.rewrap);
        let mut step = order.first();
        loop {
            run.begins(step);
            let found = self.step(step, run, &mut rotation, &clock).await?;
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

    async fn step(
        &self,
        step: Step,
        run: &Run,
        rotation: &mut Rotation,
        clock: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Found, VaultError> {
        match step {
            Step::Prepare => self.make_keys(rotation).await?,
            Step::Promote => self.promote_keys(run, rotation).await?,
            Step::Rewrap => {
                tell(6);
                return self.rewrap(run, rotation).await;
            }
            Step::Wait => {
                tell(7);
                return Ok(self.wait_for_wrappers(rotation).await);
            }
            Step::Verify => {
                tell(8);
                return self.verify_rewrapped(run, rotation).await;
            }
            Step::Drop => {
                tell(9);
                self.store.drop_replaced().await.map_err(VaultError::Store)?;
            }
            Step::Commit if run.stopped().is_some() => return Ok(Found::Stopped),
            Step::Commit => {
                tell(10);
                rotation.phase = Phase::Retiring;
                self.remember(Vec::new(), Some(rotation)).await?;
            }
            Step::Retire => {
                tell(11);
                let retired = self.destroy_old_keys(run, rotation, clock()).await?;
                run.tell(|rewrap| rewrap.retired = retired);
            }
            Step::Close => {
                tell(12);
                self.remember(Vec::new(), None).await?;
            }
        }
        Ok(Found::Done)
    }

    /// Pending keys in both files, for the buckets that do not have theirs yet.
    async fn make_keys(&self, rotation: &Rotation) -> Result<(), VaultError> {
        tell(2);
        let rotation = *rotation;
        self.change_keys(move |ring| prepared(ring, &rotation)).await?;
        tell(3);
        Ok(())
    }

    async fn promote_keys(&self, run: &Run, rotation: &mut Rotation) -> Result<(), VaultError> {
        tell(4);
        self.change_keys(|ring| ring.promoted()).await?;
        rotation.phase = Phase::Rewrapping;
        tell(5);
        self.remember(Vec::new(), Some(rotation)).await?;
        let total = self.under_old_keys(rotation.plan.bucket);
        run.tell(|rewrap| rewrap.total = total);
        Ok(())
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
        self.reserve_wraps().await?;
        let content = rotation.map(|rotation| rotation.to_bytes());
        let note = Note { name: NoteName::Rotation, content };
        let rows: Vec<_> = changes.iter().map(|c| (c.row, c.record.revision())).collect();
        match self.store.commit_noted(changes, note.clone()).await {
            Err(StoreError::Ambiguous) => {}
            result => {
                let applied = result.map_err(VaultError::of_store_alone)?;
                let done = applied.iter().filter(|applied| **applied == Applied::Yes).count();
                if done > 0 {
                    self.note_rewrapped(done as u64);
                }
                return Ok(applied);
            }
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

/// In the log, so that whoever watches a rotation, or interrupts it on purpose, knows where it is.
fn tell(step: u8) {
    tracing::info!(step, "rotation");
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
