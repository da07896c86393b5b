//! Status, details, steps and parts.

use serde_json::{Value, json};

use super::{Jumio, facemap_part, keys, names, shape};

/// Details of a finished onboarding, shape for shape.
#[tokio::test]
async fn an_onboarding_has_the_recorded_shape() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({ "user_reference": "user-1" })).await;
    let details = jumio.details(&made.account, &made.execution).await.ok();
    assert_eq!(
        keys(&details),
        names([
            "workflow",
            "account",
            "createdAt",
            "startedAt",
            "completedAt",
            "credentials",
            "decision",
            "steps",
            "capabilities",
        ])
    );
    let workflow = &details["workflow"];
    assert_eq!(
        keys(workflow),
        names(["id", "status", "definitionKey", "userReference", "customerInternalReference"])
    );
    assert_eq!(
        (&workflow["status"], &workflow["definitionKey"]),
        (&json!("PROCESSED"), &json!("10011"))
    );
    assert_eq!(
        details["decision"],
        json!({ "type": "PASSED", "details": { "label": "PASSED" }, "risk": { "score": 0.0 } })
    );
    let base = jumio.url(&format!("/api/v1/accounts/{}", made.account));
    assert_eq!(
        details["steps"],
        json!({ "href": format!("{base}/workflow-executions/{}/steps", made.execution) })
    );
    let categories: Vec<Value> = listed(&details["credentials"], "category");
    assert_eq!(json!(categories), json!(["SELFIE", "FACEMAP", "ID"]));
    let facemap = &details["credentials"][1];
    let classifiers = listed(&facemap["parts"], "classifier");
    let want = [
        "FACEMAP",
        "LIVENESS_1",
        "LIVENESS_3",
        "LIVENESS_2",
        "LIVENESS_5",
        "LIVENESS_4",
        "LIVENESS_6",
    ];
    assert_eq!(json!(classifiers), json!(want));
    let id = facemap["id"].as_str().unwrap();
    let link = format!("{base}/credentials/{id}/parts/FACEMAP");
    assert_eq!(facemap["parts"][0], json!({ "classifier": "FACEMAP", "href": link }));

    let short = jumio.get(&format!("/api/v1/workflow-executions/{}", made.execution)).await.ok();
    assert_eq!(short, details);
}

#[tokio::test]
async fn an_onboarding_has_the_recorded_capabilities() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let details = jumio.details(&made.account, &made.execution).await.ok();
    let found = &details["capabilities"];
    let all = ["usability", "liveness", "similarity", "extraction", "dataChecks", "imageChecks"];
    assert_eq!(keys(found), names(all));
    let credential = json!({ "id": "string", "category": "string" });
    let decision = json!({ "type": "string", "details": { "label": "string" } });
    let simple = json!({ "id": "string", "credentials": [credential], "decision": decision });
    assert_eq!(shape(&found["usability"]), json!([simple, simple, simple]));
    assert_eq!(shape(&found["dataChecks"]), json!([simple]));
    let liveness = json!([{
        "id": "string",
        "validFaceMapForAuthentication": "string",
        "credentials": [credential, credential],
        "decision": decision,
        "data": { "type": "string", "predictedAge": "number", "ageConfidenceRange": "string" },
    }]);
    assert_eq!(shape(&found["liveness"]), liveness);
    let link = &facemap_part(&details)["href"];
    assert_eq!(&found["liveness"][0]["validFaceMapForAuthentication"], link);
    assert_eq!(found["similarity"][0]["data"], json!({ "similarity": "MATCH" }));
    assert_eq!(found["similarity"][0]["decision"]["details"]["label"], "MATCH");
}

