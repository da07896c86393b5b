//! Rotations as things one can start, watch and cancel: one at a time. What must outlive the process is in
//! the store (`rotation.rs`); this is what an operator sees.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{RewrapId, Timestamp};

use super::rotation::{Rotation, RotationPlan};
use super::rotation_order::{Ending, Step};

/// One rotation, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrap {
    /// Its name, the same after a restart.
    pub id: RewrapId,
    /// How it stands.
    pub state: RewrapState,
    /// What it was told to do.
    pub plan: RotationPlan,
    /// What it is doing, or did last.
    pub step: RewrapStep,
    /// Records under old keys when this process began with it.
    pub total: u64,
    /// Records brought under new keys by this process.
    pub rewrapped: u64,
    /// Records looked at by the last look at all of them.
    pub verified: u64,
    /// Records that do not open: they keep the old keys alive.
    pub damaged: u64,
    /// Keys destroyed.
    pub retired: u64,
    /// When it was first started.
    pub started: Timestamp,
    /// When this process began with it.
    pub resumed: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it did not end well.
    pub why: Option<RewrapTrouble>,
}

/// How a rotation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewrapState {
    /// It is at work.
    Running,
    /// No record names an old key, and the old keys are destroyed.
    Succeeded,
    /// It ended early; the old keys are kept. It can be resumed.
    Incomplete,
    /// Store or keyring failed, or the vault has a defect. It can be resumed.
    Failed,
    /// Somebody cancelled it. Both keys are kept.
    Cancelled,
}

/// What a rotation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewrapStep {
    /// New keys are made durable.
    Keys,
    /// Records are brought under them.
    Rewrap,
    /// It waits for those who may still use the old keys.
    Wait,
    /// All records are looked at.
    Verify,
    /// The store's files are rewritten without the old wraps.
    Drop,
    /// The old keys are destroyed.
    Retire,
}

/// Why a rotation ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewrapTrouble {
    /// Records do not open.
    Damaged,
    /// Records came back to an old key again and again.
    Stale,
    /// A request held an old key for a minute.
    Busy,
}

/// So many are remembered.
const KEPT: usize = 10;

/// The rotations since the start, newest first.
#[derive(Default)]
pub(super) struct RewrapRuns(Mutex<VecDeque<Arc<Run>>>);

/// A rotation of this process.
pub(super) struct Run {
    pub(super) seen: watch::Sender<Rewrap>,
    /// Whether it is to stop, and why.
    stop: watch::Sender<Option<Stop>>,
}

/// Why a rotation stops between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// For good: it is forgotten, and both keys stay.
    Cancelled,
    /// The process ends; the next one goes on.
    Paused,
}

impl RewrapRuns {
    pub(super) fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn newest(&self) -> Option<Arc<Run>> {
        self.lock().front().cloned()
    }

    pub(super) fn find(&self, id: RewrapId) -> Option<Arc<Run>> {
        self.lock().iter().find(|run| run.seen.borrow().id == id).cloned()
    }
}

/// Puts a run for `rotation` in front of the others.
pub(super) fn begin(
    runs: &mut VecDeque<Arc<Run>>,
    rotation: &Rotation,
    total: u64,
    now: Timestamp,
) -> Arc<Run> {
    runs.retain(|run| run.seen.borrow().id != rotation.id);
    let run = Arc::new(Run {
        seen: watch::Sender::new(Rewrap {
            id: rotation.id,
            state: RewrapState::Running,
            plan: rotation.plan,
            step: RewrapStep::Keys,
            total,
            rewrapped: 0,
            verified: 0,
            damaged: 0,
            retired: 0,
            started: rotation.started,
            resumed: now,
            ended: None,
            why: None,
        }),
        stop: watch::Sender::new(None),
    });
    runs.push_front(Arc::clone(&run));
    runs.truncate(KEPT);
    run
}

impl Run {
    pub(super) fn rewrap(&self) -> Rewrap {
        self.seen.borrow().clone()
    }

    /// Whether the rotation may still go on: running, or ended early.
    pub(super) fn is_open(&self) -> bool {
        match self.seen.borrow().state {
            RewrapState::Running | RewrapState::Incomplete | RewrapState::Failed => true,
            RewrapState::Succeeded | RewrapState::Cancelled => false,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.seen.borrow().state == RewrapState::Running
    }

    pub(super) fn tell(&self, tell: impl FnOnce(&mut Rewrap)) {
        self.seen.send_modify(tell);
    }

    pub(super) fn begins(&self, step: Step) {
        self.tell(|rewrap| {
            rewrap.step = match step {
                Step::Prepare | Step::Promote => RewrapStep::Keys,
                Step::Rewrap => RewrapStep::Rewrap,
                Step::Wait => RewrapStep::Wait,
                Step::Verify => RewrapStep::Verify,
                Step::Drop => RewrapStep::Drop,
                Step::Commit | Step::Retire | Step::Close => RewrapStep::Retire,
            };
        });
    }

    /// Asks it to stop. Once the old keys are being destroyed it does not listen any more.
    pub(super) fn stop(&self, why: Stop) {
        self.stop.send_replace(Some(why));
    }

    pub(super) fn stopped(&self) -> Option<Stop> {
        *self.stop.borrow()
    }

    pub(super) fn end(&self, state: RewrapState, ending: Option<Ending>, now: Timestamp) {
        self.tell(|rewrap| {
            rewrap.state = state;
            rewrap.ended = Some(now);
            rewrap.why = match ending {
                Some(Ending::Damaged(_)) => Some(RewrapTrouble::Damaged),
                Some(Ending::Stale(_)) => Some(RewrapTrouble::Stale),
                Some(Ending::Busy) => Some(RewrapTrouble::Busy),
                Some(Ending::Complete | Ending::Stopped) | None => None,
            };
        });
    }

    /// The rotation when it has ended or `wait` is over.
    pub(super) async fn ended(&self, wait: Duration) -> Rewrap {
        let mut seen = self.seen.subscribe();
        let ended = async {
            let over = |rewrap: &Rewrap| rewrap.state != RewrapState::Running;
            let _ = seen.wait_for(over).await.map(drop);
        };
        // Whether it ended or the time is over: what is seen now is the answer.
        let _ = tokio::time::timeout(wait, ended).await;
        self.rewrap()
    }
}

impl Rewrap {
    /// Records still to be rewrapped, as far as this process knows.
    pub fn remaining(&self) -> u64 {
        self.total.saturating_sub(self.rewrapped)
    }

    /// When the rewrapping will end at the rate it had so far; `None` unless it is under way.
    pub fn estimated_end(&self, now: Timestamp) -> Option<Timestamp> {
        let began = self.state == RewrapState::Running && self.step == RewrapStep::Rewrap;
        let done = u32::try_from(self.rewrapped).unwrap_or(u32::MAX);
        let each = now.since(self.resumed).checked_div(done).filter(|_| began)?;
        let left = u32::try_from(self.remaining()).unwrap_or(u32::MAX);
        Some(now.plus(each.saturating_mul(left)))
    }
}
