//! A look at all records, before a key is destroyed: none names it, and the data key of each is the one its
//! body was sealed under. Reads the first bytes of the bodies, not the facemaps.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crypto::Keyring;
use crate::jumio::Jumio;
use crate::model::{AccountHash, BodyPrefix, KekRef, RowKey, SealedRecord};
use crate::store::{Scanned, Store, StoreError};

use super::rewrap_runs::Run;
use super::rotation::Rotation;
use super::rotation_order::Found;
use super::{Vault, VaultError};

/// Records of a page.
const PAGE: usize = 1024;

/// So many of a page are named in the log, if they do not open.
const NAMED_MAX: usize = 10;

/// What a look at some records found.
#[derive(Debug, Default)]
struct Seen {
    stale: u64,
    /// Does not parse, or names an old key and does not open: it keeps that key alive.
    damaged: Vec<RowKey>,
    /// Their data key is not that of their body, as far as these bytes tell.
    doubtful: Vec<RowKey>,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    pub(super) async fn verify_rewrapped(
        &self,
        run: &Run,
        rotation: &Rotation,
    ) -> Result<Found, VaultError> {
        let old = self.old_keys(rotation);
        if old.is_empty() {
            return Ok(Found::Done);
        }
        let ring = self.ring.now();
        let old: Arc<[KekRef]> = old.into();
        run.tell(|rewrap| (rewrap.verified, rewrap.damaged) = (0, 0));
        let (mut after, mut stale, mut damaged) = (None, 0, 0);
        let (began, mut looked_at, rate) = (Instant::now(), 0, rotation.plan.look_rate());
        let most = rate.map_or(PAGE, |rate| (rate as usize / 10).clamp(1, PAGE));
        loop {
            if run.stopped().is_some() {
                return Ok(Found::Stopped);
            }
            self.load.give_way().await;
            let page = self.store.records(after, most).await.map_err(VaultError::Store)?;
            let Some(last) = page.last() else { break };
            after = Some(last.row);
            let count = page.len() as u64;
            run.tell(|rewrap| rewrap.verified += count);
            let seen = self.look_at(&ring, &old, page).await?;
            stale += seen.stale;
            let mut bad = seen.damaged;
            for row in seen.doubtful {
                if !self.is_whole(&ring, row).await? {
                    bad.push(row);
                }
            }
            for account in bad.iter().map(|row| AccountHash::from(*row)).take(NAMED_MAX) {
                tracing::error!(%account, "a record does not open; it keeps the old keys alive");
            }
            damaged += bad.len() as u64;
            looked_at += count;
            if let Some(rate) = rate {
                let due = Duration::from_secs_f64(looked_at as f64 / f64::from(rate));
                sleep(due.saturating_sub(began.elapsed())).await;
            }
        }
        run.tell(|rewrap| rewrap.damaged = damaged);
        Ok(match (stale, damaged) {
            (0, 0) => Found::Done,
            (0, damaged) => Found::Damaged(damaged),
            // Those that can be mended first; the others are found again.
            (stale, _) => Found::Stale(stale),
        })
    }

    async fn look_at(
        &self,
        ring: &Arc<Keyring>,
        old: &Arc<[KekRef]>,
        page: Vec<Scanned>,
    ) -> Result<Seen, VaultError> {
        let has_body = |scanned: &&Scanned| {
            scanned.record.as_ref().is_ok_and(|record| record.header.body_len != 0)
        };
        let rows: Vec<_> = page.iter().filter(has_body).map(|scanned| scanned.row).collect();
        let prefixes = self.store.body_prefixes(rows).await.map_err(VaultError::Store)?;
        let (ring, old) = (Arc::clone(ring), Arc::clone(old));
        let look = tokio::task::spawn_blocking(move || look(&ring, &old, &page, prefixes));
        look.await.map_err(|_| VaultError::ShuttingDown)
    }

    /// Whether record and body, read together, belong together. What was read one after the other may be
    /// of two moments.
    async fn is_whole(&self, ring: &Keyring, row: RowKey) -> Result<bool, VaultError> {
        match self.store.record_with_body(row).await {
            Ok(Some((record, Some(body)))) => {
                let prefix = body.0.first_chunk();
                Ok(prefix.is_some_and(|prefix| matches(ring, row, &record, prefix)))
            }
            Ok(Some((_, None)) | None) => Ok(true),
            Err(StoreError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(VaultError::of_store_alone(error)),
        }
    }
}

fn look(
    ring: &Keyring,
    old: &[KekRef],
    page: &[Scanned],
    prefixes: Vec<Option<BodyPrefix>>,
) -> Seen {
    let mut seen = Seen::default();
    let mut prefixes = prefixes.into_iter();
    for Scanned { row, record } in page {
        let Ok(record) = record else {
            seen.damaged.push(*row);
            continue;
        };
        let prefix = (record.header.body_len != 0).then(|| prefixes.next().flatten());
        if old.contains(&record.header.kek) {
            match ring.open_attributes(*row, record) {
                Ok(_) => seen.stale += 1,
                Err(_) => seen.damaged.push(*row),
            }
            continue;
        }
        let good = match prefix {
            None => true,
            Some(None) => false,
            Some(Some(prefix)) => matches(ring, *row, record, &prefix),
        };
        if !good {
            seen.doubtful.push(*row);
        }
    }
    seen
}

fn matches(ring: &Keyring, row: RowKey, record: &SealedRecord, prefix: &BodyPrefix) -> bool {
    ring.commitment_matches(row, record, prefix).unwrap_or(false)
}
