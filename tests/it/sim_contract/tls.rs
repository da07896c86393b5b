//! Jumio's host names, told apart behind one TLS listener.

use facemap_vault::sim::Options;
use reqwest::Certificate;
use serde_json::json;

use super::{Answer, Jumio, multipart};

const SERVICES: [&str; 5] = ["auth", "account", "api", "retrieval", "status"];

fn host(service: &str) -> String {
    format!("{service}.amer-1.jumio.ai")
}

/// A simulator with TLS, and a client that finds all of Jumio's hosts there.
async fn start() -> Jumio {
    let mut hosts: Vec<String> = SERVICES.iter().map(|service| host(service)).collect();
    hosts.push("127.0.0.1".to_owned());
    let made = rcgen::generate_simple_self_signed(hosts).unwrap();
    let pem = made.cert.pem().into_bytes();
    let key = made.signing_key.serialize_pem().into_bytes();
    let options = Options { tls: Some((pem.clone(), key)), ..Options::default() };
    let mut jumio = Jumio::start_with(options).await;
    let mut http = reqwest::Client::builder()
        .no_proxy()
        .user_agent("Test Suite/1.0")
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()]);
    for service in SERVICES {
        http = http.resolve(&host(service), jumio.sim.address());
    }
    jumio.http = http.build().unwrap();
    jumio
}

#[tokio::test]
async fn a_client_with_jumios_names_built_in_goes_through_a_whole_authentication() {
    let jumio = start().await;
    let port = jumio.sim.address().port();
    let base = |service: &str| format!("https://{}:{port}", host(service));
    let alice = jumio.onboard(json!({})).await;
    let request = jumio.http.post(format!("{}/oauth2/token", base("auth")));
    let request = request.basic_auth(&jumio.client_id, Some(&jumio.client_secret));
    let token =
        Answer::of(request.body("grant_type=client_credentials").send().await.unwrap()).await;
    let token = token.ok()["access_token"].as_str().unwrap().to_owned();

    let path = format!("/api/v1/accounts/{}", alice.account);
    let execution = format!("{path}/workflow-executions/{}", alice.execution);
    let get = jumio.http.get(format!("{}{execution}", base("retrieval"))).bearer_auth(&token);
    let details = Answer::of(get.send().await.unwrap()).await.ok();
    let link = super::facemap_part(&details)["href"].as_str().unwrap();
    assert!(link.starts_with(&base("retrieval")), "{link}");
    let facemap = Answer::of(jumio.http.get(link).bearer_auth(&token).send().await.unwrap()).await;

    let put = jumio.http.put(format!("{}{path}", base("account"))).bearer_auth(&token);
    let body = json!({ "customerInternalReference": "r", "workflowDefinition": { "key": 10071 } });
    let put = put.header("content-type", "application/json").body(body.to_string());
    let answer = Answer::of(put.send().await.unwrap()).await.ok();
    let api = &answer["workflowExecution"]["credentials"][1]["api"];
    let slot = api["parts"]["facemap"].as_str().unwrap();
    assert!(slot.starts_with(&base("api")), "{slot}");
    let web = answer["web"]["href"].as_str().unwrap();
    assert!(web.starts_with("https://simulator.web.amer-1.jumio.ai:"), "{web}");
    let body = multipart("file", &facemap.body);
    jumio.send("POST", slot, api["token"].as_str().unwrap(), body).await.ok();
    let id = answer["workflowExecution"]["id"].as_str().unwrap();
    assert_eq!(jumio.journey(id, json!({})).await.ok()["decision"], "PASSED");
}

/// One row per call; every host but its own answers 404.
#[tokio::test]
async fn each_host_serves_its_own_paths_only() {
    let jumio = start().await;
    let port = jumio.sim.address().port();
    let alice = jumio.onboard(json!({})).await;
    let account = format!("/api/v1/accounts/{}", alice.account);
    let execution = format!("{account}/workflow-executions/{}", alice.execution);
    let table = [
        ("POST", "/oauth2/token".to_owned(), "auth"),
        ("POST", "/api/v1/accounts".to_owned(), "account"),
        ("PUT", account.clone(), "account"),
        ("PUT", execution.clone(), "api"),
        ("GET", format!("{execution}/status"), "retrieval"),
        ("GET", execution, "retrieval"),
        ("GET", "/".to_owned(), "status"),
    ];
    for (method, path, owner) in table {
        for service in SERVICES {
            let url = format!("https://{}:{port}{path}", host(service));
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let status = jumio.http.request(method.clone(), url).send().await.unwrap().status();
            assert_eq!(status == 404, service != owner, "{method} {path} at {service}: {status}");
        }
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let own = jumio.http.request(method, jumio.url(&path)).send().await.unwrap();
        assert_ne!(own.status(), 404, "{path} at the simulator's own address");
    }
}

/// Over TLS a reset and a cut work like in the clear.
#[tokio::test]
async fn faults_reach_through_tls() {
    let jumio = start().await;
    for action in [json!({ "reset": true }), json!({ "cut_after_bytes": 3 })] {
        jumio.control("POST", "faults", json!({ "action": action })).await.ok();
        let answer = match jumio.http.get(jumio.url("/")).send().await {
            Ok(answer) => answer.bytes().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{action}");
        assert!(jumio.http.get(jumio.url("/")).send().await.is_ok());
    }
}
