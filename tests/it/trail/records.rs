//! What else has a record: keys, callers who go away, callbacks, and who was turned away at the door.

use facemap_vault::proto::v1::IngestCallbackRequest;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::caller::{Caller, connect, enroll, start};
use crate::support::pki::{Authority, Leaf, channel, client, self_signed};
use crate::support::process::Process;
use crate::support::secured::{BACKEND, TLS, eventually, write_certificates};
use crate::support::site::{Person, Site, write_private};

/// The events whose action begins with `action`.
async fn events(site: &Site, action: &str) -> Vec<Value> {
    let found = site.run(&["audit", "query", "--action", action, "--json"]).await.json();
    found.as_array().unwrap().clone()
}

fn details(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["detail"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_happens_to_keys_and_who_is_opened_for_that_is_recorded() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&person, 20)).await.unwrap();
    assert!(events(&site, "key.").await.is_empty());

    site.run(&["--yes", "keys", "rotate"]).await.ok();
    let changes = events(&site, "key.change").await;
    let numbers: Vec<_> = changes.iter().map(|event| event["value"].as_u64().unwrap()).collect();
    assert!(numbers.len() >= 2, "new keys, and old ones retired: {changes:?}");
    assert!(numbers.is_sorted(), "the keyring's number counts up: {numbers:?}");
    let batches = events(&site, "key.rewrap").await;
    let records: u64 = batches.iter().map(|event| event["value"].as_u64().unwrap()).sum();
    assert_eq!(records, 1, "{batches:?}");
    assert_eq!(details(&events(&site, "facemap.decrypt").await), ["capture"], "none was opened");

    site.run(&["--yes", "keys", "rotate", "--reencrypt"]).await.ok();
    let opened = events(&site, "facemap.decrypt").await;
    assert_eq!(details(&opened), ["capture", "reseal"]);
    assert_eq!(opened[1]["account_hash"], opened[0]["account_hash"]);
    assert_eq!(site.run(&["audit", "verify"]).await.code, Some(0));
    server.stop(Signal::TERM).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_one_record_that_says_so() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let hangs =
        json!({ "path": "/workflow-executions/", "times": 100, "action": { "delay": "30s" } });
    site.fault(hangs).await;
    // Once it is only the call that is given up, once it is the whole connection.
    let kept = Caller::new(connect(server.told("grpc")).await);
    for gone in 1..=2 {
        let mut caller = match gone {
            1 => kept.clone(),
            _ => Caller::new(connect(server.told("grpc")).await),
        };
        let person = site.onboard(json!({})).await;
        let call = tokio::spawn(async move { caller.create_enrollment(enroll(&person, 30)).await });
        eventually("the call is under way", async || {
            events(&site, "enrollment.register").await.len() == gone
        })
        .await;
        call.abort();
        eventually("its record", async || {
            events(&site, "rpc.CreateEnrollment").await.len() == gone
        })
        .await;
    }
    let calls = events(&site, "rpc.CreateEnrollment").await;
    assert!(calls.iter().all(|call| call["reason"] == "CANCELLED"), "{calls:?}");
    drop(kept);
    site.no_more_faults().await;
    server.stop(Signal::TERM).await;
}

/// What is recorded is told as it happens, until somebody says that it is enough.
#[tokio::test]
async fn the_trail_can_be_followed() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let mut command = site.command(&["audit", "tail", "--since", "1h", "--json"]);
    let mut tail = Process::start(&mut command).await;
    assert_eq!(tail.told("action"), "audit.segment", "from what was asked for on");
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&person, 20)).await.unwrap();
    caller.start_authentication(start(&person.account)).await.unwrap();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|action| action != "rpc.StartAuthentication") {
        let event: Value = serde_json::from_str(&tail.line().await).unwrap();
        seen.push(event["action"].as_str().unwrap().to_owned());
    }
    let want = ["enrollment.register", "facemap.capture", "rpc.CreateEnrollment", "facemap.upload"];
    let places: Vec<_> = want.iter().map(|want| seen.iter().position(|got| got == want)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{seen:?}");
    let (_, ended) = tail.stop(Signal::INT).await;
    assert_eq!(ended.code(), Some(0));
    server.stop(Signal::TERM).await;
}

