//! OAuth: access tokens and permissions.

use serde_json::json;

use super::{Answer, Jumio, keys, names};

/// One row per form in which real clients send their credentials.
#[tokio::test]
async fn access_tokens_are_given_to_whoever_knows_the_secret() {
    type Row<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a str, &'a str, u16);
    let jumio = Jumio::start().await;
    let (id, secret) = (jumio.client_id.clone(), jumio.client_secret.clone());
    let grant = "grant_type=client_credentials";
    let form = format!("{grant}&client_id={id}&client_secret={secret}");
    let query = format!("?{grant}");
    let right = Some((id.as_str(), secret.as_str()));
    let table: [Row<'_>; 7] = [
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
