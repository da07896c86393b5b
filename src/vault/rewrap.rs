//! Every record under an old key is brought under the new one, page by page: opened, sealed under the
//! primary KEK, written if it still is as it was read. Facemaps are not touched.
//!
//! While one page is written the next one is sealed. A page and the place it ends at are one durable unit,
//! so a restart goes on where it was; and a row that changed meanwhile is taken by the next pass.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use crate::crypto::{Keyring, SealError};
use crate::jumio::Jumio;
use crate::model::{KekRef, RowKey, SealedRecord};
use crate::store::{Applied, BATCH_MAX, BodyChange, Change, Expect, Scanned, Store};

use super::rewrap_runs::Run;
use super::rotation::Rotation;
use super::rotation_order::Found;
use super::{Vault, VaultError};

/// Records of a page while requests are under way: a few milliseconds' work, so that none waits long.
const PAGE_BUSY: usize = 256;
/// Records of a page with their bodies, which are in memory until they are written.
const PAGE_OF_BODIES: usize = 16;

/// A page, sealed anew.
#[derive(Default)]
struct Sealed {
    changes: Vec<Change>,
    from: Vec<KekRef>,
    damaged: u64,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Goes once through the rows of the rotation's buckets, from its cursor on.
    pub(super) async fn rewrap(
        &self,
        run: &Run,
        rotation: &mut Rotation,
    ) -> Result<Found, VaultError> {
        let old = self.old_keys(rotation);
        if old.is_empty() {
            return Ok(Found::Done);
        }
        run.tell(|rewrap| rewrap.damaged = 0);
        let (began, mut taken) = (Instant::now(), 0_u64);
        let mut sealed = None;
        for bucket in rotation.buckets(&self.ring.now()) {
            let (first, last) = self.ring.now().rows_of(bucket);
            if rotation.cursor.is_some_and(|cursor| cursor >= last) {
                continue;
            }
            rotation.cursor = rotation.cursor.max(before(first));
            while run.stopped().is_none() {
                let (ring, limit) = (self.ring.now(), self.page_len(rotation).await);
                let page = self.store.records(rotation.cursor, limit).await;
                let mut page = page.map_err(VaultError::Store)?;
                page.retain(|scanned| scanned.row <= last);
                let Some(end) = page.last().map(|scanned| scanned.row) else { break };
                taken += page.len() as u64;
                rotation.cursor = Some(end);
                if self.load.is_busy() {
                    self.write_page(run, sealed.take()).await?;
                }
                let (written, next) = tokio::join!(
                    self.write_page(run, sealed.take()),
                    self.seal_page(rotation, &ring, &old, page)
                );
                written?;
                sealed = Some((next?, *rotation));
                if let Some(rate) = rotation.plan.rate {
                    self.write_page(run, sealed.take()).await?;
                    let due = Duration::from_secs_f64(taken as f64 / f64::from(rate));
                    sleep(due.saturating_sub(began.elapsed())).await;
                }
            }
        }
        self.write_page(run, sealed).await?;
        Ok(if run.stopped().is_some() { Found::Stopped } else { Found::Done })
    }

    async fn seal_page(
        &self,
        rotation: &Rotation,
        ring: &Arc<Keyring>,
        old: &[KekRef],
        page: Vec<Scanned>,
    ) -> Result<Sealed, VaultError> {
        match rotation.plan.seal_anew {
            true => self.bodies_sealed_anew(ring, old, page).await,
            false => self.sealed_anew(ring, old, page).await,
        }
    }

    /// Writes a page and the place it ends at.
    async fn write_page(
        &self,
        run: &Run,
        page: Option<(Sealed, Rotation)>,
    ) -> Result<(), VaultError> {
        let Some((sealed, rotation)) = page else { return Ok(()) };
        run.tell(|rewrap| rewrap.damaged += sealed.damaged);
        let to: Vec<_> = sealed.changes.iter().map(|change| change.record.header.kek).collect();
        let applied = self.remember(sealed.changes, Some(&rotation)).await?;
        let moved = applied.iter().zip(sealed.from.iter().zip(&to));
        let moved: Vec<_> = moved
            .filter(|(applied, _)| **applied == Applied::Yes)
            .map(|(_, (from, to))| (*from, *to))
            .collect();
        self.census.rewrapped(&moved);
        run.tell(|rewrap| rewrap.rewrapped += moved.len() as u64);
        Ok(())
    }

    /// Seals on as many threads as there are, or on one while requests are under way.
    async fn sealed_anew(
        &self,
        ring: &Arc<Keyring>,
        old: &[KekRef],
        mut page: Vec<Scanned>,
    ) -> Result<Sealed, VaultError> {
        let threads = match self.load.is_busy() {
            true => 1,
            false => thread::available_parallelism().map_or(1, usize::from),
        };
        let share = page.len().div_ceil(threads).max(1);
        let old: Arc<[KekRef]> = old.into();
        let mut work = Vec::with_capacity(threads);
        while !page.is_empty() {
            let rest = page.split_off(share.min(page.len()));
            let (rows, ring, old) =
                (std::mem::replace(&mut page, rest), Arc::clone(ring), Arc::clone(&old));
            work.push(tokio::task::spawn_blocking(move || rewrapped(&ring, &old, rows)));
        }
        let parts = try_join_all(work).await.map_err(|_| VaultError::ShuttingDown)?;
        let mut all = Sealed::default();
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
    async fn bodies_sealed_anew(
        &self,
        ring: &Arc<Keyring>,
        old: &[KekRef],
        page: Vec<Scanned>,
    ) -> Result<Sealed, VaultError> {
        let mut sealed = Sealed::default();
        for Scanned { row, record } in page {
            let Ok(record) = record else {
                sealed.damaged += 1;
                continue;
            };
            if !old.contains(&record.header.kek) {
                continue;
            }
            match self.sealed_row_anew(ring, row, &record).await {
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

fn rewrapped(ring: &Keyring, old: &[KekRef], page: Vec<Scanned>) -> Result<Sealed, VaultError> {
    let mut sealed = Sealed::default();
    sealed.changes.reserve(page.len());
    for Scanned { row, record } in page {
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
