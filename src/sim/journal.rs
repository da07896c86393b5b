//! What happened: every request on Jumio's side, and what a client should never have done.

use std::collections::VecDeque;

use serde::Serialize;

use super::id::Id;

/// Entries kept of each kind; older ones are dropped.
const KEPT: usize = 100_000;

/// The journal of one world. Holds no tokens, no bodies and no query strings.
#[derive(Default)]
pub(super) struct Journal {
    last: u64,
    entries: VecDeque<Entry>,
    violations: VecDeque<Violation>,
}

/// One request.
#[derive(Clone, Serialize)]
pub(super) struct Entry {
    /// Position in the world's journal, from 1.
    pub(super) sequence: u64,
    /// Simulated time of its arrival.
    pub(super) at: String,
    pub(super) method: String,
    pub(super) path: String,
    /// Status answered; absent if the connection was cut before one was sent.
    pub(super) status: Option<u16>,
    /// Length of the request's body.
    pub(super) request_bytes: usize,
    /// Length of the answer's body as far as it was sent.
    pub(super) response_bytes: usize,
    pub(super) host: String,
    /// Whether a fault changed the answer.
    pub(super) fault: bool,
}

/// Something a correct client never does.
#[derive(Clone, Serialize)]
pub(super) struct Violation {
    /// The request in the journal.
    pub(super) sequence: u64,
    pub(super) execution_id: Id,
    pub(super) what: String,
}

impl Journal {
    /// The number for a request that arrives now.
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds a request.
    pub(super) fn record(&mut self, entry: Entry) {
        keep(&mut self.entries, entry);
    }

    /// Adds a violation.
    pub(super) fn accuse(&mut self, sequence: u64, execution_id: Id, what: &str) {
        keep(&mut self.violations, Violation { sequence, execution_id, what: what.to_owned() });
    }

    /// Requests after number `since`, by number. Concurrent requests are recorded when they end,
    /// so the journal is put in order here.
    pub(super) fn since(&self, since: u64) -> Vec<Entry> {
        let later = self.entries.iter().filter(|entry| entry.sequence > since);
        let mut later: Vec<Entry> = later.cloned().collect();
        later.sort_by_key(|entry| entry.sequence);
        later
    }

    /// All violations, oldest first.
    pub(super) fn violations(&self) -> Vec<Violation> {
        self.violations.iter().cloned().collect()
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
