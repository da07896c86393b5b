//! What callers are told about facemaps that are not, or not yet, or no longer in the vault.

use facemap_vault::proto::v1::enrollment::State;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::caller::{Told, enroll};
use crate::support::served::Served;

/// One row per way a facemap cannot be captured: what the enrollment says, and then a start.
#[tokio::test]
async fn a_facemap_that_cannot_be_captured_says_why() {
    let table: [(&str, Value, Code, &str); 3] = [
        (
            "download switched off",
            json!({ "download_allowed": false }),
            Code::FailedPrecondition,
            "FACEMAP_DOWNLOAD_NOT_ENABLED",
        ),
        (
            "Jumio's own liveness",
            json!({ "liveness_type": "JUMIO_STANDARD" }),
            Code::FailedPrecondition,
            "FACEMAP_FORMAT_UNSUPPORTED",
        ),
        ("too large", json!({ "facemap_size": 5000 }), Code::OutOfRange, "FACEMAP_TOO_LARGE"),
    ];
    let served = Served::start(&[("capture.max_facemap_bytes", "4KiB")]).await;
    for (what, onboarding, code, reason) in table {
        let person = served.onboard(onboarding).await;
        let enrollment = served.enroll(&person).await.unwrap();
        assert_eq!(enrollment.state(), State::Blocked, "{what}");
        assert_eq!(enrollment.last_error_reason, reason, "{what}");
        let told = served.start_refused(&person.account).await;
        assert_eq!(told.what(), (code, reason), "{what}");
        assert_eq!(told.retry, None, "{what}");
    }
}

/// Enrollment poisoning: only a passed onboarding gives a reference.
#[tokio::test]
async fn an_onboarding_that_was_not_accepted_is_refused() {
    let served = Served::start(&[]).await;
    let table = [
        ("rejected", json!({ "decision": "REJECTED" })),
        ("passed with doubts", json!({ "decision": "WARNING" })),
        ("not executed", json!({ "decision": "NOT_EXECUTED" })),
        ("liveness rejected", json!({ "liveness": "REJECTED", "decision": "PASSED" })),
    ];
    for (what, onboarding) in table {
        let person = served.onboard(onboarding).await;
        let told = Told::by(&served.enroll(&person).await.unwrap_err());
        let refused = (Code::FailedPrecondition, "ONBOARDING_NOT_ACCEPTED");
        assert_eq!(told.what(), refused, "{what}");
        let told = served.start_refused(&person.account).await;
        assert_eq!(told.what(), refused, "{what}");
    }

    // An authentication is no onboarding either.
    let mut person = served.captured(json!({})).await;
    let request = crate::support::caller::start(&person.account);
    let started = served.caller.clone().start_authentication(request).await.unwrap().into_inner();
    person.execution = started.authentication.unwrap().workflow_execution_id;
    let path = format!("executions/{}/journey", person.execution);
    served.remote.post(&path, &json!({})).await.unwrap();
    let told = Told::by(&served.enroll(&person).await.unwrap_err());
    assert_eq!(told.what(), (Code::FailedPrecondition, "ONBOARDING_NOT_ACCEPTED"));
}

#[tokio::test]
async fn an_account_that_was_never_enrolled_is_not_found() {
    let served = Served::start(&[]).await;
    let person = served.onboard(json!({})).await;
    let unknown = (Code::NotFound, "ENROLLMENT_NOT_FOUND");
    assert_eq!(served.start_refused(&person.account).await.what(), unknown);
    assert_eq!(Told::by(&served.erase(&person.account).await.unwrap_err()).what(), unknown);
    assert_eq!(served.account_updates().await, 0);
}

#[tokio::test]
async fn a_facemap_that_is_not_here_yet_says_how_else_and_when() {
    let served = Served::start(&[("capture.immediate", "false")]).await;
    let person = served.onboard(json!({})).await;
    let answer = served.caller.clone().create_enrollment(enroll(&person, 0)).await.unwrap();
    let enrollment = answer.into_inner().enrollment.unwrap();
    assert_eq!(enrollment.state(), State::Pending);

    let told = served.start_refused(&person.account).await;

    assert_eq!(told.what(), (Code::FailedPrecondition, "FACEMAP_NOT_CAPTURED"));
    assert_eq!(told.keys(), ["alternativeWorkflowKey", "captureByTime", "state"]);
    assert_eq!(told.metadata["alternativeWorkflowKey"], "10014");
    assert_eq!(told.metadata["state"], "PENDING");
    let capture_by = enrollment.capture_by_time.unwrap().seconds;
    let told_by: jiff::Timestamp = told.metadata["captureByTime"].parse().unwrap();
    assert_eq!(told_by.as_second(), capture_by);
    assert!(told.message.contains(&told.metadata["captureByTime"]), "{told:?}");
    assert!(told.retry.is_some());
    assert_eq!(served.account_updates().await, 0, "nothing was opened at Jumio");
}

#[tokio::test]
async fn a_facemap_that_jumio_deleted_first_is_lost() {
    let served = Served::start(&[]).await;
    let person = served.onboard(json!({ "completed_ago": "40d" })).await;
    let mut request = enroll(&person, 10);
    let long_ago = facemap_vault::model::Timestamp::now().as_seconds() - 40 * 86_400;
    let completed = prost_types::Timestamp { seconds: i64::try_from(long_ago).unwrap(), nanos: 0 };
    request.enrollment.as_mut().unwrap().completed_time = Some(completed);
    let answer = served.caller.clone().create_enrollment(request).await.unwrap();
    let enrollment = answer.into_inner().enrollment.unwrap();
    assert_eq!((enrollment.state(), &*enrollment.last_error_reason), (State::Lost, "FACEMAP_LOST"));
    let told = served.start_refused(&person.account).await;
    assert_eq!(told.what(), (Code::FailedPrecondition, "FACEMAP_LOST"));
    assert_eq!(told.retry, None);
}

#[tokio::test]
async fn an_erased_facemap_stays_erased() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    let first = served.erase(&person.account).await.unwrap();
    assert_eq!(first.state(), State::Erased);
    assert_eq!(served.erase(&person.account).await.unwrap().etag, first.etag, "the same tombstone");
    // Enrolling the same onboarding again brings nothing back.
    let again = served.enroll(&person).await.unwrap();
    assert_eq!((again.state(), again.facemap_size_bytes), (State::Erased, 0));
    let told = served.start_refused(&person.account).await;
    assert_eq!(told.what(), (Code::FailedPrecondition, "FACEMAP_ERASED"));
    assert_eq!(served.account_updates().await, 0);
}
