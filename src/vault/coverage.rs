//! The forecast: which facemaps the call budget can still save, and which it cannot.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::jumio::Jumio;
use crate::model::Timestamp;
use crate::store::Store;

use super::Vault;

/// What is stored, what is not yet, and whether the budget is enough for the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Facemaps still to be captured, by the day their deadline falls in; soonest first. A day is
    /// counted from now: 0 is the next 24 hours.
    pub days: Vec<CoverageDay>,
    /// Facemaps whose deadline has passed already; they are tried last.
    pub overdue: u64,
    /// Captures per second that the budget allows.
    pub captures_per_second: f64,
    /// When everything has been tried, at that rate.
    pub finish: Timestamp,
    /// Deadlines that will be missed on the way. Those passed already are not counted.
    pub missed: u64,
    /// The first of them, to the minute.
    pub first_missed: Option<Timestamp>,
}

/// One day's deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageDay {
    /// Whole days from now to the deadline.
    pub days_left: u64,
    /// Facemaps still to be captured.
    pub pending: u64,
    /// Of these, those that the budget cannot save.
    pub missed: u64,
}

const DAY: u64 = 24 * 3600;

impl<S: Store, J: Jumio> Vault<S, J> {
    /// The forecast for what must be captured within `horizon` of `now`.
    pub fn coverage(&self, now: Timestamp, horizon: Duration) -> Coverage {
        let mut pending = self.census().pending;
        pending.retain(|&at, _| at < now.plus(horizon));
        forecast(&pending, self.settings.captures_per_second, now)
    }
}

/// What happens to the facemaps `pending`, by deadline, if from `now` on they are captured one after
/// the other at this rate, nearest deadline first, those that cannot be saved last.
///
/// Exact for a sweep that nothing holds up: each capture costs the same, so no other order misses
/// fewer deadlines. A rate that is not a positive number saves nothing.
pub fn forecast(
    pending: &BTreeMap<Timestamp, u64>,
    captures_per_second: f64,
    now: Timestamp,
) -> Coverage {
    let each = Duration::try_from_secs_f64(1.0 / captures_per_second).unwrap_or(Duration::MAX);
    let each = each.as_nanos().max(1);
    let mut coverage = Coverage {
        days: Vec::new(),
        overdue: 0,
        captures_per_second,
        finish: now,
        missed: 0,
        first_missed: None,
    };
    let (mut saved, mut total) = (0_u64, 0_u64);
    for (&at, &count) in pending {
        total = total.saturating_add(count);
        if at <= now {
            coverage.overdue += count;
            continue;
        }
        // So many captures can have ended by then, whatever they are of.
        let room = u64::try_from(at.since(now).as_nanos() / each).unwrap_or(u64::MAX);
        let missed = count.saturating_sub(room - saved);
        saved += count - missed;
        if missed > 0 {
            coverage.first_missed.get_or_insert(at);
        }
        coverage.missed += missed;
        let days_left = at.since(now).as_secs() / DAY;
        match coverage.days.last_mut().filter(|day| day.days_left == days_left) {
            Some(day) => (day.pending, day.missed) = (day.pending + count, day.missed + missed),
            None => coverage.days.push(CoverageDay { days_left, pending: count, missed }),
        }
    }
    let nanos = each.saturating_mul(u128::from(total));
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    coverage.finish = now.plus(Duration::from_secs(seconds));
    coverage
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn pending(rows: &[(i64, u64)]) -> BTreeMap<Timestamp, u64> {
        let at = |seconds: i64| NOW.as_millis().saturating_add_signed(seconds * 1000);
        rows.iter().map(|&(seconds, n)| (Timestamp::from_millis(at(seconds)), n)).collect()
    }

    #[test]
    fn what_fits_the_budget_is_saved_and_the_rest_is_told() {
        // At one capture in ten seconds.
        type Row = (&'static str, &'static [(i64, u64)], u64, Option<i64>);
        let table: [Row; 7] = [
            ("nothing", &[], 0, None),
            ("just enough", &[(60, 6)], 0, None),
            ("one too many", &[(60, 7)], 1, Some(60)),
            ("overdue is no miss of ours", &[(-60, 9), (60, 6)], 0, None),
            ("a late one does not push out an early one", &[(60, 6), (120, 6)], 0, None),
            ("the hopeless take no room", &[(60, 100), (120, 6)], 94, Some(60)),
            ("too many later", &[(60, 1), (120, 20), (3600, 10)], 9, Some(120)),
        ];
        for (what, rows, missed, first) in table {
            let got = forecast(&pending(rows), 0.1, NOW);
            let first = first.map(|s| NOW.plus(Duration::from_secs(s.unsigned_abs())));
            assert_eq!((got.missed, got.first_missed), (missed, first), "{what}");
            let total: u64 = rows.iter().map(|(_, n)| n).sum();
            assert_eq!(got.finish, NOW.plus(Duration::from_secs(10 * total)), "{what}");
            assert_eq!(got.days.iter().map(|day| day.missed).sum::<u64>(), missed, "{what}");
        }
    }

    #[test]
    fn deadlines_are_counted_by_day() {
        let day = 86_400;
        let rows = [(-5, 2), (60, 1), (day - 60, 1), (day, 4), (30 * day + 60, 8)];
        let got = forecast(&pending(&rows), 1.0, NOW);
        let days: Vec<_> = got.days.iter().map(|d| (d.days_left, d.pending)).collect();
        assert_eq!(days, [(0, 2), (1, 4), (30, 8)]);
        assert_eq!(got.overdue, 2);
    }

    #[test]
    fn no_rate_saves_nothing() {
        for rate in [0.0, -1.0, f64::NAN] {
            let got = forecast(&pending(&[(60, 3)]), rate, NOW);
            assert_eq!(got.missed, 3, "{rate}");
        }
    }
}
