//! The end of the chain, and how it grows: what the writer of a ledger holds.

use std::fs;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::model::{RowKey, Timestamp};

use super::error::LedgerError;
use super::event::{Event, Gap};
use super::record::{self, Entry, Hmac, LINK_LEN, Link};
use super::row_set::RowSet;
use super::segment::{self, Segment};
use super::settings::LedgerSettings;
use super::trail::{At, Finding, Step, Trail, Wrong};
use super::verify::Head;

/// See the module.
pub(super) struct Chain {
    pub(super) settings: LedgerSettings,
    pub(super) vault: [u8; 16],
    pub(super) hmac: Arc<Hmac>,
    /// None while the file cannot be written.
    pub(super) segment: Option<Segment>,
    pub(super) number: u64,
    pub(super) end: End,
}

/// What the last durable record leaves behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) head: Head,
    pub(super) rows: RowSet,
    /// The highest sequence of the store that was recorded.
    pub(super) store_sequence: u64,
}

impl Default for End {
    fn default() -> Self {
        let head = Head { sequence: 0, mac: [0; LINK_LEN] };
        Self { head, rows: RowSet::default(), store_sequence: 0 }
    }
}

impl Chain {
    /// A chain that begins: the first segment, with `first` in it.
    pub(super) fn begin(
        settings: LedgerSettings,
        vault: [u8; 16],
        hmac: Arc<Hmac>,
        gap: Option<Gap>,
        now: Timestamp,
    ) -> io::Result<Self> {
        let (segment, end) = (None, End::default());
        let mut chain = Self { settings, vault, hmac, segment, number: 0, end };
        chain.next_segment(gap, 0, now)?;
        Ok(chain)
    }

    /// The chain that `trail` holds, ready to go on. Reads the last segment. Bytes at its end that are
    /// no record were never acknowledged: the next segment notes them, and begins at once.
    pub(super) fn carry_on(
        settings: LedgerSettings,
        trail: &Trail,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let dir = settings.dir.clone();
        let io = |source| LedgerError::Io { dir: dir.clone(), source };
        let numbers = trail.segments().map_err(io)?;
        let Some(&number) = numbers.last() else { return Err(LedgerError::Missing { dir }) };
        let bytes = fs::read(segment::path(&dir, number)).map_err(io)?;
        if segment::vault_of(&bytes).is_some_and(|vault| vault != trail.vault) {
            return Err(LedgerError::OtherVault { dir });
        }
        let (end, wrong) = read_end(trail, number, &bytes);
        let torn = match wrong {
            None => None,
            Some(Finding { wrong: Wrong::TornTail { bytes }, .. }) if end.head.sequence > 0 => {
                Some(bytes)
            }
            Some(finding) => return Err(LedgerError::Damaged { dir, finding }),
        };
        let (vault, hmac) = (trail.vault, Arc::clone(&trail.hmac));
        let mut chain = Self { settings, vault, hmac, segment: None, number, end };
        if let Some(torn) = torn {
            tracing::warn!(bytes = torn, "the end of the audit trail was not finished: noted");
            chain.next_segment(Some(Gap::TornTail), torn, now).map_err(io)?;
        } else {
            let probe = chain.settings.probe.clone();
            let segment = Segment::reopen(&dir, number, bytes.len() as u64, probe);
            chain.segment = Some(segment.map_err(io)?);
        }
        Ok(chain)
    }

    /// As [`Chain::carry_on`], after an operator has accepted that the trail is damaged: goes on after
    /// the last record that is proved, in a new segment that says so.
    pub(super) fn carry_on_damaged(
        settings: LedgerSettings,
        trail: &Trail,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let dir = settings.dir.clone();
        let io = |source| LedgerError::Io { dir: dir.clone(), source };
        let mut end = End::default();
        trail
            .walk(0, |step| {
                if let Step::Record(_, record) = step {
                    end.follow(&record.entry, record.sequence, record.mac, &*trail.hmac);
                }
                true
            })
            .map_err(io)?;
        let number = trail.segments().map_err(io)?.last().copied().unwrap_or(0);
        let (vault, hmac) = (trail.vault, Arc::clone(&trail.hmac));
        let mut chain = Self { settings, vault, hmac, segment: None, number, end };
        chain.next_segment(Some(Gap::DamageAccepted), 0, now).map_err(io)?;
        Ok(chain)
    }

