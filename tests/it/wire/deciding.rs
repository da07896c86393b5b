//! What callers are told about authentications that run, ran, or never did.

use std::time::Duration;

use facemap_vault::proto::v1::GetAuthenticationRequest;
use serde_json::json;
use tonic::Code;

use crate::support::caller::{Told, UPSTREAM, start};
use crate::support::served::Served;

/// A vault, and an authentication that runs: its enrollment's account and its name.
async fn running() -> (Served, String, String) {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    let request = start(&person.account);
    let answer = served.caller.clone().start_authentication(request).await.unwrap();
    let name = answer.into_inner().authentication.unwrap().name;
    (served, person.account, name)
}

async fn refused(served: &Served, name: &str) -> Told {
    let request = GetAuthenticationRequest { name: name.to_owned(), wait: None };
    Told::by(&served.caller.clone().get_authentication(request).await.unwrap_err())
}

#[tokio::test]
async fn one_authentication_at_a_time_unless_superseded() {
    let (served, account, name) = running().await;
    let told = served.start_refused(&account).await;
    assert_eq!(told.what(), (Code::Aborted, "AUTHENTICATION_IN_PROGRESS"));
    assert_eq!(told.keys(), ["authentication", "expireTime"]);
    assert_eq!(told.metadata["authentication"], name, "usable as it is in GetAuthentication");
    let ends: jiff::Timestamp = told.metadata["expireTime"].parse().unwrap();
    let left = ends.duration_since(jiff::Timestamp::now());
    assert!(left.as_secs() > 25 * 60 && left.as_secs() <= 30 * 60, "{left}");
    assert_eq!(told.retry, None);

    let mut request = start(&account);
    request.on_in_progress = 2;
    served.caller.clone().start_authentication(request).await.unwrap();
    assert_eq!(served.account_updates().await, 2);
}

#[tokio::test]
async fn an_authentication_that_does_not_exist_is_not_found() {
    let (served, account, _) = running().await;
    let other = served.captured(json!({})).await;
    let unknown = "00000000-0000-4000-8000-00000000beef";
    let table = [
        ("unknown execution", format!("enrollments/{account}/authentications/{unknown}")),
        (
            "an onboarding",
            format!("enrollments/{}/authentications/{}", other.account, other.execution),
        ),
        ("another's", format!("enrollments/{account}/authentications/{}", other.execution)),
    ];
    for (what, name) in table {
        let told = refused(&served, &name).await;
        assert_eq!(told.what(), (Code::NotFound, "AUTHENTICATION_NOT_FOUND"), "{what}");
    }
    let told = refused(&served, &format!("enrollments/{unknown}/authentications/{unknown}")).await;
    assert_eq!(told.what(), (Code::NotFound, "ENROLLMENT_NOT_FOUND"));
}

/// Reading has no effect at Jumio, so every fault of Jumio's may be tried again.
#[tokio::test]
async fn faults_while_reading_a_decision_are_named() {
    let (served, _, name) = running().await;
    let fault = |status: u16| json!({ "status": status, "body": { "detail": UPSTREAM } });
    let limited = json!({ "status": 429, "headers": { "retry-after": 1 }, "body": UPSTREAM });
    let table = [
        ("fails", fault(502), Code::Unavailable, "JUMIO_UNAVAILABLE"),
        ("resets", json!({ "reset": true }), Code::Unavailable, "JUMIO_UNAVAILABLE"),
        ("forbids", fault(403), Code::FailedPrecondition, "JUMIO_PERMISSION_MISSING"),
        ("redirects", fault(307), Code::FailedPrecondition, "JUMIO_URL_REJECTED"),
        (
            "talks nonsense",
            json!({ "status": 200, "body": "<html>" }),
            Code::Internal,
            "JUMIO_RESPONSE_UNEXPECTED",
        ),
        ("limits", limited, Code::ResourceExhausted, "JUMIO_RATE_LIMITED"),
    ];
    for (what, action, code, reason) in table {
        served.spoil("GET", "/status$", action).await;
        let told = refused(&served, &name).await;
        assert_eq!(told.what(), (code, reason), "{what}");
        let transient = matches!(code, Code::Unavailable | Code::ResourceExhausted);
        assert_eq!(told.retry.is_some(), transient, "{what}");
        served.no_more_faults().await;
    }
    // And the connection to the vault is as good as before.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let request = GetAuthenticationRequest { name, wait: None };
    served.caller.clone().get_authentication(request).await.unwrap();
}
