//! The sweep: one bounded pass over what is due, nearest deadline first.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep};

use crate::jumio::{Jumio, JumioError};
use crate::model::{LastError, State, Timestamp};
use crate::store::{Due, Store};

use super::capture::Attempt;
use super::sweep_pass::{Ending, Outcome, Pass, Step};
use super::{Loaded, Vault, VaultError};

/// What a pass is to do, and how long it may take to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPlan {
    /// Capture what Jumio may delete within this time.
    pub horizon: Duration,
    /// Try at most this many accounts; `None`: all.
    pub limit: Option<u64>,
    /// How long Jumio may serve nobody before the pass gives up. Zero: it never waits, and tries
    /// every account once.
    pub patience: Duration,
    /// Captures at once. More than one, so that the budget is used up while Jumio takes its time.
    pub in_flight_max: usize,
    /// What one capture costs of the budget, as time.
    pub capture_time: Duration,
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Facemaps captured.
    pub captured: u64,
    /// Still to be captured after an attempt.
    pub remaining: u64,
    /// Found to be blocked.
    pub blocked: u64,
    /// Found to be lost.
    pub lost: u64,
    /// Erased because our own retention ended.
    pub erased: u64,
    /// Rows that could not be read or written.
    pub failed: u64,
}

/// A pass at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) report: SweepReport,
    /// Why what remains was not captured.
    pub(super) errors: HashMap<LastError, u64>,
}

/// Captures at once: with answers that take a second, 15 calls per second are used up by eight.
const IN_FLIGHT_MAX: usize = 16;
/// How long Jumio may serve nobody: the next sweep will begin with the nearest deadline again.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What an operator reads need not be newer than this.
const TELL: Duration = Duration::from_millis(200);

impl<S: Store, J: Jumio> Vault<S, J> {
    /// The plan of a sweep that looks `horizon` ahead and tries `limit` accounts at most.
    pub fn sweep_plan(&self, horizon: Duration, limit: Option<u64>) -> SweepPlan {
        let capture_time = Duration::try_from_secs_f64(1.0 / self.settings.captures_per_second);
        SweepPlan {
            horizon,
            limit,
            patience: PATIENCE,
            in_flight_max: IN_FLIGHT_MAX,
            capture_time: capture_time.unwrap_or_default(),
        }
    }

    /// Tries once to capture what must be captured within `horizon` of `now`, waiting for nothing, and
    /// erases what our own retention says. Costs what is due, not what is stored.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the due index cannot be read.
    pub async fn sweep(
        &self,
        now: Timestamp,
        horizon: Duration,
    ) -> Result<SweepReport, VaultError> {
        let plan = SweepPlan { patience: Duration::ZERO, ..self.sweep_plan(horizon, None) };
        self.sweep_by_clock(plan, clock_from(now)).await
    }

    /// One pass as `plan` says, with the time of `clock`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the due index cannot be read.
    pub async fn sweep_by_clock(
        &self,
        plan: SweepPlan,
        clock: impl Fn() -> Timestamp + Send + Sync,
    ) -> Result<SweepReport, VaultError> {
        let mut report = SweepReport::default();
        self.pass(plan, clock, |progress| report = progress.report).await?;
        Ok(report)
    }

    /// One pass; `tell` is told now and then, and at the end, how far it is.
    pub(super) async fn pass(
        &self,
        plan: SweepPlan,
        clock: impl Fn() -> Timestamp + Send + Sync,
        mut tell: impl FnMut(Progress) + Send,
    ) -> Result<Ending, VaultError> {
        const PAGE: usize = 256;
        let mut pass = Pass::new(plan, clock(), RandomState::new().hash_one(0_u8));
        let mut report = SweepReport::default();
        let mut tries = FuturesUnordered::new();
        let mut told = Instant::now();
        loop {
            match pass.next(clock()) {
                Step::Read { after, before } => {
                    let page = self.store.due(after, before, PAGE).await;
                    pass.page(&page.map_err(VaultError::Store)?);
                }
                Step::Try(due) => tries.push(self.try_row(due, clock())),
                Step::Wait(until) => {
                    // Without a moment there is a try to wait for; the minute is for nothing.
                    let wait = until.map_or(TELL * 300, |until| until.since(clock()));
                    tokio::select! {
                        biased;
                        Some((due, loaded, outcome)) = tries.next() => {
                            count(&mut report, loaded.as_ref(), outcome);
                            pass.ended(due, outcome, clock());
                        }
                        () = sleep(wait) => {}
                    }
                    if told.elapsed() >= TELL {
                        told = Instant::now();
                        tell(progress(report, &pass));
                    }
                }
                Step::End(ending) => {
                    tell(progress(report, &pass));
                    return Ok(ending);
                }
            }
        }
    }

