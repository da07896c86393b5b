//! Enrollments in pages, soonest deadline first.

use futures_util::stream::{self, StreamExt as _};

use crate::crypto::Keyring;
use crate::jumio::Jumio;
use crate::model::{RowKey, SealedRecord, Timestamp};
use crate::store::{Due, Store, StoreError};

use super::{Loaded, Vault, VaultError};

/// Which enrollments to list, as far as the store can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFilter {
    /// Those still to be captured, but for the closed ones.
    pub pending: bool,
    /// All others.
    pub settled: bool,
    /// Only those to be captured before this moment.
    pub capture_by_before: Option<Timestamp>,
}

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Among those still to be captured, after this one.
    Pending(Option<Due>),
    /// Among all others, after this one.
    Settled(Option<RowKey>),
}

/// Some enrollments, and where to go on.
#[derive(Debug)]
pub struct Page {
    /// The enrollments.
    pub items: Vec<Loaded>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// Most rows looked at for one page. A page may therefore be short, or empty, and not the last.
const ROWS_MAX: usize = 10_000;

/// Rows read at once.
const ROWS_AT_ONCE: usize = 16;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// One page of at most `limit` enrollments that `keep` wants: first those still to be captured,
    /// soonest deadline first, then all others.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the store cannot be read. Damaged records are passed over here and
    /// counted in the census.
    pub async fn list(
        &self,
        filter: ListFilter,
        keep: impl Fn(&Loaded) -> bool,
        from: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, VaultError> {
        let mut items = Vec::new();
        let mut looked_at = 0;
        let mut cursor = from.unwrap_or(Cursor::Pending(None));
        while items.len() < limit && looked_at < ROWS_MAX {
            let room = (limit - items.len()).clamp(64, ROWS_MAX);
            let (rows, next) = self.rows(filter, cursor, room).await?;
            looked_at += rows.len().max(1);
            for (place, loaded) in rows {
                if items.len() == limit {
                    return Ok(Page { items, next: Some(cursor) });
                }
                cursor = place;
                items.extend(loaded.filter(|loaded| keep(loaded)));
            }
            match next {
                Some(next) => cursor = next,
                None => return Ok(Page { items, next: None }),
            }
        }
        Ok(Page { items, next: Some(cursor) })
    }

    /// The rows after `cursor`, each with the cursor that follows it, and where to go on after them.
    async fn rows(
        &self,
        filter: ListFilter,
        cursor: Cursor,
        limit: usize,
    ) -> Result<(Vec<(Cursor, Option<Loaded>)>, Option<Cursor>), VaultError> {
        let mut rows = Vec::with_capacity(limit);
        match cursor {
            Cursor::Pending(after) if filter.pending => {
                let before = filter.capture_by_before.unwrap_or(Timestamp::from_millis(u64::MAX));
                let page = self.store.due(after, before, limit).await.map_err(VaultError::Store)?;
                let next = page.last().map(|due| Cursor::Pending(Some(*due)));
                let mut loading = stream::iter(page)
                    .map(|due| async move { (due, self.load_row(due.row).await) })
                    .buffered(ROWS_AT_ONCE);
                while let Some((due, loaded)) = loading.next().await {
                    rows.push((Cursor::Pending(Some(due)), loaded?.filter(is_pending)));
                }
                Ok((rows, Some(next.unwrap_or(Cursor::Settled(None)))))
            }
            Cursor::Pending(_) => Ok((rows, Some(Cursor::Settled(None)))),
            Cursor::Settled(_) if !filter.settled || filter.capture_by_before.is_some() => {
                Ok((rows, None))
            }
            Cursor::Settled(after) => {
                let ring = self.ring.now();
                let page = self.store.records(after, limit).await.map_err(VaultError::Store)?;
                for scanned in &page {
                    let record = scanned.record.clone().ok();
                    let loaded =
                        record.and_then(|record| self.loaded_row(&ring, scanned.row, record));
                    let loaded = loaded.filter(|loaded| !is_pending(loaded));
                    rows.push((Cursor::Settled(Some(scanned.row)), loaded));
                }
                Ok((rows, page.last().map(|last| Cursor::Settled(Some(last.row)))))
            }
        }
    }

    /// The enrollment at `row`; `None` if there is none that opens.
    pub(super) async fn load_row(&self, row: RowKey) -> Result<Option<Loaded>, VaultError> {
        let ring = self.ring.now();
        match self.store.record(row).await {
            Ok(record) => Ok(record.and_then(|record| self.loaded_row(&ring, row, record))),
            Err(StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(VaultError::Store(error)),
        }
    }

    /// The enrollment in `record`; `None` if it does not open. `ring` was taken before it was read.
    pub(super) fn loaded_row(
        &self,
        ring: &Keyring,
        row: RowKey,
        record: SealedRecord,
    ) -> Option<Loaded> {
        let bytes = self.ring.open(ring, |ring| ring.open_attributes(row, &record)).ok()?;
        let enrollment = super::attributes::decode(&bytes, &record.header)?;
        Some(Loaded { enrollment, record })
    }
}

fn is_pending(loaded: &Loaded) -> bool {
    loaded.enrollment.is_awaited()
}
