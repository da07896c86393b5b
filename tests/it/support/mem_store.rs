//! The second implementation of [`Store`]: two maps under one lock, and failures on demand.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use facemap_vault::model::{BodyPrefix, RowKey, SealedBody, SealedRecord, Timestamp};
use facemap_vault::store::{
    Applied, BATCH_MAX, BodyChange, Change, Due, Expect, Note, NoteName, Scanned, Store, StoreError,
};

/// Records in memory. A clone shares them, so dropping the vault and making a new one over a clone
/// is a crash and a restart.
#[derive(Clone, Default)]
pub(crate) struct MemStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    records: BTreeMap<RowKey, SealedRecord>,
    bodies: BTreeMap<RowKey, SealedBody>,
    due: BTreeSet<Due>,
    notes: BTreeMap<NoteName, Vec<u8>>,
    failing: Option<(usize, Failure)>,
}

/// How the next commits fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing happens: [`StoreError::Unavailable`].
    Unavailable,
    /// Nothing happens, but the caller cannot know: [`StoreError::Ambiguous`].
    AnswerLostUndone,
    /// It happens, but the caller cannot know: [`StoreError::Ambiguous`].
    AnswerLostDone,
}

impl MemStore {
    /// Lets the next `count` commits fail; zero ends it.
    pub(crate) fn fail_next(&self, count: usize, how: Failure) {
        self.state().failing = Some((count, how));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn take_failure(&mut self) -> Option<Failure> {
        let (count, how) = self.failing.take()?;
        let rest = count.checked_sub(1)?;
        self.failing = Some((rest, how));
        Some(how)
    }

    fn commit(
        &mut self,
        changes: Vec<Change>,
        note: Option<Note>,
    ) -> Result<Vec<Applied>, StoreError> {
        if changes.len() > BATCH_MAX {
            return Err(StoreError::Unavailable("too many changes at once".to_owned()));
        }
        let failure = self.take_failure();
        match failure {
            Some(Failure::Unavailable) => {
                return Err(StoreError::Unavailable("as the test asked".to_owned()));
            }
            Some(Failure::AnswerLostUndone) => return Err(StoreError::Ambiguous),
            Some(Failure::AnswerLostDone) | None => {}
        }
        match note {
            Some(Note { name, content: Some(content) }) => drop(self.notes.insert(name, content)),
            Some(Note { name, content: None }) => drop(self.notes.remove(&name)),
            None => {}
        }
        let mut named = HashSet::new();
        let apply = |change: Change| match named.insert(change.row) {
            true => self.apply(change),
            false => Applied::Conflict,
        };
        let applied = changes.into_iter().map(apply).collect();
        match failure {
            Some(_) => Err(StoreError::Ambiguous),
            None => Ok(applied),
        }
    }

    fn apply(&mut self, change: Change) -> Applied {
        let row = change.row;
        let found = self.records.get(&row);
        if found == Some(&change.record) {
            return Applied::Yes;
        }
        let as_expected = match change.expect {
            Expect::Absent => found.is_none(),
            Expect::Damaged => false,
            Expect::Revision(revision) => found.is_some_and(|found| found.revision() == revision),
        };
        if !as_expected {
            return Applied::Conflict;
        }
        if let Some(at) = found.and_then(|found| found.header.due) {
            self.due.remove(&Due { at, row });
        }
        if let Some(at) = change.record.header.due {
            self.due.insert(Due { at, row });
        }
        match change.body {
            BodyChange::Keep => None,
            BodyChange::Set(body) => self.bodies.insert(row, body),
            BodyChange::Remove => self.bodies.remove(&row),
        };
        self.records.insert(row, change.record);
        Applied::Yes
    }
}

impl Store for MemStore {
    async fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        Ok(self.state().records.get(&row).cloned())
    }

    async fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        let state = self.state();
        let Some(record) = state.records.get(&row).cloned() else { return Ok(None) };
        if record.header.body_len == 0 {
            return Ok(Some((record, None)));
        }
        match state.bodies.get(&row) {
            Some(body) if body.0.len() == record.header.body_len as usize => {
                Ok(Some((record, Some(body.clone()))))
            }
            Some(_) => Err(StoreError::Corrupt { row, what: "its body has another length" }),
            None => Err(StoreError::Corrupt { row, what: "its body is missing" }),
        }
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        match self.state().commit(vec![change], None)?[0] {
            Applied::Yes => Ok(()),
            Applied::Conflict => Err(StoreError::Conflict),
        }
    }

    async fn commit_batch(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.state().commit(changes, None)
    }

    async fn commit_noted(
        &self,
        changes: Vec<Change>,
        note: Note,
    ) -> Result<Vec<Applied>, StoreError> {
        self.state().commit(changes, Some(note))
    }

    async fn note(&self, name: NoteName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().notes.get(&name).cloned())
    }

    async fn body_prefixes(
        &self,
        rows: Vec<RowKey>,
    ) -> Result<Vec<Option<BodyPrefix>>, StoreError> {
        let state = self.state();
        let prefix = |row| state.bodies.get(row).and_then(|body| body.0.first_chunk().copied());
        Ok(rows.iter().map(prefix).collect())
    }

    async fn drop_replaced(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let due = state.due.range((from, Bound::Unbounded)).copied();
        Ok(due.take_while(|due| due.at < before).take(limit).collect())
    }

    async fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let records = state.records.range((from, Bound::Unbounded));
        let scanned =
            |(&row, record): (_, &SealedRecord)| Scanned { row, record: Ok(record.clone()) };
        Ok(records.take(limit).map(scanned).collect())
    }

    async fn size(&self) -> Result<u64, StoreError> {
        let state = self.state();
        let records: usize = state.records.values().map(|record| record.to_bytes().len()).sum();
        let bodies: usize = state.bodies.values().map(|body| body.0.len()).sum();
        Ok((records + bodies) as u64)
    }
}