/// Details of a finished 10071, whose two facemaps differ.
#[tokio::test]
async fn an_authentication_has_the_recorded_shape() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let facemap = jumio.download(&made).await;
    assert_eq!(facemap.headers["content-type"], "application/octet-stream");
    let opened = jumio.open(&made.account).await;
    jumio.upload(&opened, &facemap.body).await.ok();
    jumio.journey(&opened.execution, json!({})).await.ok();

    let details = jumio.details(&made.account, &opened.execution).await.ok();
    let categories = listed(&details["credentials"], "category");
    assert_eq!(json!(categories), json!(["SELFIE", "FACEMAP", "FACEMAP"]));
    let (new, stored) = (&details["credentials"][1], &details["credentials"][2]);
    assert_eq!(new["parts"][0], json!({ "classifier": "FACEMAP" }));
    assert_eq!(new["parts"].as_array().unwrap().len(), 7);
    assert_eq!(stored["parts"], json!([{ "classifier": "FACEMAP" }]));
    assert_eq!(keys(&details["capabilities"]), names(["usability", "authentication"]));
    assert_eq!(details["capabilities"]["usability"].as_array().unwrap().len(), 3);
    let authentication = &details["capabilities"]["authentication"][0];
    let id = new["id"].as_str().unwrap();
    let link =
        jumio.url(&format!("/api/v1/accounts/{}/credentials/{id}/parts/FACEMAP", made.account));
    assert_eq!(authentication["validFaceMapForAuthentication"], link);
    assert_eq!(authentication["credentials"], json!([{ "id": id, "category": "FACEMAP" }]));
    assert_eq!(authentication["data"], json!({ "type": "IPROOV_STANDARD" }));
    assert_eq!(jumio.get(&link).await.status, 403);

    jumio.tenant(json!({ "roll_forward": true })).await;
    assert_eq!(jumio.get(&link).await.body.len(), 355_367);

    let base =
        format!("/api/v1/accounts/{}/workflow-executions/{}", made.account, opened.execution);
    let status = jumio.get(&format!("{base}/status")).await.ok();
    let account = jumio.url(&format!("/api/v1/accounts/{}", made.account));
    let execution = jumio.url(&format!("/api/v1/workflow-executions/{}", opened.execution));
    assert_eq!(
        status,
        json!({
            "account": { "id": made.account, "href": account },
            "workflowExecution": {
                "id": opened.execution, "href": execution,
                "definitionKey": "10071", "status": "PROCESSED",
            },
        })
    );
    let steps = jumio.get(&format!("{base}/steps")).await.ok();
    let capability = &authentication["id"];
    assert_eq!(steps["steps"][0]["name"], "AUTHENTICATION");
    assert_eq!(steps["steps"][0]["capabilityIds"], json!([capability]));
    let both = json!([{ "id": capability, "category": "authentication" }]);
    assert_eq!(steps["steps"][0]["capabilities"], both);
}

#[tokio::test]
async fn a_rejected_authentication_says_why_in_its_steps() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let facemap = jumio.download(&made).await.body;
    let opened = jumio.open(&made.account).await;
    jumio.upload(&opened, &facemap).await.ok();
    jumio.journey(&opened.execution, json!({ "person": "mallory" })).await.ok();
    let details = jumio.details(&made.account, &opened.execution).await.ok();
    assert_eq!(details["decision"]["risk"], json!({ "score": 100.0 }));
    let authentication = &details["capabilities"]["authentication"][0];
    assert_eq!(keys(authentication), names(["id", "credentials", "decision", "data"]));
    let path =
        format!("/api/v1/accounts/{}/workflow-executions/{}/steps", made.account, opened.execution);
    let steps = jumio.get(&path).await.ok();
    let reasons = &steps["steps"][0]["decision"]["reasons"];
    assert_eq!(shape(reasons), json!([{ "label": "string", "type": "string" }]));
    assert_eq!(reasons[0]["type"], "REJECTED");
}

