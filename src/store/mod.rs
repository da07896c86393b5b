//! Where sealed records live. Sees ciphertext only: nothing here can name a key.
//!
//! [`Store`] is the seam to a distributed engine: it speaks of rows and bytes, never of column
//! families or SQL, and promises only what both kinds of engine can honour. [`RocksStore`] is the
//! one on the local disk.

mod bodies;
mod compact;
mod engine;
mod fault;
mod framing;
mod health;
mod look;
mod notes;
mod open;
mod open_error;
mod owner;
mod rocks;
mod row_locks;
mod settings;
mod slot;
mod verify;

pub use look::{KeyringNote, Look};
pub use open::Identity;
pub use open_error::OpenError;
pub use owner::{StoreUse, store_use};
pub use rocks::RocksStore;
pub use settings::Options;
pub use verify::{Finding, Report, Wrong};

pub mod keyring_file;

use std::future::Future;

use crate::model::{
    BodyPrefix, HeaderError, Revision, RowKey, SealedBody, SealedRecord, Timestamp,
};

/// Sealed records by row key, each with at most one sealed body, and an index of what is due.
///
/// Every change is one atomic, durable unit: when a call returns `Ok` it survives pulling the plug,
/// and record, body and due index changed together or not at all. Pages are ordered and resumable,
/// not snapshots; every act on an item of a page is again a compare-and-set.
pub trait Store: Send + Sync + 'static {
    /// The record at `row`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if it is damaged; otherwise [`StoreError::Unavailable`].
    fn record(
        &self,
        row: RowKey,
    ) -> impl Future<Output = Result<Option<SealedRecord>, StoreError>> + Send;

    /// The record at `row` with its body, read together.
    ///
    /// # Errors
    ///
    /// As [`Store::record`]; [`StoreError::Corrupt`] also if the record promises a body that is not
    /// there or has another length.
    fn record_with_body(
        &self,
        row: RowKey,
    ) -> impl Future<Output = Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError>> + Send;

    /// Applies one change if the row is as it expects.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the row has another revision: nothing was changed. Otherwise by
    /// what is wrong with the store; only [`StoreError::Ambiguous`] leaves open whether it happened.
    /// Repeating the identical change is harmless.
    fn commit(&self, change: Change) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Applies several changes to different rows in one durable unit and tells for each whether its
    /// row was as expected. At most [`BATCH_MAX`] changes.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`], for the batch as a whole.
    fn commit_batch(
        &self,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<Vec<Applied>, StoreError>> + Send;

    /// As [`Store::commit_batch`], with `note` in the same durable unit.
    ///
    /// # Errors
    ///
    /// As [`Store::commit_batch`].
    fn commit_noted(
        &self,
        changes: Vec<Change>,
        note: Note,
    ) -> impl Future<Output = Result<Vec<Applied>, StoreError>> + Send;

    /// The note `name`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    fn note(
        &self,
        name: NoteName,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// The first bytes of the bodies of `rows`, which ascend; `None` for one that is missing or shorter.
    /// Costs about as much as reading the records, however long the bodies are.
    ///
    /// # Errors
    ///
    /// As [`Store::record`].
    fn body_prefixes(
        &self,
        rows: Vec<RowKey>,
    ) -> impl Future<Output = Result<Vec<Option<BodyPrefix>>, StoreError>> + Send;

    /// Rewrites what is stored, so that no file holds a version of a record that was replaced or a body
    /// that was removed before this call. The disk's own spare blocks are out of reach.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    fn drop_replaced(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What is due before `before`, soonest first, after `after`; at most `limit` entries.
    ///
    /// # Errors
    ///
    /// As [`Store::record`].
    fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, StoreError>> + Send;

    /// Records in the order of their row keys, after `after`; at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::record`]. One damaged record does not hide the others: see [`Scanned`].
    fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Scanned>, StoreError>> + Send;

    /// Whether a change would be accepted now. A store that can bring itself back after trouble with its
    /// disk does so here, so this is called now and then.
    ///
    /// # Errors
    ///
    /// What a commit would fail with.
    fn check_writable(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// Bytes on disk, for status and metrics.
    ///
    /// # Errors
    ///
    /// As [`Store::record`].
    fn size(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// Most changes in one batch. Bounds memory and the time a batch holds its rows.
pub const BATCH_MAX: usize = 4096;

/// One account's next record, and what becomes of its body.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which row.
    pub row: RowKey,
    /// What the row must be for the change to apply.
    pub expect: Expect,
    /// The next record. The due index follows its header.
    pub record: SealedRecord,
    /// What becomes of the body.
    pub body: BodyChange,
}

/// Something small to be remembered beside the records.
#[derive(Debug, Clone)]
pub struct Note {
    /// Which one.
    pub name: NoteName,
    /// What to remember; `None` forgets it.
    pub content: Option<Vec<u8>>,
}

/// The notes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteName {
    /// The rotation of keys that is open.
    Rotation,
    /// How many data keys each KEK has wrapped at most.
    Wraps,
}

/// What a row must be for a change to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No record yet.
    Absent,
    /// The record with this revision.
    Revision(Revision),
    /// Bytes that are no record: what is to be replaced is damaged.
    Damaged,
}

/// What becomes of a body.
#[derive(Debug, Clone)]
pub enum BodyChange {
    /// It stays, or there is none.
    Keep,
    /// It is set, replacing an older one.
    Set(SealedBody),
    /// It is removed.
    Remove,
}

/// Whether one change of a batch applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is durable.
    Yes,
    /// The row was not as expected; nothing of this change was done.
    Conflict,
}

/// One entry of the due index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub row: RowKey,
}

/// One row of a page. A damaged record is reported in its place and hides no other.
#[derive(Debug, Clone)]
pub struct Scanned {
    /// Which row.
    pub row: RowKey,
    /// Its record, or what is wrong with it.
    pub record: Result<SealedRecord, HeaderError>,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row has another revision. Nothing was changed.
    #[error("the row was changed meanwhile")]
    Conflict,
    /// What is stored at `row` is damaged. Other rows are not affected.
    #[error("the stored bytes of {row:?} are damaged: {what}")]
    Corrupt {
        /// Which row.
        row: RowKey,
        /// What is wrong, without content.
        what: &'static str,
    },
    /// The disk is full. Nothing was changed.
    #[error("the disk of the store is full")]
    Full,
    /// The store is read-only. Nothing was changed.
    #[error("the store is read-only")]
    ReadOnly,
    /// A write could not be made durable. No further write is accepted until the store is opened
    /// anew, because what is on disk is unknown.
    #[error("an earlier write could not be made durable: restart the vault")]
    Poisoned,
    /// Nothing happened.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// It may have happened. The caller reads the row and looks for its own revision.
    #[error("the store's answer was lost")]
    Ambiguous,
}
