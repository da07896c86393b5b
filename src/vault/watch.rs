//! What the vault tells whoever watches over it: counts, and one alarm where many accounts share one
//! cause.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::{CaptureOutcome, Metrics, StartOutcome};
use crate::model::{Blocked, Enrollment, LastError, State, Timestamp};

use super::in_flight::Outcome;
use super::{AuthenticationView, KeyringFile, StoreState, VaultError};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) metrics: Arc<Metrics>,
    /// When each alarm was last raised.
    alarms: Mutex<HashMap<&'static str, Instant>>,
    /// What Jumio said to the newest start of an authentication, and when.
    workflow: Mutex<Option<(Timestamp, bool)>>,
    /// What the last look at the store found.
    store: Mutex<StoreState>,
    /// The clock jumped: nothing final is decided by it.
    clock_doubted: AtomicBool,
}

/// One alarm for one cause in this time, however many accounts it concerns.
const ALARM_EVERY: Duration = Duration::from_secs(60 * 60);

impl Watch {
    /// An attempt to capture ended; `before` is the enrollment it began with.
    pub(super) fn capture_ended(
        &self,
        before: &Enrollment,
        result: Result<&Enrollment, &VaultError>,
        now: Timestamp,
    ) {
        let state = match result {
            Ok(enrollment) => enrollment.onboarding.state,
            Err(error) => return self.metrics.capture(CaptureOutcome::Failed, error.name()),
        };
        match state {
            State::Captured => {
                self.metrics.capture(CaptureOutcome::Captured, "");
                // A later onboarding has no time of its own here; it would spoil the measure.
                if before.facemap.is_none() {
                    self.metrics.capture_lag(now.since(before.created));
                }
            }
            State::Pending { last_error, .. } => {
                let reason = last_error.map_or("", LastError::name);
                self.metrics.capture(CaptureOutcome::Retrying, reason);
                self.alarm_of_tenant(last_error);
            }
            State::Blocked { why, .. } => {
                self.metrics.capture(CaptureOutcome::Blocked, why.name());
                self.alarm_of_blocked(why);
            }
            State::Lost { .. } => self.metrics.capture(CaptureOutcome::Lost, ""),
            // The newest onboarding turned out to be older than an erasure: nothing was attempted.
            State::Erased { .. } => {}
        }
    }

    fn alarm_of_blocked(&self, why: Blocked) {
        match why {
            // One person's matter, and an everyday one.
            Blocked::OnboardingNotAccepted => {}
            Blocked::DownloadNotEnabled | Blocked::LivenessUnsupported | Blocked::TooLong => {
                if self.alarm_is_due(why.name(), Instant::now()) {
                    tracing::error!(
                        reason = why.name(),
                        "captures are blocked: fmvault doctor --online says what to ask Jumio for"
                    );
                }
            }
        }
    }

    fn alarm_of_tenant(&self, error: Option<LastError>) {
        match error {
            Some(error @ (LastError::CredentialsRejected | LastError::PermissionMissing)) => {
                if self.alarm_is_due(error.name(), Instant::now()) {
                    tracing::error!(
                        reason = error.name(),
                        "captures fail for the whole tenant: run fmvault doctor --online"
                    );
                }
            }
            Some(
                LastError::NotYet
                | LastError::RateLimited
                | LastError::Unavailable
                | LastError::Timeout
                | LastError::ResponseUnexpected
                | LastError::UrlRejected
                | LastError::Refused
                | LastError::StoreFailed,
            )
            | None => {}
        }
    }

    /// So many keys are too old, or have wrapped too much.
    pub(super) fn alarm_of_keys(&self, count: usize) {
        if self.alarm_is_due("rotation_due", Instant::now()) {
            tracing::warn!(count, "keys are to be rotated: fmvault keys rotate");
        }
    }

    /// One of the keyring's two files cannot be fallen back on.
    pub(super) fn alarm_of_keyring(&self, file: u8, state: KeyringFile) {
        if self.alarm_is_due(if file == 0 { "keyring.0" } else { "keyring.1" }, Instant::now()) {
            tracing::error!(
                file,
                state = state.name(),
                "a keyring file is not whole: back up the other one now, and check the disk; fmvault \
                 doctor says what next"
            );
        }
    }

    /// Whether the alarm for `cause` should be raised at `now`; it counts as raised then.
    fn alarm_is_due(&self, cause: &'static str, now: Instant) -> bool {
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        if alarms.get(cause).is_some_and(|raised| now - *raised < ALARM_EVERY) {
            return false;
        }
        alarms.insert(cause, now);
        true
    }

    /// The start of an authentication ended.
    pub(super) fn start_ended(&self, outcome: &Outcome, now: Timestamp) {
        let error = match outcome {
            Ok(_) => {
                self.workflow_known(now, true);
                return self.metrics.authentication_started(StartOutcome::Started, "");
            }
            Err(error) => error,
        };
        if matches!(**error, VaultError::JumioWorkflowNotEnabled) {
            self.workflow_known(now, false);
        }
        let how = if error.is_refusal() { StartOutcome::Refused } else { StartOutcome::Error };
        self.metrics.authentication_started(how, error.name());
    }

    fn workflow_known(&self, now: Timestamp, accepted: bool) {
        *self.workflow.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, accepted));
    }

    /// When Jumio last took or refused the authentication workflow, and which.
    pub(super) fn workflow(&self) -> Option<(Timestamp, bool)> {
        *self.workflow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An authentication that this process started was seen to have ended.
    pub(super) fn authentication_ended(&self, view: &AuthenticationView) {
        let decision = view.decision.map_or("", |decision| decision.name());
        self.metrics.authentication_finished(view.status.name(), decision);
    }

    /// Remembers what a look at the store found; whether that is something new.
    pub(super) fn store_is(&self, state: StoreState) -> bool {
        self.metrics.store_writable(state == StoreState::Writable);
        let mut known = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, state) != state
    }

    pub(super) fn store_state(&self) -> StoreState {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn doubt_clock(&self, doubt: bool) {
        self.clock_doubted.store(doubt, Ordering::Release);
    }

    /// Whether the clock may decide what cannot be undone: that our retention erases, that a facemap
    /// counts as lost.
    pub(super) fn trusts_clock(&self) -> bool {
        !self.clock_doubted.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_raises_one_alarm_an_hour() {
        let watch = Watch::default();
        let (why, now) = (Blocked::DownloadNotEnabled.name(), Instant::now());
        assert!(watch.alarm_is_due(why, now));
        for second in 0..3_600 {
            assert!(!watch.alarm_is_due(why, now + Duration::from_secs(second)), "{second}");
        }
        assert!(watch.alarm_is_due(Blocked::LivenessUnsupported.name(), now), "another cause");
        assert!(watch.alarm_is_due(why, now + ALARM_EVERY), "an hour later");
    }
}
