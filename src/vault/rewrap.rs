//! Every record under an old key is brought under the new one, page by page: opened, sealed under the
//! primary KEK, written if it still is as it was read. Facemaps are not touched.
//!
//! While one page is written the next one is sealed and the one after that is read. A page and the place
//! it ends at are one durable unit, so a restart goes on where it was; and a row that changed meanwhile is
//! taken by the next pass.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use crate::crypto::{Keyring, SealError};
use crate::jumio::Jumio;
use crate::model::{KekRef, RowKey, SealedRecord};
use crate::store::{Applied, BATCH_MAX, BodyChange, Change, Expect, Scanned, Store};

use super::load::gently;
use super::rewrap_runs::Run;
use super::rotation::Rotation;
use super::rotation_order::Found;
use super::{Vault, VaultError};

/// Records of a page while requests are under way: less than a millisecond's work, so that none waits long.
const PAGE_BUSY: usize = 64;
/// Records of a page with their bodies, which are in memory until they are written.
const PAGE_OF_BODIES: usize = 16;

/// Records as they were read, and where the rotation is once they are written.
struct Page {
    /// Taken before the records were read, so that it has the keys that they name.
    ring: Arc<Keyring>,
    rows: Vec<Scanned>,
    then: Rotation,
}

/// A page, sealed anew.
struct Sealed {
    changes: Vec<Change>,
    from: Vec<KekRef>,
    damaged: u64,
    then: Rotation,
}

/// What is still to be read.
struct Unread {
    /// The first and the last row of each bucket, in order.
    ranges: VecDeque<(RowKey, RowKey)>,
    /// With the last row that was read.
    rotation: Rotation,
    /// When reading began, and how many rows were read since, so that no more are taken than asked for.
    began: Instant,
    taken: u64,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Goes once through the rows of the rotation's buckets, from its cursor on.
    pub(super) async fn rewrap(
        &self,
        run: &Run,
        rotation: &mut Rotation,
    ) -> Result<Found, VaultError> {
        let old: Arc<[KekRef]> = self.old_keys(rotation).into();
        if old.is_empty() {
            return Ok(Found::Done);
        }
        run.tell(|rewrap| rewrap.damaged = 0);
        let ring = self.ring.now();
        let ranges = rotation.buckets(&ring).into_iter().map(|bucket| ring.rows_of(bucket));
        let (ranges, began) = (ranges.collect(), Instant::now());
        let mut unread = Unread { ranges, rotation: *rotation, began, taken: 0 };
        let (mut page, mut sealed) = (None, None);
        loop {
            let write = self.write_page(run, sealed.take());
            let seal = self.seal_page(&old, page.take());
            let read = self.next_page(run, &mut unread);
            let (written, made, next) = match self.load.is_busy() {
                true => (write.await, seal.await, read.await),
                false => tokio::join!(write, seal, read),
            };
            written?;
            (sealed, page) = (made?, next?);
            if sealed.is_none() && page.is_none() {
                break;
            }
        }
        *rotation = unread.rotation;
        Ok(if run.stopped().is_some() { Found::Stopped } else { Found::Done })
    }

    /// The next records; `None` after the last ones, or if the rotation is to stop.
    async fn next_page(&self, run: &Run, unread: &mut Unread) -> Result<Option<Page>, VaultError> {
        let Unread { ranges, rotation, began, taken } = unread;
        while let Some(&(first, last)) = ranges.front() {
            if let Some(rate) = rotation.plan.rate {
                let due = Duration::from_secs_f64(*taken as f64 / f64::from(rate));
                sleep(due.saturating_sub(began.elapsed())).await;
            }
            let (ring, limit) = (self.ring.now(), self.page_len(rotation).await);
            if run.stopped().is_some() {
                return Ok(None);
            }
            let after = rotation.cursor.max(before(first));
            if after.is_none_or(|after| after < last) {
                let mut rows = self.store.records(after, limit).await.map_err(VaultError::Store)?;
                rows.retain(|scanned| scanned.row <= last);
                if let Some(end) = rows.last() {
                    rotation.cursor = Some(end.row);
                    *taken += rows.len() as u64;
                    return Ok(Some(Page { ring, rows, then: *rotation }));
                }
            }
            ranges.pop_front();
        }
        Ok(None)
    }

    async fn seal_page(
        &self,
        old: &Arc<[KekRef]>,
        page: Option<Page>,
    ) -> Result<Option<Sealed>, VaultError> {
        match page {
            Some(page) if page.then.plan.seal_anew => self.bodies_sealed_anew(old, page).await,
            Some(page) => self.sealed_anew(old, page).await,
            None => return Ok(None),
        }
        .map(Some)
    }

