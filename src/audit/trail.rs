//! Reading a ledger, whole or damaged, running or copied: record by record, and what is wrong between
//! them.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::event::Event;
use super::record::{self, Hmac, LINK_LEN, Link, RECORD_LEN, RECORD_LEN_MAX, Record};
use super::segment;

/// A ledger on disk, to be read. Needs the audit key: without it nobody can tell a record from a
/// forgery.
#[derive(Clone)]
pub struct Trail {
    pub(super) dir: PathBuf,
    pub(super) vault: [u8; 16],
    pub(super) hmac: Arc<Hmac>,
}

/// Where in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// Something that should not be so, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The sequence that was expected there.
    pub sequence: u64,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong with a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Bytes that no vault with this key wrote.
    Edited,
    /// Records up to the one before this sequence are not there.
    Removed {
        /// The first that is there again.
        until: u64,
    },
    /// A record stands where another one belongs.
    OutOfOrder {
        /// The sequence it has.
        found: u64,
    },
    /// A segment is not there.
    SegmentMissing,
    /// The beginning of a segment is not that of a segment of this vault.
    NotOurs,
    /// The end of the last segment is not a record: it was cut, edited, or not finished.
    TornTail {
        /// How many bytes are no record.
        bytes: u64,
    },
    /// The trail ends before a head that it once had.
    Cut {
        /// The head's sequence.
        head: u64,
    },
    /// The record that a head names is another one.
    Rewritten {
        /// The head's sequence.
        head: u64,
    },
}

/// What [`Trail::walk`] meets, in order.
pub enum Step {
    /// A record in its place.
    Record(Place, Box<Record>),
    /// Something wrong.
    Wrong(Finding),
    /// The vault itself noted that bytes at the end of a segment do not count.
    Abandoned(Place, u64),
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct At {
    /// The MAC that the next record must carry on; unknown after something wrong.
    pub(super) link: Option<Link>,
    /// The sequence that the next record must have; unknown at the beginning of a part.
    pub(super) next: Option<u64>,
}

impl Trail {
    /// The trail in `dir` of the vault with this id.
    pub fn new(dir: PathBuf, vault: [u8; 16], hmac: Arc<Hmac>) -> Self {
        Self { dir, vault, hmac }
    }

    /// The directory that it is in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The numbers of its segments, ascending.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn segments(&self) -> io::Result<Vec<u64>> {
        segment::list(&self.dir)
    }

