//! The work of a [`super::RocksStore`], done on threads that may block.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use rocksdb::{
    ColumnFamily, DB, DBPinnableSlice, DEFAULT_COLUMN_FAMILY_NAME, Error, ErrorKind, FlushOptions,
    IteratorMode, WriteBatch,
};

use crate::model::{RowKey, SealedRecord, Timestamp};

use super::health::{Health, check_disk};
use super::row_locks::RowLocks;
use super::settings::{self, BODY, DUE, META, PREFIX};
use super::{
    Applied, BATCH_MAX, BodyChange, Change, Due, Expect, Note, Scanned, StoreError, fault,
};

/// An open database.
pub(super) struct Engine {
    pub(super) db: DB,
    pub(super) path: PathBuf,
    /// See [`settings::Options::free_min`].
    pub(super) free_min: u64,
    /// Opened for reading: a flush of what was read from the log would wait for ever.
    pub(super) read_only: bool,
    pub(super) rows: RowLocks,
    pub(super) health: Health,
}

impl Engine {
    pub(super) fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        self.read(META, row)?.map(|bytes| parse(row, &bytes)).transpose()
    }

    /// All that match, in one synced batch. A row may be named once; again, it is a conflict. `None`
    /// if the engine takes no writes for the moment: nothing was changed.
    pub(super) fn commit_batch(
        &self,
        changes: &[Change],
        note: Option<&Note>,
    ) -> Result<Option<Vec<Applied>>, StoreError> {
        if changes.len() > BATCH_MAX {
            return Err(StoreError::Unavailable(format!("more than {BATCH_MAX} changes at once")));
        }
        self.health.check()?;
        let _held = self.rows.hold(changes.iter().map(|change| change.row));

        let mut batch = WriteBatch::with_capacity_bytes(changes.iter().map(batch_len).sum());
        let mut named = HashSet::with_capacity(changes.len());
        let mut applied = Vec::with_capacity(changes.len());
        for (change, found) in changes.iter().zip(self.read_rows(changes)) {
            let found = found.map_err(|error| fault::of_read(change.row, error.as_ref()))?;
            applied.push(match named.insert(change.row) {
                true => self.stage(change, found.as_deref(), &mut batch)?,
                false => Applied::Conflict,
            });
        }
        if let Some(note) = note {
            note.stage(&mut batch);
        }
        if !batch.is_empty() && !self.write(batch)? {
            return Ok(None);
        }
        Ok(Some(applied))
    }

    /// Compares with what was found in the row, and puts what is to be written into `batch`.
    fn stage(
        &self,
        change: &Change,
        found: Option<&[u8]>,
        batch: &mut WriteBatch,
    ) -> Result<Applied, StoreError> {
        let row = change.row;
        let next = change.record.to_bytes();
        if found == Some(next.as_slice()) {
            return Ok(Applied::Yes);
        }
        let found = found.map(|bytes| parse(row, bytes)).transpose();
        // Where it was due a damaged record does not say; a sweep passes over what is not.
        let (damaged, found) = match found {
            Err(StoreError::Corrupt { .. }) if change.expect == Expect::Damaged => (true, None),
            found => (false, found?),
        };
        let as_expected = match (change.expect, &found) {
            (Expect::Absent, None) => true,
            (Expect::Revision(revision), Some(found)) => found.revision() == revision,
            (Expect::Damaged, _) => damaged,
            (Expect::Absent, Some(_)) | (Expect::Revision(_), None) => false,
        };
        if !as_expected {
            return Ok(Applied::Conflict);
        }

        let was_due = found.as_ref().and_then(due_at);
        let is_due = due_at(&change.record);
        if was_due != is_due {
            if let Some(at) = was_due {
                batch.delete_cf(self.family(DUE), due_key(Due { at, row }));
            }
            if let Some(at) = is_due {
                batch.put_cf(self.family(DUE), due_key(Due { at, row }), []);
            }
        }
        self.stage_body(row, &change.body, batch);
        batch.put_cf(self.family(META), row.0, next);
        Ok(Applied::Yes)
    }

    /// Whether the batch was written; if not, the engine takes no writes for the moment.
    fn write(&self, batch: WriteBatch) -> Result<bool, StoreError> {
        check_disk(&self.path, self.free_min)?;
        match self.db.write_opt(batch, &settings::synced()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Incomplete => Ok(false),
            Err(error) => Err(self.refused(&error)),
        }
    }

    pub(super) fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let mut read = settings::read();
        read.set_iterate_upper_bound(before.as_millis().to_be_bytes());
        if let Some(after) = after {
            read.set_iterate_lower_bound(just_after(&due_key(after)));
        }
        let entries = self.db.iterator_cf_opt(self.family(DUE), read, IteratorMode::Start);
        let mut page = Vec::new();
        let mut last = after.map_or(RowKey([0; 32]), |after| after.row);
        for entry in entries {
            if page.len() == limit {
                break;
            }
            let (key, _) = entry.map_err(|error| fault::of_read(last, error.as_ref()))?;
            if let Some(due) = parse_due(&key) {
                last = due.row;
                page.push(due);
            }
        }
        Ok(page)
    }

    pub(super) fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        let mut read = settings::read();
        if let Some(after) = after {
            read.set_iterate_lower_bound(just_after(&after.0));
        }
        // The plain iterator: the other one copies each key and each record before they are parsed.
        let mut records = self.db.raw_iterator_cf_opt(self.family(META), read);
        let mut page = Vec::new();
        let mut last = after.unwrap_or(RowKey([0; 32]));
        records.seek_to_first();
        while let Some((key, bytes)) = records.item()
            && page.len() < limit
        {
            if let Ok(key) = <[u8; 32]>::try_from(key) {
                last = RowKey(key);
                page.push(Scanned { row: last, record: SealedRecord::parse(bytes) });
            }
            records.next();
        }
        records.status().map_err(|error| fault::of_read(last, error.as_ref()))?;
        Ok(page)
    }

    /// The lengths of all files in the directory: tables, blobs and the log.
    pub(super) fn size(&self) -> io::Result<u64> {
        let mut size = 0;
        for file in fs::read_dir(&self.path)? {
            match file?.metadata() {
                Ok(file) => size += file.len(),
                // Compaction removed it while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(size)
    }

    /// Brings the memtables into files, so that the next start has no log to read. Not while anything
    /// is wrong: the engine might wait for ever.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.check_writable()?;
        let families = [DEFAULT_COLUMN_FAMILY_NAME, META, PREFIX, BODY, DUE];
        let families = families.map(|name| self.family(name));
        self.db
            .flush_cfs_opt(&families.each_ref().map(|family| *family), &FlushOptions::default())
            .map_err(|error| fault::of_write(error.as_ref()))
    }

    pub(super) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("a store is opened with all its column families")
    }

    /// The records of all rows that are to change, in their order.
    fn read_rows(&self, changes: &[Change]) -> Vec<Result<Option<DBPinnableSlice<'_>>, Error>> {
        let (rows, sorted) = (
            changes.iter().map(|change| &change.row.0),
            changes.is_sorted_by_key(|change| change.row),
        );
        self.db.batched_multi_get_cf_opt(self.family(META), rows, sorted, &settings::read())
    }

    fn read(&self, name: &str, row: RowKey) -> Result<Option<DBPinnableSlice<'_>>, StoreError> {
        self.db
            .get_pinned_cf_opt(self.family(name), row.0, &settings::read())
            .map_err(|error| fault::of_read(row, error.as_ref()))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What cannot be flushed is in the log.
        let _ = self.flush();
    }
}

