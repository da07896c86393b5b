//! The one thread that writes: takes what waits, appends it, syncs once, and tells everybody.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;

use super::chain::Chain;
use super::error::AuditError;
use super::event::{Event, Gap};
use super::record::Entry;
use super::shared::{Shared, Waiting};

/// See the module.
pub(super) struct Writer {
    shared: Arc<Shared>,
    chain: Chain,
    /// Changes of the store that could not be written yet.
    kept: Vec<Waiting>,
    /// Why the next segment must begin with a gap.
    gap: Option<Gap>,
    /// The directory, locked.
    _held: File,
}

/// Between two looks at the file while nothing is written.
const IDLE: Duration = Duration::from_secs(1);
/// Between two tries while it cannot be written.
const RETRY: Duration = Duration::from_millis(200);

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, chain: Chain, held: File) -> Self {
        Self { shared, chain, kept: Vec::new(), gap: None, _held: held }
    }

    pub(super) fn run(mut self) {
        self.look_at_room(0);
        loop {
            let patience = if self.gap.is_some() { RETRY } else { IDLE };
            let Some(taken) = self.shared.take(patience) else { return };
            self.shared.writing_begins();
            self.serve(taken);
            self.shared.writing_ends();
        }
    }

    fn serve(&mut self, taken: Vec<Waiting>) {
        let mut batch = std::mem::take(&mut self.kept);
        batch.extend(taken.into_iter().filter(|one| one.is_kept() || !one.is_given_up()));
        let first = self.chain.end.head.sequence + 1;
        match self.write(&batch) {
            Ok(()) => {
                self.shared.ended_with(self.chain.end);
                if self.gap.take().is_some() {
                    tracing::info!("the audit trail can be written again");
                }
                self.shared.trouble(None);
                self.done(batch, first);
            }
            Err(error) => self.failed(batch, &error),
        }
    }

    fn write(&mut self, batch: &[Waiting]) -> io::Result<()> {
        let now = Timestamp::now();
        if self.gap.is_none() && !self.chain.segment.as_ref().is_some_and(|s| s.is_in_place()) {
            tracing::error!("the file of the audit trail was removed, renamed or changed: noted");
            self.shared.failed();
            self.gap = Some(Gap::FileGone);
            self.chain.next_segment(self.gap, 0, now)?;
        } else if self.gap.is_some() {
            self.chain.next_segment(self.gap, self.shared.failures(), now)?;
        }
        let entries: Vec<&Entry> = batch.iter().flat_map(|one| &one.entries).collect();
        self.look_at_room(entries.iter().map(|entry| entry.len() as u64).sum());
        if entries.is_empty() {
            return Ok(());
        }
        self.chain.append(&entries)?;
        entries.iter().for_each(|entry| self.shared.written(entry.event));
        let len = self.chain.segment.as_ref().map_or(0, |segment| segment.len);
        if len >= self.chain.settings.segment_len
            && let Err(error) = self.chain.next_segment(None, 0, now)
        {
            // It can go on in this one, in the room that is reserved there.
            tracing::warn!(error = %error, "no new segment of the audit trail can be made");
        }
        Ok(())
    }

    /// Sees to it that there is a reserve, and lets only what is urgent use the end of it.
    fn look_at_room(&mut self, next: u64) {
        let reserve = self.chain.settings.reserve;
        let Some(segment) = self.chain.segment.as_mut() else { return };
        let left = segment.room(next, reserve);
        self.shared.room_is(left, segment.disk_free());
        let scarce = left < reserve / 4;
        match (self.shared.scarce(scarce), scarce) {
            (false, true) => {
                self.shared.failed();
                tracing::error!(left, "the disk of the audit trail is full: only erasures go on");
            }
            (true, false) => tracing::info!("the audit trail has room again"),
            (true, true) | (false, false) => {}
        }
    }

    fn done(&mut self, batch: Vec<Waiting>, first: u64) {
        let head = self.chain.end.head;
        let mut late = 0_u64;
        for mut one in batch {
            late += u64::from(one.is_given_up() && !one.entries.is_empty());
            one.settle(Ok(head));
        }
        if late == 0 {
            return;
        }
        self.shared.failed();
        tracing::error!(calls = late, "the audit trail was too slow: calls were refused");
        let note = Entry {
            previous: first,
            generation: head.sequence,
            value: late,
            ..Entry::new(Event::Late, Timestamp::now())
        };
        let (waiting, _, _) = Waiting::new(vec![note]);
        self.shared.hand_in(waiting);
    }

    /// Nobody knows what the end of the file says now: the chain goes on in the next one. What has
    /// happened in the store is written then; everybody is told that nothing is certain.
    fn failed(&mut self, batch: Vec<Waiting>, error: &io::Error) {
        self.shared.failed();
        if self.gap.is_none() {
            tracing::error!(error = %error, "the audit trail cannot be written: calls are refused");
            self.gap = Some(Gap::WriteFailed);
        }
        self.chain.segment = None;
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
        let is_full = full.contains(&error.kind());
        let trouble = if is_full { AuditError::Full } else { AuditError::Failed };
        self.shared.trouble(Some(trouble));
        for mut one in batch {
            one.settle(Err(trouble));
            if one.is_kept() {
                self.kept.push(one);
            }
        }
    }
}
