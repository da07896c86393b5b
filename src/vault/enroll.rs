//! An account is enrolled: the intent is durable before anything is tried.

use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Onboarding, State, Timestamp, WorkflowExecutionId};
use crate::store::Store;

use super::rows::TRIES;
use super::{Loaded, NewBody, Vault, VaultError};

/// A validated request to enroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enroll {
    /// The account.
    pub account: AccountId,
    /// The onboarding whose facemap is wanted.
    pub execution: WorkflowExecutionId,
    /// When it was completed, if the caller knows.
    pub completed: Option<Timestamp>,
}

/// Whether an onboarding was new to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is now enrolled.
    New,
    /// We knew it, or a newer one of the same account: nothing changed.
    Known,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Makes durable that the facemap of an onboarding is to be captured.
    ///
    /// The same account and execution again changes nothing, unless it tells of an earlier completion:
    /// then the deadline comes nearer. Another execution of a known account
    /// is a newer onboarding, unless the times of completion tell that it is older: the facemap that
    /// serves goes on until the newer one is captured.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`] if the onboarding was completed before the account was erased here;
    /// otherwise by what is wrong with the store.
    pub async fn enroll(&self, request: Enroll, now: Timestamp) -> Result<Loaded, VaultError> {
        self.enroll_one(request, now).await.map(|(loaded, _)| loaded)
    }

    /// [`Vault::enroll`], and whether that made anything new.
    pub(super) async fn enroll_one(
        &self,
        request: Enroll,
        now: Timestamp,
    ) -> Result<(Loaded, Registered), VaultError> {
        for _ in 0..TRIES {
            let known = self.load(request.account).await?;
            if let Some(known) = &known
                && known_execution(&known.enrollment, request.execution)
            {
                let Some(nearer) = self.nearer(&known.enrollment, request, now) else {
                    return Ok((known.clone(), Registered::Known));
                };
                match self.commit(Some(known), nearer, NewBody::Keep).await {
                    Err(VaultError::Conflict) => continue,
                    result => return result.map(|loaded| (loaded, Registered::Known)),
                }
            }
            let erased_at = known.as_ref().and_then(|known| known.enrollment.erased_at);
            if request.completed.is_some() && request.completed <= erased_at {
                return Err(VaultError::Erased);
            }
            if let Some(known) = &known
                && is_newer(&known.enrollment, request.completed)
            {
                return Ok((known.clone(), Registered::Known));
            }
            let next = self.enrollment_for(known.as_ref(), request, now);
            match self.commit(known.as_ref(), next, NewBody::Keep).await {
                // Somebody else enrolled or captured between our read and our write: look again.
                Err(VaultError::Conflict) => {}
                result => return result.map(|loaded| (loaded, Registered::New)),
            }
        }
        Err(VaultError::Conflict)
    }

    /// The enrollment with an earlier deadline, if the request tells of one: only Jumio knows better
    /// than the caller when the onboarding was completed, and only the earlier side is safe.
    fn nearer(&self, known: &Enrollment, request: Enroll, now: Timestamp) -> Option<Enrollment> {
        let onboarding = known.onboarding;
        let State::Pending { capture_by, attempts, last_error } = onboarding.state else {
            return None;
        };
        let completed = request.completed.filter(|&at| at <= now)?;
        let told = completed.plus(self.settings.retention);
        let state = State::Pending { capture_by: told, attempts, last_error };
        let completed = onboarding.completed.or(Some(completed));
        (onboarding.execution == request.execution && told < capture_by).then(|| Enrollment {
            onboarding: Onboarding { completed, state, ..onboarding },
            ..known.clone()
        })
    }

    /// The enrollment that `request` makes, beside what is known of the account.
    pub(super) fn enrollment_for(
        &self,
        known: Option<&Loaded>,
        request: Enroll,
        now: Timestamp,
    ) -> Enrollment {
        // Jumio counts from the last activity, so the true deadline can only be later than this. A
        // completion in the future is a mistake of the caller's and must not move it.
        let completed = request.completed.filter(|&at| at <= now);
        let capture_by = completed.unwrap_or(now).plus(self.settings.retention);
        let state = State::Pending { capture_by, attempts: 0, last_error: None };
        let onboarding = Onboarding { execution: request.execution, completed, state };
        match known {
            None => Enrollment::pending(request.account, now, onboarding),
            Some(known) => Enrollment { onboarding, closed: None, ..known.enrollment.clone() },
        }
    }
}

/// Whether we have been told of this onboarding: it is the newest, or the one whose facemap serves.
fn known_execution(enrollment: &Enrollment, execution: WorkflowExecutionId) -> bool {
    let serves = enrollment.facemap.as_ref().is_some_and(|f| f.execution == execution);
    serves || enrollment.onboarding.execution == execution
}

/// Whether the newest onboarding is wanted or here, and newer than one completed at `completed`. Requests may
/// arrive in any order, and the late one must not push the newer onboarding aside.
fn is_newer(enrollment: &Enrollment, completed: Option<Timestamp>) -> bool {
    let onboarding = &enrollment.onboarding;
    let stands = match onboarding.state {
        State::Captured => true,
        State::Pending { .. } => enrollment.is_awaited(),
        State::Blocked { .. } | State::Lost { .. } | State::Erased { .. } => false,
    };
    stands && completed.is_some_and(|completed| Some(completed) < onboarding.completed)
}
