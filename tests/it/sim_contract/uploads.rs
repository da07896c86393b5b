//! Upload and finalize.

use serde_json::json;

use super::{Jumio, keys, multipart, names};

/// One row per line of the error table.
#[tokio::test]
async fn uploads_are_refused_by_the_table() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let bob = jumio.onboard(json!({})).await;
    let mine = jumio.open(&alice.account).await;
    let same_account = jumio.open(&alice.account).await;
    let other_account = jumio.open(&bob.account).await;
    let access = jumio.access_token().await;
    let none = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    let credential = |at: usize| {
        let id = &mine.answer["workflowExecution"]["credentials"][at]["id"];
        id.as_str().unwrap().to_owned()
    };
    let slot_id = credential(1);
    let swap = |from: &str, to: &str| mine.slot.replace(from, to);
    let file = || multipart("file", b"facemap");
    let json_body = || ("application/json".to_owned(), b"{}".to_vec());
    let own = mine.token.as_str();
    let table = [
        ("no such token", "POST", mine.slot.clone(), "x", file(), 401),
        ("the OAuth token", "POST", mine.slot.clone(), &access, file(), 401),
        ("another execution", "POST", mine.slot.clone(), &same_account.token, file(), 403),
        ("another account", "POST", mine.slot.clone(), &other_account.token, file(), 403),
        ("no API channel", "POST", swap(&slot_id, &credential(0)), own, file(), 403),
        ("selfie", "POST", swap(&slot_id, &credential(2)), own, file(), 403),
        ("wrong classifier", "POST", swap("/FACEMAP", "/FACE"), own, file(), 403),
        ("unknown account", "POST", swap(&alice.account, none), own, file(), 404),
        ("unknown execution", "POST", swap(&mine.execution, none), own, file(), 404),
        ("unknown credential", "POST", swap(&slot_id, none), own, file(), 404),
        ("not multipart", "POST", mine.slot.clone(), own, json_body(), 415),
        ("no field file", "POST", mine.slot.clone(), own, multipart("data", b"x"), 400),
        ("empty file", "POST", mine.slot.clone(), own, multipart("file", b""), 400),
        ("no form", "POST", mine.slot.clone(), own, (file().0, b"junk".to_vec()), 400),
        (
            "no boundary",
            "POST",
            mine.slot.clone(),
            own,
            ("multipart/form-data".into(), file().1),
            400,
        ),
        ("DELETE", "DELETE", mine.slot.clone(), own, file(), 405),
        ("PUT of no part", "PUT", swap("/FACEMAP", ""), own, file(), 405),
        ("right", "POST", mine.slot.clone(), own, file(), 200),
        ("again", "POST", mine.slot.clone(), own, file(), 200),
        ("replaced", "PUT", mine.slot.clone(), own, file(), 200),
    ];
    for (what, method, url, token, body, status) in table {
        let answer = jumio.send(method, &url, token, body).await;
        assert_eq!(answer.status, status, "{what}: {:?}", answer.json());
        if status == 405 {
            assert!(answer.headers.contains_key("allow"), "{what}");
            let detail = format!("Request method '{method}' is not supported");
            assert_eq!(answer.json()["detail"], detail, "{what}");
        }
        if status >= 400 {
            assert_eq!(answer.json()["status"], status, "{what}");
        }
    }
    assert!(jumio.violations().await.is_empty());
}

#[tokio::test]
async fn an_upload_is_answered_with_the_execution_and_kept() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    let body = jumio.upload(&opened, b"one").await.ok();
    assert_eq!(keys(&body), names(["timestamp", "account", "workflowExecution", "api"]));
    assert_eq!(body["account"], json!({ "id": alice.account }));
    assert_eq!(body["workflowExecution"], json!({ "id": opened.execution }));
    assert_eq!(keys(&body["api"]), names(["token", "parts", "workflowExecution"]));
    assert_eq!(body["api"]["parts"], json!({ "facemap": opened.slot }));

    jumio.upload(&opened, b"two!").await.ok();
    let execution = format!("executions/{}", opened.execution);
    let seen = jumio.control("GET", &execution, json!({})).await.ok();
    let upload = |bytes: &[u8]| json!({ "sha256": super::sha256(bytes), "size": bytes.len() });
    assert_eq!(seen["uploads"], json!([upload(b"one"), upload(b"two!")]));
}

