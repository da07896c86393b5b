//! What nobody tries any more is tried again, because something changed at Jumio or in somebody's
//! mind.

use crate::jumio::Jumio;
use crate::model::{AccountId, Blocked, Enrollment, Onboarding, RowKey, State, Timestamp};
use crate::store::{Applied, Store};

use super::rows::TRIES;
use super::{Loaded, NewBody, Vault, VaultError};

/// What one page of [`Vault::retry_blocked`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reopened {
    /// How many enrollments are pending again.
    pub count: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<RowKey>,
}

/// Records looked at for one page.
const PAGE: usize = 1000;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Makes a blocked, lost or closed onboarding pending and open, ready to be captured. One that is
    /// pending anyway or captured stays as it is.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`], [`VaultError::Erased`], or by what is wrong with the store.
    pub async fn retry(&self, account: AccountId) -> Result<Loaded, VaultError> {
        for _ in 0..TRIES {
            let known = self.enrollment(account).await?;
            if let State::Erased { .. } = known.enrollment.onboarding.state {
                return Err(VaultError::Erased);
            }
            let Some(next) = self.reopened(&known.enrollment) else { return Ok(known) };
            match self.commit(Some(&known), next, NewBody::Keep).await {
                Err(VaultError::Conflict) => {}
                result => return result,
            }
        }
        Err(VaultError::Conflict)
    }

    /// Makes open onboardings that are blocked for this reason pending, one page of records after
    /// `after`, and leaves them to the sweep. Closed ones stay closed. One that somebody changes
    /// meanwhile is passed over.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the store cannot be read or written.
    pub async fn retry_blocked(
        &self,
        why: Blocked,
        after: Option<RowKey>,
    ) -> Result<Reopened, VaultError> {
        if self.census().blocked.get(&why).is_none_or(|count| *count == 0) {
            return Ok(Reopened { count: 0, next: None });
        }
        let ring = self.ring.now();
        let page = self.store.records(after, PAGE).await.map_err(VaultError::Store)?;
        let next = page.last().map(|scanned| scanned.row);
        let mut moves = Vec::new();
        for scanned in page {
            let loaded =
                scanned.record.ok().and_then(|record| self.loaded_row(&ring, scanned.row, record));
            let Some(known) = loaded.filter(|loaded| is_blocked(&loaded.enrollment, why)) else {
                continue;
            };
            if let Some(next) = self.reopened(&known.enrollment) {
                moves.push(self.prepared(&ring, scanned.row, Some(known), next)?);
            }
        }
        let applied = self.commit_many(ring, moves).await?;
        let count = applied.iter().filter(|applied| **applied == Applied::Yes).count() as u64;
        Ok(Reopened { count, next })
    }

    /// The enrollment once it is tried again; `None` if that changes nothing.
    fn reopened(&self, enrollment: &Enrollment) -> Option<Enrollment> {
        let state = match enrollment.onboarding.state {
            State::Pending { .. } if enrollment.is_awaited() => return None,
            state @ State::Pending { .. } => state,
            State::Blocked { .. } | State::Lost { .. } => {
                let capture_by = since(enrollment).plus(self.settings.retention);
                State::Pending { capture_by, attempts: 0, last_error: None }
            }
            State::Captured | State::Erased { .. } => return None,
        };
        let onboarding = Onboarding { state, ..enrollment.onboarding };
        Some(Enrollment { onboarding, closed: None, ..enrollment.clone() })
    }
}

fn is_blocked(enrollment: &Enrollment, wanted: Blocked) -> bool {
    let is_wanted = |why| why == wanted && enrollment.closed.is_none();
    matches!(enrollment.onboarding.state, State::Blocked { why, .. } if is_wanted(why))
}

/// From when Jumio's retention counts. If nobody told, the last moment before the onboarding was
/// registered that we still know, so that the deadline is never later than the one it had.
fn since(enrollment: &Enrollment) -> Timestamp {
    let captured_at = enrollment.facemap.as_ref().map(|facemap| facemap.captured_at);
    let known = [Some(enrollment.created), captured_at, enrollment.erased_at];
    let latest = known.into_iter().flatten().max().unwrap_or(enrollment.created);
    enrollment.onboarding.completed.unwrap_or(latest)
}
