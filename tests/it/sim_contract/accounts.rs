//! Create and update account: who is refused, and what the answer looks like.

use std::io::Read as _;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use facemap_vault::sim::CUSTOMER_ID;
use serde_json::{Value, json};

use super::{Jumio, keys, names, validation::account_body};

#[tokio::test]
async fn calls_that_are_not_even_account_calls_are_refused() {
    let jumio = Jumio::start().await;
    let path = "/api/v1/accounts";
    let token = jumio.access_token().await;
    let body = account_body(&json!({})).to_string();
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |http: &reqwest::Client| {
        http.post(jumio.url(path)).header("content-type", "application/json")
    };
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body.clone())]);
    let table = [
        ("no User-Agent", post(&plain).bearer_auth(&token).body(body.clone()), 403),
        ("no token", post(&jumio.http).body(body.clone()), 401),
        ("not JSON", post(&jumio.http).bearer_auth(&token).body("{"), 400),
        ("not an object", post(&jumio.http).bearer_auth(&token).body("[]"), 400),
        (
            "no content type",
            jumio.http.post(jumio.url(path)).bearer_auth(&token).body(body.clone()),
            415,
        ),
        (
            "no Content-Length",
            post(&jumio.http).bearer_auth(&token).body(reqwest::Body::wrap_stream(stream)),
            400,
        ),
        ("another method", jumio.http.patch(jumio.url(path)).bearer_auth(&token), 405),
    ];
    for (what, request, status) in table {
        assert_eq!(request.send().await.unwrap().status(), status, "{what}");
    }
    jumio.tenant(json!({ "user_agent_required": false })).await;
    let lenient = post(&plain).bearer_auth(&token).body(body).send().await.unwrap();
    assert_eq!(lenient.status(), 200);
    for account in ["7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10", "no-uuid"] {
        let path = format!("/api/v1/accounts/{account}");
        let answer = jumio.call("PUT", &path, Some(account_body(&json!({})))).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["instance"], path);
    }
}

#[tokio::test]
async fn an_update_answers_with_three_credentials_and_one_token() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let body = json!({
        "customerInternalReference": "r", "workflowDefinition": { "key": 16 },
        "web": { "successUrl": "https://app.example.test/done", "locale": "de" },
    });
    let opened = jumio.open_with(&alice.account, body).await;
    let answer = opened.answer;
    assert_eq!(keys(&answer), names(["timestamp", "account", "web", "sdk", "workflowExecution"]));
    assert_eq!(answer["account"], json!({ "id": alice.account }));
    assert_eq!(keys(&answer["web"]), names(["href", "successUrl"]));
    assert_eq!(answer["sdk"], json!({ "token": opened.token }));
    let href = answer["web"]["href"].as_str().unwrap();
    assert_eq!(
        href,
        jumio.url(&format!("/web/v4/app?authorizationToken={}&locale=de", opened.token))
    );
    let credentials = answer["workflowExecution"]["credentials"].as_array().unwrap();
    let shape: Vec<Value> = credentials
        .iter()
        .map(|found| json!([found["category"], found["allowedChannels"]]))
        .collect();
    assert_eq!(
        json!(shape),
        json!([["FACEMAP", ["WEB", "SDK"]], ["FACEMAP", ["API"]], ["SELFIE", ["WEB", "SDK"]]])
    );
    assert_eq!(keys(&credentials[0]), names(["id", "category", "allowedChannels"]));
    let base = jumio.url(&format!(
        "/api/v1/accounts/{}/workflow-executions/{}",
        alice.account, opened.execution
    ));
    let id = credentials[1]["id"].as_str().unwrap();
    assert_eq!(
        credentials[1]["api"],
        json!({
            "token": opened.token,
            "parts": { "facemap": format!("{base}/credentials/{id}/parts/FACEMAP") },
            "workflowExecution": base,
        })
    );

    jumio.tenant(json!({ "facemap_order": "stored_first", "web_domain_prefix": null })).await;
    let answer = jumio.open(&alice.account).await.answer;
    assert!(answer.get("web").is_none());
    assert_eq!(answer["workflowExecution"]["credentials"][0]["allowedChannels"], json!(["API"]));
}

#[tokio::test]
async fn the_token_has_jumios_shape() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    let segments: Vec<Vec<u8>> = opened
        .token
        .split('.')
        .map(|segment| BASE64_URL_SAFE_NO_PAD.decode(segment).unwrap())
        .collect();
    assert_eq!(segments.len(), 3);
    let header: Value = serde_json::from_slice(&segments[0]).unwrap();
    assert_eq!(header, json!({ "alg": "HS512", "zip": "GZIP" }));
    assert_eq!(segments[2].len(), 64);
    let mut claims = String::new();
    flate2::read::GzDecoder::new(&segments[1][..]).read_to_string(&mut claims).unwrap();
    let claims: Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(keys(&claims), names(["exAt", "accId", "aId", "wfeId", "cRef", "cId"]));
    assert_eq!(claims["accId"], alice.account);
    assert_eq!((&claims["aId"], &claims["wfeId"]), (&claims["wfeId"], &json!(opened.execution)));
    assert_eq!(claims["cRef"], "vault-auth-000042");
    assert_eq!(claims["cId"], CUSTOMER_ID);
    let issued = opened.answer["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let expires: i64 = claims["exAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires - issued.as_millisecond(), 30 * 60 * 1_000);
}
