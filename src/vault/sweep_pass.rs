//! The order of a sweep: which row comes next, when to wait, when to give up. It decides and nothing
//! else: no clock, no store, no Jumio, so that a test can run days of it in a moment.
//!
//! Rows whose deadline can still be met come first, nearest deadline first. For captures that all cost
//! the same, no other order saves more. Those that cannot be met any more come last, not never: Jumio
//! may keep data longer than it must.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::model::{LastError, RowKey, Timestamp};
use crate::store::Due;

use super::sweep::SweepPlan;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read a page of the due index, and hand it to [`Pass::page`].
    Read {
        /// After this entry.
        after: Option<Due>,
        /// Before this moment.
        before: Timestamp,
    },
    /// Try this row, and tell how it went to [`Pass::ended`].
    Try(Due),
    /// Wait until a try ends, or this moment comes.
    Wait(Option<Timestamp>),
    /// It is over.
    End(Ending),
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every row that was due was tried.
    Through,
    /// The limit of tries was reached.
    Limit,
    /// Jumio serves nobody for this reason; trying more accounts would not help.
    GaveUp(LastError),
}

/// How a try went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing is left to do.
    Settled,
    /// Our store could not read or write the row.
    Failed,
    /// Jumio answered, but there is no facemap yet.
    Pending(LastError),
    /// Somebody else has just tried.
    Skipped(LastError),
    /// The tenant's call budget is used up, for so long if that is known.
    Throttled(Option<Duration>),
    /// Jumio did not answer.
    Down(LastError),
    /// Jumio refuses whatever the account.
    Refused(LastError),
}

/// So many accounts in a row say the same of the whole tenant.
const IN_A_ROW: usize = 3;
/// The front of the index is read again after this long: something nearer may have been enrolled.
const REREAD: Duration = Duration::from_secs(30);
/// Shortest and longest wait for a budget, and the wait if none is known.
const THROTTLED: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_secs(300), Duration::from_secs(1)];
/// Longest wait between two tries while Jumio is down.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Pass {
    plan: SweepPlan,
    before: Timestamp,
    phase: Phase,
    cursor: Option<Due>,
    ready: BTreeSet<Due>,
    in_flight: HashSet<RowKey>,
    done: HashSet<RowKey>,
    pending: HashMap<RowKey, LastError>,
    started: u64,
    reread_at: Timestamp,
    wait_until: Option<Timestamp>,
    stuck_since: Option<Timestamp>,
    backoffs: u32,
    /// Rows for which Jumio did not answer, since its last answer.
    down: Vec<RowKey>,
    /// Rows that got a second chance after Jumio was down.
    forgiven: HashSet<RowKey>,
    refusals: usize,
    gave_up: Option<LastError>,
    /// Spreads waits, so that many vaults do not come back in step.
    spread: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Rows whose deadline can be met.
    InTime,
    /// All the others.
    Late,
    /// Every page was read.
    Read,
}

impl Pass {
    pub(super) fn new(plan: SweepPlan, now: Timestamp, spread: u64) -> Self {
        Self {
            before: now.plus(plan.horizon),
            plan,
            phase: Phase::InTime,
            cursor: None,
            ready: BTreeSet::new(),
            in_flight: HashSet::new(),
            done: HashSet::new(),
            pending: HashMap::new(),
            started: 0,
            reread_at: now.plus(REREAD),
            wait_until: None,
            stuck_since: None,
            backoffs: 0,
            down: Vec::new(),
            forgiven: HashSet::new(),
            refusals: 0,
            gave_up: None,
            spread,
        }
    }

    /// What to do at `now`.
    pub(super) fn next(&mut self, now: Timestamp) -> Step {
        if let Some(error) = self.gave_up {
            return self.end(Ending::GaveUp(error));
        }
        if self.plan.limit.is_some_and(|limit| self.started >= limit) {
            return self.end(Ending::Limit);
        }
        if let Some(until) = self.wait_until.filter(|&until| until > now) {
            return Step::Wait(Some(until));
        }
        // While Jumio is down one try at a time shows when it is back.
        let places = if self.is_down() { 1 } else { self.plan.in_flight_max.max(1) };
        if self.in_flight.len() >= places {
            return Step::Wait(None);
        }
        if now >= self.reread_at {
            self.from_the_front(now);
        }
        let in_time = self.in_time(now);
        while let Some(due) = self.ready.pop_first() {
            if self.phase == Phase::InTime && due.at < in_time {
                continue;
            }
            self.in_flight.insert(due.row);
            self.started += 1;
            return Step::Try(due);
        }
        match self.phase {
            Phase::InTime => {
                let last = in_time.as_millis().checked_sub(1).map(Timestamp::from_millis);
                let late = last.map(|at| Due { at, row: RowKey([u8::MAX; 32]) });
                Step::Read { after: self.cursor.max(late), before: self.before }
            }
            Phase::Late => Step::Read { after: self.cursor, before: self.before },
            Phase::Read => self.end(Ending::Through),
        }
    }

