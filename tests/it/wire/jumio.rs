//! What callers are told when Jumio is the cause: never that they are not allowed, never Jumio's words.

use std::time::Duration;

use serde_json::{Value, json};
use tonic::Code;

use crate::support::caller::{Told, UPSTREAM, start};
use crate::support::served::Served;

/// Where a start meets Jumio.
#[derive(Debug, Clone, Copy)]
enum At {
    Token,
    Account,
    Upload,
}

impl At {
    fn request(self) -> (&'static str, &'static str) {
        match self {
            Self::Token => ("POST", "^/oauth2/token$"),
            Self::Account => ("PUT", "^/api/v1/accounts/[^/]+$"),
            Self::Upload => ("POST", "/parts/"),
        }
    }
}

/// When a caller is told to try again.
#[derive(Debug, Clone, Copy)]
enum Retry {
    Never,
    Soon,
    After(u64),
}

struct Row {
    what: &'static str,
    at: At,
    action: Value,
    code: Code,
    reason: &'static str,
    metadata: &'static [(&'static str, &'static str)],
    retry: Retry,
}

/// A row without metadata.
fn row(what: &'static str, at: At, action: Value, told: (Code, &'static str), retry: Retry) -> Row {
    Row { what, at, action, code: told.0, reason: told.1, metadata: &[], retry }
}

fn status(status: u16) -> Value {
    json!({ "status": status, "body": { "detail": UPSTREAM, "id": "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10" } })
}

fn after(seconds: u64) -> Value {
    json!({ "status": 429, "headers": { "retry-after": seconds }, "body": UPSTREAM })
}

fn refusals() -> Vec<Row> {
    use At::{Account, Token};
    use Code::{FailedPrecondition, ResourceExhausted};
    let credentials = (FailedPrecondition, "JUMIO_CREDENTIALS_REJECTED");
    let permission = (FailedPrecondition, "JUMIO_PERMISSION_MISSING");
    let limited = (ResourceExhausted, "JUMIO_RATE_LIMITED");
    let refused = (FailedPrecondition, "JUMIO_REFUSED");
    vec![
        row("client refused", Token, status(401), credentials, Retry::Never),
        row("token refused again", Account, status(401), credentials, Retry::Never),
        Row {
            metadata: &[("permission", "account")],
            ..row("no permission", Account, status(403), permission, Retry::Never)
        },
        Row {
            metadata: &[("limit", "account")],
            ..row("too many updates", Account, after(7), limited, Retry::After(7))
        },
        Row {
            metadata: &[("limit", "token")],
            ..row("too many tokens", Token, after(9), limited, Retry::After(9))
        },
        row(
            "account unknown",
            Account,
            status(404),
            (FailedPrecondition, "JUMIO_ACCOUNT_UNKNOWN"),
            Retry::Never,
        ),
        Row {
            metadata: &[("httpStatus", "422")],
            ..row("refused for good", Account, status(422), refused, Retry::Never)
        },
        Row {
            metadata: &[("httpStatus", "400")],
            ..row("request refused", Account, status(400), refused, Retry::Never)
        },
    ]
}

fn faults() -> Vec<Row> {
    use At::{Account, Token, Upload};
    let unavailable = (Code::Unavailable, "JUMIO_UNAVAILABLE");
    let unknown = (Code::Unknown, "JUMIO_OUTCOME_UNKNOWN");
    let interrupted = (Code::Unavailable, "UPLOAD_INTERRUPTED");
    let unexpected = (Code::Internal, "JUMIO_RESPONSE_UNEXPECTED");
    let garbage = json!({ "status": 200, "headers": { "content-type": "application/json" },
        "body": format!("{{\"{UPSTREAM}") });
    let other = json!({ "status": 200, "body": {
        "account": { "id": "00000000-0000-4000-8000-00000000dead" },
        "workflowExecution": { "id": "00000000-0000-4000-8000-00000000beef", "credentials": [] },
        "sdk": { "token": UPSTREAM },
    } });
    let redirect = json!({ "status": 302, "headers": { "location": "http://127.0.0.1:1/" } });
    vec![
        row("closed", Account, status(503), unavailable, Retry::Soon),
        row("no token service", Token, status(500), unavailable, Retry::Soon),
        row("token service resets", Token, json!({ "reset": true }), unavailable, Retry::Soon),
        row("fails on its own", Account, status(500), unknown, Retry::Never),
        row("answer lost", Account, json!({ "drop_answer": true }), unknown, Retry::Never),
        row("answer cut", Account, json!({ "cut_after_bytes": 40 }), unknown, Retry::Never),
        row("upload refused", Upload, status(500), interrupted, Retry::Soon),
        row("too many uploads", Upload, after(11), interrupted, Retry::Soon),
        row("upload reset", Upload, json!({ "reset": true }), interrupted, Retry::Soon),
        row("upload answer lost", Upload, json!({ "drop_answer": true }), interrupted, Retry::Soon),
        Row {
            metadata: &[("pointer", "#json")],
            ..row("garbage", Account, garbage, unexpected, Retry::Never)
        },
        Row {
            metadata: &[("pointer", "/account/id")],
            ..row("another account", Account, other, unexpected, Retry::Never)
        },
        Row {
            metadata: &[("pointer", "#location")],
            ..row(
                "redirected",
                Account,
                redirect,
                (Code::FailedPrecondition, "JUMIO_URL_REJECTED"),
                Retry::Never,
            )
        },
    ]
}

