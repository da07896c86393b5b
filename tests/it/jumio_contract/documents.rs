//! Jumio's documents in the shapes that were recorded, with made-up content.

use serde_json::{Value, json};

use super::{account, credential, execution};

/// The credentials of an onboarding.
pub(super) const SELFIE: u8 = 0x51;
pub(super) const FACEMAP: u8 = 0xf1;
pub(super) const ID: u8 = 0x1d;
/// The two FACEMAP credentials of an authentication: the person's, and the one for us.
pub(super) const DEVICE: u8 = 0xd7;
pub(super) const STORED: u8 = 0x57;

pub(super) fn id(n: u8) -> String {
    credential(n).hyphenated()
}

/// The link of a part on the retrieval host.
pub(super) fn part(base: &str, n: u8, classifier: &str) -> String {
    let (account, id) = (account().hyphenated(), id(n));
    format!("{base}/api/v1/accounts/{account}/credentials/{id}/parts/{classifier}")
}

/// The link of the upload slot.
pub(super) fn slot(base: &str, n: u8) -> String {
    let (account, execution, id) = (account().hyphenated(), execution().hyphenated(), id(n));
    format!(
        "{base}/api/v1/accounts/{account}/workflow-executions/{execution}/credentials/{id}/parts/FACEMAP"
    )
}

/// The path of the execution.
pub(super) fn execution_path() -> String {
    let (account, execution) = (account().hyphenated(), execution().hyphenated());
    format!("/api/v1/accounts/{account}/workflow-executions/{execution}")
}

/// The path of the account.
pub(super) fn account_path() -> String {
    format!("/api/v1/accounts/{}", account().hyphenated())
}

/// A capability entry.
pub(super) fn entry(credentials: &[u8], decision: &str, label: &str) -> Value {
    let credentials: Vec<_> =
        credentials.iter().map(|n| json!({"id": id(*n), "category": "FACEMAP"})).collect();
    json!({
        "id": id(0xca),
        "credentials": credentials,
        "decision": {"type": decision, "details": {"label": label}},
    })
}

/// The head that details have in common.
fn details(status: &str, key: &str, decision: &str, score: f64) -> Value {
    json!({
        "workflow": {
            "id": execution().hyphenated(),
            "status": status,
            "definitionKey": key,
            "userReference": "person-1",
            "customerInternalReference": "reference-1",
        },
        "account": {"id": account().hyphenated()},
        "createdAt": "2026-03-02T09:10:02.114Z",
        "startedAt": "2026-03-02T09:15:31.640Z",
        "completedAt": "2026-03-02T09:15:52.903Z",
        "credentials": [],
        "decision": {"type": decision, "details": {"label": decision}, "risk": {"score": score}},
        "steps": {"href": "https://retrieval.example.test/steps"},
        "capabilities": {},
    })
}

/// An onboarding whose facemap may be downloaded.
pub(super) fn onboarding(base: &str) -> Value {
    let mut document = details("PROCESSED", "10011", "PASSED", 0.0);
    let lively = |n: u8| {
        let classifier = format!("LIVENESS_{n}");
        json!({"classifier": classifier, "href": part(base, FACEMAP, &classifier)})
    };
    document["credentials"] = json!([
        {"id": id(SELFIE), "category": "SELFIE",
         "parts": [{"classifier": "FACE", "href": part(base, SELFIE, "FACE")}]},
        {"id": id(FACEMAP), "category": "FACEMAP", "clientIp": "203.0.113.9", "parts": [
            lively(1), lively(3),
            {"classifier": "FACEMAP", "href": part(base, FACEMAP, "FACEMAP")},
            lively(2), lively(5), lively(4), lively(6),
        ]},
        {"id": id(ID), "category": "ID",
         "parts": [{"classifier": "FRONT", "href": part(base, ID, "FRONT")}]},
    ]);
    let mut liveness = entry(&[SELFIE, FACEMAP], "PASSED", "OK");
    liveness["validFaceMapForAuthentication"] = part(base, FACEMAP, "FACEMAP").into();
    liveness["data"] = json!({"type": "IPROOV_STANDARD", "predictedAge": 37});
    document["capabilities"] = json!({
        "usability": [entry(&[FACEMAP], "PASSED", "OK")],
        "liveness": [liveness],
        "similarity": [entry(&[SELFIE, ID], "PASSED", "MATCH")],
    });
    document
}