    /// Walks through everything from segment `from` on, or from the first one that is there. `meet`
    /// returns whether to go on.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn walk(&self, from: u64, mut meet: impl FnMut(Step) -> bool) -> io::Result<()> {
        let numbers = self.segments()?;
        let mut at = At::default();
        let mut expected = None;
        let wanted: Vec<_> = numbers.into_iter().filter(|number| *number >= from).collect();
        for (n, &number) in wanted.iter().enumerate() {
            while let Some(missing) = expected.filter(|missing| *missing < number) {
                let place = Place { segment: missing, offset: 0 };
                let sequence = at.next.unwrap_or_default();
                at = At::default();
                if !meet(Step::Wrong(Finding { place, sequence, wrong: Wrong::SegmentMissing })) {
                    return Ok(());
                }
                expected = Some(missing + 1);
            }
            expected = Some(number + 1);
            let bytes = fs::read(segment::path(&self.dir, number))?;
            let following = match wanted.get(n + 1) {
                Some(next) => Some(self.beginning(*next)?),
                None => None,
            };
            if !self.walk_segment(number, &bytes, &mut at, following, &mut meet) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The first record of segment `number`, if it is there and proved.
    pub(super) fn beginning(&self, number: u64) -> io::Result<Option<Record>> {
        self.read_one(Place { segment: number, offset: segment::HEADER_LEN as u64 })
    }

    /// The record at `place`, if there is one and it is proved.
    pub(super) fn read_one(&self, place: Place) -> io::Result<Option<Record>> {
        let mut bytes = Vec::with_capacity(RECORD_LEN_MAX);
        let mut file = fs::File::open(segment::path(&self.dir, place.segment))?;
        file.seek(SeekFrom::Start(place.offset))?;
        file.take(RECORD_LEN_MAX as u64).read_to_end(&mut bytes)?;
        Ok(record::parse(&bytes, &self.vault, &*self.hmac).map(|(record, _)| record))
    }

    /// Walks through one segment. `following` is the first record of the next one, if there is a next
    /// one: it tells where this one ended.
    pub(super) fn walk_segment(
        &self,
        number: u64,
        bytes: &[u8],
        at: &mut At,
        following: Option<Option<Record>>,
        meet: &mut impl FnMut(Step) -> bool,
    ) -> bool {
        let place = |offset: usize| Place { segment: number, offset: offset as u64 };
        let ends_after = following.as_ref().map(|next| {
            next.as_ref().map(|next| (next.sequence.wrapping_sub(1), is_after_trouble(next)))
        });
        let mut offset = segment::HEADER_LEN;
        if number == 1 {
            *at = At { link: Some([0; LINK_LEN]), next: Some(1) };
        }
        if !segment::has_header(bytes, number, &self.vault) {
            let sequence = at.next.unwrap_or_default();
            let finding = Finding { place: place(0), sequence, wrong: Wrong::NotOurs };
            *at = At { link: None, next: at.next };
            if !meet(Step::Wrong(finding)) {
                return false;
            }
        }
        while offset < bytes.len() {
            // What stands after the record that the next segment carries on does not count.
            if let (Some(Some((last, true))), Some(next)) = (ends_after, at.next)
                && next == last.wrapping_add(1)
            {
                return meet(Step::Abandoned(place(offset), (bytes.len() - offset) as u64));
            }
            let rest = bytes.get(offset..).unwrap_or_default();
            let (record, len, skipped) = match self.next_record(rest) {
                Some(found) => found,
                None => {
                    let wrong = match following {
                        None => Wrong::TornTail { bytes: rest.len() as u64 },
                        Some(_) => Wrong::Edited,
                    };
                    let sequence = at.next.unwrap_or_default();
                    at.link = None;
                    return meet(Step::Wrong(Finding { place: place(offset), sequence, wrong }));
                }
            };
            let is_first = offset == segment::HEADER_LEN;
            let begins = !is_first || begins_segment(&record, number);
            if let Some(wrong) = judge(&record, skipped, begins, at) {
                let sequence = at.next.unwrap_or_default();
                if !meet(Step::Wrong(Finding { place: place(offset), sequence, wrong })) {
                    return false;
                }
            }
            *at = At { link: Some(record.mac), next: Some(record.sequence.wrapping_add(1)) };
            offset += skipped;
            if !meet(Step::Record(place(offset), Box::new(record))) {
                return false;
            }
            offset += len;
        }
        true
    }

    /// The next proved record in `bytes`, its length, and how many bytes before it are none.
    fn next_record(&self, bytes: &[u8]) -> Option<(Record, usize, usize)> {
        let last = bytes.len().checked_sub(RECORD_LEN)?;
        (0..=last).find_map(|skipped| {
            let (record, len) = record::parse(bytes.get(skipped..)?, &self.vault, &*self.hmac)?;
            Some((record, len, skipped))
        })
    }
}

/// Whether a segment began because the one before it could not be carried on.
fn is_after_trouble(first: &Record) -> bool {
    first.entry.event == Event::Gap
}

fn begins_segment(record: &Record, number: u64) -> bool {
    let begins = matches!(record.entry.event, Event::SegmentBegins | Event::Gap);
    begins && record.entry.previous == number
}

/// What is wrong between the record before and this one, with `skipped` bytes between them. `begins`:
/// a segment may begin with it, or does not begin here.
fn judge(record: &Record, skipped: usize, begins: bool, at: &At) -> Option<Wrong> {
    let next = at.next.unwrap_or(record.sequence);
    if skipped > 0 {
        return Some(Wrong::Edited);
    }
    if record.sequence > next || !begins {
        return Some(Wrong::Removed { until: record.sequence });
    }
    if record.sequence < next {
        return Some(Wrong::OutOfOrder { found: record.sequence });
    }
    match at.link {
        Some(link) if link != record.previous => Some(Wrong::Edited),
        Some(_) | None => None,
    }
}
