//! What people do, and what time does.

use serde_json::json;

use super::{Jumio, facemap_part, sha256};

/// One row per way a 10071 can end.
#[tokio::test]
async fn an_authentication_ends_as_face_and_bytes_say() {
    let jumio = Jumio::start().await;
    let table = [
        ("same person, same bytes", true, true, None, "PASSED", "OK"),
        ("another person", true, true, Some("mallory"), "REJECTED", "FAILED"),
        ("other bytes", true, false, None, "REJECTED", "FAILED"),
        ("nothing uploaded", false, true, None, "NOT_EXECUTED", "PRECONDITION_NOT_FULFILLED"),
    ];
    for (what, uploads, own_bytes, person, decision, label) in table {
        let alice = jumio.onboard(json!({ "person": "alice", "facemap_size": 5_000 })).await;
        let facemap = jumio.download(&alice).await;
        assert_eq!(sha256(&facemap.body), alice.sha256, "{what}");
        jumio.advance("31d").await;

        let opened = jumio.open(&alice.account).await;
        if uploads {
            let bytes = if own_bytes { facemap.body.clone() } else { b"other".to_vec() };
            jumio.upload(&opened, &bytes).await.ok();
        }
        let mut how = json!({ "outcome": "complete" });
        if let Some(person) = person {
            how["person"] = person.into();
        }
        let played = jumio.journey(&opened.execution, how).await.ok();

        assert_eq!(played["status"], "PROCESSED", "{what}");
        assert_eq!(played["decision"], decision, "{what}");
        let details = jumio.details(&alice.account, &opened.execution).await.ok();
        assert_eq!(details["decision"]["type"], decision, "{what}");
        let authentication = &details["capabilities"]["authentication"][0];
        assert_eq!(authentication["decision"]["type"], decision, "{what}");
        assert_eq!(authentication["decision"]["details"]["label"], label, "{what}");
    }
}

#[tokio::test]
async fn an_execution_expires_by_the_simulated_clock() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let table = [
        ("nobody comes", None, "29m", "INITIATED"),
        ("nobody comes", None, "31m", "TOKEN_EXPIRED"),
        ("a pause", Some("begin"), "14m", "ACQUISITION_STARTED"),
        ("gone for good", Some("begin"), "16m", "SESSION_EXPIRED"),
        ("abandoned", Some("abandon"), "0s", "SESSION_EXPIRED"),
    ];
    for (what, act, pause, status) in table {
        let opened = jumio.open(&alice.account).await;
        if let Some(act) = act {
            jumio.journey(&opened.execution, json!({ "outcome": act })).await.ok();
        }
        jumio.advance(pause).await;
        let path = format!("executions/{}", opened.execution);
        let execution = jumio.control("GET", &path, json!({})).await.ok();
        assert_eq!(execution["status"], status, "{what} for {pause}");
        let played = jumio.journey(&opened.execution, json!({})).await;
        let want = if status.ends_with("EXPIRED") { 409 } else { 200 };
        assert_eq!(played.status, want, "{what} for {pause}");
    }
}

#[tokio::test]
async fn retention_counts_from_the_last_activity() {
    let jumio = Jumio::start().await;
    jumio.tenant(json!({ "retention": "10d" })).await;
    let idle = jumio.onboard(json!({})).await;
    let active = jumio.onboard(json!({})).await;
    let long = jumio.onboard(json!({ "retention": "30d" })).await;

    jumio.advance("9d").await;
    jumio.open(&active.account).await;
    jumio.advance("2d").await;
    let wiped = async |account: &str, execution: &str| {
        jumio.details(account, execution).await.ok().get("wipedOutAt").is_some()
    };
    assert!(wiped(&idle.account, &idle.execution).await);
    assert!(!wiped(&active.account, &active.execution).await);
    assert!(!wiped(&long.account, &long.execution).await);

    jumio.advance("9d").await;
    assert!(wiped(&active.account, &active.execution).await);
    assert!(!wiped(&long.account, &long.execution).await);
}

#[tokio::test]
async fn an_onboarding_in_the_past_may_be_deleted_already() {
    let jumio = Jumio::start().await;
    let table = [("29d", true), ("31d", false)];
    for (ago, kept) in table {
        let made = jumio.onboard(json!({ "completed_ago": ago, "retention": "30d" })).await;
        let details = jumio.details(&made.account, &made.execution).await.ok();
        assert_eq!(details.get("wipedOutAt").is_none(), kept, "{ago}");
    }
}

#[tokio::test]
async fn a_facemap_outlives_its_deletion_and_passes_again_and_again() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let facemap = jumio.download(&alice).await.body;
    assert_eq!(facemap.len(), 355_367);
    for _ in 0..3 {
        jumio.advance("365d").await;
        let opened = jumio.open(&alice.account).await;
        jumio.upload(&opened, &facemap).await.ok();
        let played = jumio.journey(&opened.execution, json!({})).await.ok();
        assert_eq!(played["decision"], "PASSED");
    }
    assert!(jumio.violations().await.is_empty());
}

/// 10014 needs Jumio's own copy; 10071 exists because it does not.
#[tokio::test]
async fn an_ordinary_authentication_needs_the_copy_at_jumio() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({ "person": "alice" })).await;
    let body =
        json!({ "customerInternalReference": "a", "workflowDefinition": { "key": "10014" } });
    let table = [
        ("0s", "alice", "PASSED"),
        ("0s", "mallory", "REJECTED"),
        ("31d", "alice", "NOT_EXECUTED"),
    ];
    for (later, person, decision) in table {
        jumio.advance(later).await;
        let path = format!("/api/v1/accounts/{}", alice.account);
        let answer = jumio.call("PUT", &path, Some(body.clone())).await.ok();
        let execution = answer["workflowExecution"]["id"].as_str().unwrap();
        let played = jumio.journey(execution, json!({ "person": person })).await.ok();
        assert_eq!(played["decision"], decision, "{person} after {later}");
    }
}

#[tokio::test]
async fn a_new_account_is_onboarded_by_a_journey() {
    let jumio = Jumio::start().await;
    let body = json!({ "customerInternalReference": "o", "workflowDefinition": { "key": 10011 } });
    let answer = jumio.call("POST", "/api/v1/accounts", Some(body)).await.ok();
    let account = answer["account"]["id"].as_str().unwrap();
    let execution = answer["workflowExecution"]["id"].as_str().unwrap();
    jumio.journey(execution, json!({ "person": "bob" })).await.ok();

    let details = jumio.details(account, execution).await.ok();
    assert_eq!(details["workflow"]["status"], "PROCESSED");
    let link = facemap_part(&details)["href"].as_str().unwrap();
    let facemap = jumio.get(link).await.body;
    let opened = jumio.open(account).await;
    jumio.upload(&opened, &facemap).await.ok();
    let played = jumio.journey(&opened.execution, json!({ "person": "bob" })).await.ok();
    assert_eq!(played["decision"], "PASSED");
}

#[tokio::test]
async fn a_forced_decision_overrides_the_faces() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    for decision in ["PASSED", "WARNING", "REJECTED", "NOT_EXECUTED"] {
        let opened = jumio.open(&alice.account).await;
        let how = json!({ "decision": decision });
        assert_eq!(jumio.journey(&opened.execution, how).await.ok()["decision"], decision);
    }
}
