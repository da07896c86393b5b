//! Looking something up in a trail.

use std::io;

use crate::model::{RowKey, Timestamp};

use super::event::Event;
use super::method::method_name;
use super::record::Record;
use super::trail::{Step, Trail};

/// What is looked for. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Records after this sequence.
    pub after: u64,
    /// Recorded at this moment or later.
    pub since: Option<Timestamp>,
    /// Recorded before this moment.
    pub until: Option<Timestamp>,
    /// The action, or what it begins with: `facemap.`.
    pub action: String,
    /// About this row.
    pub row: Option<RowKey>,
    /// By this caller, as a keyed hash.
    pub caller: Option<[u8; 16]>,
    /// Only what was refused or failed.
    pub refused: bool,
}

/// What was found in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Records, oldest first.
    pub records: Vec<Record>,
    /// The last sequence that was looked at: where to go on.
    pub last: u64,
    /// Whether there is more to look at.
    pub more: bool,
}

/// Records looked at in one go; bounds the time it takes.
const LOOKED_AT_MAX: u64 = 500_000;

/// The name of what a record tells: that of its event, and of the method if it is a call.
pub fn action(record: &Record) -> String {
    if record.entry.event == Event::Rpc {
        return format!("rpc.{}", method_name(record.entry.detail));
    }
    record.entry.event.name().to_owned()
}

impl Trail {
    /// The first records that are `wanted`, at most `limit`.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn find(&self, wanted: &Wanted, limit: usize) -> io::Result<Found> {
        let mut found = Found { last: wanted.after, ..Found::default() };
        let mut looked_at = 0;
        self.walk(self.first_segment(wanted)?, |step| {
            let Step::Record(_, record) = step else { return true };
            if record.sequence <= wanted.after {
                return true;
            }
            if looked_at == LOOKED_AT_MAX || found.records.len() == limit {
                found.more = true;
                return false;
            }
            looked_at += 1;
            found.last = record.sequence;
            if wanted.matches(&record) {
                found.records.push(*record);
            }
            true
        })?;
        Ok(found)
    }

    /// Where to begin: the last segment that does not begin too late.
    fn first_segment(&self, wanted: &Wanted) -> io::Result<u64> {
        let mut from = 0;
        for number in self.segments()? {
            let Some(first) = self.beginning(number)? else { continue };
            let early = first.sequence <= wanted.after.saturating_add(1)
                || wanted.since.is_some_and(|since| first.entry.at < since);
            if !early {
                break;
            }
            from = number;
        }
        Ok(from)
    }
}

impl Wanted {
    fn matches(&self, record: &Record) -> bool {
        let entry = &record.entry;
        self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && (self.action.is_empty() || action(record).starts_with(&self.action))
            && self.row.is_none_or(|row| entry.row == Some(row))
            && self.caller.is_none_or(|caller| entry.caller == caller)
            && !(self.refused && entry.outcome.is_done())
    }
}