/// One row per setting under which a facemap stays at Jumio.
#[tokio::test]
async fn a_facemap_that_may_not_be_downloaded_has_no_link() {
    let jumio = Jumio::start().await;
    let none = json!({});
    let table = [
        ("allowed", none.clone(), none.clone(), true, true),
        (
            "not for this onboarding",
            none.clone(),
            json!({ "download_allowed": false }),
            false,
            true,
        ),
        ("not for this tenant", json!({ "download_allowed": false }), none.clone(), false, true),
        ("Jumio Liveness", none, json!({ "liveness_type": "JUMIO_STANDARD" }), false, false),
    ];
    for (what, tenant, onboarding, linked, valid) in table {
        jumio.tenant(json!({ "download_allowed": true })).await;
        jumio.tenant(tenant).await;
        let made = jumio.onboard(onboarding).await;
        let details = jumio.details(&made.account, &made.execution).await.ok();
        assert_eq!(facemap_part(&details).get("href").is_some(), linked, "{what}");
        let liveness = &details["capabilities"]["liveness"][0];
        assert_eq!(liveness.get("validFaceMapForAuthentication").is_some(), valid, "{what}");
        let id = details["credentials"][1]["id"].as_str().unwrap();
        let part = format!("/api/v1/accounts/{}/credentials/{id}/parts/FACEMAP", made.account);
        assert_eq!(jumio.get(&part).await.status, if linked { 200 } else { 403 }, "{what}");
    }
}

#[tokio::test]
async fn decisions_of_onboardings_are_as_ordered() {
    let jumio = Jumio::start().await;
    let table = [
        (json!({}), "PASSED", "PASSED", "MATCH"),
        (json!({ "decision": "REJECTED" }), "REJECTED", "PASSED", "NO_MATCH"),
        (json!({ "decision": "WARNING" }), "WARNING", "PASSED", "NOT_POSSIBLE"),
        (json!({ "liveness": "REJECTED" }), "REJECTED", "REJECTED", "MATCH"),
        (
            json!({ "decision": "NOT_EXECUTED", "liveness": "NOT_EXECUTED" }),
            "NOT_EXECUTED",
            "NOT_EXECUTED",
            "PRECONDITION_NOT_FULFILLED",
        ),
    ];
    for (how, decision, liveness, similarity) in table {
        let made = jumio.onboard(how.clone()).await;
        let details = jumio.details(&made.account, &made.execution).await.ok();
        let found = &details["capabilities"];
        assert_eq!(details["decision"]["type"], decision, "{how}");
        assert_eq!(found["liveness"][0]["decision"]["type"], liveness, "{how}");
        assert_eq!(found["similarity"][0]["decision"]["details"]["label"], similarity, "{how}");
        let valid = found["liveness"][0].get("validFaceMapForAuthentication").is_some();
        assert_eq!(valid, liveness == "PASSED", "{how}");
    }
}

#[tokio::test]
async fn other_parts_are_pictures_and_unknown_ones_are_missing() {
    let jumio = Jumio::start().await;
    let made = jumio.onboard(json!({})).await;
    let details = jumio.details(&made.account, &made.execution).await.ok();
    for credential in details["credentials"].as_array().unwrap() {
        for part in credential["parts"].as_array().unwrap() {
            let answer = jumio.get(part["href"].as_str().unwrap()).await;
            let picture = part["classifier"] != "FACEMAP";
            assert_eq!(answer.status, 200, "{part}");
            assert_eq!(answer.headers["content-type"] == "image/png", picture, "{part}");
            assert_eq!(answer.body.starts_with(b"\x89PNG\r\n"), picture, "{part}");
        }
    }
    let id = details["credentials"][0]["id"].as_str().unwrap();
    let base = format!("/api/v1/accounts/{}/credentials", made.account);
    let none = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    for path in [format!("{id}/parts/BACK"), format!("{none}/parts/FACE"), "x/parts/FACE".into()] {
        assert_eq!(jumio.get(&format!("{base}/{path}")).await.status, 404, "{path}");
    }
}

fn listed(items: &Value, field: &str) -> Vec<Value> {
    items.as_array().unwrap().iter().map(|item| item[field].clone()).collect()
}
