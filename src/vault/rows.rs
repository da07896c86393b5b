//! Rows in and out: a record is opened when it is read, and sealed before it is written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::audit::{Event, Receipt, Urgency, about};
use crate::crypto::{Draft, Keyring, OpenError, SealError};
use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Facemap, RecordHeader, RowKey, SealedRecord};
use crate::store::{BodyChange, Change, Expect, Store, StoreError};

use super::{Loaded, Vault, VaultError, attributes, evidence};

/// A change looks again this often when somebody else came between. More is no contest any more.
pub(super) const TRIES: usize = 100;

/// What a commit does to the body.
#[derive(Clone, Copy)]
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
        let ring = self.ring.now();
        let row = ring.row_key(account);
        about(row);
        let of_store = |error| VaultError::of_store(account, error);
        match self.store.record(row).await.map_err(of_store)? {
            Some(record) => self.loaded(&ring, account, row, record).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a record's attributes. `ring` was taken before the record was read.
    pub(super) fn loaded(
        &self,
        ring: &Keyring,
        account: AccountId,
        row: RowKey,
        record: SealedRecord,
    ) -> Result<Loaded, VaultError> {
        let unreadable = |source| VaultError::Unreadable { account, source };
        let bytes = self.ring.open(ring, |ring| ring.open_attributes(row, &record));
        let bytes = bytes.map_err(unreadable)?;
        match attributes::decode(&bytes, &record.header) {
            Some(enrollment) if enrollment.account == account => Ok(Loaded { enrollment, record }),
            Some(_) | None => Err(unreadable(OpenError::Tampered)),
        }
    }

    /// Seals `next` and makes it durable, and then its record in the audit trail, if the row still is as
    /// `previous` was read. That it was wrapped
    /// under another key since then is no change.
    pub(super) async fn commit(
        &self,
        previous: Option<&Loaded>,
        next: Enrollment,
        body: NewBody<'_>,
    ) -> Result<Loaded, VaultError> {
        let mut previous = previous.cloned();
        loop {
            match self.commit_as_read(previous.as_ref(), next.clone(), body, None).await {
                Err(VaultError::Conflict) => match self.rewrapped(previous.as_ref()).await? {
                    Some(record) => {
                        previous.iter_mut().for_each(|known| known.record = record.clone())
                    }
                    None => return Err(VaultError::Conflict),
                },
                result => return result,
            }
        }
    }

    /// What became of the record of `known`, if all that changed is the key that wraps it.
    async fn rewrapped(&self, known: Option<&Loaded>) -> Result<Option<SealedRecord>, VaultError> {
        let Some(Loaded { enrollment, record }) = known else { return Ok(None) };
        let row = self.ring.now().row_key(enrollment.account);
        let found = self.store.record(row).await;
        let found = found.map_err(|error| VaultError::of_store(enrollment.account, error))?;
        Ok(found.filter(|found| {
            let header = RecordHeader { kek: record.header.kek, ..found.header.clone() };
            header == record.header && found.revision() != record.revision()
        }))
    }

    /// As [`Vault::commit`], for a row of which a change was lost that had this generation.
    pub(super) async fn commit_recovered(
        &self,
        previous: Option<&Loaded>,
        next: Enrollment,
        body: NewBody<'_>,
        generation: u64,
    ) -> Result<Loaded, VaultError> {
        self.commit_as_read(previous, next, body, Some(generation)).await
    }

    async fn commit_as_read(
        &self,
        previous: Option<&Loaded>,
        next: Enrollment,
        body: NewBody<'_>,
        recovered: Option<u64>,
    ) -> Result<Loaded, VaultError> {
        let event = recovered.map(|_| Event::Recovered);
        let ring = self.ring.now();
        let row = ring.row_key(next.account);
        let noting = self.noting(row, body);
        let urgent = matches!(body, NewBody::Remove);
        self.must_be_recorded(if urgent { Urgency::Reserved } else { Urgency::Normal })?;
        let (record, body) =
            self.sealed(&ring, row, previous, &next, body, recovered.unwrap_or(0))?;
        let expect =
            previous.map_or(Expect::Absent, |loaded| Expect::Revision(loaded.record.revision()));
        let change = Change { row, expect, record: record.clone(), body };
        let after = Loaded { enrollment: next, record };
        let entry = evidence::change(&ring, row, previous, &after, event)?;
        let (census, before) = (Arc::clone(&self.census), previous.cloned());
        let record = move |after: &Loaded| {
            census.moved(before.as_ref(), Some(after));
            noting.with(entry)
        };
        self.write_recorded(ring, change, after, record).await
    }

    /// Makes `change`, which leaves `after`, durable; and then what `record` counts and hands in.
    pub(super) async fn write_recorded(
        &self,
        ring: Arc<Keyring>,
        change: Change,
        after: Loaded,
        record: impl FnOnce(&Loaded) -> Receipt + Send + 'static,
    ) -> Result<Loaded, VaultError> {
        self.reserve_wraps().await?;
        let account = after.enrollment.account;
        let store = Arc::clone(&self.store);
        // A task of its own: what is written is counted and recorded even if the caller goes away
        // meanwhile. It holds the ring, so that no key is destroyed that it still writes about.
        let written = tokio::spawn(async move {
            let _ring = ring;
            write(&*store, change).await?;
            let receipt = record(&after);
            Ok((after, receipt))
        });
        let result = written.await.map_err(|_| VaultError::ShuttingDown)?;
        let (after, receipt) = result.map_err(|error| VaultError::of_store(account, error))?;
        receipt.durable().await.map_err(VaultError::AuditUnavailable)?;
        Ok(after)
    }

    /// Seals `next` as the row's next record, and its body if that changes. What has no body yet has
    /// `generation_min` at least.
    ///
    /// # Errors
    ///
    /// [`VaultError::Conflict`] if `previous` names a key that is gone: so the row was rewrapped since.
    /// [`VaultError::Seal`].
    pub(super) fn sealed(
        &self,
        ring: &Keyring,
        row: RowKey,
        previous: Option<&Loaded>,
        next: &Enrollment,
        body: NewBody<'_>,
        generation_min: u64,
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
        if has_body.is_none() || !matches!(body, NewBody::Keep) {
            draft.generation = draft.generation.max(generation_min);
        }
        Ok(match (body, has_body) {
            (NewBody::Set(facemap), _) => {
                draft.generation += 1;
                let (record, body) = ring.seal_facemap(row, &draft, facemap, &attributes)?;
                (record, BodyChange::Set(body))
            }
            (NewBody::Keep, Some(old)) => match ring.reseal(row, old, &draft, &attributes) {
                Err(SealError::Unreadable(OpenError::UnknownKek(_))) => {
                    return Err(VaultError::Conflict);
                }
                record => (record?, BodyChange::Keep),
            },
            (NewBody::Keep, None) => (ring.seal_empty(row, &draft, &attributes)?, BodyChange::Keep),
            (NewBody::Remove, _) => {
                (ring.seal_empty(row, &draft, &attributes)?, BodyChange::Remove)
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
