//! How an authentication ended, as Jumio says.

use std::time::Duration;

use facemap_vault::jumio::{AuthenticationDetails, JumioError};
use facemap_vault::model::{RequestId, WorkflowExecutionId};
use facemap_vault::vault::{AuthenticationView, DecisionType, ExecutionStatus, VaultError};

use crate::support::fake_jumio::Call;
use crate::support::tale::kind;
use crate::support::world::{World, account, facemap, start};

const NO_WAIT: Duration = Duration::ZERO;

async fn started() -> (World, WorkflowExecutionId) {
    let world = World::new().await;
    world.captured(1, &facemap(1, 300)).await;
    let started = world.start(RequestId::generate(), start(1)).await.unwrap();
    let execution = started.execution;
    (world, execution)
}

async fn look(
    world: &World,
    n: u8,
    execution: WorkflowExecutionId,
) -> Result<AuthenticationView, VaultError> {
    world.vault.authentication(account(n), execution, NO_WAIT).await
}

#[tokio::test]
async fn jumios_word_is_passed_on() {
    type Change = fn(&mut AuthenticationDetails);
    let table: [(&str, Change, Option<DecisionType>, bool); 8] = [
        ("initiated", |_| (), None, false),
        ("begun", |d| d.status = ExecutionStatus::AcquisitionStarted, None, false),
        ("being decided", |d| d.status = ExecutionStatus::Acquired, None, false),
        (
            "passed",
            |d| {
                d.status = ExecutionStatus::Processed;
                d.decision = Some(DecisionType::Passed);
            },
            Some(DecisionType::Passed),
            true,
        ),
        (
            "rejected",
            |d| {
                d.status = ExecutionStatus::Processed;
                d.decision = Some(DecisionType::Rejected);
            },
            Some(DecisionType::Rejected),
            true,
        ),
        (
            "with doubts, under the key of version 3",
            |d| {
                d.workflow_key = "16".to_owned();
                d.status = ExecutionStatus::Processed;
                d.decision = Some(DecisionType::Warning);
            },
            Some(DecisionType::Warning),
            true,
        ),
        ("the session expired", |d| d.status = ExecutionStatus::SessionExpired, None, true),
        ("the token expired", |d| d.status = ExecutionStatus::TokenExpired, None, true),
    ];
    for (what, change, decision, ended) in table {
        let (world, execution) = started().await;
        world.jumio.change_authentication(account(1), execution, change);
        let view = look(&world, 1, execution).await.unwrap();

        assert_eq!((view.decision, view.has_ended()), (decision, ended), "{what}");
        assert_eq!((view.account, view.execution), (account(1), execution), "{what}");
        assert_eq!(view.reference.as_deref(), Some("login"), "{what}");
        assert!(view.expires.is_some(), "{what}");
    }
}

#[tokio::test]
async fn only_authentications_of_the_account_are_shown() {
    let (world, execution) = started().await;
    world.captured(2, &facemap(2, 300)).await;
    let onboarding = world.enrollment(1).await.onboarding.execution;
    let not_found = |result: Result<AuthenticationView, VaultError>| kind(&result.unwrap_err());

    assert_eq!(not_found(look(&world, 2, execution).await), "AuthenticationNotFound");
    assert_eq!(not_found(look(&world, 1, onboarding).await), "AuthenticationNotFound");
    assert_eq!(not_found(look(&world, 3, execution).await), "NotEnrolled");
    world.jumio.change_authentication(account(1), execution, |d| d.workflow_key = "10011".into());
    assert_eq!(not_found(look(&world, 1, execution).await), "AuthenticationNotFound");
}

#[tokio::test]
async fn a_failure_of_jumio_is_no_decision() {
    let (world, execution) = started().await;
    world.jumio.fail_next(Call::Authentication, 1, JumioError::Unavailable { what: "x" });
    assert_eq!(kind(&look(&world, 1, execution).await.unwrap_err()), "JumioUnavailable");
    assert!(look(&world, 1, execution).await.is_ok());
}

/// The first look finds nothing; the person is done before the second, a second later.
#[tokio::test]
async fn whoever_waits_is_told_when_it_ends() {
    let (world, execution) = started().await;
    let waiting = world.vault.authentication(account(1), execution, Duration::from_secs(60));
    let person = async {
        world.jumio.arrived(Call::Authentication, 1).await;
        world.jumio.end(execution, DecisionType::Passed);
    };
    let (view, ()) = tokio::join!(waiting, person);
    assert_eq!(view.unwrap().decision, Some(DecisionType::Passed));
    assert!(world.jumio.calls(Call::Authentication) <= 2);

    let ended = world.vault.authentication(account(1), execution, Duration::from_secs(3600));
    assert!(ended.await.unwrap().has_ended(), "at once, although we would have waited an hour");
}

#[tokio::test]
async fn a_wait_too_short_for_a_second_look_ends_at_once() {
    let (world, execution) = started().await;
    let short = world.vault.authentication(account(1), execution, Duration::from_millis(900));
    assert!(!short.await.unwrap().has_ended());
    assert_eq!(world.jumio.calls(Call::Authentication), 1);
}
