//! Looks at the wall clock now and then, and pauses erasing while it is not where it should be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::vault::{ClockGuard, clock_guard};

use super::TheVault;

/// Between two looks. The sweep also looks just before it begins.
const EVERY: Duration = Duration::from_secs(10);

/// The wall clock, measured against the time that really passes.
#[derive(Debug)]
pub(super) struct ClockWatch {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The last look at which all was well: the wall clock, and the time since we began.
    trusted: (Timestamp, Duration),
    jumped: bool,
}

impl ClockWatch {
    /// Trusts the clock as it is at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        let state = State { trusted: (now, Duration::ZERO), jumped: false };
        Self { began: Instant::now(), state: Mutex::new(state) }
    }

    /// Looks at the clock, which says `now` when we have run for `passed`. Whether it is where it should be. Raises one alarm for
    /// one jump. A clock that comes back to where it should be is trusted again; one that does not is
    /// not until the next start, when somebody has looked.
    fn look(&self, now: Timestamp, passed: Duration, metrics: &Metrics) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, monotonic) = state.trusted;
        let was = state.jumped;
        match clock_guard(wall, monotonic, now, passed) {
            ClockGuard::Steady => {
                state.trusted = (now, passed);
                state.jumped = false;
                if was {
                    tracing::info!("the clock is back where it should be; erasing goes on");
                }
            }
            ClockGuard::Jumped { by } => {
                state.jumped = true;
                if !was {
                    tracing::error!(
                        by_seconds = by,
                        "the clock jumped: nothing is erased by retention until it is back, or the \
                         vault is started anew; captures go on"
                    );
                }
            }
        }
        metrics.clock_jumped(state.jumped);
        !state.jumped
    }

    /// Looks now, and lets the vault erase or not.
    pub(super) fn guard(&self, vault: &TheVault) {
        let trusted = self.look(Timestamp::now(), self.began.elapsed(), vault.metrics());
        vault.doubt_clock(!trusted);
    }
}

/// Guards `vault` until `stopped` says so.
pub(super) async fn watch_clock(
    clock: Arc<ClockWatch>,
    vault: Arc<TheVault>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        clock.guard(&vault);
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = sleep(EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_pauses_erasing_until_the_clock_is_back() {
        const MINUTE: Duration = Duration::from_secs(60);
        let start = Timestamp::from_millis(1_772_409_600_000);
        let (clock, metrics) = (ClockWatch::new(start), Metrics::default());
        assert!(clock.look(start.plus(MINUTE), MINUTE, &metrics));

        let (hour, decade) = (MINUTE * 60, MINUTE * 60 * 24 * 3_652);
        let mut passed = MINUTE;
        for jumped in [start.plus(decade), start.minus(decade), start.plus(hour)] {
            assert!(!clock.look(jumped, passed, &metrics), "{jumped}");
            // Going on from the wrong place is still wrong.
            passed += MINUTE;
            let on = jumped.plus(MINUTE);
            assert!(!clock.look(on, passed, &metrics), "{on}");
        }

        assert!(clock.look(start.plus(passed), passed, &metrics), "it says what it should");
    }
}
