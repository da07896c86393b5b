//! [`RocksStore`]: the store on one machine's disk, over RocksDB.
//!
//! ```text
//! column family   key                     value
//! default         "identity"              format number, mode, vault id
//!                 "note/..."              what a job in the background must remember
//! meta            row key (32)            record: clear header and sealed part
//! prefix          row key (32)            the first 56 bytes of the sealed facemap
//! body            row key (32)            the rest of it, in blob files from 4 KiB
//! due             time (8) | row key      empty; times in big-endian milliseconds
//! ```
//!
//! A change reads its row, compares, and writes all families in one batch that is synced before
//! anybody hears of it. Writers of different rows share a sync.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::{task, time};

use crate::model::{BodyPrefix, RowKey, SealedBody, SealedRecord, Timestamp};

use super::engine::Engine;
use super::slot::Slot;
use super::verify::Report;
use super::{Applied, Change, Due, Note, NoteName, Scanned, Store, StoreError};

/// Sealed records in a RocksDB database that this process alone has open.
///
/// Made by [`RocksStore::create`] and [`RocksStore::open`]. A change whose future is
/// dropped may still happen. Dropping the store closes it; [`RocksStore::close`] also tells how that
/// went.
pub struct RocksStore {
    pub(super) slot: Arc<Slot>,
}

impl RocksStore {
    /// Walks everything and compares records, bodies and due index. Reads every body once or twice,
    /// so it takes as long as the disk needs for that.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the disk fails. Damage is not an error but in the report.
    pub async fn verify(&self) -> Result<Report, StoreError> {
        self.read(|engine| engine.verify()).await
    }

    /// Brings everything into its final files and closes the store.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`]. Nothing is lost by it: what was acknowledged is in the log.
    pub async fn close(self) -> Result<(), StoreError> {
        let slot = self.slot;
        let flushed = task::spawn_blocking(move || slot.with(Engine::flush));
        flushed.await.map_err(|_| StoreError::Poisoned)?
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = Arc::clone(&self.slot);
        let done = task::spawn_blocking(move || slot.with(work));
        done.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    async fn write(
        &self,
        changes: Vec<Change>,
        note: Option<Note>,
    ) -> Result<Vec<Applied>, StoreError> {
        let changes = Arc::new((changes, note));
        let give_up = Instant::now() + STALL_MAX;
        loop {
            let (slot, changes) = (Arc::clone(&self.slot), Arc::clone(&changes));
            let work = move || {
                let (changes, note) = &*changes;
                slot.with(|engine| engine.commit_batch(changes, note.as_ref()))
            };
            let done = task::spawn_blocking(work);
            if let Some(applied) = done.await.map_err(|_| StoreError::Ambiguous)?? {
                return Ok(applied);
            }
            self.check_writable().await?;
            if Instant::now() > give_up {
                return Err(StoreError::Unavailable("the disk does not keep up".to_owned()));
            }
            time::sleep(STALL_PAUSE).await;
        }
    }
}

/// How long a change waits while the engine is behind with its own writing. Longer than any pause a
/// working disk was seen to make, shorter than callers wait.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Longest a reader may keep the moment it looks at, when what it shows is to be dropped.
const READERS_MAX: Duration = Duration::from_secs(60);
/// How often it asks again.
const STALL_PAUSE: Duration = Duration::from_millis(5);

impl Store for RocksStore {
    async fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        self.read(move |engine| engine.record(row)).await
    }

    async fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        self.read(move |engine| engine.record_with_body(row)).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        match self.write(vec![change], None).await?.as_slice() {
            [Applied::Yes] => Ok(()),
            _ => Err(StoreError::Conflict),
        }
    }

    async fn commit_batch(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.write(changes, None).await
    }

    async fn commit_noted(
        &self,
        changes: Vec<Change>,
        note: Note,
    ) -> Result<Vec<Applied>, StoreError> {
        self.write(changes, Some(note)).await
    }

    async fn note(&self, name: NoteName) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |engine| engine.note(name)).await
    }

    async fn body_prefixes(
        &self,
        rows: Vec<RowKey>,
    ) -> Result<Vec<Option<BodyPrefix>>, StoreError> {
        self.read(move |engine| engine.body_prefixes(&rows)).await
    }

    async fn drop_replaced(&self) -> Result<(), StoreError> {
        let began = Instant::now();
        let now = self.read(|engine| Ok(engine.db.latest_sequence_number())).await?;
        // What a reader's moment still shows is kept; so those that began before must be over.
        while self.read(move |engine| engine.is_read_before(now)).await? {
            if began.elapsed() > READERS_MAX {
                return Err(StoreError::Unavailable("a reader does not end".to_owned()));
            }
            time::sleep(STALL_PAUSE).await;
        }
        self.read(Engine::drop_replaced).await?;
        while self.read(|engine| engine.has_leftovers()).await? {
            if began.elapsed() > READERS_MAX {
                return Err(StoreError::Unavailable("replaced files are not removed".to_owned()));
            }
            time::sleep(STALL_PAUSE).await;
        }
        Ok(())
    }

    async fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.read(move |engine| engine.due(after, before, limit)).await
    }

    async fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        self.read(move |engine| engine.records(after, limit)).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        let slot = Arc::clone(&self.slot);
        let looked = task::spawn_blocking(move || slot.check_writable());
        looked.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.read(|engine| {
            engine.size().map_err(|error| StoreError::Unavailable(error.to_string()))
        })
        .await
    }
}
