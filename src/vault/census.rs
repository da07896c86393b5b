//! What is stored, counted: kept in memory, moved with every commit, so that status costs nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::crypto::Keyring;
use crate::model::{Blocked, Enrollment, KekRef, SealedRecord, State, Timestamp};
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
    /// Facemaps that Jumio deleted first.
    pub lost: u64,
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

    fn add(&mut self, enrollment: &Enrollment, record: &SealedRecord) {
        *self.slot(enrollment) += 1;
        *self.keks.entry(record.header.kek).or_default() += 1;
    }

    fn remove(&mut self, enrollment: &Enrollment, record: &SealedRecord) {
        let slot = self.slot(enrollment);
        *slot = slot.saturating_sub(1);
        let emptied = *slot == 0;
        if let (State::Pending { capture_by, .. }, true) = (enrollment.onboarding.state, emptied) {
            self.pending.remove(&minute(capture_by));
        }
        if let Some(count) = self.keks.get_mut(&record.header.kek) {
            *count = count.saturating_sub(1);
        }
    }

    fn slot(&mut self, enrollment: &Enrollment) -> &mut u64 {
        match enrollment.onboarding.state {
            State::Pending { capture_by, .. } => {
                self.pending.entry(minute(capture_by)).or_default()
            }
            State::Blocked { why, .. } => self.blocked.entry(why).or_default(),
            State::Captured => &mut self.captured,
            State::Lost { .. } => &mut self.lost,
            State::Erased { .. } => &mut self.erased,
        }
    }
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() / 60_000 * 60_000)
}

/// The counters of a running vault.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Census>);

impl Counts {
    /// A record was written: `before` is what it replaced.
    pub(super) fn moved(&self, before: Option<&Loaded>, after: Option<&Loaded>) {
        let mut census = self.lock();
        if let Some(Loaded { enrollment, record, .. }) = before {
            census.remove(enrollment, record);
        }
        if let Some(Loaded { enrollment, record, .. }) = after {
            census.add(enrollment, record);
        }
    }

    pub(super) fn snapshot(&self) -> Census {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Census> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a whole store; also gives the highest change number in it.
pub(super) async fn count<S: Store>(
    store: &S,
    keyring: &Keyring,
    progress: impl Fn(u64),
) -> Result<(Counts, u64), VaultError> {
    const PAGE: usize = 4096;
    let mut census = Census::default();
    let (mut after, mut sequence, mut read) = (None, 0, 0_u64);
    loop {
        let page = store.records(after, PAGE).await.map_err(VaultError::Store)?;
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        for scanned in &page {
            let opened = scanned.record.as_ref().ok().and_then(|record| {
                let bytes = keyring.open_attributes(scanned.row, record).ok()?;
                Some((attributes::decode(&bytes, &record.header)?, record))
            });
            match opened {
                Some((enrollment, record)) => {
                    sequence = sequence.max(record.header.sequence);
                    census.add(&enrollment, record);
                }
                None => census.damaged += 1,
            }
        }
        read += page.len() as u64;
        progress(read);
    }
    Ok((Counts(Mutex::new(census)), sequence))
}
