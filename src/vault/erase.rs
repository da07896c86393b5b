//! An enrollment is erased: first stage, hidden. A tombstone stays.

use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Onboarding, Revision, State, Timestamp};
use crate::store::Store;

use super::rows::TRIES;
use super::{Loaded, NewBody, Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Erases the facemap of `account` and its wrapped key; from now on no call can serve it. A
    /// capture under way cannot bring it back: its commit no longer finds the row as it was.
    ///
    /// Erasing twice is harmless and gives the first tombstone.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`], [`VaultError::OnLegalHold`], or by what is wrong with the store.
    pub async fn erase(&self, account: AccountId, now: Timestamp) -> Result<Loaded, VaultError> {
        self.erase_seen(account, None, now).await
    }

    /// As [`Vault::erase`], but only the record that was `seen` at that revision, if one is given.
    ///
    /// # Errors
    ///
    /// Also [`VaultError::Conflict`], if the record has changed since and is not erased.
    pub async fn erase_seen(
        &self,
        account: AccountId,
        seen: Option<Revision>,
        now: Timestamp,
    ) -> Result<Loaded, VaultError> {
        for _ in 0..TRIES {
            let known = self.enrollment(account).await?;
            let Enrollment { onboarding, facemap, .. } = &known.enrollment;
            // The state alone does not say that nothing is left; the facemap does.
            if matches!(onboarding.state, State::Erased { .. }) && facemap.is_none() {
                return Ok(known);
            }
            if seen.is_some_and(|seen| seen != known.record.revision()) {
                return Err(VaultError::Conflict);
            }
            if known.record.header.legal_hold {
                return Err(VaultError::OnLegalHold);
            }
            let state = State::Erased { erased_at: now };
            let onboarding = Onboarding { state, ..known.enrollment.onboarding };
            let next = Enrollment {
                onboarding,
                facemap: None,
                erased_at: Some(now),
                closed: None,
                ..known.enrollment.clone()
            };
            match self.commit(Some(&known), next, NewBody::Remove).await {
                Err(VaultError::Conflict) => {}
                Ok(erased) => {
                    // What was started with the facemap is not handed out again.
                    self.in_flight.forget(account);
                    return Ok(erased);
                }
                Err(error) => return Err(error),
            }
        }
        Err(VaultError::Conflict)
    }
}
