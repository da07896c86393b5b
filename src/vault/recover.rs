//! What the store has lost is registered again, by what the audit trail knows of it.

use crate::audit::{Entry, RowSet};
use crate::jumio::Jumio;
use crate::model::{Enrollment, Onboarding, State, Timestamp};
use crate::store::Store;

use super::comparison::{self, Missing, RolledBack};
use super::{Loaded, NewBody, Vault, VaultError, census, evidence};

/// What [`Vault::recover`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Enrollments that are pending again: captured anew if Jumio still has them.
    pub pending: u64,
    /// Erasures that are in force again.
    pub erased: u64,
    /// Rows that the trail names and whose account it cannot tell.
    pub unknown: u64,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Makes good what a store that was set back does not have: an erasure is done again, anything else
    /// is pending again and left to the sweep, which captures what Jumio still has. An older facemap that
    /// the store does have goes on serving meanwhile. At the end store and trail agree.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store or the trail. Repeating it goes on where it ended.
    pub async fn recover(&self, rolled_back: &RolledBack) -> Result<Recovered, VaultError> {
        let mut recovered = Recovered::default();
        for missing in &rolled_back.missing {
            match self.recover_row(missing).await? {
                Some(State::Erased { .. }) => recovered.erased += 1,
                Some(_) => recovered.pending += 1,
                None => recovered.unknown += 1,
            }
        }
        let (mut rows, mut sequence) = (RowSet::default(), self.ledger.store_sequence());
        let ring = self.ring.now();
        census::each(&*self.store, &ring, |row, seen| {
            if let Some(Loaded { record, .. }) = seen {
                rows.add(row, record.header.sequence, self.ledger.hmac());
                sequence = sequence.max(record.header.sequence);
            }
            Ok(())
        })
        .await?;
        comparison::agree(&self.ledger, rows, sequence).await?;
        Ok(recovered)
    }

    /// The state that the row has now; `None` if nobody can tell whose it is.
    async fn recover_row(&self, missing: &Missing) -> Result<Option<State>, VaultError> {
        let (trail, place) = (self.ledger.trail().clone(), missing.place);
        let record = tokio::task::spawn_blocking(move || trail.record_at(place)).await;
        let record = record.map_err(|_| VaultError::ShuttingDown)?.map_err(VaultError::Audit)?;
        let Some(entry) = record.map(|record| record.entry) else { return Ok(None) };
        let Some(recovery) = &entry.recovery else { return Ok(None) };
        let ring = self.ring.now();
        let opened = ring.open_recovery(missing.row, missing.acknowledged, &recovery[..]);
        let Ok((account, execution)) = opened else { return Ok(None) };
        let known = self.load(account).await?;
        let state = self.state_again(&entry);
        let completed = known.as_ref().and_then(|known| {
            let onboarding = known.enrollment.onboarding;
            onboarding.completed.filter(|_| onboarding.execution == execution)
        });
        let onboarding = Onboarding { execution, completed, state };
        let mut next = match &known {
            Some(known) => Enrollment { onboarding, closed: None, ..known.enrollment.clone() },
            None => Enrollment::pending(account, entry.at, onboarding),
        };
        let mut body = NewBody::Keep;
        if let State::Erased { erased_at } = state {
            (next.facemap, next.erased_at, body) = (None, Some(erased_at), NewBody::Remove);
        }
        self.commit_recovered(known.as_ref(), next, body, missing.generation).await?;
        Ok(Some(state))
    }

    /// What the row was acknowledged to be: erased, or to be captured.
    fn state_again(&self, entry: &Entry) -> State {
        let moment = Timestamp::from_millis(entry.value);
        if entry.detail == evidence::ERASED {
            return State::Erased { erased_at: moment };
        }
        // Of what was pending the deadline is known. What was captured was completed before that.
        let capture_by = match entry.detail == evidence::PENDING && entry.value > 0 {
            true => moment,
            false => entry.at.plus(self.settings.retention),
        };
        State::Pending { capture_by, attempts: 0, last_error: None }
    }
}
