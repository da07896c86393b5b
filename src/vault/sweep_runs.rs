//! Sweeps as things one can start, watch and cancel: one at a time, the last ones remembered.
//!
//! In memory only. A sweep that ends with the process has lost nothing: what is due is in the store,
//! and the next sweep goes on with the nearest deadline.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::jumio::Jumio;
use crate::model::{LastError, SweepId, Timestamp};
use crate::store::Store;

use super::sweep::{Progress, clock_from};
use super::sweep_pass::Ending;
use super::{SweepPlan, SweepReport, Vault, VaultError};

/// One sweep, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Its name.
    pub id: SweepId,
    /// How it stands.
    pub state: SweepState,
    /// What it was told to do.
    pub plan: SweepPlan,
    /// What it did so far.
    pub report: SweepReport,
    /// How many facemaps were to be captured within its horizon when it began.
    pub due_total: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why facemaps remain, and how many for each reason.
    pub errors: HashMap<LastError, u64>,
    /// Why it gave up, if it did: Jumio served nobody.
    pub gave_up: Option<LastError>,
}

/// How a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepState {
    /// It is at work.
    Running,
    /// Nothing that is due remains.
    Succeeded,
    /// It ended, and some remain. The next one tries them again.
    Incomplete,
    /// The store failed, or the vault has a defect.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// So many sweeps are remembered.
const KEPT: usize = 50;

/// The sweeps since the start, newest first.
#[derive(Default)]
pub(super) struct SweepRuns(Mutex<VecDeque<Arc<Run>>>);

struct Run {
    seen: watch::Sender<Sweep>,
    cancelled: watch::Sender<bool>,
}

impl Sweep {
    /// When it will end if the budget is all that holds it up. `None` if it has ended.
    pub fn estimated_end(&self, now: Timestamp) -> Option<Timestamp> {
        if self.state != SweepState::Running {
            return None;
        }
        let SweepReport { captured, remaining, blocked, lost, erased: _, failed } = self.report;
        let left = self.due_total.saturating_sub(captured + remaining + blocked + lost + failed);
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        Some(now.plus(self.plan.capture_time.saturating_mul(left)))
    }
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Starts a sweep; gives it, and whether it is new. While one is running no other begins.
    pub fn start_sweep(self: &Arc<Self>, plan: SweepPlan, now: Timestamp) -> (Sweep, bool) {
        let mut runs = self.sweeps.lock();
        if let Some(running) = runs.front().map(|run| run.seen.borrow().clone())
            && running.state == SweepState::Running
        {
            return (running, false);
        }
        let sweep = Sweep {
            id: SweepId::generate(),
            state: SweepState::Running,
            plan,
            report: SweepReport::default(),
            due_total: self.due_total(now.plus(plan.horizon)),
            started: now,
            ended: None,
            errors: HashMap::new(),
            gave_up: None,
        };
        let run = Arc::new(Run {
            seen: watch::Sender::new(sweep.clone()),
            cancelled: watch::Sender::new(false),
        });
        runs.push_front(Arc::clone(&run));
        runs.truncate(KEPT);
        let vault = Arc::clone(self);
        tokio::spawn(async move {
            let work = tokio::spawn(vault.run_sweep(Arc::clone(&run), plan, now));
            if work.await.is_err() {
                tracing::error!("a sweep ended by a defect");
                run.end(SweepState::Failed, clock_from(now)());
            }
        });
        (sweep, true)
    }

    /// The sweeps since the start, newest first; at most fifty.
    pub fn sweeps(&self) -> Vec<Sweep> {
        self.sweeps.lock().iter().map(|run| run.seen.borrow().clone()).collect()
    }

    /// The sweep `id`, when it has ended or `wait` is over.
    ///
    /// # Errors
    ///
    /// [`VaultError::SweepNotFound`].
    pub async fn sweep_ended(&self, id: SweepId, wait: Duration) -> Result<Sweep, VaultError> {
        let mut seen = self.run(id)?.seen.subscribe();
        let ended = async {
            let _ = seen.wait_for(|sweep| sweep.state != SweepState::Running).await.map(drop);
        };
        // Whether it ended or the time is over: what is seen now is the answer.
        let _ = tokio::time::timeout(wait, ended).await;
        let sweep = seen.borrow().clone();
        Ok(sweep)
    }

    /// Cancels the sweep `id` and gives it as it ended. What it was about to capture stays due.
    ///
    /// # Errors
    ///
    /// [`VaultError::SweepNotFound`].
    pub async fn cancel_sweep(&self, id: SweepId) -> Result<Sweep, VaultError> {
        /// It ends between two polls; the limit is for a machine that is busy.
        const SOON: Duration = Duration::from_secs(10);
        self.run(id)?.cancelled.send_replace(true);
        self.sweep_ended(id, SOON).await
    }

    /// How many facemaps are to be captured before `before`.
    pub fn due_total(&self, before: Timestamp) -> u64 {
        self.census().pending.range(..before).map(|(_, n)| n).sum()
    }

    fn run(&self, id: SweepId) -> Result<Arc<Run>, VaultError> {
        let runs = self.sweeps.lock();
        let found = runs.iter().find(|run| run.seen.borrow().id == id);
        found.cloned().ok_or(VaultError::SweepNotFound)
    }

    async fn run_sweep(self: Arc<Self>, run: Arc<Run>, plan: SweepPlan, now: Timestamp) {
        let clock = clock_from(now);
        let mut cancelled = run.cancelled.subscribe();
        let pass = self.pass(plan, &clock, |progress| run.tell(progress));
        let result = tokio::select! {
            _ = cancelled.wait_for(|cancelled| *cancelled) => None,
            result = pass => Some(result),
        };
        let before = now.plus(plan.horizon);
        let all_tried = matches!(result, Some(Ok(Ending::Through)));
        run.seen.send_modify(|sweep| {
            if !all_tried {
                // What was not come to remains as well.
                sweep.report.remaining = sweep.report.remaining.max(self.due_total(before));
            }
        });
        let state = match result {
            None => SweepState::Cancelled,
            Some(Err(error)) => {
                tracing::error!(error = %error, "the sweep failed");
                SweepState::Failed
            }
            Some(Ok(Ending::GaveUp(error))) => {
                tracing::error!(reason = ?error, "the sweep gave up: Jumio serves no account");
                run.seen.send_modify(|sweep| sweep.gave_up = Some(error));
                SweepState::Incomplete
            }
            Some(Ok(Ending::Through | Ending::Limit)) => run.completeness(),
        };
        let ended = clock();
        run.end(state, ended);
        self.metrics().swept(ended, ended.since(now), all_tried);
        let Sweep { report, .. } = &*run.seen.borrow();
        self.note_swept(report);
        tracing::info!(?state, ?report, "swept");
    }
}

impl Run {
    fn tell(&self, progress: Progress) {
        self.seen.send_modify(|sweep| {
            sweep.report = progress.report;
            sweep.errors = progress.errors;
        });
    }

    fn completeness(&self) -> SweepState {
        let SweepReport { remaining, failed, .. } = self.seen.borrow().report;
        if remaining + failed == 0 { SweepState::Succeeded } else { SweepState::Incomplete }
    }

    fn end(&self, state: SweepState, now: Timestamp) {
        self.seen.send_modify(|sweep| {
            sweep.state = state;
            sweep.ended = Some(now);
        });
    }
}

impl SweepRuns {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        // Every state is a valid one, so a panic elsewhere while it was held does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
