//! Whether the wall clock went on as time did. Erasing by our own retention must not trust a clock
//! that jumped: what is erased too early is gone, what is erased late is not.

use std::time::Duration;

use crate::model::Timestamp;

/// What became of the wall clock between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockGuard {
    /// It went on as time did, give or take [`CLOCK_TOLERANCE`].
    Steady,
    /// Somebody or something moved it, or the machine slept.
    Jumped {
        /// How far, in seconds; negative is backwards.
        by: i64,
    },
}

/// A clock further off than this was not corrected but moved. Leap seconds and a time service that
/// has just found its servers stay far below it.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10 * 60);

/// Compares how far the wall clock went with how long it really took. The monotonic times count from
/// any one moment, such as the start of the process.
pub fn clock_guard(
    previous_wall: Timestamp,
    previous_monotonic: Duration,
    now_wall: Timestamp,
    now_monotonic: Duration,
) -> ClockGuard {
    let expected = previous_wall.plus(now_monotonic.saturating_sub(previous_monotonic));
    let (ahead, behind) = (now_wall.since(expected), expected.since(now_wall));
    if ahead <= CLOCK_TOLERANCE && behind <= CLOCK_TOLERANCE {
        return ClockGuard::Steady;
    }
    let seconds = |far: Duration| i64::try_from(far.as_secs()).unwrap_or(i64::MAX);
    let by = if ahead > behind { seconds(ahead) } else { -seconds(behind) };
    ClockGuard::Jumped { by }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: how long it really took, how far the wall clock went, and what to think of it.
    #[test]
    fn only_a_clock_that_keeps_its_pace_is_trusted() {
        const MINUTE: i64 = 60;
        const HOUR: i64 = 60 * MINUTE;
        const YEAR: i64 = 365 * 24 * HOUR;
        let steady = ClockGuard::Steady;
        let jumped = |by| ClockGuard::Jumped { by };
        let table = [
            ("nothing happened", 0, 0, steady),
            ("a minute passed", MINUTE, MINUTE, steady),
            ("a year passed", YEAR, YEAR, steady),
            ("a leap second was repeated", MINUTE, MINUTE - 1, steady),
            ("a leap second was left out", MINUTE, MINUTE + 1, steady),
            ("slowed down by a time service", HOUR, HOUR - 2, steady),
            ("just within the tolerance ahead", MINUTE, 11 * MINUTE, steady),
            ("just within the tolerance behind", 20 * MINUTE, 10 * MINUTE, steady),
            ("just beyond it ahead", MINUTE, 11 * MINUTE + 1, jumped(10 * MINUTE + 1)),
            ("just beyond it behind", 20 * MINUTE, 10 * MINUTE - 1, jumped(-10 * MINUTE - 1)),
            ("an hour ahead", MINUTE, MINUTE + HOUR, jumped(HOUR)),
            ("an hour behind", MINUTE, MINUTE - HOUR, jumped(-HOUR)),
            ("ten years ahead", MINUTE, MINUTE + 10 * YEAR, jumped(10 * YEAR)),
            ("ten years behind", MINUTE, MINUTE - 10 * YEAR, jumped(-10 * YEAR)),
        ];
        // 2026-03-02, so that ten years before is a time as well.
        let start: i64 = 1_772_409_600;
        for (what, passed, wall, want) in table {
            let at = |seconds: i64| Timestamp::from_millis(u64::try_from(seconds).unwrap() * 1000);
            let monotonic = |s: i64| Duration::from_secs(u64::try_from(s).unwrap());
            let base = monotonic(5);
            let got = clock_guard(at(start), base, at(start + wall), base + monotonic(passed));
            assert_eq!(got, want, "{what}");
        }
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        let (first, last) = (Timestamp::from_millis(0), Timestamp::from_millis(u64::MAX));
        for (a, b) in [(first, last), (last, first)] {
            let got = clock_guard(a, Duration::MAX, b, Duration::ZERO);
            assert!(matches!(got, ClockGuard::Jumped { .. }), "{got:?}");
        }
    }
}
