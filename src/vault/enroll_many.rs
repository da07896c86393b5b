//! Many onboardings are enrolled at once: those of an existing user base. One durable unit for a
//! whole page, so that a million rows cost a thousand syncs and not a million.

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::jumio::Jumio;
use crate::model::Timestamp;
use crate::store::{Applied, Store, StoreError};

use super::{Enroll, Registered, Vault, VaultError};

/// Most requests in one call: what one durable unit may hold up others for.
pub const ENROLL_MANY_MAX: usize = 1000;

/// Accounts we already know, looked at side by side.
const KNOWN_AT_ONCE: usize = 64;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// As [`Vault::enroll`] for each of at most [`ENROLL_MANY_MAX`] requests, in their order; the
    /// answers are in the same order. An account may be named more than once.
    ///
    /// A request that can never succeed ([`VaultError::Erased`], or a record that does not open) is an
    /// answer and does not stop the others.
    ///
    /// # Errors
    ///
    /// By what is wrong with the store; some requests may be durable nevertheless. Repeating all of
    /// them is harmless.
    pub async fn enroll_many(
        &self,
        requests: Vec<Enroll>,
        now: Timestamp,
    ) -> Result<Vec<Result<Registered, VaultError>>, VaultError> {
        let Some(first) = requests.first().map(|request| request.account) else {
            return Ok(Vec::new());
        };
        let ring = self.ring.now();
        let mut moves = Vec::with_capacity(requests.len());
        for &request in &requests {
            let row = ring.row_key(request.account);
            moves.push(self.prepared(&ring, row, None, self.enrollment_for(None, request, now))?);
        }
        let applied = match self.commit_many(ring, moves).await {
            Ok(applied) => applied,
            // One damaged record must not keep the others out: one by one, then.
            Err(VaultError::Store(StoreError::Corrupt { .. })) => {
                vec![Applied::Conflict; requests.len()]
            }
            Err(VaultError::Store(error)) => return Err(VaultError::of_store(first, error)),
            Err(error) => return Err(error),
        };
        let answers = stream::iter(requests.into_iter().zip(applied))
            .map(|(request, applied)| self.registered(request, applied, now))
            .buffered(KNOWN_AT_ONCE);
        answers.map(for_good).collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn registered(
        &self,
        request: Enroll,
        applied: Applied,
        now: Timestamp,
    ) -> Result<Registered, VaultError> {
        match applied {
            Applied::Yes => Ok(Registered::New),
            Applied::Conflict => self.enroll_one(request, now).await.map(|(_, answer)| answer),
        }
    }
}

/// What a request ended with: an answer for itself, or a failure of the whole page.
fn for_good(
    answer: Result<Registered, VaultError>,
) -> Result<Result<Registered, VaultError>, VaultError> {
    match answer {
        Ok(registered) => Ok(Ok(registered)),
        Err(
            error @ (VaultError::Erased
            | VaultError::Damaged { .. }
            | VaultError::Unreadable { .. }),
        ) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}