    /// Appends `entries` and makes them durable. After an error the chain is as it was, and must go on
    /// in the next segment.
    pub(super) fn append(&mut self, entries: &[&Entry]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(entries.iter().map(|entry| entry.len()).sum());
        let mut end = self.end;
        for entry in entries {
            let (sequence, link) = (end.head.sequence + 1, end.head.mac);
            let mac = record::append(&mut bytes, entry, sequence, &link, &self.vault, &*self.hmac);
            end.follow(entry, sequence, mac, &*self.hmac);
        }
        let segment = self.segment.as_mut().ok_or(ErrorKind::NotConnected)?;
        segment.append(&bytes)?;
        self.end = end;
        Ok(())
    }

    /// Makes the next segment and goes on there. `gap` tells what is wrong at the end of this one.
    pub(super) fn next_segment(
        &mut self,
        gap: Option<Gap>,
        value: u64,
        now: Timestamp,
    ) -> io::Result<()> {
        // One that was begun and not finished keeps its number.
        let begun = segment::list(&self.settings.dir)?.last().copied().unwrap_or(0);
        let number = self.number.max(begun) + 1;
        let event = if gap.is_some() { Event::Gap } else { Event::SegmentBegins };
        let mut entry = self.summary(event, now);
        entry.detail = gap.map_or(0, |gap| gap as u16);
        entry.previous = number;
        entry.value = value;
        let mut bytes = Vec::new();
        let (sequence, link) = (self.end.head.sequence + 1, self.end.head.mac);
        let mac = record::append(&mut bytes, &entry, sequence, &link, &self.vault, &*self.hmac);
        let probe = self.settings.probe.clone();
        let dir = &self.settings.dir;
        self.segment = Some(Segment::create(dir, number, &self.vault, &bytes, probe)?);
        self.number = number;
        self.end.head = Head { sequence, mac };
        Ok(())
    }

    /// An entry that says what the store must hold at this point.
    pub(super) fn summary(&self, event: Event, now: Timestamp) -> Entry {
        Entry {
            store_sequence: self.end.store_sequence,
            generation: self.end.rows.rows,
            row: Some(RowKey(self.end.rows.sum)),
            request: self.vault,
            ..Entry::new(event, now)
        }
    }
}

impl End {
    fn follow(&mut self, entry: &Entry, sequence: u64, mac: Link, hmac: &Hmac) {
        self.head = Head { sequence, mac };
        self.store_sequence = self.store_sequence.max(entry.store_sequence);
        if matches!(entry.event, Event::SegmentBegins | Event::Gap | Event::Agreed) {
            let sum = entry.row.map_or([0; 32], |row| row.0);
            self.rows = RowSet { sum, rows: entry.generation };
        }
        self.rows.follow(entry, hmac);
    }
}

/// What the last segment leaves behind, and the first thing that is wrong in it.
fn read_end(trail: &Trail, number: u64, bytes: &[u8]) -> (End, Option<Finding>) {
    let (mut end, mut wrong) = (End::default(), None);
    trail.walk_segment(number, bytes, &mut At::default(), None, &mut |step| {
        match step {
            Step::Record(_, record) => {
                end.follow(&record.entry, record.sequence, record.mac, &*trail.hmac);
            }
            Step::Wrong(finding) => wrong = Some(finding),
            Step::Abandoned(..) => {}
        }
        wrong.is_none()
    });
    (end, wrong)
}
