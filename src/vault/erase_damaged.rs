//! A record that does not open is erased: nobody can say what it was, and it keeps an old key alive.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::audit::{Entry, Event, Urgency, about};
use crate::crypto::{Draft, OpenError};
use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Onboarding, State, Timestamp, WorkflowExecutionId};
use crate::store::{BodyChange, Change, Expect, Store, StoreError};

use super::{Loaded, Vault, VaultError, attributes, evidence};

/// Stands for the onboarding in a tombstone whose record could not be read.
const UNKNOWN: WorkflowExecutionId = WorkflowExecutionId::from_bytes([0; 16]);

impl<S: Store, J: Jumio> Vault<S, J> {
    /// As [`Vault::erase`], but also if the record of `account` does not open. For operators: whoever only
    /// calls is told of the damage instead, so that somebody looks at it.
    ///
    /// # Errors
    ///
    /// As [`Vault::erase`]; [`VaultError::Unreadable`] if it is only the key that is missing.
    pub async fn erase_whatever(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Loaded, VaultError> {
        match self.erase(account, now).await {
            Err(VaultError::Unreadable { source: OpenError::UnknownKek(kek), account }) => {
                Err(VaultError::Unreadable { source: OpenError::UnknownKek(kek), account })
            }
            Err(VaultError::Unreadable { .. } | VaultError::Damaged { .. }) => {
                self.erase_damaged(account, now).await
            }
            result => result,
        }
    }

    async fn erase_damaged(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Loaded, VaultError> {
        self.must_be_recorded(Urgency::Reserved)?;
        let ring = self.ring.now();
        let row = ring.row_key(account);
        about(row);
        let (expect, previous) = match self.store.record(row).await {
            Ok(Some(found)) if found.header.legal_hold => return Err(VaultError::OnLegalHold),
            Ok(Some(found)) => (Expect::Revision(found.revision()), found.header.sequence),
            Ok(None) => return Err(VaultError::NotEnrolled(account)),
            Err(StoreError::Corrupt { .. }) => (Expect::Damaged, 0),
            Err(error) => return Err(VaultError::of_store(account, error)),
        };
        let onboarding = Onboarding {
            execution: UNKNOWN,
            completed: None,
            state: State::Erased { erased_at: now },
        };
        let next =
            Enrollment { erased_at: Some(now), ..Enrollment::pending(account, now, onboarding) };
        let draft = Draft {
            legal_hold: false,
            // Generations rise. What this one was cannot be known; it counted changes, not milliseconds.
            generation: now.as_millis(),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            created: now,
            completed: None,
            due: None,
        };
        let sealed = ring.seal_empty(row, &draft, &attributes::encode(&next))?;
        let change = Change { row, expect, record: sealed.clone(), body: BodyChange::Remove };
        let after = Loaded { enrollment: next, record: sealed };
        let entry = evidence::change(&ring, row, None, &after, Some(Event::Erased))?;
        let entry = Entry { previous, ..entry };
        let (census, ledger) = (Arc::clone(&self.census), Arc::clone(&self.ledger));
        let record = move |after: &Loaded| {
            census.mended(after);
            ledger.submit(vec![entry])
        };
        let erased = self.write_recorded(ring, change, after, record).await?;
        self.in_flight.forget(account);
        tracing::warn!(account = %self.hash(account), "a record that did not open was erased");
        Ok(erased)
    }
}
