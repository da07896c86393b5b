//! The simulated clock: real time plus an offset that the control API moves.
//!
//! Everything Jumio would date or let expire (access tokens, execution tokens, sessions, retention)
//! follows this clock. Pauses on the wire (fault delays, callback retries, rate limits) follow
//! tokio's clock instead, because callers wait for them in real time.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Latest moment the clock can show: the end of the year 9998, inside what RFC 3339 can print.
const LATEST_MS: i64 = 253_370_764_800_000;

/// A point of simulated time, in milliseconds since 1970-01-01T00:00:00Z, never before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Moment(i64);

impl Moment {
    /// The moment `ms` milliseconds after 1970, moved into the range the simulator can print.
    pub(super) fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LATEST_MS))
    }

    /// Reads an RFC 3339 time; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_ms(stamp.as_millisecond()))
    }

    /// Milliseconds since 1970.
    pub(super) fn ms(self) -> i64 {
        self.0
    }

    /// The moment `by` later.
    pub(super) fn after(self, by: Duration) -> Self {
        Self::from_ms(self.0.saturating_add(to_ms(by)))
    }

    /// The moment `by` earlier.
    pub(super) fn before(self, by: Duration) -> Self {
        Self::from_ms(self.0.saturating_sub(to_ms(by)))
    }
}

impl fmt::Display for Moment {
    /// RFC 3339 in UTC with milliseconds, the way Jumio prints times.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{stamp:.3}")
    }
}

/// The clock of one simulator, shared by all of its worlds.
#[derive(Default)]
pub(super) struct SimClock {
    offset_ms: AtomicI64,
}

impl SimClock {
    /// The simulated time.
    pub(super) fn now(&self) -> Moment {
        Moment::from_ms(real_ms().saturating_add(self.offset_ms.load(Ordering::SeqCst)))
    }

    /// Moves the clock forward.
    pub(super) fn advance(&self, by: Duration) {
        let target = self.now().after(by);
        self.set(target);
    }

    /// Lets the clock show `moment` now; it runs on from there.
    pub(super) fn set(&self, moment: Moment) {
        self.offset_ms.store(moment.0.saturating_sub(real_ms()), Ordering::SeqCst);
    }

    /// Back to real time.
    pub(super) fn reset(&self) {
        self.offset_ms.store(0, Ordering::SeqCst);
    }
}

/// `duration` in whole milliseconds, saturating.
fn to_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The real time; the only place in the simulator that reads it.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator may not use the vault's clock, and this is its only reader"
)]
fn real_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, to_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_jumio_prints_them_and_never_leave_the_range() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_792_411_200_398, "2026-10-19T12:00:00.398Z"),
            (i64::MAX, "9999-01-01T00:00:00.000Z"),
            (-5, "1970-01-01T00:00:00.000Z"),
        ];
        for (ms, want) in table {
            let moment = Moment::from_ms(ms);
            assert_eq!(moment.to_string(), want);
            assert_eq!(Moment::parse(want), Some(moment));
        }
        assert_eq!(Moment::from_ms(5).after(Duration::MAX), Moment::from_ms(i64::MAX));
        assert_eq!(Moment::from_ms(5).before(Duration::MAX), Moment::from_ms(0));
    }

    #[test]
    fn the_clock_moves_and_comes_back() {
        let clock = SimClock::default();
        let start = clock.now();
        clock.advance(Duration::from_secs(31 * 86_400));
        assert!(clock.now() >= start.after(Duration::from_secs(31 * 86_400)));
        clock.reset();
        assert!(clock.now() < start.after(Duration::from_secs(3_600)));
    }
}