/// An authentication that came to an end.
pub(super) fn authentication(base: &str, decision: &str, label: &str) -> Value {
    let mut document = details("PROCESSED", "10071", decision, 0.0);
    document["credentials"] = json!([
        {"id": id(SELFIE), "category": "SELFIE", "parts": [{"classifier": "FACE"}]},
        {"id": id(DEVICE), "category": "FACEMAP", "parts": [
            {"classifier": "FACEMAP"},
            {"classifier": "LIVENESS_1", "href": part(base, DEVICE, "LIVENESS_1")},
        ]},
        {"id": id(STORED), "category": "FACEMAP", "parts": [{"classifier": "FACEMAP"}]},
    ]);
    let mut compared = entry(&[DEVICE], decision, label);
    compared["data"] = json!({"type": "IPROOV_STANDARD"});
    document["capabilities"] = json!({
        "usability": [entry(&[STORED], "PASSED", "OK"), entry(&[DEVICE], "PASSED", "OK")],
        "authentication": [compared],
    });
    document
}

/// An execution that ran out of time.
pub(super) fn expired(status: &str, decision: &str) -> Value {
    let mut document = details(status, "10071", decision, -1.0);
    document["credentials"] = json!([
        {"id": id(SELFIE), "category": "SELFIE"},
        {"id": id(DEVICE), "category": "FACEMAP"},
        {"id": id(STORED), "category": "FACEMAP", "parts": [{"classifier": "FACEMAP"}]},
    ]);
    document["capabilities"] = json!({
        "authentication": [entry(&[DEVICE], "NOT_EXECUTED", "PRECONDITION_NOT_FULFILLED")],
    });
    document
}

/// An onboarding after Jumio deleted its data.
pub(super) fn wiped() -> Value {
    let mut document = details("PROCESSED", "10011", "PASSED", 0.0);
    document["wipedOutAt"] = "2026-03-09T09:15:53.000Z".into();
    document["credentials"] = json!([
        {"id": id(SELFIE), "category": "SELFIE"},
        {"id": id(FACEMAP), "category": "FACEMAP"},
    ]);
    document
}

/// A status answer.
pub(super) fn status(base: &str, status: &str) -> Value {
    json!({
        "account": {
            "id": account().hyphenated(),
            "href": format!("{base}{}", account_path()),
        },
        "workflowExecution": {
            "id": execution().hyphenated(),
            "href": format!("{base}/api/v1/workflow-executions/{}", execution().hyphenated()),
            "definitionKey": "10071",
            "status": status,
        },
    })
}

/// The answer to an account update, the person's FACEMAP first.
pub(super) fn started(base: &str) -> Value {
    json!({
        "timestamp": "2026-10-19T11:30:00.412Z",
        "account": {"id": account().hyphenated()},
        "web": {"href": "https://bank.web.amer-1.jumio.ai/web/v4/app?authorizationToken=T.T.T&locale=en"},
        "sdk": {"token": "sdk-token-1"},
        "workflowExecution": {
            "id": execution().hyphenated(),
            "credentials": [
                {"id": id(DEVICE), "category": "FACEMAP", "allowedChannels": ["WEB", "SDK"]},
                {
                    "id": id(STORED), "category": "FACEMAP", "allowedChannels": ["API"],
                    "api": {
                        "token": "upload-token-1",
                        "parts": {"facemap": slot(base, STORED)},
                        "workflowExecution": format!("{base}{}", execution_path()),
                    },
                },
                {"id": id(SELFIE), "category": "SELFIE", "allowedChannels": ["WEB", "SDK"]},
            ],
        },
    })
}
