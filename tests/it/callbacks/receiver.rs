//! The receiver's answers: the status, and never a body.

use facemap_vault::proto::v1::enrollment::State;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{PATIENCE, Run, SECRET, World, callback, id};

#[tokio::test]
async fn the_status_says_what_was_wrong_with_the_request() {
    let world = World::start().await;
    let stranger = Run { account: id(), execution: id() };
    let good = callback(&stranger, "PROCESSED", "2026-10-19T11:34:19.803Z").to_string();
    let long = " ".repeat(16 * 1024 + 1);
    let path = |path: &str| path.replace("SECRET", SECRET);
    let table = [
        ("an unknown execution", Method::POST, path("/callback/SECRET"), &good, 200),
        ("a duplicate", Method::POST, path("/callback/SECRET"), &good, 200),
        ("a query", Method::POST, path("/callback/SECRET?a=b"), &good, 200),
        ("another secret", Method::POST, path("/callback/SECRE"), &good, 404),
        ("a longer secret", Method::POST, path("/callback/SECRETX"), &good, 404),
        ("another case", Method::POST, path("/callback/SECRET").to_uppercase(), &good, 404),
        ("a path behind", Method::POST, path("/callback/SECRET/"), &good, 404),
        ("a path before", Method::POST, path("/a/callback/SECRET"), &good, 404),
        ("a double slash", Method::POST, path("/callback//SECRET"), &good, 404),
        ("an escape", Method::POST, path("/callback/SECRET").replace("-", "%2d"), &good, 404),
        ("no secret", Method::POST, "/callback/".to_owned(), &good, 404),
        ("nothing", Method::POST, "/".to_owned(), &good, 404),
        ("nothing of ours, by GET", Method::GET, "/livez".to_owned(), &good, 404),
        ("GET", Method::GET, path("/callback/SECRET"), &good, 405),
        ("PUT", Method::PUT, path("/callback/SECRET"), &good, 405),
        ("OPTIONS", Method::OPTIONS, path("/callback/SECRET"), &good, 405),
        ("a long body", Method::POST, path("/callback/SECRET"), &long, 413),
        ("a long body, wrong secret", Method::POST, "/callback/x".to_owned(), &long, 404),
        ("no JSON", Method::POST, path("/callback/SECRET"), &long[..9].to_owned(), 400),
    ];
    let address = world.vault.callback.unwrap();
    for (what, method, path, body, status) in table {
        let request = world.http.request(method, format!("http://{address}{path}"));
        let answer = request.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.headers().contains_key("allow"), status == 405, "{what}");
        assert!(answer.headers().get("content-type").is_none(), "{what}");
        assert!(answer.bytes().await.unwrap().is_empty(), "{what}");
    }
    let parts =
        futures_util::stream::iter([Ok::<_, std::io::Error>(long.clone()), Ok(long.clone())]);
    let request = world.http.post(world.callback_url(SECRET));
    let answer = request.body(reqwest::Body::wrap_stream(parts)).send().await.unwrap();
    assert_eq!(answer.status(), 413, "a long body without its length");
    assert!(world.requests().await.is_empty(), "none of it reached Jumio");
    world.stop().await;
}

#[tokio::test]
async fn only_listed_addresses_are_let_in() {
    let world = World::start_with(&[
        ("listen.callback.sources", "[\"52.48.0.25\", \"10.0.0.0/8\"]"),
        ("listen.callback.trusted_proxies", "[\"127.0.0.1\"]"),
    ])
    .await;
    let stranger = Run { account: id(), execution: id() };
    let good = callback(&stranger, "PROCESSED", "2026-10-19T11:34:19.803Z").to_string();
    let table: [(&[&str], u16); 7] = [
        (&["52.48.0.25"], 200),
        (&["6.6.6.6, 52.48.0.25"], 200),
        (&["10.1.2.3"], 200),
        (&["52.48.0.25, 6.6.6.6"], 403),
        (&["52.48.0.25", "6.6.6.6"], 403),
        (&["unknown"], 403),
        (&[], 403),
    ];
    for (forwarded, status) in table {
        let mut request = world.http.post(world.callback_url(SECRET)).body(good.clone());
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{forwarded:?}");
    }
    let request = world.http.post(world.callback_url("x")).body(good);
    assert_eq!(request.send().await.unwrap().status(), 404, "the secret comes first");
    world.stop().await;
}

/// As many bodies on their way as there is room for, then one more.
#[tokio::test]
async fn too_many_at_once_are_sent_away() {
    let world = World::start().await;
    let address = world.vault.callback.unwrap();
    let head = format!(
        "POST /callback/{SECRET} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\
         expect: 100-continue\r\n\r\n"
    );
    let mut slow = Vec::new();
    let mut line = [0; 12];
    for _ in 0..64 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // The vault says so when it waits for the body.
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"HTTP/1.1 100");
        slow.push(stream);
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"HTTP/1.1 429");

    drop(slow);
    let stranger = Run { account: id(), execution: id() };
    let good = callback(&stranger, "PROCESSED", "2026-10-19T11:34:19.803Z");
    let again = async { while world.post(&good).await != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    world.stop().await;
}

/// Jumio hangs, so nothing leaves the queue, until it is full.
#[tokio::test]
async fn a_full_queue_sends_callbacks_away_and_loses_no_enrollment() {
    let world = World::start().await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        let run = world.onboard().await;
        world.enroll(&run).await;
        let fault = json!({ "path": run.execution, "action": { "delay": "5s" } });
        world.control("POST", "faults", fault).await;
        runs.push(run);
    }
    for run in &runs {
        assert_eq!(world.post(&callback(run, "PROCESSED", "2026-10-19T11:34:19.803Z")).await, 200);
    }
    let stranger = callback(&Run { account: id(), execution: id() }, "PROCESSED", "");
    let mut taken = 0;
    let refused = loop {
        match world.post(&stranger).await {
            200 => taken += 1,
            refused => break refused,
        }
        assert!(taken <= 1_100, "the queue has no end");
    };
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert!(taken >= 1_000, "{taken}");
    for run in &runs {
        world.until(&run.account, State::Active).await;
    }
    let again = async { while world.post(&stranger).await != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn without_the_setting_nobody_listens_and_a_weak_secret_does_not_start() {
    let world = World::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut flags = super::settings(data.path(), &world.sim);
    let load = |flags: &[(&'static str, String)]| {
        super::Config::load(None, std::iter::empty(), flags).unwrap().config
    };
    let config = load(&flags);
    super::serve::initialize(&config, super::Timestamp::now()).await.unwrap();
    std::fs::write(data.path().join("callback"), "marker-too-short").unwrap();
    let error = super::serve::start(&config, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("path secret"), "{error}");
    assert!(!error.to_string().contains("marker"), "{error}");

    flags.push(("listen.callback.enabled", "false".to_owned()));
    let vault = super::serve::start(&load(&flags), |_| {}).await.unwrap();
    assert_eq!(vault.callback, None);
    vault.stop().await;
    world.stop().await;
}