    /// One row, whatever it needs.
    async fn try_row(&self, due: Due, now: Timestamp) -> (Due, Option<Loaded>, Outcome) {
        let loaded = match self.load_row(due.row).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return (due, None, Outcome::Failed),
            Err(error) => {
                tracing::error!(error = %error, "sweep cannot read a record");
                return (due, None, Outcome::Failed);
            }
        };
        let account = loaded.enrollment.account;
        let result = match loaded.enrollment.onboarding.state {
            State::Pending { last_error, .. }
                if loaded.enrollment.is_awaited() && self.recent.contains(account) =>
            {
                return (due, None, Outcome::Skipped(last_error.unwrap_or(LastError::NotYet)));
            }
            State::Pending { .. } if loaded.enrollment.is_awaited() => {
                self.capture_told(account, now).await
            }
            State::Pending { .. }
            | State::Blocked { .. }
            | State::Captured
            | State::Lost { .. }
            | State::Erased { .. } => match loaded.enrollment.due() {
                Some(at) if at <= now && self.watch.trusts_clock() => {
                    self.erase(account, now).await.map(Attempt::from)
                }
                Some(_) | None => return (due, None, Outcome::Settled),
            },
        };
        match result {
            Ok(Attempt { loaded, refusal }) => {
                let outcome = outcome(&loaded, refusal.as_ref());
                (due, Some(loaded), outcome)
            }
            Err(error) => {
                tracing::error!(account = %self.hash(account), error = %error, "sweep could not settle an enrollment");
                (due, None, Outcome::Failed)
            }
        }
    }
}

/// The time that passes from `now` on, whatever happens to the machine's clock.
pub(super) fn clock_from(now: Timestamp) -> impl Fn() -> Timestamp + Send + Sync {
    let began = Instant::now();
    move || now.plus(began.elapsed())
}

/// What the pass is to make of an attempt.
fn outcome(loaded: &Loaded, refusal: Option<&JumioError>) -> Outcome {
    let State::Pending { last_error, .. } = loaded.enrollment.onboarding.state else {
        return Outcome::Settled;
    };
    if !loaded.enrollment.is_awaited() {
        return Outcome::Settled;
    }
    let last_error = last_error.unwrap_or(LastError::NotYet);
    match refusal {
        Some(JumioError::Throttled { retry_after, .. }) => Outcome::Throttled(*retry_after),
        Some(JumioError::Unavailable { .. } | JumioError::Timeout { .. }) => {
            Outcome::Down(last_error)
        }
        Some(JumioError::CredentialsRejected | JumioError::PermissionMissing { .. }) => {
            Outcome::Refused(last_error)
        }
        Some(
            JumioError::NotFound { .. }
            | JumioError::OutcomeUnknown { .. }
            | JumioError::UploadInterrupted { .. }
            | JumioError::WorkflowNotEnabled
            | JumioError::Refused { .. }
            | JumioError::ResponseUnexpected { .. }
            | JumioError::UrlRejected { .. }
            | JumioError::FacemapTooLong { .. },
        )
        | None => Outcome::Pending(last_error),
    }
}

fn count(report: &mut SweepReport, loaded: Option<&Loaded>, outcome: Outcome) {
    if outcome == Outcome::Failed {
        report.failed += 1;
    }
    match loaded.map(|loaded| loaded.enrollment.onboarding.state) {
        Some(State::Captured) => report.captured += 1,
        Some(State::Blocked { .. }) => report.blocked += 1,
        Some(State::Lost { .. }) => report.lost += 1,
        Some(State::Erased { .. }) => report.erased += 1,
        Some(State::Pending { .. }) | None => {}
    }
}

fn progress(report: SweepReport, pass: &Pass) -> Progress {
    let mut errors = HashMap::new();
    for error in pass.pending().values() {
        *errors.entry(*error).or_default() += 1;
    }
    let remaining = u64::try_from(pass.pending().len()).unwrap_or(u64::MAX);
    Progress { report: SweepReport { remaining, ..report }, errors }
}
