//! What those who append and the one who writes share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::chain::{Chain, End};
use super::error::AuditError;
use super::event::{EVENTS, Event};
use super::ledger::Urgency;
use super::record::Entry;
use super::settings::Room;
use super::verify::Head;

/// See the module.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    woken: Condvar,
    end: Mutex<End>,
    trouble: Mutex<Option<AuditError>>,
    /// Only what is urgent may use what is left of the reserve.
    scarce: AtomicBool,
    /// When the write under way began: milliseconds after `began`, plus one. 0: none.
    writing: AtomicU64,
    began: Instant,
    write_timeout: Duration,
    failures: AtomicU64,
    /// How much of the reserve there is, and how much of the disk is free, in bytes.
    left: AtomicU64,
    disk_free: AtomicU64,
    counts: [AtomicU64; EVENTS.len()],
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether somebody waits for one of them.
    hurry: bool,
    closed: bool,
}

/// Entries that wait to be written, and who waits for them.
pub(super) struct Waiting {
    pub(super) entries: Vec<Entry>,
    settle: Option<oneshot::Sender<Result<Head, AuditError>>>,
    given_up: Arc<AtomicBool>,
}

type Settled = oneshot::Receiver<Result<Head, AuditError>>;

impl Waiting {
    pub(super) fn new(entries: Vec<Entry>) -> (Self, Settled, Arc<AtomicBool>) {
        let (settle, settled) = oneshot::channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let waiting = Self { entries, settle: Some(settle), given_up: Arc::clone(&given_up) };
        (waiting, settled, given_up)
    }

    /// Whether it must be written sooner or later: it has happened.
    pub(super) fn is_kept(&self) -> bool {
        let has_happened = |event: Event| {
            event.is_change() || matches!(event, Event::Rewrapped | Event::KeyringChanged)
        };
        self.entries.iter().any(|entry| has_happened(entry.event))
    }

    /// Whether somebody was told that nothing is certain.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Tells how it ended, once.
    pub(super) fn settle(&mut self, result: Result<Head, AuditError>) {
        if let Some(settle) = self.settle.take() {
            let _ = settle.send(result);
        }
    }
}

impl Shared {
    pub(super) fn new(chain: &Chain, write_timeout: Duration) -> Self {
        Self {
            queue: Mutex::default(),
            woken: Condvar::new(),
            end: Mutex::new(chain.end),
            trouble: Mutex::default(),
            scarce: AtomicBool::new(false),
            writing: AtomicU64::new(0),
            began: Instant::now(),
            write_timeout,
            failures: AtomicU64::new(0),
            left: AtomicU64::new(0),
            disk_free: AtomicU64::new(0),
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(super) fn admit(&self, urgency: Urgency) -> Result<(), AuditError> {
        if lock(&self.queue).closed {
            return Err(AuditError::Closed);
        }
        if let Some(trouble) = *lock(&self.trouble) {
            return Err(trouble);
        }
        if self.is_slow() {
            return Err(AuditError::Slow);
        }
        match urgency {
            Urgency::Normal if self.scarce.load(Ordering::Acquire) => Err(AuditError::Full),
            Urgency::Normal | Urgency::Reserved => Ok(()),
        }
    }

    /// Whether a write takes longer than anybody waits for it.
    pub(super) fn is_slow(&self) -> bool {
        let now = self.millis();
        let began = self.writing.load(Ordering::Acquire);
        began != 0 && u128::from(now.saturating_sub(began)) > self.write_timeout.as_millis()
    }

    pub(super) fn hand_in(&self, waiting: Waiting) {
        self.put(waiting, true);
        self.woken.notify_one();
    }

    /// Does not wake the writer: it will come by.
    pub(super) fn hand_in_later(&self, waiting: Waiting) {
        self.put(waiting, false);
    }

    fn put(&self, mut waiting: Waiting, hurry: bool) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return waiting.settle(Err(AuditError::Closed));
        }
        queue.waiting.push(waiting);
        queue.hurry |= hurry;
    }

    /// What was handed in, as soon as somebody waits for it or `patience` ends. `None`: it is closed, and
    /// all was taken.
    pub(super) fn take(&self, patience: Duration) -> Option<Vec<Waiting>> {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| !queue.hurry && !queue.closed;
        let waited = self.woken.wait_timeout_while(queue, patience, idle);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut queue.waiting);
        queue.hurry = false;
        (!taken.is_empty() || !queue.closed).then_some(taken)
    }

    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.woken.notify_one();
    }

    pub(super) fn writing_begins(&self) {
        self.writing.store(self.millis(), Ordering::Release);
    }

    pub(super) fn writing_ends(&self) {
        self.writing.store(0, Ordering::Release);
    }

    pub(super) fn end(&self) -> End {
        *lock(&self.end)
    }

    pub(super) fn ended_with(&self, end: End) {
        *lock(&self.end) = end;
    }

    pub(super) fn trouble(&self, trouble: Option<AuditError>) {
        *lock(&self.trouble) = trouble;
    }

    pub(super) fn scarce(&self, scarce: bool) -> bool {
        self.scarce.swap(scarce, Ordering::AcqRel)
    }

    pub(super) fn room_is(&self, left: u64, disk_free: u64) {
        self.left.store(left, Ordering::Relaxed);
        self.disk_free.store(disk_free, Ordering::Relaxed);
    }

    /// As [`Shared::room_is`] was told last.
    pub(super) fn room(&self) -> Room {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Room { left: load(&self.left), disk_free: load(&self.disk_free), ..Room::default() }
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn written(&self, event: Event) {
        let place = EVENTS.iter().position(|(known, _)| *known == event);
        if let Some(count) = place.and_then(|place| self.counts.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_of(&self, event: Event) -> u64 {
        let place = EVENTS.iter().position(|(known, _)| *known == event);
        let count = place.and_then(|place| self.counts.get(place));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