#[tokio::test]
async fn switches_change_what_jumio_leaves_open() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    jumio
        .tenant(json!({
            "lenient_upload_token": true, "second_upload_conflicts": true, "upload_max_bytes": 100,
        }))
        .await;
    let access = jumio.access_token().await;
    let send = async |token: &str, size: usize| {
        jumio.send("POST", &opened.slot, token, multipart("file", &vec![1; size])).await.status
    };
    assert_eq!(send(&access, 101).await, 413);
    assert_eq!(send(&access, 100).await, 200);
    assert_eq!(send(&opened.token, 100).await, 409);
}

#[tokio::test]
async fn a_body_beyond_all_limits_is_answered_not_cut() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    for (size, status) in [(16 << 20, 200), ((16 << 20) + 1, 413), (30 << 20, 413)] {
        let answer = jumio.upload(&opened, &vec![7; size]).await;
        assert_eq!(answer.status, status, "{size}");
    }
}

#[tokio::test]
async fn an_upload_comes_too_late_after_expiry_or_journey() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;

    let expired = jumio.open(&alice.account).await;
    jumio.advance("31m").await;
    assert_eq!(jumio.upload(&expired, b"x").await.status, 401);

    let abandoned = jumio.open(&alice.account).await;
    jumio.journey(&abandoned.execution, json!({ "outcome": "abandon" })).await.ok();
    assert_eq!(jumio.upload(&abandoned, b"x").await.status, 404);
    assert!(jumio.violations().await.is_empty());

    let completed = jumio.open(&alice.account).await;
    jumio.journey(&completed.execution, json!({})).await.ok();
    assert_eq!(jumio.upload(&completed, b"x").await.status, 404);
    let violations = jumio.violations().await;
    assert_eq!(violations, ["the facemap was uploaded after the journey was completed"]);
}

/// One row per finalize a client might send by mistake.
#[tokio::test]
async fn finalizing_works_and_is_a_violation() {
    let table = [
        ("10071", "PUT", true, 200, 1),
        ("16", "PUT", true, 200, 1),
        ("10071", "POST", true, 200, 1),
        ("10071", "PUT", false, 401, 1),
        ("10011", "PUT", true, 200, 0),
        ("10011", "POST", true, 200, 1),
    ];
    for (key, method, authorized, status, violations) in table {
        let what = format!("{method} of {key}");
        let jumio = Jumio::start().await;
        let alice = jumio.onboard(json!({})).await;
        let body =
            json!({ "customerInternalReference": "f", "workflowDefinition": { "key": key } });
        let opened = jumio.open_with(&alice.account, body).await;
        let path =
            format!("/api/v1/accounts/{}/workflow-executions/{}", alice.account, opened.execution);
        let token = if authorized { opened.token.as_str() } else { "x" };
        let body = ("application/json".to_owned(), b"{}".to_vec());
        let answer = jumio.send(method, &jumio.url(&path), token, body).await;
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(jumio.violations().await.len(), violations, "{what}");
        if status == 200 {
            let want = names(["timestamp", "account", "workflowExecution"]);
            assert_eq!(keys(&answer.json()), want, "{what}");
            let details = jumio.get(&path).await.ok();
            assert_eq!(details["workflow"]["status"], "PROCESSED", "{what}");
            assert_eq!(details["decision"]["type"], "NOT_EXECUTED", "{what}");
            assert_eq!(jumio.journey(&opened.execution, json!({})).await.status, 409, "{what}");
        }
    }
}
