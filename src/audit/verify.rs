//! Is the trail whole? And what is in it for the store.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::str::FromStr;

use crate::model::{RowKey, Timestamp};

use super::event::{Event, Gap};
use super::record::{LINK_LEN, Link, Record};
use super::trail::{Finding, Place, Step, Trail, Wrong};

/// The end of the trail at some moment: given out, so that a trail that is cut later is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the last record.
    pub sequence: u64,
    /// Its MAC.
    pub mac: Link,
}

/// Bytes of a MAC that a head shows: enough that nobody finds another record with the same.
const SHOWN: usize = 8;

impl fmt::Display for Head {
    /// As it is given out: the sequence, and the beginning of the MAC in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.mac.get(..SHOWN).unwrap_or_default();
        write!(f, "{}:{}", self.sequence, hex::encode(shown))
    }
}

/// A head that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenHead {
    sequence: u64,
    mac: Vec<u8>,
}

impl fmt::Display for GivenHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex::encode(&self.mac))
    }
}

impl FromStr for GivenHead {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "want SEQUENCE:MAC, as in the fmvault-audit-head of an answer";
        let (sequence, mac) = text.trim().split_once(':').ok_or(WANTED)?;
        let mac = hex::decode(mac).map_err(|_| WANTED)?;
        if !(SHOWN..=LINK_LEN).contains(&mac.len()) {
            return Err(WANTED);
        }
        Ok(Self { sequence: sequence.parse().map_err(|_| WANTED)?, mac })
    }
}

/// What [`Trail::verify`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records that are proved.
    pub records: u64,
    /// The first and the last of them, and when they were made.
    pub first: Option<(u64, Timestamp)>,
    /// The end of the trail.
    pub last: Option<(Head, Timestamp)>,
    /// Segments that were read.
    pub segments: u64,
    /// What is wrong, in the order of the trail; at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Gaps that the vault noted itself, with the place of the note.
    pub gaps: Vec<(Place, Gap, Timestamp)>,
    /// Whether a head was given, so that a cut tail would have been found.
    pub tail_known: bool,
}

/// More findings than this say nothing new.
pub const FINDINGS_MAX: usize = 1000;

impl Trail {
    /// Reads everything and tells what is wrong. With a head that was given out earlier, also whether
    /// the tail was cut or rewritten since; without one that cannot be known.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn verify(&self, head: Option<&GivenHead>) -> io::Result<Verified> {
        let mut verified = Verified { tail_known: head.is_some(), ..Verified::default() };
        let mut end = Place { segment: 0, offset: 0 };
        let mut met_head = false;
        self.walk(0, |step| {
            match step {
                Step::Record(place, record) => {
                    end = place;
                    if let Some(head) = head.filter(|head| head.sequence == record.sequence) {
                        met_head |= record.mac.starts_with(&head.mac);
                        if !met_head {
                            let wrong = Wrong::Rewritten { head: head.sequence };
                            let sequence = record.sequence;
                            verified.findings.push(Finding { place, sequence, wrong });
                        }
                    }
                    verified.count(place, &record);
                }
                Step::Wrong(finding) => verified.findings.push(finding),
                Step::Abandoned(..) => {}
            }
            verified.findings.len() < FINDINGS_MAX
        })?;
        let last = verified.last.map_or(0, |(head, _)| head.sequence);
        if let Some(head) = head.filter(|head| head.sequence > last && !met_head) {
            let wrong = Wrong::Cut { head: head.sequence };
            verified.findings.push(Finding { place: end, sequence: last + 1, wrong });
        }
        Ok(verified)
    }
}

impl Verified {
    /// Whether nothing is wrong. Gaps that the vault noted are not.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether all that is wrong may be a record that is just being written.
    pub(super) fn may_be_under_way(&self) -> bool {
        let torn = |finding: &Finding| matches!(finding.wrong, Wrong::TornTail { .. });
        self.findings.len() == 1 && self.findings.iter().all(torn)
    }

    fn count(&mut self, place: Place, record: &Record) {
        self.records += 1;
        self.first.get_or_insert((record.sequence, record.entry.at));
        let head = Head { sequence: record.sequence, mac: record.mac };
        self.last = Some((head, record.entry.at));
        if matches!(record.entry.event, Event::SegmentBegins | Event::Gap) {
            self.segments += 1;
        }
        if record.entry.event == Event::Gap {
            let gap = Gap::of_code(record.entry.detail).unwrap_or(Gap::WriteFailed);
            self.gaps.push((place, gap, record.entry.at));
        }
    }
}

/// What the ledger last recorded of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastChange {
    /// The store's sequence.
    pub sequence: u64,
    /// The row's generation.
    pub generation: u64,
    /// What happened.
    pub event: Event,
    /// Where the record is.
    pub place: Place,
}

/// What the ledger says of every row, as far back as it goes.
#[derive(Debug, Default)]
pub struct LastChanges {
    /// By row.
    pub rows: HashMap<RowKey, LastChange>,
    /// Rows that are known, but whose records are in segments that are not here.
    pub beyond: u64,
    /// The store's highest sequence when those segments ended.
    pub before: u64,
}

impl Trail {
    /// The last change of every row.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn last_changes(&self) -> io::Result<LastChanges> {
        let mut changes = LastChanges::default();
        self.walk(0, |step| {
            let Step::Record(place, record) = step else { return true };
            let entry = &record.entry;
            if changes.rows.is_empty() && matches!(entry.event, Event::SegmentBegins | Event::Gap) {
                changes.beyond = entry.generation;
                changes.before = entry.store_sequence;
            }
            let Some(row) = entry.row.filter(|_| entry.event.is_change()) else { return true };
            let change = LastChange {
                sequence: entry.store_sequence,
                generation: entry.generation,
                event: entry.event,
                place,
            };
            let known = changes.rows.entry(row).or_insert(change);
            // Two changes of one row may be recorded in either order.
            if known.sequence <= change.sequence {
                *known = change;
            }
            true
        })?;
        Ok(changes)
    }

    /// The record at `place`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read. `None`: there is no proved record.
    pub fn record_at(&self, place: Place) -> io::Result<Option<Record>> {
        self.read_one(place)
    }
}
