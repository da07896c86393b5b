//! What is stored, counted: kept in memory, moved with every commit, so that status costs nothing.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::audit::{Hmac, RowSet};
use crate::crypto::Keyring;
use crate::model::{Blocked, Enrollment, KekRef, RowKey, SealedRecord, State, Timestamp};
use crate::store::Store;

use super::{Loaded, VaultError, attributes};

/// What is stored at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Facemaps still to be captured, by the minute their deadline falls in. Minutes keep this map
    /// small however many there are; rounding down errs on the early side.
    pub pending: BTreeMap<Timestamp, u64>,
    /// Facemaps of which the newest is stored.
    pub captured: u64,
    /// Facemaps that Jumio does not let us have, by reason.
    pub blocked: BTreeMap<Blocked, u64>,
    /// Facemaps that Jumio deleted first, and nobody has taken note of that.
    pub lost: u64,
    /// Facemaps that operators gave up on: pending, blocked or lost, and counted nowhere else.
    pub closed: u64,
    /// Tombstones.
    pub erased: u64,
    /// Records that do not open.
    pub damaged: u64,
    /// Records by the key that wraps them.
    pub keks: HashMap<KekRef, u64>,
}

impl Census {
    /// Facemaps still to be captured.
    pub fn pending_total(&self) -> u64 {
        self.pending.values().sum()
    }

    /// Facemaps that Jumio does not let us have.
    pub fn blocked_total(&self) -> u64 {
        self.blocked.values().sum()
    }

    /// The nearest deadline of a facemap not captured yet.
    pub fn next_capture_by(&self) -> Option<Timestamp> {
        self.pending.keys().next().copied()
    }

    /// Uncaptured facemaps by risk at `now`: overdue, critical, warning.
    pub fn at_risk(&self, now: Timestamp, warning: Duration, critical: Duration) -> [u64; 3] {
        let until = |end: Timestamp| -> u64 { self.pending.range(..=end).map(|(_, n)| n).sum() };
        let overdue = until(now);
        let near = until(now.plus(critical)).max(overdue);
        let soon = until(now.plus(warning)).max(near);
        [overdue, near - overdue, soon - near]
    }
}

/// What an enrollment counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Pending(Timestamp),
    Captured,
    Blocked(Blocked),
    Lost,
    Closed,
    Erased,
}

/// The counters as they are kept: signed, because of two writes to one record the second may be
/// counted first. When all are counted, none is below zero.
#[derive(Debug, Default)]
struct Tally {
    slots: HashMap<Slot, i64>,
    keks: HashMap<KekRef, i64>,
    damaged: u64,
}

impl Tally {
    fn count(&mut self, enrollment: &Enrollment, record: &SealedRecord, by: i64) {
        add(&mut self.slots, slot(enrollment), by);
        add(&mut self.keks, record.header.kek, by);
    }

    fn census(&self) -> Census {
        let mut census = Census { damaged: self.damaged, ..Census::default() };
        for (slot, &count) in &self.slots {
            let count = u64::try_from(count).unwrap_or_default();
            match *slot {
                Slot::Pending(minute) => drop(census.pending.insert(minute, count)),
                Slot::Captured => census.captured = count,
                Slot::Blocked(why) => drop(census.blocked.insert(why, count)),
                Slot::Lost => census.lost = count,
                Slot::Closed => census.closed = count,
                Slot::Erased => census.erased = count,
            }
        }
        let keks = self.keks.iter();
        census.keks = keks.map(|(kek, &n)| (*kek, u64::try_from(n).unwrap_or_default())).collect();
        census
    }
}

/// Counts, and keeps no zeros: deadlines come and go.
fn add<K: Eq + Hash>(counts: &mut HashMap<K, i64>, key: K, by: i64) {
    match counts.entry(key) {
        Entry::Occupied(mut entry) => {
            *entry.get_mut() += by;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
        Entry::Vacant(entry) => drop(entry.insert(by)),
    }
}

fn slot(enrollment: &Enrollment) -> Slot {
    if enrollment.closed.is_some() {
        return Slot::Closed;
    }
    match enrollment.onboarding.state {
        State::Pending { capture_by, .. } => Slot::Pending(minute(capture_by)),
        State::Blocked { why, .. } => Slot::Blocked(why),
        State::Captured => Slot::Captured,
        State::Lost { .. } => Slot::Lost,
        State::Erased { .. } => Slot::Erased,
    }
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() / 60_000 * 60_000)
}

/// The counters of a running vault.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Tally>);

impl Counts {
    /// A record was written: `before` is what it replaced.
    pub(super) fn moved(&self, before: Option<&Loaded>, after: Option<&Loaded>) {
        let mut tally = self.lock();
        if let Some(Loaded { enrollment, record }) = before {
            tally.count(enrollment, record, -1);
        }
        if let Some(Loaded { enrollment, record }) = after {
            tally.count(enrollment, record, 1);
        }
    }

    /// A record that did not open was replaced by `after`. If it was damaged after it had been counted as
    /// something else, that stays counted until the next start.
    pub(super) fn mended(&self, after: &Loaded) {
        let mut tally = self.lock();
        tally.damaged = tally.damaged.saturating_sub(1);
        tally.count(&after.enrollment, &after.record, 1);
    }

    /// Records were brought from one key under another.
    pub(super) fn rewrapped(&self, moves: &[(KekRef, KekRef)]) {
        let mut tally = self.lock();
        for (from, to) in moves {
            add(&mut tally.keks, *from, -1);
            add(&mut tally.keks, *to, 1);
        }
    }

    pub(super) fn snapshot(&self) -> Census {
        self.lock().census()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A whole store, counted.
pub(super) struct Counted {
    pub(super) census: Counts,
    /// The highest change number in it.
    pub(super) sequence: u64,
    /// Its rows with their change numbers, as the audit ledger sums them up.
    pub(super) rows: RowSet,
}

/// Counts a whole store. `hmac` is the audit key at work.
pub(super) async fn count<S: Store>(
    store: &S,
    keyring: &Keyring,
    hmac: &Hmac,
    progress: impl Fn(u64),
) -> Result<Counted, VaultError> {
    let (mut tally, mut rows) = (Tally::default(), RowSet::default());
    let (mut sequence, mut read) = (0, 0_u64);
    each(store, keyring, |row, seen| {
        match seen {
            Some(Loaded { enrollment, record }) => {
                sequence = sequence.max(record.header.sequence);
                rows.add(row, record.header.sequence, hmac);
                tally.count(enrollment, record, 1);
            }
            None => tally.damaged += 1,
        }
        read += 1;
        if read.is_multiple_of(PAGE as u64) {
            progress(read);
        }
        Ok(())
    })
    .await?;
    progress(read);
    Ok(Counted { census: Counts(Mutex::new(tally)), sequence, rows })
}

const PAGE: usize = 4096;

/// Shows every row of a store to `look`; `None`: its record does not open.
pub(super) async fn each<S: Store>(
    store: &S,
    keyring: &Keyring,
    mut look: impl FnMut(RowKey, Option<&Loaded>) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut after = None;
    loop {
        let page = store.records(after, PAGE).await.map_err(VaultError::Store)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.row);
        for scanned in page {
            let opened = scanned.record.ok().and_then(|record| {
                let bytes = keyring.open_attributes(scanned.row, &record).ok()?;
                Some(Loaded { enrollment: attributes::decode(&bytes, &record.header)?, record })
            });
            look(scanned.row, opened.as_ref())?;
        }
    }
}
