//! The forecast as operators see it.

use std::time::Duration;

use crate::proto::admin::v1;
use crate::vault::{Census, Coverage};

use super::convert::timestamp;
use super::fields::{Fields, Violation};

/// Longest horizon: beyond it nothing has a deadline.
const HORIZON_MAX: Duration = Duration::from_secs(3653 * 24 * 3600);

/// How far to look ahead, if it says.
///
/// # Errors
///
/// If it is negative or longer than ten years.
pub(super) fn horizon(
    given: Option<prost_types::Duration>,
) -> Result<Option<Duration>, Vec<Violation>> {
    let mut fields = Fields::default();
    let what = "must be between 0 and ten years";
    let horizon = fields.duration("horizon", given, Duration::ZERO, HORIZON_MAX, what);
    fields.finish(Some(horizon))
}

/// The forecast beside what is stored.
pub(super) fn message(coverage: &Coverage, census: &Census) -> v1::Coverage {
    let day = |day: &crate::vault::CoverageDay| v1::coverage::Day {
        days_left: i32::try_from(day.days_left).unwrap_or(i32::MAX),
        pending: int64(day.pending),
        missed_deadlines: int64(day.missed),
    };
    let pending: u64 = coverage.days.iter().map(|day| day.pending).sum();
    v1::Coverage {
        days: coverage.days.iter().map(day).collect(),
        pending: int64(pending + coverage.overdue),
        overdue: int64(coverage.overdue),
        captured: int64(census.captured),
        blocked: int64(census.blocked_total()),
        lost: int64(census.lost),
        captures_per_second_budget: coverage.captures_per_second,
        finish_time_at_budget: Some(timestamp(coverage.finish)),
        missed_deadlines: int64(coverage.missed),
        first_missed_time: coverage.first_missed.map(timestamp),
    }
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