const PATH_SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Callbacks that make the vault ask Jumio have a record each, which is one a minute for an execution at
/// most. All others, however many, are one number.
#[tokio::test]
async fn callbacks_are_recorded_without_letting_strangers_fill_the_trail() {
    let site = Site::start(&[
        ("capture.immediate", "false"),
        ("listen.callback.enabled", "true"),
        ("listen.callback.address", "127.0.0.1:0"),
        ("listen.callback.path_secret", "file:{dir}/path-secret"),
    ])
    .await;
    write_private(&site.path("path-secret"), PATH_SECRET.as_bytes());
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&person, 0)).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |secret: &str, body: String| {
        let url = format!("http://{}/callback/{secret}", server.told("callback"));
        http.post(url).body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(PATH_SECRET, callback(&person)).await, 200);
    eventually("it is followed up", async || events(&site, "callback.").await.len() == 1).await;
    let heard = events(&site, "callback.receive").await;
    assert_eq!(heard[0]["detail"], "enrollment", "{heard:?}");
    let captured = events(&site, "facemap.capture").await;
    assert_eq!(heard[0]["account_hash"], captured[0]["account_hash"]);

    let before = site.run(&["status", "--json"]).await.json()["audit"]["record_count"].clone();
    let mut taken = 0_u64;
    for n in 0..200 {
        let other = Person { execution: uuid(n), ..person.clone() };
        taken += u64::from(post(PATH_SECRET, callback(&other)).await == 200);
        assert_eq!(post("wrong", callback(&person)).await, 404);
        assert_eq!(post(PATH_SECRET, "nonsense".to_owned()).await, 400);
    }
    assert!(taken > 0);
    let after = site.run(&["status", "--json"]).await.json()["audit"]["record_count"].clone();
    // One for the look itself; a minute that ends just now adds a sum for each reason.
    let grown = after.as_u64().unwrap() - before.as_u64().unwrap();
    assert!(grown <= 3, "600 callbacks made {grown} records");
    // Over gRPC a callback is a call like any other, and has its record.
    let body = callback(&Person { execution: uuid(1), ..person }).into_bytes();
    let ingest = IngestCallbackRequest { body, source_ip: String::new() };
    caller.ingest_callback(ingest).await.unwrap();
    assert_eq!(events(&site, "rpc.IngestCallback").await.len(), 1);
    assert_eq!(events(&site, "callback.").await.len(), 1, "it made nobody ask");

    server.stop(Signal::TERM).await;
    let server = site.serve(&[]).await;
    let sums = events(&site, "access.refused").await;
    let sum = |reason: &str| -> u64 {
        let of_it = sums.iter().filter(|event| event["detail"] == reason);
        of_it.map(|event| event["value"].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("callback-secret"), sum("callback-form")), (200, 200), "{sums:?}");
    server.stop(Signal::TERM).await;
}

#[tokio::test]
async fn handshakes_that_fail_are_counted_and_their_sum_is_recorded() {
    let caller = format!(r#"[{{ san = "{BACKEND}", permissions = ["read"] }}]"#);
    let few = ("listen.public.connections_per_peer", "3");
    let settings = [("listen.public.caller", caller.as_str()), few];
    let site = Site::start(&[&TLS[..], &settings].concat()).await;
    let authority = Authority::root("callers' root");
    write_certificates(&site, &authority);
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let address = server.told("grpc");
    let root = site.path("clients-ca.crt");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let metric = async |reason: &str| -> Option<u64> {
        let url = format!("http://{}/metrics", server.told("http"));
        let page = http.get(url).send().await.unwrap().text().await.unwrap();
        let name = format!("fmvault_access_refused_total{{reason=\"{reason}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    };
    let stranger = self_signed(&Leaf::uri(BACKEND));
    for who in [None, Some(&stranger)] {
        let mut caller = Caller::new(channel(address, &client(&root, who)));
        assert!(crate::tls::is_handshake(&crate::tls::ask(&mut caller).await));
    }
    eventually("both are counted", async || metric("handshake").await >= Some(2)).await;
    // Three that say nothing take all places that this address has.
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    eventually("so is the one too many", async || metric("connections").await >= Some(1)).await;
    assert!(events(&site, "access.").await.is_empty(), "not one record for each");
    drop(silent);
    server.stop(Signal::TERM).await;

    let server = site.serve(&[]).await;
    let failed = site.run(&["audit", "query", "--action", "access.", "--failed", "--json"]).await;
    let sums = failed.json();
    let of = |reason: &str| sums.as_array().unwrap().iter().find(|sum| sum["detail"] == reason);
    assert!(of("handshake").unwrap()["value"].as_u64() >= Some(2), "{sums}");
    assert!(of("connections").unwrap()["value"].as_u64() >= Some(1), "{sums}");
    server.stop(Signal::TERM).await;
}

fn callback(person: &Person) -> String {
    json!({
        "callbackSentAt": "2026-03-02T09:15:52.000Z",
        "workflowExecution": { "id": person.execution, "status": "PROCESSED" },
        "account": { "id": person.account },
    })
    .to_string()
}

fn uuid(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}