    /// Writes a page and the place it ends at.
    async fn write_page(&self, run: &Run, page: Option<Sealed>) -> Result<(), VaultError> {
        let Some(sealed) = page else { return Ok(()) };
        run.tell(|rewrap| rewrap.damaged += sealed.damaged);
        let to: Vec<_> = sealed.changes.iter().map(|change| change.record.header.kek).collect();
        let applied = self.remember(sealed.changes, Some(&sealed.then)).await?;
        let moved = applied.iter().zip(sealed.from.iter().zip(&to));
        let moved: Vec<_> = moved
            .filter(|(applied, _)| **applied == Applied::Yes)
            .map(|(_, (from, to))| (*from, *to))
            .collect();
        self.census.rewrapped(&moved);
        run.tell(|rewrap| rewrap.rewrapped += moved.len() as u64);
        Ok(())
    }

    /// Seals on as many threads as there are, or, while requests are under way, on one that gives way to
    /// theirs.
    async fn sealed_anew(&self, old: &Arc<[KekRef]>, page: Page) -> Result<Sealed, VaultError> {
        let Page { ring, mut rows, then } = page;
        if self.load.is_busy() {
            let old = Arc::clone(old);
            return gently(move || rewrapped(&ring, &old, rows, then)).await?;
        }
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = rows.len().div_ceil(threads).max(1);
        let mut work = Vec::with_capacity(threads);
        while !rows.is_empty() {
            let rest = rows.split_off(share.min(rows.len()));
            let (rows, ring, old) =
                (std::mem::replace(&mut rows, rest), Arc::clone(&ring), Arc::clone(old));
            work.push(tokio::task::spawn_blocking(move || rewrapped(&ring, &old, rows, then)));
        }
        let parts = try_join_all(work).await.map_err(|_| VaultError::ShuttingDown)?;
        let mut all = Sealed::empty(then);
        for part in parts {
            let part = part?;
            all.changes.extend(part.changes);
            all.from.extend(part.from);
            all.damaged += part.damaged;
        }
        Ok(all)
    }

    /// New data keys and bodies for those that have one; the others are only rewrapped. One after the
    /// other: a body is in memory once.
    async fn bodies_sealed_anew(&self, old: &[KekRef], page: Page) -> Result<Sealed, VaultError> {
        let mut sealed = Sealed::empty(page.then);
        for Scanned { row, record } in page.rows {
            let Ok(record) = record else {
                sealed.damaged += 1;
                continue;
            };
            if !old.contains(&record.header.kek) {
                continue;
            }
            match self.sealed_row_anew(&page.ring, row, &record).await {
                Ok(Some(change)) => {
                    sealed.changes.push(change);
                    sealed.from.push(record.header.kek);
                }
                // It changed meanwhile: the next pass takes it.
                Ok(None) => {}
                Err(VaultError::Seal(SealError::Unreadable(_))) => sealed.damaged += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(sealed)
    }

    /// How many records to take next, after giving way to the requests under way.
    async fn page_len(&self, rotation: &Rotation) -> usize {
        let busy = self.load.is_busy();
        self.load.give_way().await;
        let rate = rotation.plan.rate.map_or(usize::MAX, |rate| (rate as usize / 10).max(1));
        let most = match (rotation.plan.seal_anew, busy) {
            (true, _) => PAGE_OF_BODIES,
            (false, true) => PAGE_BUSY,
            (false, false) => BATCH_MAX,
        };
        most.min(rate)
    }
}

/// The row before `first`, after which a page begins with it; none before the first of all.
fn before(first: RowKey) -> Option<RowKey> {
    let mut row = first.0;
    for byte in row.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            return Some(RowKey(row));
        }
    }
    None
}

impl Sealed {
    fn empty(then: Rotation) -> Self {
        Self { changes: Vec::new(), from: Vec::new(), damaged: 0, then }
    }
}

fn rewrapped(
    ring: &Keyring,
    old: &[KekRef],
    rows: Vec<Scanned>,
    then: Rotation,
) -> Result<Sealed, VaultError> {
    let mut sealed = Sealed::empty(then);
    sealed.changes.reserve(rows.len());
    for Scanned { row, record } in rows {
        let Ok(record) = record else {
            sealed.damaged += 1;
            continue;
        };
        if !old.contains(&record.header.kek) {
            continue;
        }
        match ring.rewrap(row, &record) {
            Ok(next) => {
                sealed.from.push(record.header.kek);
                sealed.changes.push(change(row, &record, next, BodyChange::Keep));
            }
            Err(SealError::Unreadable(_)) => sealed.damaged += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sealed)
}

pub(super) fn change(
    row: RowKey,
    old: &SealedRecord,
    record: SealedRecord,
    body: BodyChange,
) -> Change {
    Change { row, expect: Expect::Revision(old.revision()), record, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_after_the_row_before_begins_with_the_row() {
        let mut first = [0; 32];
        assert_eq!(before(RowKey(first)), None);
        first[0] = 0x10;
        let want = [&[0x0f][..], &[0xff; 31]].concat();
        assert_eq!(before(RowKey(first)).unwrap().0.as_slice(), want);
    }
}
