//! OAuth, and create and update account.

use std::io::Read as _;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use facemap_vault::sim::CUSTOMER_ID;
use serde_json::{Value, json};

use super::{Answer, Jumio, keys, names};

/// One row per form in which real clients send their credentials.
#[tokio::test]
async fn access_tokens_are_given_to_whoever_knows_the_secret() {
    let jumio = Jumio::start().await;
    let (id, secret) = (jumio.client_id.clone(), jumio.client_secret.clone());
    let grant = "grant_type=client_credentials";
    let form = format!("{grant}&client_id={id}&client_secret={secret}");
    let query = format!("?{grant}");
    let right = Some((id.as_str(), secret.as_str()));
    let table: [(&str, Option<(&str, &str)>, &str, &str, u16); 7] = [
        ("Basic", right, "", grant, 200),
        ("grant type in the query", right, &query, "", 200),
        ("form fields", None, "", &form, 200),
        ("wrong secret", Some((&id, "wrong")), "", grant, 401),
        ("unknown client", Some(("nobody", &secret)), "", grant, 401),
        ("no credentials", None, "", grant, 401),
        ("another grant type", right, "", "grant_type=password", 400),
    ];
    for (what, basic, query, body, status) in table {
        let request = jumio.http.post(jumio.url(&format!("/oauth2/token{query}")));
        let request = match basic {
            Some((id, secret)) => request.basic_auth(id, Some(secret)),
            None => request,
        };
        let answer = Answer::of(request.body(body.to_owned()).send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{what}");
        let body = answer.json();
        match status {
            200 => {
                assert_eq!(keys(&body), names(["access_token", "expires_in", "token_type"]));
                assert!((3_599..=3_600).contains(&body["expires_in"].as_i64().unwrap()));
                assert_eq!(body["token_type"], "Bearer");
            }
            401 => assert_eq!(body, json!({ "error": "invalid_client" }), "{what}"),
            _ => assert_eq!(keys(&body), names(["error"]), "{what}"),
        }
    }
}

#[tokio::test]
async fn an_access_token_is_the_same_until_it_expires_or_is_revoked() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let status = format!(
        "/api/v1/accounts/{}/workflow-executions/{}/status",
        alice.account, alice.execution
    );
    let get = async |token: &str| {
        let request = jumio.http.get(jumio.url(&status)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    let first = jumio.access_token().await;
    assert_eq!(jumio.access_token().await, first);
    assert_eq!(get(&first).await, 200);

    jumio.advance("61m").await;
    assert_eq!(get(&first).await, 401);
    let second = jumio.access_token().await;
    assert_ne!(first, second);
    assert_eq!(get(&second).await, 200);

    jumio.control("POST", "revoke", json!({})).await.ok();
    assert_eq!(get(&second).await, 401);
    assert_eq!(get("no token").await, 401);
}

#[tokio::test]
async fn a_client_may_do_only_what_it_was_given() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let update = json!({ "customerInternalReference": "a", "workflowDefinition": { "key": 16 } });
    let table = [("initiate", 200, 403), ("retrieve&delete", 403, 200)];
    for (permission, updates, retrieves) in table {
        let new = json!({
            "permissions": [permission],
            "shares_world_with": jumio.client_id,
        });
        let made = jumio.control("POST", "clients", new).await.ok();
        let (id, secret) = (made["client_id"].as_str(), made["client_secret"].as_str());
        let token = {
            let request = jumio.http.post(jumio.url("/oauth2/token?grant_type=client_credentials"));
            let request = request.basic_auth(id.unwrap(), secret);
            let body = Answer::of(request.send().await.unwrap()).await.ok();
            body["access_token"].as_str().unwrap().to_owned()
        };
        let account = jumio.url(&format!("/api/v1/accounts/{}", alice.account));
        let put = jumio.http.put(&account).bearer_auth(&token);
        let put = put.header("content-type", "application/json").body(update.to_string());
        assert_eq!(put.send().await.unwrap().status(), updates, "{permission}");
        let details = format!("{account}/workflow-executions/{}", alice.execution);
        let get = jumio.http.get(details).bearer_auth(&token);
        assert_eq!(get.send().await.unwrap().status(), retrieves, "{permission}");
    }
}

/// One row per rule of the account call: what is put over the smallest valid body, and the answer.
#[tokio::test]
async fn account_calls_are_validated() {
    let jumio = Jumio::start().await;
    let long = |count: usize| "x".repeat(count);
    let url = |count: usize| format!("https://a.example.test/{}", long(count - 23));
    let consent = |location: Value, consent: Value| {
        let mut outer = json!({ "userIp": "203.0.113.24", "userLocation": location });
        outer["consent"] = consent;
        json!({ "userConsent": outer })
    };
    let at = "2026-03-02T09:14:55.000Z";
    let usa = || json!({ "country": "USA", "state": "IL" });
    let table: Vec<(Value, u16)> = vec![
        (json!({}), 200),
        (json!({ "customerInternalReference": null }), 400),
        (json!({ "customerInternalReference": "" }), 400),
        (json!({ "customerInternalReference": "  " }), 400),
        (json!({ "customerInternalReference": 42 }), 200),
        (json!({ "customerInternalReference": [] }), 400),
        (json!({ "customerInternalReference": long(100) }), 200),
        (json!({ "customerInternalReference": long(101) }), 400),
        (json!({ "customerInternalReference": "sim:pass" }), 200),
        (json!({ "workflowDefinition": null }), 400),
        (json!({ "workflowDefinition": {} }), 400),
        (json!({ "workflowDefinition": "10071" }), 400),
        (json!({ "workflowDefinition": { "key": "10071" } }), 200),
        (json!({ "workflowDefinition": { "key": 16 } }), 200),
        (json!({ "workflowDefinition": { "key": "16" } }), 200),
        (json!({ "workflowDefinition": { "key": 99999 } }), 400),
        (json!({ "workflowDefinition": { "key": 10071.5 } }), 400),
        (json!({ "workflowDefinition": { "key": 10071, "credentials": {} } }), 400),
        (json!({ "workflowDefinition": { "key": 10071, "credentials": [] } }), 200),
        (
            json!({ "workflowDefinition": { "key": 10071, "credentials": [{
                "category": "FACEMAP",
                "type": { "predefinedType": "DEFINED", "values": ["IPROOV_STANDARD"] },
            }] } }),
            200,
        ),
        (
            json!({ "workflowDefinition": { "key": 10071, "credentials": [{ "category": "X" }] } }),
            400,
        ),
        (
            json!({ "workflowDefinition": { "key": 10071, "credentials": [{
                "category": "ID", "country": { "predefinedType": "SOME" },
            }] } }),
            400,
        ),
        (json!({ "workflowDefinition": { "key": 10071, "capabilities": [] } }), 400),
        (json!({ "userReference": long(100) }), 200),
        (json!({ "userReference": long(101) }), 400),
        (json!({ "userReference": "" }), 400),
        (json!({ "userReference": 1 }), 400),
        (json!({ "reportingCriteria": long(255) }), 200),
        (json!({ "reportingCriteria": long(256) }), 400),
        (json!({ "callbackUrl": url(255) }), 200),
        (json!({ "callbackUrl": url(256) }), 400),
        (json!({ "callbackUrl": "https://vault.example.test/cb?token=f3c1" }), 200),
        (json!({ "callbackUrl": "http://vault.example.test/cb" }), 400),
        (json!({ "callbackUrl": "http://127.0.0.1:1/cb" }), 200),
        (json!({ "callbackUrl": "https://192.0.2.1/cb" }), 400),
        (json!({ "callbackUrl": "https://vault.example.test:8443/cb" }), 400),
        (json!({ "callbackUrl": "https://vault.example.test/cb#x" }), 400),
        (json!({ "tokenLifetime": "5m" }), 200),
        (json!({ "tokenLifetime": "+60d" }), 200),
        (json!({ "tokenLifetime": "4m" }), 400),
        (json!({ "tokenLifetime": "61d" }), 400),
        (json!({ "tokenLifetime": "-10m" }), 400),
        (json!({ "tokenLifetime": "10" }), 400),
        (json!({ "tokenLifetime": "10w" }), 400),
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
        (json!({ "userConsent": { "userIp": "203.0.113.24" } }), 400),
        (json!({ "userConsent": { "userLocation": usa() } }), 400),
        (consent(json!({ "country": "AUT" }), Value::Null), 200),
        (consent(json!({ "country": "AT" }), Value::Null), 400),
        (consent(json!({ "country": "aut" }), Value::Null), 400),
        (consent(usa(), Value::Null), 400),
        (consent(usa(), json!({ "obtained": "yes", "obtainedAt": at })), 200),
        (consent(usa(), json!({ "obtained": "yes" })), 400),
        (consent(usa(), json!({ "obtained": "yes", "obtainedAt": "2026-03-02T09:14:55Z" })), 400),
        (consent(usa(), json!({ "obtained": "na" })), 200),
        (consent(usa(), json!({ "obtained": "maybe" })), 400),
        (consent(usa(), json!({})), 400),
        (
            consent(json!({ "country": "USA", "state": "Illinois" }), json!({ "obtained": "no" })),
            400,
        ),
        (consent(json!({ "country": "AUT", "state": long(101) }), Value::Null), 400),
        (json!({ "overrideSettings": { "a": "b" } }), 200),
        (json!({ "overrideSettings": { "a": 1 } }), 400),
        (json!({ "somethingNew": true }), 200),
    ];
    for (changes, status) in table {
        let answer = jumio.call("POST", "/api/v1/accounts", Some(account_body(&changes))).await;
        assert_eq!(answer.status, status, "{changes}: {:?}", answer.json());
        if status == 400 {
            let body = answer.json();
            assert_eq!(keys(&body), names(["type", "title", "status", "detail", "instance"]));
            assert_eq!((&body["title"], &body["status"]), (&json!("Bad Request"), &json!(400)));
        }
    }
    for forbidden in "<>\"/;`%{}|".chars() {
        let body = account_body(&json!({ "customerInternalReference": format!("a{forbidden}b") }));
        let answer = jumio.call("POST", "/api/v1/accounts", Some(body)).await;
        assert_eq!(answer.status, 400, "{forbidden}");
    }
}

/// The smallest valid body with `changes` put over it.
fn account_body(changes: &Value) -> Value {
    let mut body =
        json!({ "customerInternalReference": "ref", "workflowDefinition": { "key": 10071 } });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

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
