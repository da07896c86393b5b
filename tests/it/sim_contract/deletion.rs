//! What is left after retention, deletion on request, and expiry.

use serde_json::json;

use super::{Jumio, facemap_part, keys, names};

#[tokio::test]
async fn data_deleted_by_retention_leaves_a_shell() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let before = jumio.details(&made.account, &made.execution).await.ok();
    let link = facemap_part(&before)["href"].as_str().unwrap().to_owned();
    let steps = before["steps"]["href"].as_str().unwrap().to_owned();
    jumio.advance("31d").await;

    let after = jumio.details(&made.account, &made.execution).await.ok();
    assert!(after["wipedOutAt"].is_string());
    assert_eq!(after["capabilities"], json!({}));
    for credential in after["credentials"].as_array().unwrap() {
        assert_eq!(keys(credential), names(["id", "category"]));
    }
    for same in
        ["workflow", "account", "createdAt", "startedAt", "completedAt", "decision", "steps"]
    {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(jumio.get(&link).await.status, 404);
    assert_eq!(jumio.get(&steps).await.status, 404);
    jumio.tenant(json!({ "details_gone_after_wipe": true })).await;
    assert_eq!(jumio.details(&made.account, &made.execution).await.status, 404);

    let now = jumio.onboard(json!({})).await;
    jumio.control("POST", &format!("accounts/{}/wipe", now.account), json!({})).await.ok();
    assert_eq!(jumio.details(&now.account, &now.execution).await.status, 404);
}

#[tokio::test]
async fn what_is_deleted_on_request_was_never_there() {
    let jumio = Jumio::start().await;
    for whole_account in [true, false] {
        let made = jumio.onboard(json!({})).await;
        let details = jumio.details(&made.account, &made.execution).await.ok();
        let link = facemap_part(&details)["href"].as_str().unwrap().to_owned();
        let account = format!("/api/v1/accounts/{}", made.account);
        let execution = format!("{account}/workflow-executions/{}", made.execution);
        let deleted = if whole_account { &account } else { &execution };
        assert_eq!(jumio.call("DELETE", deleted, None).await.status, 200);
        let short = format!("/api/v1/workflow-executions/{}", made.execution);
        let (status, steps) = (format!("{execution}/status"), format!("{execution}/steps"));
        for path in [&execution, &short, &status, &steps, &link] {
            assert_eq!(jumio.get(path).await.status, 404, "{path}");
        }
        assert_eq!(jumio.call("DELETE", deleted, None).await.status, 404);
    }
}

/// One row per reading of what an expired execution shows.
#[tokio::test]
async fn expired_executions_have_details_as_the_tenant_likes() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let opened = jumio.open(&made.account).await;
    jumio.upload(&opened, b"facemap").await.ok();
    let open = jumio.details(&made.account, &opened.execution).await.ok();
    assert_eq!(open["workflow"]["status"], "INITIATED");
    assert!(open.get("decision").is_none());
    jumio.advance("31m").await;

    let details = jumio.details(&made.account, &opened.execution).await.ok();
    assert!(details.get("startedAt").is_none());
    assert_eq!(details["workflow"]["status"], "TOKEN_EXPIRED");
    assert_eq!(
        details["decision"],
        json!({
            "type": "NOT_EXECUTED", "details": { "label": "TOKEN_EXPIRED" }, "risk": { "score": -1.0 },
        })
    );
    assert_eq!(details["credentials"][2]["parts"], json!([{ "classifier": "FACEMAP" }]));
    assert!(details["credentials"][1].get("parts").is_none());
    let label = |name: &str| &details["capabilities"][name][0]["decision"]["details"]["label"];
    assert_eq!(label("usability"), "NOT_UPLOADED");
    assert_eq!(label("authentication"), "PRECONDITION_NOT_FULFILLED");

    jumio.tenant(json!({ "expired_details": "rejected" })).await;
    let details = jumio.details(&made.account, &opened.execution).await.ok();
    assert_eq!(details["decision"]["risk"]["score"], 100.0);
    jumio.tenant(json!({ "expired_details": "unavailable" })).await;
    assert_eq!(jumio.details(&made.account, &opened.execution).await.status, 404);
}
