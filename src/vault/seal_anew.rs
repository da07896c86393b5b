//! A facemap is sealed anew under another data key, after an old key became known to others.

use crate::audit::Purpose;
use crate::crypto::{Keyring, SealError};
use crate::jumio::Jumio;
use crate::model::{RowKey, SealedRecord};
use crate::store::{BodyChange, Change, Store, StoreError};

use super::rewrap::change;
use super::{Vault, VaultError};

impl<S: Store, J: Jumio> Vault<S, J> {
    /// The change that gives the row a new data key, and its facemap a new body if it has one. `None` if it
    /// is no longer as `seen`.
    ///
    /// # Errors
    ///
    /// [`SealError::Unreadable`] if it does not open.
    pub(super) async fn sealed_row_anew(
        &self,
        ring: &Keyring,
        row: RowKey,
        seen: &SealedRecord,
    ) -> Result<Option<Change>, VaultError> {
        if seen.header.body_len == 0 {
            let next = ring.rewrap(row, seen).map_err(VaultError::Seal)?;
            return Ok(Some(change(row, seen, next, BodyChange::Keep)));
        }
        let unreadable =
            || VaultError::Seal(SealError::Unreadable(crate::crypto::OpenError::Tampered));
        let (record, body) = match self.store.record_with_body(row).await {
            Ok(Some((record, Some(body)))) => (record, body),
            Ok(None | Some((_, None))) => return Ok(None),
            Err(StoreError::Corrupt { .. }) => return Err(unreadable()),
            Err(error) => return Err(VaultError::of_store_alone(error)),
        };
        if record.revision() != seen.revision() {
            return Ok(None);
        }
        self.note_opened(row, Purpose::Resealing).leave();
        let (next, body) = ring.seal_anew(row, &record, body).map_err(VaultError::Seal)?;
        Ok(Some(change(row, &record, next, BodyChange::Set(body))))
    }
}
