//! The control API: worlds, settings, records, limits.

use serde_json::json;

use super::{Answer, Jumio, keys, names};

#[tokio::test]
async fn every_answer_is_marked() {
    let jumio = Jumio::start().await;
    let token = jumio.access_token().await;
    for path in ["/", "/__sim/", "/nowhere", "/api/v1/workflow-executions/x"] {
        let request = jumio.http.get(jumio.url(path)).bearer_auth(&token);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.headers["x-fmvault-simulator"], "1", "{path}");
    }
    let index = jumio.control("GET", "", json!({})).await.ok();
    assert_eq!(index["sim_api"], 1);
    let answer = jumio.control("GET", "tenant", json!({})).await;
    assert_eq!(answer.headers["x-fmvault-sim-api"], "1");
    assert_eq!(
        Answer::of(jumio.http.get(jumio.url("/")).send().await.unwrap()).await.ok(),
        json!({ "status": "UP" })
    );
}

#[tokio::test]
async fn worlds_do_not_see_each_other() {
    let jumio = Jumio::start().await;
    let made = jumio.control("POST", "clients", json!({ "client_id": "second" })).await.ok();
    assert_eq!(made["client_id"], "second");
    assert_eq!(
        jumio.control("POST", "clients", json!({ "client_id": "second" })).await.status,
        409
    );
    let alice = jumio.onboard(json!({})).await;
    let path = format!("/api/v1/workflow-executions/{}", alice.execution);
    let secret = made["client_secret"].as_str();
    let request = jumio.http.post(jumio.url("/oauth2/token?grant_type=client_credentials"));
    let body = Answer::of(request.basic_auth("second", secret).send().await.unwrap()).await.ok();
    let token = body["access_token"].as_str().unwrap();
    let request = jumio.http.get(jumio.url(&path)).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 404);
    assert_eq!(jumio.get(&path).await.status, 200);

    jumio.control("PATCH", "tenant?client_id=second", json!({})).await.ok();
    let fault = json!({ "action": { "status": 503 } });
    let other =
        jumio.http.post(jumio.url("/__sim/faults?client_id=second")).body(fault.to_string());
    Answer::of(other.send().await.unwrap()).await.ok();
    assert_eq!(jumio.get(&path).await.status, 200);
    let request = jumio.http.get(jumio.url(&path)).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 503);
    let request = jumio.http.get(jumio.url("/__sim/journal?client_id=nobody"));
    assert_eq!(request.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_journal_tells_what_was_asked_and_no_secret() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    jumio.upload(&opened, &[7; 1_000]).await.ok();
    let journal = jumio.control("GET", "journal?since=0", json!({})).await.ok();
    let entries = journal["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    let upload = &entries[2];
    assert_eq!(
        keys(upload),
        names([
            "sequence",
            "at",
            "method",
            "path",
            "status",
            "request_bytes",
            "response_bytes",
            "host",
            "fault",
        ])
    );
    assert_eq!((&upload["method"], &upload["status"]), (&json!("POST"), &json!(200)));
    assert!(upload["request_bytes"].as_u64().unwrap() > 1_000);
    assert!(upload["response_bytes"].as_u64().unwrap() > 100);
    assert_eq!(upload["host"], jumio.sim.address().to_string());
    let text = journal.to_string();
    for secret in [&opened.token, &jumio.client_secret] {
        assert!(!text.contains(secret));
    }
    let since = format!("journal?since={}", upload["sequence"]);
    let later = jumio.control("GET", &since, json!({})).await.ok();
    assert_eq!(later["entries"], json!([]));
}

#[tokio::test]
async fn many_accounts_are_cheap() {
    let jumio = Jumio::start().await;
    let how = json!({ "count": 2_000, "facemap_size": 16, "completed_ago": "1d" });
    let made = jumio.control("POST", "onboardings", how).await.ok();
    let onboardings = made["onboardings"].as_array().unwrap();
    assert_eq!(onboardings.len(), 2_000);
    let prints: std::collections::HashSet<_> =
        onboardings.iter().map(|made| made["facemap_sha256"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), 2_000);
    assert_eq!(
        keys(&onboardings[0]),
        names([
            "account_id",
            "workflow_execution_id",
            "facemap_sha256",
            "facemap_size",
            "deleted_at"
        ])
    );
}

#[tokio::test]
async fn given_bytes_and_existing_accounts_are_taken() {
    let jumio = Jumio::start().await;
    let first = jumio.onboard(json!({ "facemap_base64": "AAEC", "person": "alice" })).await;
    assert_eq!(jumio.download(&first).await.body, [0, 1, 2]);
    let second = jumio.onboard(json!({ "account_id": first.account, "workflow_key": 10016 })).await;
    assert_eq!(second.account, first.account);
    assert_ne!(second.execution, first.execution);
    let path = format!("accounts/{}", first.account);
    let account = jumio.control("GET", &path, json!({})).await.ok();
    assert_eq!(account["person"], "alice");
    assert_eq!(account["workflow_execution_ids"], json!([first.execution, second.execution]));
}

/// One row per mistake in a control call.
#[tokio::test]
async fn wrong_control_calls_are_explained() {
    let jumio = Jumio::start().await;
    let none = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    let journey = format!("executions/{none}/journey");
    let table = [
        ("POST", "onboardings", json!({ "count": 0 }), 400),
        ("POST", "onboardings", json!({ "count": 100_001 }), 400),
        ("POST", "onboardings", json!({ "decision": "GOOD" }), 400),
        ("POST", "onboardings", json!({ "retention": "soon" }), 400),
        ("POST", "onboardings", json!({ "workflow_key": 10071 }), 400),
        ("POST", "onboardings", json!({ "account_id": none }), 400),
        ("POST", "onboardings", json!({ "facemap_size": 99_999_999 }), 400),
        ("POST", "onboardings", json!({ "facemap_base64": "?" }), 400),
        ("POST", "onboardings", json!({ "facemap": "x" }), 400),
        ("POST", "clock", json!({}), 400),
        ("POST", "clock", json!({ "set": "tomorrow" }), 400),
        ("POST", "clock", json!({ "advance": "1d", "set": "2027-01-01T00:00:00Z" }), 400),
        ("POST", "faults", json!({}), 400),
        ("POST", "faults", json!({ "action": {} }), 400),
        ("POST", "faults", json!({ "path": "(", "action": { "reset": true } }), 400),
        ("POST", "faults", json!({ "action": { "status": 99 } }), 400),
        ("POST", "faults", json!({ "action": { "status": 500, "reset": true } }), 400),
        ("POST", "faults", json!({ "action": { "body": "x" } }), 400),
        ("PATCH", "tenant", json!({ "retention": 5 }), 400),
        ("PATCH", "tenant", json!({ "colour": "blue" }), 400),
        ("PATCH", "tenant", json!({ "base_urls": "here" }), 400),
        ("PATCH", "tenant", json!({ "web_domain_prefix": "-x" }), 400),
        ("PATCH", "tenant", json!({ "rate_limits": { "account": { "burst": -1 } } }), 400),
        ("POST", "clients", json!({ "permissions": ["everything"] }), 400),
        ("POST", "clients", json!({ "client_id": "a:b" }), 400),
        ("POST", journey.as_str(), json!({ "outcome": "dance" }), 400),
        ("POST", journey.as_str(), json!({}), 404),
        ("GET", "journal?since=x", json!({}), 400),
    ];
    for (method, path, body, status) in table {
        let answer = jumio.control(method, path, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}");
        assert!(answer.json()["error"].is_string(), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn reset_forgets_all_but_clients_and_settings() {
    let jumio = Jumio::start().await;
    jumio.tenant(json!({ "retention": "5d" })).await;
    let alice = jumio.onboard(json!({})).await;
    jumio.advance("1d").await;
    jumio.control("POST", "faults", json!({ "action": { "status": 500 } })).await.ok();
    jumio.control("POST", "reset", json!({})).await.ok();
    assert_eq!(jumio.details(&alice.account, &alice.execution).await.status, 404);
    let clock = jumio.control("GET", "clock", json!({})).await.ok();
    let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
    assert!((now - jiff::Timestamp::now()).get_seconds().abs() < 60);
    let tenant = jumio.control("GET", "tenant", json!({})).await.ok();
    assert_eq!(tenant["retention"], "5days");
    jumio.control("POST", "clock", json!({ "set": "2030-01-01T00:00:00Z" })).await.ok();
    let clock = jumio.control("GET", "clock", json!({})).await.ok();
    assert!(clock["now"].as_str().unwrap().starts_with("2030-01-01T00:0"));
}

#[tokio::test]
async fn rate_limits_answer_as_documented() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let token = jumio.access_token().await;
    jumio
        .tenant(json!({ "rate_limits": {
            "enabled": true,
            "account": { "per_second": 0, "burst": 2 },
            "retrieval": { "per_second": 0, "burst": 1 },
        } }))
        .await;
    let details = jumio.url(&format!("/api/v1/workflow-executions/{}", alice.execution));
    let mut seen = Vec::new();
    for (method, url) in [
        ("PUT", jumio.url(&format!("/api/v1/accounts/{}", alice.account))),
        ("PUT", jumio.url(&format!("/api/v1/accounts/{}", alice.account))),
        ("PUT", jumio.url(&format!("/api/v1/accounts/{}", alice.account))),
        ("GET", details.clone()),
        ("GET", details),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let body = json!({ "customerInternalReference": "r", "workflowDefinition": { "key": 16 } });
        let request = jumio.http.request(method, url).bearer_auth(&token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = Answer::of(request.send().await.unwrap()).await;
        seen.push(answer.status);
        if answer.status == 429 {
            let body = json!({
                "title": "Too Many Requests", "status": 429, "detail": "Request limit exceeded",
            });
            assert_eq!(answer.json(), body);
            assert!(!answer.headers.contains_key("retry-after"));
        }
    }
    assert_eq!(seen, [200, 200, 429, 200, 429]);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let jumio = Jumio::start().await;
    let (address, url) = (jumio.sim.address(), jumio.url("/"));
    assert!(jumio.http.get(&url).send().await.is_ok());
    jumio.sim.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
