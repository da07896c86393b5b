//! A callback comes in: a rumour, which makes the vault ask Jumio at most once, and is believed never.

use std::mem::discriminant;
use std::time::Duration;

use tokio::time::Instant;

use crate::audit::CallbackEnd;
use crate::jumio::{Callback, Jumio};
use crate::model::{Enrollment, State, Timestamp};
use crate::store::Store;

use super::rumours::Advice;
use super::{Loaded, Vault, VaultError};

/// What became of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Jumio was asked, and the enrollment has another state now.
    EnrollmentUpdated,
    /// Jumio was asked, and an authentication that this process started has ended.
    AuthenticationUpdated,
    /// Nothing: of no interest here, too soon after the last look, or Jumio says otherwise.
    Ignored,
    /// Nothing: the same callback was here before.
    Duplicate,
}

/// What an execution is to the vault.
enum Known {
    /// The onboarding whose facemap is still to be captured.
    Pending,
    /// An onboarding that is settled.
    Settled,
    /// An authentication that this process started and has not seen ended.
    Running,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Follows up a callback, from whomever it came.
    ///
    /// Jumio is asked at most once a minute for each execution that the vault knows, and never for
    /// others: about those nothing is remembered either, so a callback never makes an enrollment. One
    /// that comes before the enrollment is not missed, since enrolling looks by itself. The answers
    /// about unknown and about erased accounts are the same.
    ///
    /// One that made the vault ask has a record, and so there is at most one a minute for each execution:
    /// whoever sends a million others does not make the trail grow.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store. That Jumio does not answer is no error: this was a rumour.
    pub async fn hear(&self, callback: &Callback, now: Timestamp) -> Result<Heard, VaultError> {
        let Some(loaded) = self.load(callback.account).await? else { return Ok(Heard::Ignored) };
        if let State::Erased { .. } = loaded.enrollment.onboarding.state {
            return Ok(Heard::Ignored);
        }
        // Asked first: an authentication that has ended is not known any more.
        if self.rumours.is_known(callback) {
            return Ok(Heard::Duplicate);
        }
        let Some(known) = self.known(&loaded.enrollment, callback) else {
            return Ok(Heard::Ignored);
        };
        let open = matches!(known, Known::Pending | Known::Running);
        let worth = open && callback.may_have_ended();
        match self.rumours.hear(callback, worth, Instant::now()) {
            Advice::Duplicate => return Ok(Heard::Duplicate),
            Advice::Ignore => return Ok(Heard::Ignored),
            Advice::Look => {}
        }
        let heard = match known {
            Known::Pending => self.look_at_onboarding(&loaded, now).await,
            Known::Running => Ok(self.look_at_authentication(callback).await),
            Known::Settled => return Ok(Heard::Ignored),
        };
        let end = match heard {
            Ok(Heard::EnrollmentUpdated) => CallbackEnd::Enrollment,
            Ok(Heard::AuthenticationUpdated) => CallbackEnd::Authentication,
            Ok(Heard::Ignored | Heard::Duplicate) | Err(_) => CallbackEnd::Unchanged,
        };
        self.note_callback(self.ring.now().row_key(callback.account), end);
        heard
    }

    fn known(&self, enrollment: &Enrollment, callback: &Callback) -> Option<Known> {
        let onboarding = &enrollment.onboarding;
        if onboarding.execution == callback.execution {
            let is_pending = enrollment.is_awaited();
            return Some(if is_pending { Known::Pending } else { Known::Settled });
        }
        if enrollment.facemap.as_ref().is_some_and(|f| f.execution == callback.execution) {
            return Some(Known::Settled);
        }
        let started = self.in_flight.started(callback.account, callback.execution);
        started.map(|_| Known::Running)
    }

    async fn look_at_onboarding(
        &self,
        before: &Loaded,
        now: Timestamp,
    ) -> Result<Heard, VaultError> {
        let before = &before.enrollment;
        let after = self.capture(before.account, now).await?.enrollment;
        let same = discriminant(&before.onboarding.state) == discriminant(&after.onboarding.state);
        Ok(if same { Heard::Ignored } else { Heard::EnrollmentUpdated })
    }

    async fn look_at_authentication(&self, callback: &Callback) -> Heard {
        let (account, execution) = (callback.account, callback.execution);
        match self.authentication(account, execution, Duration::ZERO).await {
            Ok(view) if view.has_ended() => Heard::AuthenticationUpdated,
            Ok(_) => Heard::Ignored,
            Err(error) => {
                tracing::info!(account = %self.hash(account), %execution, error = %error,
                    "a callback could not be followed up");
                Heard::Ignored
            }
        }
    }
}
