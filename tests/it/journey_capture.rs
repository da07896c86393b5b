//! A facemap is captured, or it is clear why not.

use std::time::Duration;

use facemap_vault::audit::{Event, Step};
use facemap_vault::jumio::{JumioError, Limit};
use facemap_vault::model::{Blocked, LastError, State};
use facemap_vault::vault::{DecisionType, ExecutionStatus};

use crate::support::fake_jumio::{Call, Onboarded};
use crate::support::mem_store::Failure;
use crate::support::world::{RETENTION, World, account, facemap};

/// What is left of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    Tried(LastError),
    Blocked(Blocked),
    Lost,
}

/// Each way in which Jumio can fail, and what an attempt makes of it before and after the deadline.
/// `None`: as before it.
#[tokio::test]
async fn every_failure_of_jumio_leaves_the_right_state() {
    let limit = Limit::Retrieval;
    let tried = Left::Tried;
    let table = [
        (JumioError::NotFound { what: "x" }, tried(LastError::NotYet), Some(Left::Lost)),
        (JumioError::CredentialsRejected, tried(LastError::CredentialsRejected), None),
        (JumioError::Throttled { retry_after: None, limit }, tried(LastError::RateLimited), None),
        (JumioError::Unavailable { what: "x" }, tried(LastError::Unavailable), None),
        (JumioError::Timeout { limit: Duration::from_secs(1) }, tried(LastError::Timeout), None),
        (JumioError::OutcomeUnknown { what: "x" }, tried(LastError::Unavailable), None),
        (JumioError::UploadInterrupted { what: "x" }, tried(LastError::Unavailable), None),
        (JumioError::WorkflowNotEnabled, tried(LastError::Refused), None),
        (JumioError::Refused { status: 400 }, tried(LastError::Refused), None),
        (
            JumioError::ResponseUnexpected { pointer: "/x".to_owned() },
            tried(LastError::ResponseUnexpected),
            None,
        ),
        (JumioError::UrlRejected { pointer: "/x".to_owned() }, tried(LastError::UrlRejected), None),
        (JumioError::FacemapTooLong { len: 9, len_max: 8 }, Left::Blocked(Blocked::TooLong), None),
    ];
    for (error, before, after) in table {
        for call in [Call::Onboarding, Call::Download] {
            for late in [false, true] {
                let what = format!("{} at {call:?}, late: {late}", error.name());
                let want = after.as_ref().filter(|_| late).unwrap_or(&before);
                assert_eq!(failed_attempt(call, &error, late).await, *want, "{what}");
            }
        }
    }
}

/// Our right to read may be missing as a whole, which is another thing than the tenant's option.
#[tokio::test]
async fn a_missing_permission_is_told_by_where_it_is_missing() {
    let table = [
        (Call::Onboarding, Left::Tried(LastError::PermissionMissing)),
        (Call::Download, Left::Blocked(Blocked::DownloadNotEnabled)),
    ];
    for (call, want) in table {
        for what in ["part", "workflow execution", "anything"] {
            let got = failed_attempt(call, &JumioError::PermissionMissing { what }, false).await;
            assert_eq!(got, want, "{what} at {call:?}");
        }
    }
}

/// One row per thing Jumio can say of an onboarding that is not captured.
#[tokio::test]
async fn what_jumio_says_decides() {
    type Change = fn(&mut Onboarded);
    let table: [(&str, Change, Left); 9] = [
        ("nothing yet", |o| o.not_yet = 1, Left::Tried(LastError::NotYet)),
        (
            "being decided",
            |o| o.details.status = ExecutionStatus::Acquired,
            Left::Tried(LastError::NotYet),
        ),
        (
            "rejected",
            |o| o.details.decision = Some(DecisionType::Rejected),
            Left::Blocked(Blocked::OnboardingNotAccepted),
        ),
        (
            "not an onboarding",
            |o| o.details.workflow_key = "10071".to_owned(),
            Left::Blocked(Blocked::OnboardingNotAccepted),
        ),
        (
            "not downloadable",
            |o| o.details.facemaps[0].downloadable = false,
            Left::Blocked(Blocked::DownloadNotEnabled),
        ),
        (
            "the newest liveness",
            |o| {
                o.details.liveness[0].liveness_type = "JUMIO_STANDARD".to_owned();
                o.details.facemaps[0].downloadable = false;
            },
            Left::Blocked(Blocked::LivenessUnsupported),
        ),
        ("too long", |o| o.facemap = facemap(1, 100_001), Left::Blocked(Blocked::TooLong)),
        ("wiped, and the decision with it", |o| o.delete(crate::support::world::START), Left::Lost),
        (
            "wiped, but for the decision",
            |o| {
                o.delete(crate::support::world::START);
                o.details.decision = Some(DecisionType::Passed);
            },
            Left::Lost,
        ),
    ];
    for (what, change, want) in table {
        let world = World::new().await;
        let execution = world.onboard(1, &facemap(1, 300));
        world.jumio.change(account(1), execution, change);
        world.enroll(1, execution).await.unwrap();
        assert_eq!(
            left(&world.capture(1).await.unwrap().enrollment.onboarding.state),
            want,
            "{what}"
        );
    }
}

