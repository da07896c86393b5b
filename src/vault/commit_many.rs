//! Several enrollments change in one durable unit.

use std::sync::Arc;

use crate::audit::{Entry, Urgency};
use crate::crypto::Keyring;
use crate::jumio::Jumio;
use crate::model::{Enrollment, RowKey};
use crate::store::{Applied, BodyChange, Change, Expect, Store, StoreError};

use super::{Loaded, NewBody, Vault, VaultError, evidence};

/// What one enrollment was, and what it is to be. Its facemap stays.
pub(super) struct Move {
    row: RowKey,
    before: Option<Loaded>,
    after: Loaded,
    entry: Entry,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Seals `next` with `ring`, which was taken before `before` was read, so that it can be committed with
    /// others.
    pub(super) fn prepared(
        &self,
        ring: &Keyring,
        row: RowKey,
        before: Option<Loaded>,
        next: Enrollment,
    ) -> Result<Move, VaultError> {
        let (record, _) = self.sealed(ring, row, before.as_ref(), &next, NewBody::Keep, 0)?;
        let after = Loaded { enrollment: next, record };
        let entry = evidence::change(ring, row, before.as_ref(), &after, None)?;
        Ok(Move { row, before, after, entry })
    }

    /// Makes durable, together, all whose rows still are as they were read, with a record each in the audit
    /// trail, and tells which. `ring` is the
    /// one they were sealed with.
    pub(super) async fn commit_many(
        &self,
        ring: Arc<Keyring>,
        moves: Vec<Move>,
    ) -> Result<Vec<Applied>, VaultError> {
        self.must_be_recorded(Urgency::Normal)?;
        self.reserve_wraps().await?;
        let ledger = Arc::clone(&self.ledger);
        let (store, census) = (Arc::clone(&self.store), Arc::clone(&self.census));
        // A task of its own: what is written is counted even if the caller goes away meanwhile.
        let written = tokio::spawn(async move {
            let _ring = ring;
            let applied = match store.commit_batch(moves.iter().map(change).collect()).await {
                Err(StoreError::Ambiguous) => look_again(&*store, &moves).await?,
                result => result?,
            };
            let mut entries = Vec::with_capacity(moves.len());
            for (Move { before, after, entry, .. }, applied) in moves.into_iter().zip(&applied) {
                if *applied == Applied::Yes {
                    census.moved(before.as_ref(), Some(&after));
                    entries.push(entry);
                }
            }
            Ok((applied, ledger.submit(entries)))
        });
        let result = written.await.unwrap_or(Err(StoreError::Ambiguous));
        let (applied, receipt) = result.map_err(VaultError::Store)?;
        receipt.durable().await.map_err(VaultError::AuditUnavailable)?;
        Ok(applied)
    }
}

fn change(Move { row, before, after, .. }: &Move) -> Change {
    let revision = before.as_ref().map(|before| before.record.revision());
    let expect = revision.map_or(Expect::Absent, Expect::Revision);
    Change { row: *row, expect, record: after.record.clone(), body: BodyChange::Keep }
}

/// Which changes happened, if the store's answer was lost.
async fn look_again<S: Store>(store: &S, moves: &[Move]) -> Result<Vec<Applied>, StoreError> {
    let mut applied = Vec::with_capacity(moves.len());
    for Move { row, after, .. } in moves {
        let found = store.record(*row).await?;
        applied.push(match found.is_some_and(|found| found == after.record) {
            true => Applied::Yes,
            false => Applied::Conflict,
        });
    }
    Ok(applied)
}
