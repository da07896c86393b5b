//! Rows in and out: a record is opened when it is read, and sealed before it is written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::crypto::{Draft, OpenError};
use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Facemap, RowKey, SealedRecord};
use crate::store::{BodyChange, Change, Expect, Store, StoreError};

use super::{Loaded, Vault, VaultError, attributes};

/// What a commit does to the body.
pub(super) enum NewBody<'a> {
    /// It stays.
    Keep,
    /// It is sealed and set.
    Set(&'a Facemap),
    /// It is removed.
    Remove,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// The enrollment of `account`, if there is one.
    pub(super) async fn load(&self, account: AccountId) -> Result<Option<Loaded>, VaultError> {
        let row = self.keyring.row_key(account);
        let of_store = |error| VaultError::of_store(account, error);
        match self.store.record(row).await.map_err(of_store)? {
            Some(record) => self.loaded(account, row, record).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a record's attributes.
    pub(super) fn loaded(
        &self,
        account: AccountId,
        row: RowKey,
        record: SealedRecord,
    ) -> Result<Loaded, VaultError> {
        let unreadable = |source| VaultError::Unreadable { account, source };
        let bytes = self.keyring.open_attributes(row, &record).map_err(unreadable)?;
        match attributes::decode(&bytes, &record.header) {
            Some(enrollment) if enrollment.account == account => Ok(Loaded { enrollment, record }),
            Some(_) | None => Err(unreadable(OpenError::Tampered)),
        }
    }

    /// Seals `next` and makes it durable, if the row still is as `previous` was read.
    pub(super) async fn commit(
        &self,
        previous: Option<&Loaded>,
        next: Enrollment,
        body: NewBody<'_>,
    ) -> Result<Loaded, VaultError> {
        let row = self.keyring.row_key(next.account);
        let (record, body) = self.sealed(row, previous, &next, body)?;
        let expect =
            previous.map_or(Expect::Absent, |loaded| Expect::Revision(loaded.record.revision()));
        let change = Change { row, expect, record: record.clone(), body };
        let (account, before) = (next.account, previous.cloned());
        let after = Loaded { enrollment: next, record };
        let (store, census) = (Arc::clone(&self.store), Arc::clone(&self.census));
        // A task of its own: what is written is counted even if the caller goes away meanwhile.
        let written = tokio::spawn(async move {
            write(&*store, change).await?;
            census.moved(before.as_ref(), Some(&after));
            Ok(after)
        });
        let result = written.await.map_err(|_| VaultError::ShuttingDown)?;
        result.map_err(|error| VaultError::of_store(account, error))
    }

    /// Seals `next` as the row's next record, and its body if that changes.
    pub(super) fn sealed(
        &self,
        row: RowKey,
        previous: Option<&Loaded>,
        next: &Enrollment,
        body: NewBody<'_>,
    ) -> Result<(SealedRecord, BodyChange), VaultError> {
        let old = previous.map(|loaded| &loaded.record);
        let attributes = attributes::encode(next);
        let mut draft = Draft {
            legal_hold: old.is_some_and(|record| record.header.legal_hold),
            generation: old.map_or(0, |record| record.header.generation),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            created: next.created,
            completed: next.onboarding.completed,
            due: next.due(),
        };
        let has_body = old.filter(|record| record.header.body_len > 0);
        Ok(match (body, has_body) {
            (NewBody::Set(facemap), _) => {
                draft.generation += 1;
                let (record, body) =
                    self.keyring.seal_facemap(row, &draft, facemap, &attributes)?;
                (record, BodyChange::Set(body))
            }
            (NewBody::Keep, Some(old)) => {
                let record = self.keyring.reseal(row, old, &draft, &attributes)?;
                (record, BodyChange::Keep)
            }
            (NewBody::Keep, None) => {
                (self.keyring.seal_empty(row, &draft, &attributes)?, BodyChange::Keep)
            }
            (NewBody::Remove, _) => {
                (self.keyring.seal_empty(row, &draft, &attributes)?, BodyChange::Remove)
            }
        })
    }
}

/// Commits `change`. If the store's answer is lost, looks whether it happened, and repeats it if not:
/// the same change twice is harmless.
async fn write(store: &impl Store, change: Change) -> Result<(), StoreError> {
    const TRIES: usize = 3;
    let revision = change.record.revision();
    for _ in 0..TRIES {
        match store.commit(change.clone()).await {
            Err(StoreError::Ambiguous) => {}
            result => return result,
        }
        if store.record(change.row).await?.is_some_and(|found| found.revision() == revision) {
            return Ok(());
        }
    }
    Err(StoreError::Ambiguous)
}
