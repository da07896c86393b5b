//! A facemap is captured: one attempt on one account, by whoever comes first.

use crate::jumio::{Jumio, JumioError, OnboardingDetails};
use crate::model::{
    AccountId, Blocked, CredentialId, Enrollment, LastError, Onboarding, State, StoredFacemap,
    Timestamp,
};
use crate::store::Store;

use super::admission::{Admission, admit};
use super::attributes::LIVENESS_TYPE_LEN_MAX;
use super::rows::TRIES;
use super::{Loaded, NewBody, Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Tries once to bring the newest onboarding's facemap of `account` into the vault, and makes
    /// durable how that ended. Two calls for one account run one after the other; the second finds
    /// the first one's result.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`], or by what is wrong with the store. That Jumio does not give the
    /// facemap is not an error: the enrollment says so.
    pub async fn capture(&self, account: AccountId, now: Timestamp) -> Result<Loaded, VaultError> {
        Ok(self.capture_told(account, now).await?.loaded)
    }

    /// As [`Vault::capture`], and tells what Jumio said if it did not give the facemap.
    pub(super) async fn capture_told(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Attempt, VaultError> {
        let _turn = self.capturing.turn(account).await;
        let mut known = self.enrollment(account).await?;
        for _ in 0..TRIES {
            if !known.enrollment.is_awaited() {
                return Ok(known.into());
            }
            match self.attempt(&known, now).await {
                // Erased or enrolled anew meanwhile: what we hold is of no use. Look again.
                Err(VaultError::Conflict) => known = self.enrollment(account).await?,
                result => {
                    let ended = result.as_ref().map(|attempt| &attempt.loaded.enrollment);
                    self.watch.capture_ended(&known.enrollment, ended, now);
                    return result;
                }
            }
        }
        Err(VaultError::Conflict)
    }

    async fn attempt(&self, known: &Loaded, now: Timestamp) -> Result<Attempt, VaultError> {
        let account = known.enrollment.account;
        let execution = known.enrollment.onboarding.execution;
        let details = match self.jumio.onboarding(account, execution).await {
            Ok(details) => details,
            Err(error) => return self.missed(known, error, None, now).await,
        };
        if let Some(state) = superseded_by(&known.enrollment, &details) {
            return self.settle(known, state).await.map(Attempt::from);
        }
        let settled = match admit(&details, &self.settings.admission) {
            Admission::Capture { .. } if !is_known_newer(&known.enrollment, &details) => {
                tracing::error!(account = %self.hash(account), "jumio does not tell when the onboarding was completed");
                self.tried(known, LastError::ResponseUnexpected, None).await
            }
            Admission::Capture { credential, liveness_type } => {
                return self.download(known, &details, credential, liveness_type, now).await;
            }
            Admission::NotYet => self.tried(known, LastError::NotYet, details.completed).await,
            Admission::Blocked(why) => self.blocked(known, why, now).await,
            Admission::Lost => self.lost(known, now).await,
        };
        settled.map(Attempt::from)
    }

    async fn download(
        &self,
        known: &Loaded,
        details: &OnboardingDetails,
        credential: CredentialId,
        mut liveness_type: String,
        now: Timestamp,
    ) -> Result<Attempt, VaultError> {
        let account = known.enrollment.account;
        let len_max = self.settings.facemap_len_max;
        let facemap = match self.jumio.download_facemap(account, credential, len_max).await {
            Ok(facemap) => facemap,
            // The details may be read and the facemap may not: the tenant's option is off.
            Err(JumioError::PermissionMissing { .. }) => {
                let blocked = self.blocked(known, Blocked::DownloadNotEnabled, now).await;
                return blocked.map(Attempt::from);
            }
            Err(error) => return self.missed(known, error, details.completed, now).await,
        };
        while liveness_type.len() > LIVENESS_TYPE_LEN_MAX {
            liveness_type.pop();
        }
        let completed = details.completed.or(known.enrollment.onboarding.completed);
        let stored = StoredFacemap {
            execution: known.enrollment.onboarding.execution,
            credential,
            completed,
            captured_at: now,
            erase_after: None,
            liveness_type,
            len: u32::try_from(facemap.len()).unwrap_or(u32::MAX),
        };
        let mut next = known.enrollment.clone();
        next.onboarding.completed = completed;
        next.onboarding.state = State::Captured;
        next.facemap = Some(stored);
        let loaded = self.commit(Some(known), next, NewBody::Set(&facemap)).await?;
        tracing::info!(account = %self.hash(account), "captured");
        Ok(loaded.into())
    }

    /// Jumio did not give it: for now, for good, or not to us.
    async fn missed(
        &self,
        known: &Loaded,
        error: JumioError,
        completed: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Attempt, VaultError> {
        let account = known.enrollment.account;
        let State::Pending { capture_by, last_error: last, .. } = known.enrollment.onboarding.state
        else {
            return Ok(known.clone().into());
        };
        let still_busy = last == Some(LastError::RateLimited) && completed.is_none();
        let is_over = now >= capture_by && self.watch.trusts_clock();
        let loaded = if matches!(error, JumioError::NotFound { .. }) && is_over {
            self.lost(known, now).await?
        } else if matches!(error, JumioError::FacemapTooLong { .. }) {
            self.blocked(known, Blocked::TooLong, now).await?
        } else if matches!(error, JumioError::Throttled { .. }) && still_busy {
            // Nothing new to write. A sweep may hear this many times for one account.
            known.clone()
        } else {
            tracing::info!(account = %self.hash(account), error = %error, "capture will be tried again");
            self.tried(known, last_error(&error), completed).await?
        };
        Ok(Attempt { loaded, refusal: Some(error) })
    }

    /// To be tried again. What Jumio said of the completion, and so of the deadline, is kept.
    async fn tried(
        &self,
        known: &Loaded,
        error: LastError,
        completed: Option<Timestamp>,
    ) -> Result<Loaded, VaultError> {
        let mut onboarding = known.enrollment.onboarding;
        let told = completed.map(|at| at.plus(self.settings.retention));
        onboarding.completed = completed.or(onboarding.completed);
        onboarding.state = next_attempt(onboarding.state, error, told);
        self.settle(known, onboarding).await
    }

    async fn blocked(
        &self,
        known: &Loaded,
        why: Blocked,
        now: Timestamp,
    ) -> Result<Loaded, VaultError> {
        tracing::info!(account = %self.hash(known.enrollment.account), ?why, "capture is blocked");
        self.settle(known, of_newest(known, State::Blocked { why, since: now })).await
    }

    async fn lost(&self, known: &Loaded, now: Timestamp) -> Result<Loaded, VaultError> {
        let account = known.enrollment.account;
        tracing::error!(account = %self.hash(account), "lost: Jumio deleted the facemap before it was captured");
        self.settle(known, of_newest(known, State::Lost { noticed_at: now })).await
    }

    async fn settle(&self, known: &Loaded, onboarding: Onboarding) -> Result<Loaded, VaultError> {
        let next = Enrollment { onboarding, ..known.enrollment.clone() };
        self.commit(Some(known), next, NewBody::Keep).await
    }
}

/// How one attempt ended.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The enrollment afterwards.
    pub(super) loaded: Loaded,
    /// What Jumio said, if it did not give the facemap.
    pub(super) refusal: Option<JumioError>,
}

impl From<Loaded> for Attempt {
    fn from(loaded: Loaded) -> Self {
        Self { loaded, refusal: None }
    }
}

fn of_newest(known: &Loaded, state: State) -> Onboarding {
    Onboarding { state, ..known.enrollment.onboarding }
}

/// What to fall back to if the onboarding turns out to be older than what serves or was erased.
fn superseded_by(enrollment: &Enrollment, details: &OnboardingDetails) -> Option<Onboarding> {
    let completed = details.completed?;
    let served = enrollment.facemap.as_ref();
    let by = |limit: Option<Timestamp>| limit.is_some_and(|at| completed <= at);
    if !by(enrollment.erased_at) && !by(served.and_then(|facemap| facemap.completed)) {
        return None;
    }
    // What serves was made after any erasure, so it goes on serving, and goes on being erasable.
    if let Some(served) = served {
        let (execution, completed) = (served.execution, served.completed);
        return Some(Onboarding { execution, completed, state: State::Captured });
    }
    let state = State::Erased { erased_at: enrollment.erased_at? };
    Some(Onboarding { state, completed: Some(completed), ..enrollment.onboarding })
}

/// Whether the onboarding may replace what serves, or come after what was erased: not if Jumio does
/// not tell its age.
fn is_known_newer(enrollment: &Enrollment, details: &OnboardingDetails) -> bool {
    let needs_age = enrollment.facemap.is_some() || enrollment.erased_at.is_some();
    !needs_age || details.completed.is_some()
}

/// Pending still, one attempt later. A deadline is only ever moved to the earlier side.
fn next_attempt(state: State, error: LastError, told: Option<Timestamp>) -> State {
    match state {
        State::Pending { capture_by, attempts, .. } => State::Pending {
            capture_by: told.map_or(capture_by, |told| told.min(capture_by)),
            attempts: attempts.saturating_add(1),
            last_error: Some(error),
        },
        State::Blocked { .. } | State::Captured | State::Lost { .. } | State::Erased { .. } => {
            state
        }
    }
}

fn last_error(error: &JumioError) -> LastError {
    match error {
        JumioError::NotFound { .. } => LastError::NotYet,
        JumioError::Throttled { .. } => LastError::RateLimited,
        JumioError::Unavailable { .. }
        | JumioError::UploadInterrupted { .. }
        | JumioError::OutcomeUnknown { .. } => LastError::Unavailable,
        JumioError::Timeout { .. } => LastError::Timeout,
        JumioError::CredentialsRejected => LastError::CredentialsRejected,
        JumioError::PermissionMissing { .. } => LastError::PermissionMissing,
        JumioError::ResponseUnexpected { .. } => LastError::ResponseUnexpected,
        JumioError::UrlRejected { .. } => LastError::UrlRejected,
        JumioError::WorkflowNotEnabled
        | JumioError::Refused { .. }
        | JumioError::FacemapTooLong { .. } => LastError::Refused,
    }
}
