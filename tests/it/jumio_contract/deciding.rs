//! What the client makes of the status and the details of an authentication.

use facemap_vault::jumio::{
    AuthenticationDetails, DecisionType, ExecutionStatus, Jumio as _, JumioError,
};
use facemap_vault::model::Timestamp;
use serde_json::{Value, json};

use super::documents::{self, STORED};
use super::{account, client, execution, unexpected};
use crate::support::stub_jumio::{Reply, StubJumio};

/// Reads an authentication of the given status and details.
async fn authentication(
    status: &'static str,
    details: fn(&str) -> Value,
) -> Result<AuthenticationDetails, JumioError> {
    let stub = StubJumio::start(move |seen| {
        if seen.path == format!("{}/status", documents::execution_path()) {
            return Some(Reply::json(200, documents::status(&seen.base(), status)));
        }
        (seen.path == documents::execution_path()).then(|| Reply::json(200, details(&seen.base())))
    })
    .await;
    client(&stub).authentication(account(), execution()).await
}

#[tokio::test]
async fn a_processed_authentication_has_its_decision() {
    type Details = fn(&str) -> Value;
    let table: [(Details, DecisionType, &str); 4] = [
        (|b| documents::authentication(b, "PASSED", "OK"), DecisionType::Passed, "OK"),
        (|b| documents::authentication(b, "WARNING", "OK"), DecisionType::Warning, "OK"),
        (|b| documents::authentication(b, "REJECTED", "FAILED"), DecisionType::Rejected, "FAILED"),
        (
            |b| documents::authentication(b, "NOT_EXECUTED", "TECHNICAL_ERROR"),
            DecisionType::NotExecuted,
            "TECHNICAL_ERROR",
        ),
    ];
    for (details, decision, label) in table {
        let got = authentication("PROCESSED", details).await.unwrap();
        assert_eq!(got.status, ExecutionStatus::Processed);
        assert_eq!((got.decision, got.label.as_deref()), (Some(decision), Some(label)));
        assert_eq!(got.workflow_key, "10071");
        assert_eq!(got.created, Timestamp::parse("2026-03-02T09:10:02.114Z"));
        assert_eq!(got.customer_internal_reference.as_deref(), Some("reference-1"));
    }
}

#[tokio::test]
async fn a_pass_without_a_comparison_is_no_pass() {
    type Details = fn(&str) -> Value;
    let table: [(Details, &str); 3] = [
        (
            |b| {
                let mut document = documents::authentication(b, "PASSED", "OK");
                document["capabilities"]["authentication"] = Value::Null;
                document
            },
            "/capabilities/authentication",
        ),
        (
            |b| {
                let mut document = documents::authentication(b, "PASSED", "OK");
                let compared = documents::entry(&[STORED], "REJECTED", "FAILED");
                document["capabilities"]["authentication"][0] = compared;
                document
            },
            "/capabilities/authentication/0",
        ),
        (
            |b| {
                let mut document = documents::authentication(b, "PASSED", "OK");
                document.as_object_mut().unwrap().remove("decision");
                document
            },
            "/decision",
        ),
    ];
    for (details, pointer) in table {
        assert_eq!(authentication("PROCESSED", details).await, Err(unexpected(pointer)));
    }
}

#[tokio::test]
async fn an_expired_authentication_never_depends_on_details() {
    let nonsense = |_: &str| json!({"nonsense": true});
    for (status, want) in [
        ("SESSION_EXPIRED", ExecutionStatus::SessionExpired),
        ("TOKEN_EXPIRED", ExecutionStatus::TokenExpired),
        ("ACQUIRED", ExecutionStatus::Acquired),
        ("INITIATED", ExecutionStatus::Initiated),
    ] {
        let got = authentication(status, nonsense).await.unwrap();
        assert_eq!((got.status, got.decision, got.label), (want, None, None));
    }
    // The details of an expired one, should the status change between the two questions.
    for decision in ["NOT_EXECUTED", "REJECTED"] {
        let late = match decision {
            "REJECTED" => |_: &str| documents::expired("SESSION_EXPIRED", "REJECTED"),
            _ => |_: &str| documents::expired("TOKEN_EXPIRED", "NOT_EXECUTED"),
        };
        let got = authentication("PROCESSED", late).await.unwrap();
        assert!(got.status != ExecutionStatus::Processed);
        assert_eq!((got.decision, got.label), (None, None));
    }
}