/// When `record` is due. The stored form spells "never" as zero.
pub(super) fn due_at(record: &SealedRecord) -> Option<Timestamp> {
    record.header.due.filter(|due| due.as_millis() != 0)
}

/// An entry's key: its time first, so that the soonest comes first.
pub(super) fn due_key(due: Due) -> [u8; 40] {
    let mut key = [0; 40];
    let fields = due.at.as_millis().to_be_bytes().into_iter().chain(due.row.0);
    for (to, from) in key.iter_mut().zip(fields) {
        *to = from;
    }
    key
}

/// The entry with this key; `None` for a key that no version of us wrote.
pub(super) fn parse_due(key: &[u8]) -> Option<Due> {
    let (at, row) = key.split_first_chunk()?;
    let at = Timestamp::from_millis(u64::from_be_bytes(*at));
    Some(Due { at, row: RowKey(row.try_into().ok()?) })
}

pub(super) fn parse(row: RowKey, bytes: &[u8]) -> Result<SealedRecord, StoreError> {
    SealedRecord::parse(bytes).map_err(|error| fault::of_record(row, error))
}

/// The smallest key greater than `key`.
fn just_after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Room for a change in a batch, so that bodies are not moved while it grows: keys, a record, a body.
fn batch_len(change: &Change) -> usize {
    let body = match &change.body {
        BodyChange::Set(body) => body.0.len(),
        BodyChange::Keep | BodyChange::Remove => 0,
    };
    512 + change.record.sealed.len() + body
}
