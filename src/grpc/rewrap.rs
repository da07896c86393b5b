//! Rotations of keys as messages.

use std::time::Duration;

use crate::model::{RewrapId, Timestamp};
use crate::proto::admin::v1;
use crate::vault::{
    Jumio, Rewrap, RewrapState, RewrapStep, RewrapTrouble, RotationPlan, Store, Vault,
};

use super::convert::timestamp;
use super::fields::Fields;

/// How fast facemaps are sealed anew if nobody says: about 35 MB read and written in a second.
const SEAL_ANEW_RATE: u32 = 100;
/// What a machine of two slow cores rewraps, or looks at, in a second beside other work: for foretelling
/// only, and rather too low.
const USUAL_RATE: u32 = 20_000;

/// What is to be done, from the fields of a request.
pub(super) fn plan<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    base: RotationPlan,
    bucket: &str,
    rate: u32,
    fields: &mut Fields,
) -> RotationPlan {
    let number = bucket.parse().ok().filter(|&bucket| vault.has_bucket(bucket));
    if number.is_none() && !bucket.is_empty() {
        fields.refuse("bucket", "must be the number of a bucket, or empty");
    }
    let default = base.seal_anew.then_some(SEAL_ANEW_RATE);
    RotationPlan { bucket: number, rate: Some(rate).filter(|&rate| rate > 0).or(default), ..base }
}

/// `rewraps/{uuid}`, or nothing.
pub(super) fn parse_name(name: &str, fields: &mut Fields) -> Option<RewrapId> {
    let id = name.strip_prefix("rewraps/").and_then(|id| id.parse().ok());
    if id.is_none() && !name.is_empty() {
        fields.refuse("name", "must be rewraps/{uuid}, or empty for the newest");
    }
    id
}

/// The bucket and epoch of a version, such as `3.1`.
pub(super) fn parse_version(version: &str, fields: &mut Fields) -> Option<(u16, u32)> {
    let parts = version.split_once('.');
    let parsed =
        parts.and_then(|(bucket, epoch)| Some((bucket.parse().ok()?, epoch.parse().ok()?)));
    if parsed.is_none() {
        fields.refuse("version", "must be a key version such as 3.1");
    }
    parsed
}

/// What a rotation of `total` out of `all` records would have to do, and about when it would be done: it
/// wraps those, and then looks at all.
pub(super) fn preview(total: u64, all: u64, plan: RotationPlan, now: Timestamp) -> v1::Rewrap {
    let looked_at = if plan.rewrap { all } else { 0 };
    let wrap = total as f64 / f64::from(plan.rate.unwrap_or(USUAL_RATE));
    let look = looked_at as f64 / f64::from(plan.look_rate().unwrap_or(USUAL_RATE));
    let end = now.plus(Duration::from_secs_f64(wrap + look));
    v1::Rewrap { total: int64(total), estimated_end_time: Some(timestamp(end)), ..planned(plan) }
}

/// The name of a rotation.
pub(super) fn name(id: RewrapId) -> String {
    format!("rewraps/{}", id.hyphenated())
}

fn planned(plan: RotationPlan) -> v1::Rewrap {
    v1::Rewrap {
        bucket: plan.bucket.map(|bucket| bucket.to_string()).unwrap_or_default(),
        seal_anew: plan.seal_anew,
        ..v1::Rewrap::default()
    }
}

pub(super) fn message(rewrap: &Rewrap, now: Timestamp) -> v1::Rewrap {
    use v1::rewrap::{State, Step, Trouble};

    let state = match rewrap.state {
        RewrapState::Running => State::Running,
        RewrapState::Succeeded => State::Succeeded,
        RewrapState::Incomplete => State::Incomplete,
        RewrapState::Failed => State::Failed,
        RewrapState::Cancelled => State::Cancelled,
    };
    let step = match rewrap.step {
        RewrapStep::Keys => Step::Keys,
        RewrapStep::Rewrap => Step::Rewrap,
        RewrapStep::Wait => Step::Wait,
        RewrapStep::Verify => Step::Verify,
        RewrapStep::Drop => Step::Compact,
        RewrapStep::Retire => Step::Retire,
    };
    let trouble = match rewrap.why {
        None => Trouble::Unspecified,
        Some(RewrapTrouble::Damaged) => Trouble::Damaged,
        Some(RewrapTrouble::Stale) => Trouble::Stale,
        Some(RewrapTrouble::Busy) => Trouble::Busy,
    };
    v1::Rewrap {
        name: name(rewrap.id),
        state: state.into(),
        step: step.into(),
        trouble: trouble.into(),
        total: int64(rewrap.total),
        rewrapped: int64(rewrap.rewrapped),
        verified: int64(rewrap.verified),
        damaged: int64(rewrap.damaged),
        retired: i32::try_from(rewrap.retired).unwrap_or(i32::MAX),
        start_time: Some(timestamp(rewrap.started)),
        end_time: rewrap.ended.map(timestamp),
        estimated_end_time: rewrap.estimated_end(now).map(timestamp),
        ..planned(rewrap.plan)
    }
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