    /// What the index answered to [`Step::Read`]; nothing is its end.
    pub(super) fn page(&mut self, page: &[Due]) {
        match (page.last(), self.phase) {
            (Some(last), _) => self.cursor = Some(*last),
            (None, Phase::InTime) => (self.phase, self.cursor) = (Phase::Late, None),
            (None, Phase::Late | Phase::Read) => self.phase = Phase::Read,
        }
        let open = |due: &&Due| !self.done.contains(&due.row) && !self.in_flight.contains(&due.row);
        self.ready.extend(page.iter().filter(open));
    }

    /// How the try of `due` went.
    pub(super) fn ended(&mut self, due: Due, outcome: Outcome, now: Timestamp) {
        self.in_flight.remove(&due.row);
        self.done.insert(due.row);
        self.pending.remove(&due.row);
        match outcome {
            Outcome::Settled => self.answered(now),
            Outcome::Failed => {}
            Outcome::Pending(error) => {
                self.pending.insert(due.row, error);
                self.answered(now);
            }
            Outcome::Skipped(error) => drop(self.pending.insert(due.row, error)),
            Outcome::Throttled(wait) => {
                self.pending.insert(due.row, LastError::RateLimited);
                if !self.plan.patience.is_zero() {
                    // The same row again, so that the order stays.
                    self.done.remove(&due.row);
                    self.ready.insert(due);
                    self.started -= 1;
                    let [min, max, unknown] = THROTTLED;
                    self.wait(now, wait.unwrap_or(unknown).clamp(min, max));
                    self.stuck(LastError::RateLimited, now);
                }
            }
            Outcome::Down(error) => {
                self.pending.insert(due.row, error);
                self.down.push(due.row);
                if self.is_down() && !self.plan.patience.is_zero() {
                    self.back_off(now);
                    self.stuck(error, now);
                }
            }
            Outcome::Refused(error) => {
                self.pending.insert(due.row, error);
                self.refusals += 1;
                if self.refusals >= IN_A_ROW {
                    self.gave_up = Some(error);
                }
            }
        }
    }

    /// Rows tried and still to be captured, each with the reason.
    pub(super) fn pending(&self) -> &HashMap<RowKey, LastError> {
        &self.pending
    }

    /// The earliest deadline that a try beginning now can meet, behind what is being tried.
    fn in_time(&self, now: Timestamp) -> Timestamp {
        let ahead = u32::try_from(self.in_flight.len() + 1).unwrap_or(u32::MAX);
        now.plus(self.plan.capture_time.saturating_mul(ahead))
    }

    fn is_down(&self) -> bool {
        self.down.len() >= IN_A_ROW
    }

    /// Jumio serves us. If it was down, what it missed is tried once more, in order.
    fn answered(&mut self, now: Timestamp) {
        self.refusals = 0;
        self.backoffs = 0;
        self.stuck_since = None;
        let missed = std::mem::take(&mut self.down);
        if missed.len() < IN_A_ROW || self.plan.patience.is_zero() {
            return;
        }
        for row in missed {
            if self.forgiven.insert(row) {
                self.done.remove(&row);
            }
        }
        self.from_the_front(now);
    }

    fn from_the_front(&mut self, now: Timestamp) {
        self.phase = Phase::InTime;
        self.cursor = None;
        self.ready.clear();
        self.reread_at = now.plus(REREAD);
    }

    /// One second, two, four and so on, a half of it by chance.
    fn back_off(&mut self, now: Timestamp) {
        if self.wait_until.is_some_and(|until| until > now) {
            return;
        }
        let base = Duration::from_secs(1 << self.backoffs.min(6)).min(BACKOFF_MAX);
        let chance = self.spread.rotate_left(self.backoffs * 8) % 512;
        self.backoffs += 1;
        self.wait(now, base / 2 + base.mul_f64(chance as f64 / 1024.0));
    }

    fn wait(&mut self, now: Timestamp, duration: Duration) {
        self.wait_until = self.wait_until.max(Some(now.plus(duration)));
    }

    fn stuck(&mut self, error: LastError, now: Timestamp) {
        let since = *self.stuck_since.get_or_insert(now);
        if now.since(since) >= self.plan.patience {
            self.gave_up = Some(error);
        }
    }

    fn end(&self, ending: Ending) -> Step {
        if self.in_flight.is_empty() { Step::End(ending) } else { Step::Wait(None) }
    }
}

#[cfg(test)]
mod tests;