async fn check(rows: Vec<Row>) {
    for Row { what, at, action, code, reason, metadata, retry } in rows {
        // A world for each: a refused client or a pause would outlast the fault.
        let served = Served::start(&[]).await;
        let person = served.captured(json!({})).await;
        if matches!(at, At::Token) {
            // The token in hand is still good; Jumio takes it back.
            served.remote.post("revoke", &json!({})).await.unwrap();
        }
        let (method, path) = at.request();
        served.spoil(method, path, action).await;

        let told = served.start_refused(&person.account).await;

        assert_eq!(told.what(), (code, reason), "{what}");
        let want: Vec<_> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(told.metadata.clone().into_iter().collect::<Vec<_>>(), want, "{what}");
        match retry {
            Retry::Never => assert_eq!(told.retry, None, "{what}"),
            Retry::Soon => assert_eq!(told.retry, Some(Duration::from_secs(2)), "{what}"),
            Retry::After(wait) => {
                let told = told.retry.expect("it says when");
                let least = Duration::from_secs(wait - 1);
                assert!(told > least && told <= Duration::from_secs(wait), "{what}: {told:?}");
            }
        }
        assert_eq!(told.quota, reason == "JUMIO_RATE_LIMITED", "{what}");
        assert!(told.fields.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn refusals_of_jumio_are_told_as_our_own_affair() {
    check(refusals()).await;
}

#[tokio::test]
async fn faults_of_jumio_say_whether_to_try_again() {
    check(faults()).await;
}

#[tokio::test]
async fn a_tenant_without_the_workflow_is_told_so() {
    let served = Served::start(&[("jumio.workflow_key", "99999")]).await;
    let person = served.captured(json!({})).await;
    let told = served.start_refused(&person.account).await;
    assert_eq!(told.what(), (Code::FailedPrecondition, "JUMIO_WORKFLOW_NOT_ENABLED"));
    assert_eq!(told.retry, None);
}

#[tokio::test]
async fn links_to_other_hosts_are_refused_and_not_followed() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    for foreign in ["https://api.amer-1.jumio.example", "http://127.0.0.1:9", "jumio"] {
        served.tenant(json!({ "base_urls": foreign })).await;
        let told = served.start_refused(&person.account).await;
        assert_eq!(told.what(), (Code::FailedPrecondition, "JUMIO_URL_REJECTED"), "{foreign}");
        assert_eq!(told.keys(), ["pointer"]);
        assert!(!told.message.contains("example") && !told.message.contains("127"), "{told:?}");
    }
    // What was refused left nothing behind: the next one starts.
    served.tenant(json!({ "base_urls": "own" })).await;
    served.caller.clone().start_authentication(start(&person.account)).await.unwrap();
}

#[tokio::test]
async fn a_deadline_is_kept_and_named() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    served.spoil("PUT", "^/api/v1/accounts/[^/]+$", json!({ "delay": "30s" })).await;
    // The client keeps the deadline too and may be quicker by a hair; the vault's answer comes first
    // on most tries.
    for _ in 0..20 {
        let mut request = tonic::Request::new(start(&person.account));
        let deadline = Duration::from_millis(300);
        request.set_timeout(deadline);
        request.get_mut().on_in_progress = 2;
        let begun = std::time::Instant::now();
        let refused = served.caller.clone().start_authentication(request).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        if refused.metadata().contains_key("fmvault-reason") {
            let told = Told::by(&refused);
            assert_eq!(told.what(), (Code::DeadlineExceeded, "JUMIO_TIMEOUT"));
            return;
        }
    }
    panic!("the vault never answered before the deadline");
}
