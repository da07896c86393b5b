//! The state behind the functions: rules, record, and the lock that keeps both in order.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::rules::{Fate, Kind, Rules};
use crate::trace::{Event, Happened, Trace};
use crate::{rules_file, sys};

/// Stands between the program and its disk.
pub(crate) struct Shim {
    rules_file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    rules: Rules,
    trace: Option<Trace>,
    /// By which the file with the rules was known when it was read.
    stamp: Option<(u64, i64, i64)>,
}

/// What a rule leaves of an operation.
pub(crate) enum Turn<'a> {
    /// Nobody watches this path.
    Unwatched,
    /// It fails with this error.
    Failed(i32),
    /// It goes on, with at most so many bytes; the lock is held until it is recorded.
    Go(MutexGuard<'a, State>, usize),
}

/// The one of this process.
pub(crate) fn shim() -> &'static Shim {
    static SHIM: OnceLock<Shim> = OnceLock::new();
    SHIM.get_or_init(|| Shim { rules_file: rules_file(), state: Mutex::default() })
}

impl Shim {
    /// Decides about one operation on `path`.
    pub(crate) fn turn(&self, kind: Kind, path: &Path) -> Turn<'_> {
        let Some(file) = &self.rules_file else { return Turn::Unwatched };
        let mut state = self.lock();
        state.read_rules(file);
        if !state.rules.watches(path) {
            return Turn::Unwatched;
        }
        let fate = state.rules.fate(kind, path);
        if fate.is_some() {
            state.record(&Event::new(Happened::Fault, path));
        }
        match fate {
            None => Turn::Go(state, usize::MAX),
            Some(Fate::Short(len)) => Turn::Go(state, len),
            Some(Fate::Fail(errno)) => Turn::Failed(errno),
            Some(Fate::Kill) => sys::die(),
            Some(Fate::Delay(millis)) => {
                // Others go on meanwhile, as on a disk of which one file is slow.
                drop(state);
                #[expect(clippy::disallowed_methods, reason = "waiting is the task")]
                std::thread::sleep(Duration::from_millis(millis));
                Turn::Go(self.lock(), usize::MAX)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn record(&self, event: &Event<'_>) {
        if let Some(trace) = &self.trace {
            trace.add(event);
        }
    }

    /// Reads the rules if the file is another one than it was.
    fn read_rules(&mut self, file: &Path) {
        let Some(found) = sys::look(file) else { return };
        let stamp = Some((found.st_ino, found.st_mtime, found.st_mtime_nsec));
        if stamp == self.stamp {
            return;
        }
        let Some(text) = sys::read(file) else { return };
        // A rule that is none would make a test pass for nothing.
        let Ok(rules) = Rules::parse(&text) else { std::process::abort() };
        if rules.trace != self.rules.trace {
            self.trace = rules.trace.as_deref().and_then(Trace::open);
        }
        (self.rules, self.stamp) = (rules, stamp);
    }
}
