//! What the client makes of the details of an onboarding.

use facemap_vault::jumio::{
    DecisionType, ExecutionStatus, FacemapPart, Jumio as _, JumioError, OnboardingDetails,
};
use facemap_vault::model::Timestamp;
use serde_json::{Value, json};

use super::documents::{self, FACEMAP, SELFIE};
use super::{account, client, credential, execution, unexpected};
use crate::support::stub_jumio::{Reply, StubJumio};

/// Makes a document a little different.
type Edit = fn(&mut Value);

/// Reads an onboarding whose details are the recorded ones after `edit`.
async fn onboarding(edit: fn(&mut Value)) -> Result<OnboardingDetails, JumioError> {
    let stub = StubJumio::start(move |seen| {
        let mut document = documents::onboarding(&seen.base());
        edit(&mut document);
        (seen.path == documents::execution_path()).then(|| Reply::json(200, document))
    })
    .await;
    client(&stub).onboarding(account(), execution()).await
}

#[tokio::test]
async fn an_onboarding_is_read_in_full() {
    let details = onboarding(|_| {}).await.unwrap();
    assert_eq!(details.status, ExecutionStatus::Processed);
    assert_eq!(details.workflow_key, "10011");
    assert_eq!(details.completed, Timestamp::parse("2026-03-02T09:15:52.903Z"));
    assert_eq!(details.deleted, None);
    assert_eq!(details.decision, Some(DecisionType::Passed));
    let part = FacemapPart { credential: credential(FACEMAP), downloadable: true };
    assert_eq!(details.facemaps, [part]);
    let [liveness] = &details.liveness[..] else { panic!("{:?}", details.liveness) };
    assert_eq!(liveness.decision, DecisionType::Passed);
    assert_eq!(liveness.liveness_type, "IPROOV_STANDARD");
    assert_eq!(liveness.credentials, [credential(SELFIE), credential(FACEMAP)]);
    assert_eq!(liveness.valid_facemap, Some(credential(FACEMAP)));
}

#[tokio::test]
async fn what_may_vary_in_an_onboarding_does_not_matter() {
    let table: [(&str, Edit); 9] = [
        ("credentials in another order", |d| {
            d["credentials"].as_array_mut().unwrap().reverse();
        }),
        ("no LIVENESS parts", |d| {
            d["credentials"][1]["parts"]
                .as_array_mut()
                .unwrap()
                .retain(|part| part["classifier"] == "FACEMAP");
        }),
        ("unknown fields", |d| {
            d["captureClient"] = json!({"a": [1, 2.5, null]});
            d["credentials"][1]["parts"][2]["captureType"] = "x".into();
        }),
        ("no userReference, no startedAt", |d| {
            d["workflow"].as_object_mut().unwrap().remove("userReference");
            d.as_object_mut().unwrap().remove("startedAt");
        }),
        ("null where nothing is", |d| d["wipedOutAt"] = Value::Null),
        ("a SELFIE without parts", |d| {
            d["credentials"][0].as_object_mut().unwrap().remove("parts");
        }),
        ("no steps", |d| d["steps"] = Value::Null),
        ("no similarity", |d| d["capabilities"]["similarity"] = Value::Null),
        ("a label nobody has seen", |d| d["decision"]["details"]["label"] = "NEW".into()),
    ];
    let want = onboarding(|_| {}).await.unwrap();
    for (what, edit) in table {
        let mut got = onboarding(edit).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        got.facemaps.sort_by_key(|part| part.credential);
        assert_eq!(got, want, "{what}");
    }
}

#[tokio::test]
async fn no_link_means_not_downloadable_whatever_else_names_it() {
    for edit in [
        |d: &mut Value| {
            d["credentials"][1]["parts"][2].as_object_mut().unwrap().remove("href");
        },
        |d: &mut Value| d["credentials"][1]["parts"][2]["href"] = Value::Null,
    ] {
        let details = onboarding(edit).await.unwrap();
        assert!(!details.facemaps[0].downloadable);
        assert_eq!(details.liveness[0].valid_facemap, Some(credential(FACEMAP)));
    }
}

#[tokio::test]
async fn a_facemap_credential_without_its_part_is_no_facemap() {
    let table: [fn(&mut Value); 3] = [
        |d| {
            d["credentials"][1].as_object_mut().unwrap().remove("parts");
        },
        |d| d["credentials"][1]["parts"] = json!([]),
        |d| d["credentials"][1]["category"] = "SELFIE".into(),
    ];
    for edit in table {
        assert_eq!(onboarding(edit).await.unwrap().facemaps, []);
    }
}