#[tokio::test]
async fn attempts_are_counted_and_the_last_one_succeeds() {
    let world = World::new().await;
    let execution = world.onboard(1, &facemap(1, 300));
    world.enroll(1, execution).await.unwrap();
    world.jumio.fail_next(Call::Download, 3, JumioError::Unavailable { what: "x" });
    for attempt in 1..=3 {
        let state = world.capture(1).await.unwrap().enrollment.onboarding.state;
        assert!(
            matches!(state, State::Pending { attempts, .. } if attempts == attempt),
            "{state:?}"
        );
    }
    assert_eq!(world.capture(1).await.unwrap().enrollment.onboarding.state, State::Captured);
    assert_eq!(world.served(1).await, Some(facemap(1, 300)));
}

#[tokio::test]
async fn what_was_captured_is_remembered_with_it() {
    let world = World::new().await;
    let execution = world.captured(1, &facemap(1, 300)).await;
    let enrollment = world.enrollment(1).await;
    let stored = enrollment.facemap.unwrap();

    assert_eq!(stored.execution, execution);
    assert_eq!(stored.completed, Some(world.now));
    assert_eq!(stored.captured_at, world.now);
    assert_eq!(stored.liveness_type, "IPROOV_STANDARD");
    assert_eq!(stored.len, 300);
}

/// Also if nothing is stored in the end.
#[tokio::test]
async fn that_a_facemap_was_in_the_clear_is_recorded_just_before_what_became_of_it() {
    let world = World::new().await;
    world.captured(1, &facemap(1, 300)).await;
    let execution = world.onboard(2, &facemap(2, 300));
    world.enroll(2, execution).await.unwrap();
    world.store.inner.fail_next(1, Failure::Unavailable);
    world.capture(2).await.unwrap_err();
    world.ledger.close().await;

    let mut events = Vec::new();
    let trail = world.ledger.trail().walk(0, |step| {
        let Step::Record(_, record) = step else { panic!("the trail is whole") };
        events.push(record.entry.event);
        true
    });
    trail.unwrap();
    use Event::{Captured, FacemapOpened, Registered};
    let tail = [Registered, FacemapOpened, Captured, Registered, FacemapOpened];
    assert!(events.ends_with(&tail), "{events:?}");
}

#[tokio::test]
async fn a_facemap_of_any_length_up_to_the_limit_is_captured() {
    for len in [1, 16_383, 16_384, 16_385, 100_000] {
        let world = World::new().await;
        world.captured(1, &facemap(1, len)).await;
        assert_eq!(world.served(1).await, Some(facemap(1, len)), "{len} bytes");
    }
}

#[tokio::test]
async fn two_who_capture_at_once_download_once() {
    let world = World::new().await;
    let execution = world.onboard(1, &facemap(1, 300));
    world.enroll(1, execution).await.unwrap();
    world.jumio.hold(Call::Download);
    let captures = async { tokio::join!(world.capture(1), world.capture(1)) };
    let release = async {
        world.jumio.arrived(Call::Download, 1).await;
        assert!(world.vault.is_capturing(account(1)));
        world.jumio.release(Call::Download);
    };
    let ((first, second), ()) = tokio::join!(captures, release);

    assert_eq!(first.unwrap().enrollment, second.unwrap().enrollment);
    assert_eq!(world.jumio.calls(Call::Download), 1);
    assert!(!world.vault.is_capturing(account(1)));
}

/// A clock set years ahead must not turn "not yet" into "lost": that would give up a facemap.
#[tokio::test]
async fn a_doubted_clock_loses_nothing() {
    let mut world = World::new().await;
    let execution = world.onboard(1, &facemap(1, 300));
    world.enroll(1, execution).await.unwrap();
    world.wait(RETENTION);
    world.jumio.fail_next(Call::Onboarding, 2, JumioError::NotFound { what: "x" });

    world.vault.doubt_clock(true);
    let state = world.capture(1).await.unwrap().enrollment.onboarding.state;
    assert_eq!(left(&state), Left::Tried(LastError::NotYet));

    world.vault.doubt_clock(false);
    let state = world.capture(1).await.unwrap().enrollment.onboarding.state;
    assert_eq!(left(&state), Left::Lost);
}

async fn failed_attempt(call: Call, error: &JumioError, late: bool) -> Left {
    let mut world = World::new().await;
    let execution = world.onboard(1, &facemap(1, 300));
    world.enroll(1, execution).await.unwrap();
    if late {
        world.wait(RETENTION);
    }
    world.jumio.fail_next(call, 1, error.clone());
    left(&world.capture(1).await.unwrap().enrollment.onboarding.state)
}

fn left(state: &State) -> Left {
    match *state {
        State::Pending { last_error: Some(error), attempts: 1, .. } => Left::Tried(error),
        State::Blocked { why, .. } => Left::Blocked(why),
        State::Lost { .. } => Left::Lost,
        State::Pending { .. } | State::Captured | State::Erased { .. } => {
            panic!("an attempt that failed left {state:?}")
        }
    }
}
