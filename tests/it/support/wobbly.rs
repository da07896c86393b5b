//! A store that now and then lets others run first, before it does something and before it answers.

use std::sync::{Arc, Mutex};

use facemap_vault::model::{BodyPrefix, RowKey, SealedBody, SealedRecord, Timestamp};
use facemap_vault::store::{Applied, Change, Due, Note, NoteName, Scanned, Store, StoreError};

use super::rng::Rng;

/// Gives way to other tasks as chance wants, or never.
#[derive(Clone, Default)]
pub(crate) struct Wobble(Arc<Mutex<Option<Rng>>>);

/// `S`, with a [`Wobble`] before and after every call.
#[derive(Clone, Default)]
pub(crate) struct Wobbly<S> {
    pub(crate) inner: S,
    pub(crate) wobble: Wobble,
}

impl Wobble {
    /// From now on as this seed wants.
    pub(crate) fn begin(&self, seed: u64) {
        *self.0.lock().unwrap() = Some(Rng::new(seed));
    }

    /// Lets others run a few times, perhaps.
    pub(crate) async fn give_way(&self) {
        let times = self.0.lock().unwrap().as_mut().map_or(0, |rng| rng.below(6));
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    }
}

impl<S: Store> Store for Wobbly<S> {
    async fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        self.wobble.give_way().await;
        let result = self.inner.record(row).await;
        self.wobble.give_way().await;
        result
    }

    async fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        self.wobble.give_way().await;
        let result = self.inner.record_with_body(row).await;
        self.wobble.give_way().await;
        result
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.wobble.give_way().await;
        let result = self.inner.commit(change).await;
        self.wobble.give_way().await;
        result
    }

    async fn commit_batch(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.wobble.give_way().await;
        let result = self.inner.commit_batch(changes).await;
        self.wobble.give_way().await;
        result
    }

    async fn commit_noted(
        &self,
        changes: Vec<Change>,
        note: Note,
    ) -> Result<Vec<Applied>, StoreError> {
        self.wobble.give_way().await;
        let result = self.inner.commit_noted(changes, note).await;
        self.wobble.give_way().await;
        result
    }

    async fn note(&self, name: NoteName) -> Result<Option<Vec<u8>>, StoreError> {
        self.wobble.give_way().await;
        self.inner.note(name).await
    }

    async fn body_prefixes(
        &self,
        rows: Vec<RowKey>,
    ) -> Result<Vec<Option<BodyPrefix>>, StoreError> {
        self.wobble.give_way().await;
        self.inner.body_prefixes(rows).await
    }

    async fn drop_replaced(&self) -> Result<(), StoreError> {
        self.wobble.give_way().await;
        self.inner.drop_replaced().await
    }

    async fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.wobble.give_way().await;
        self.inner.due(after, before, limit).await
    }

    async fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        self.wobble.give_way().await;
        self.inner.records(after, limit).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.inner.size().await
    }
}