#[tokio::test]
async fn statuses_before_the_end_are_read_without_what_is_not_there_yet() {
    for (status, want) in [
        ("INITIATED", ExecutionStatus::Initiated),
        ("ACQUISITION_STARTED", ExecutionStatus::AcquisitionStarted),
        ("ACQUIRED", ExecutionStatus::Acquired),
        ("SOMETHING_NEW", ExecutionStatus::Initiated),
        ("SESSION_EXPIRED", ExecutionStatus::SessionExpired),
        ("TOKEN_EXPIRED", ExecutionStatus::TokenExpired),
    ] {
        let stub = StubJumio::start(move |seen| {
            let mut document = documents::onboarding(&seen.base());
            document["workflow"]["status"] = status.into();
            for absent in ["decision", "capabilities", "credentials", "completedAt"] {
                document.as_object_mut().unwrap().remove(absent);
            }
            seen.path.starts_with("/api").then(|| Reply::json(200, document))
        })
        .await;
        let details = client(&stub).onboarding(account(), execution()).await.unwrap();
        assert_eq!((details.status, details.decision, details.completed), (want, None, None));
        assert!(details.facemaps.is_empty() && details.liveness.is_empty());
    }
}

#[tokio::test]
async fn a_wiped_onboarding_says_when() {
    let details = onboarding(|d| *d = documents::wiped()).await.unwrap();
    assert_eq!(details.deleted, Timestamp::parse("2026-03-09T09:15:53Z"));
    assert_eq!((details.facemaps.len(), details.liveness.len()), (0, 0));
    let unreadable = onboarding(|d| {
        *d = documents::wiped();
        d["wipedOutAt"] = "last week".into();
    });
    assert_eq!(unreadable.await, Err(unexpected("/wipedOutAt")));
}

/// Each row: what is wrong, and the place that the error names.
#[tokio::test]
async fn what_is_needed_and_wrong_is_named_by_its_place() {
    let table: [(&str, Edit); 14] = [
        ("/account", |d| d["account"] = Value::Null),
        ("/account/id", |d| d["account"]["id"] = documents::id(9).into()),
        ("/account/id", |d| d["account"]["id"] = 7.into()),
        ("/workflow/id", |d| d["workflow"]["id"] = documents::id(9).into()),
        ("/workflow/status", |d| d["workflow"]["status"] = json!(["PROCESSED"])),
        ("/workflow/definitionKey", |d| d["workflow"]["definitionKey"] = "".into()),
        ("/decision", |d| d["decision"] = Value::Null),
        ("/decision/type", |d| d["decision"]["type"] = "PERHAPS".into()),
        ("/credentials", |d| d["credentials"] = json!({})),
        ("/credentials/1/category", |d| d["credentials"][1]["category"] = Value::Null),
        ("/credentials/1/parts/3", |d| {
            d["credentials"][1]["parts"][3] = d["credentials"][1]["parts"][2].clone();
        }),
        ("/credentials/1/parts/2/href", |d| d["credentials"][1]["parts"][2]["href"] = 1.into()),
        ("/capabilities/liveness/0/decision", |d| {
            d["capabilities"]["liveness"][0]["decision"] = Value::Null;
        }),
        ("/capabilities/liveness/0/data/type", |d| {
            d["capabilities"]["liveness"][0]["data"]["type"] = "marker\u{7}".into();
        }),
    ];
    for (pointer, edit) in table {
        let error = onboarding(edit).await.unwrap_err();
        assert_eq!(error, unexpected(pointer));
        assert!(!format!("{error} {error:?}").contains("marker"));
    }
}

#[tokio::test]
async fn answers_that_are_no_document_are_refused() {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (body, pointer) in [
        (String::new(), "#json"),
        ("<html>".into(), "#json"),
        ("{\"account\":".into(), "#json"),
        ("{\"account\":{},\"account\":{}}".into(), "#json"),
        ("{\"risk\":1e400}".into(), "#json"),
        ("{\"account\":\"\\ud800\"}".into(), "#json"),
        (deep, "#json"),
        (long, "#body"),
        ("null".into(), ""),
        ("[]".into(), ""),
    ] {
        let reply = Reply::json(200, body);
        let stub =
            StubJumio::start(move |seen| seen.path.starts_with("/api").then(|| reply.clone()))
                .await;
        let got = client(&stub).onboarding(account(), execution()).await;
        assert_eq!(got, Err(unexpected(pointer)));
    }
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    for (encoding, good) in [("gzip", false), ("br", false), ("identity", true), ("", false)] {
        let stub = StubJumio::start(move |seen| {
            let body = documents::onboarding(&seen.base()).to_string();
            let headers = format!("Content-Encoding: {encoding}\r\n");
            seen.path.starts_with("/api").then(|| Reply::new(200, &headers, body.as_bytes()))
        })
        .await;
        let got = client(&stub).onboarding(account(), execution()).await;
        match good {
            true => assert!(got.is_ok()),
            false => assert_eq!(got, Err(unexpected("#content-encoding")), "{encoding}"),
        }
        assert_eq!(stub.seen()[1].header("accept-encoding"), Some("identity"));
    }
}
