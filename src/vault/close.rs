//! An operator gives up on a facemap, and says why.

use crate::jumio::Jumio;
use crate::model::{AccountId, Closed, Enrollment, State, Timestamp};
use crate::store::Store;

use super::rows::TRIES;
use super::{Loaded, NewBody, Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Gives up on the newest onboarding of `account`, which is pending, blocked or lost: it stays
    /// what it is, but nobody tries it or counts it as a concern any more. An older facemap that
    /// serves goes on serving. `reason` has 1 to [`crate::model::CLOSE_REASON_LEN_MAX`] printable
    /// characters. [`Vault::retry`] takes it back.
    ///
    /// Closing again with the same reason changes nothing; with another one it is the newer that
    /// counts.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`], [`VaultError::Captured`] or [`VaultError::Erased`] if there is
    /// nothing to give up, or by what is wrong with the store.
    pub async fn close(
        &self,
        account: AccountId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Loaded, VaultError> {
        for _ in 0..TRIES {
            let known = self.enrollment(account).await?;
            match known.enrollment.onboarding.state {
                State::Pending { .. } | State::Blocked { .. } | State::Lost { .. } => {}
                State::Captured => return Err(VaultError::Captured),
                State::Erased { .. } => return Err(VaultError::Erased),
            }
            if known.enrollment.closed.as_ref().is_some_and(|closed| closed.reason == reason) {
                return Ok(known);
            }
            let closed = Some(Closed { at: now, reason: reason.to_owned() });
            let next = Enrollment { closed, ..known.enrollment.clone() };
            match self.commit(Some(&known), next, NewBody::Keep).await {
                // A capture came between and may have brought it: look again.
                Err(VaultError::Conflict) => {}
                result => {
                    tracing::warn!(account = %self.hash(account), "closed by an operator");
                    return result;
                }
            }
        }
        Err(VaultError::Conflict)
    }
}
