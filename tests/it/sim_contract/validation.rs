//! The rules for the body of an account call, row by row: what is put over the smallest valid
//! body, and the status it gets.

use serde_json::{Value, json};

use super::{Jumio, keys, names};

/// The smallest valid body with `changes` put over it.
pub(super) fn account_body(changes: &Value) -> Value {
    let mut body =
        json!({ "customerInternalReference": "ref", "workflowDefinition": { "key": 10071 } });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn check(table: &[(Value, u16)]) {
    let jumio = Jumio::start().await;
    for (changes, status) in table {
        let answer = jumio.call("POST", "/api/v1/accounts", Some(account_body(changes))).await;
        assert_eq!(answer.status, *status, "{changes}: {:?}", answer.json());
        if *status == 400 {
            let body = answer.json();
            assert_eq!(keys(&body), names(["type", "title", "status", "detail", "instance"]));
            assert_eq!((&body["title"], &body["status"]), (&json!("Bad Request"), &json!(400)));
            assert_eq!(body["instance"], "/api/v1/accounts");
        }
    }
}

fn long(count: usize) -> String {
    "x".repeat(count)
}

#[tokio::test]
async fn references_and_other_texts() {
    check(&[
        (json!({}), 200),
        (json!({ "somethingNew": true }), 200),
        (json!({ "customerInternalReference": null }), 400),
        (json!({ "customerInternalReference": "" }), 400),
        (json!({ "customerInternalReference": "  " }), 400),
        (json!({ "customerInternalReference": 42 }), 200),
        (json!({ "customerInternalReference": [] }), 400),
        (json!({ "customerInternalReference": long(100) }), 200),
        (json!({ "customerInternalReference": long(101) }), 400),
        (json!({ "userReference": long(100) }), 200),
        (json!({ "userReference": long(101) }), 400),
        (json!({ "userReference": "" }), 400),
        (json!({ "userReference": 1 }), 400),
        (json!({ "reportingCriteria": long(255) }), 200),
        (json!({ "reportingCriteria": long(256) }), 400),
        (json!({ "overrideSettings": { "a": "b" } }), 200),
        (json!({ "overrideSettings": { "a": 1 } }), 400),
    ])
    .await;
    let forbidden = "<>\"/;`%{}|"
        .chars()
        .map(|forbidden| (json!({ "customerInternalReference": format!("a{forbidden}b") }), 400));
    check(&forbidden.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_number_as_reference_comes_back_as_text() {
    let jumio = Jumio::start().await;
    let body = account_body(&json!({ "customerInternalReference": 42 }));
    let answer = jumio.call("POST", "/api/v1/accounts", Some(body)).await.ok();
    let execution = answer["workflowExecution"]["id"].as_str().unwrap();
    let details = jumio.get(&format!("/api/v1/workflow-executions/{execution}")).await.ok();
    assert_eq!(details["workflow"]["customerInternalReference"], "42");
}

#[tokio::test]
async fn a_mock_tenant_takes_json_as_reference() {
    let jumio = Jumio::start().await;
    let body = account_body(&json!({ "customerInternalReference": "{\"decisionLabel\":\"OK\"}" }));
    for (mock, status) in [(false, 400), (true, 200)] {
        jumio.tenant(json!({ "mock_tenant": mock })).await;
        let answer = jumio.call("POST", "/api/v1/accounts", Some(body.clone())).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn workflow_definitions() {
    let with = |more: Value| {
        let mut definition = json!({ "key": 10071 });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        json!({ "workflowDefinition": definition })
    };
    let kind = json!({ "predefinedType": "DEFINED", "values": ["IPROOV_STANDARD"] });
    check(&[
        (json!({ "workflowDefinition": null }), 400),
        (json!({ "workflowDefinition": {} }), 400),
        (json!({ "workflowDefinition": "10071" }), 400),
        (with(json!({ "key": "10071" })), 200),
        (with(json!({ "key": 16 })), 200),
        (with(json!({ "key": "16" })), 200),
        (with(json!({ "key": 10014 })), 200),
        (with(json!({ "key": 10011 })), 200),
        (with(json!({ "key": 99999 })), 400),
        (with(json!({ "key": 10071.5 })), 400),
        (with(json!({ "key": true })), 400),
        (with(json!({ "credentials": {} })), 400),
        (with(json!({ "credentials": [] })), 200),
        (with(json!({ "credentials": ["FACEMAP"] })), 400),
        (with(json!({ "credentials": [{ "category": "FACEMAP", "type": kind }] })), 200),
        (with(json!({ "credentials": [{ "category": "X" }] })), 400),
        (with(json!({ "credentials": [{}] })), 400),
        (
            with(json!({ "credentials": [{
                "category": "ID", "country": { "predefinedType": "SOME" },
            }] })),
            400,
        ),
        (with(json!({ "credentials": [{ "category": "ID", "country": { "values": [1] } }] })), 400),
        (with(json!({ "capabilities": {} })), 200),
        (with(json!({ "capabilities": [] })), 400),
    ])
    .await;
}

#[tokio::test]
async fn urls_lifetimes_and_locales() {
    let url = |count: usize| format!("https://a.example.test/{}", long(count - 23));
    check(&[
        (json!({ "callbackUrl": url(255) }), 200),
        (json!({ "callbackUrl": url(256) }), 400),
        (json!({ "callbackUrl": "https://vault.example.test/cb?token=f3c1" }), 200),
        (json!({ "callbackUrl": "http://vault.example.test/cb" }), 400),
        (json!({ "callbackUrl": "http://127.0.0.1:1/cb" }), 200),
        (json!({ "callbackUrl": "https://192.0.2.1/cb" }), 400),
        (json!({ "callbackUrl": "https://vault.example.test:8443/cb" }), 400),
        (json!({ "callbackUrl": "https://vault.example.test/cb#x" }), 400),
        (json!({ "tokenLifetime": "5m" }), 200),
        (json!({ "tokenLifetime": "300s" }), 200),
        (json!({ "tokenLifetime": "+60d" }), 200),
        (json!({ "tokenLifetime": "4m" }), 400),
        (json!({ "tokenLifetime": "61d" }), 400),
        (json!({ "tokenLifetime": "-10m" }), 400),
        (json!({ "tokenLifetime": "10" }), 400),
        (json!({ "tokenLifetime": "10w" }), 400),
        (json!({ "tokenLifetime": "99999999999999999999d" }), 400),
        (json!({ "tokenLifetime": "m" }), 400),
        (json!({ "tokenLifetime": "" }), 400),
        (json!({ "tokenLifetime": 600 }), 400),
        (json!({ "web": { "successUrl": "https://app.example.test/auth/done" } }), 200),
        (json!({ "web": { "successUrl": "https://app.example.test/?errorCode=1" } }), 400),
        (json!({ "web": { "errorUrl": url(256) } }), 400),
        (json!({ "web": { "locale": "en" } }), 200),
        (json!({ "web": { "locale": "pt-BR" } }), 200),
        (json!({ "web": { "locale": "en-GBR" } }), 400),
        (json!({ "web": { "locale": "EN" } }), 400),
        (json!({ "web": [] }), 400),
    ])
    .await;
}

#[tokio::test]
async fn consent() {
    let consent = |location: Value, consent: Value| {
        let mut outer = json!({ "userIp": "203.0.113.24", "userLocation": location });
        outer["consent"] = consent;
        json!({ "userConsent": outer })
    };
    let at = "2026-03-02T09:14:55.000Z";
    let usa = || json!({ "country": "USA", "state": "IL" });
    let austria = || json!({ "country": "AUT" });
    check(&[
        (json!({ "userConsent": { "userIp": "203.0.113.24" } }), 400),
        (json!({ "userConsent": { "userLocation": usa() } }), 400),
        (json!({ "userConsent": { "userIp": "x", "userLocation": austria() } }), 400),
        (json!({ "userConsent": { "userIp": "2001:db8::1", "userLocation": austria() } }), 200),
        (consent(austria(), Value::Null), 200),
        (consent(json!({}), Value::Null), 400),
        (consent(json!({ "country": "AT" }), Value::Null), 400),
        (consent(json!({ "country": "aut" }), Value::Null), 400),
        (consent(json!({ "country": "AUT", "state": long(100) }), Value::Null), 200),
        (consent(json!({ "country": "AUT", "state": long(101) }), Value::Null), 400),
        (consent(usa(), Value::Null), 400),
        (consent(usa(), json!({})), 400),
        (consent(usa(), json!({ "obtained": "yes", "obtainedAt": at })), 200),
        (consent(usa(), json!({ "obtained": "yes" })), 400),
        (consent(usa(), json!({ "obtained": "yes", "obtainedAt": "2026-03-02T09:14:55Z" })), 400),
        (consent(usa(), json!({ "obtained": "no" })), 200),
        (consent(usa(), json!({ "obtained": "na" })), 200),
        (consent(usa(), json!({ "obtained": "maybe" })), 400),
        (
            consent(json!({ "country": "USA", "state": "Illinois" }), json!({ "obtained": "no" })),
            400,
        ),
    ])
    .await;
}
