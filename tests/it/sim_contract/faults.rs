//! Faults, some of them seen through a bare socket, because no HTTP client shows broken framing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Jumio;

/// Asks for the health document by a bare socket; returns head and body, or the error.
async fn raw(jumio: &Jumio) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(jumio.sim.address()).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let body = answer.split_off(split + 4);
    Ok((String::from_utf8(answer).unwrap(), body))
}

async fn order(jumio: &Jumio, fault: Value) {
    jumio.control("POST", "faults", fault).await.ok();
}

const HEALTH: &[u8] = br#"{"status":"UP"}"#;

/// One row per way an answer can be framed wrongly.
#[tokio::test]
async fn answers_are_misframed_on_demand() {
    let jumio = Jumio::start().await;
    let table = [
        (json!({ "cut_after_bytes": 4 }), Some("15"), &HEALTH[..4]),
        (json!({ "cut_after_bytes": 0 }), Some("15"), &HEALTH[..0]),
        (json!({ "cut_after_bytes": 99 }), Some("15"), HEALTH),
        (json!({ "wrong_content_length": 5 }), Some("5"), HEALTH),
        (json!({ "wrong_content_length": 5000 }), Some("5000"), HEALTH),
        (json!({ "eof_delimited": true }), None, HEALTH),
    ];
    for (action, length, body) in table {
        order(&jumio, json!({ "action": action })).await;
        let (head, got) = raw(&jumio).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{action}");
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(announced, length, "{action}");
        assert!(!head.contains("transfer-encoding"), "{action}");
        assert!(head.contains("x-fmvault-simulator: 1\r\n"), "{action}");
        assert_eq!(got, body, "{action}");
        assert_eq!(raw(&jumio).await.unwrap().1, HEALTH, "{action}: used up");
    }
}

#[tokio::test]
async fn a_large_download_is_cut_where_it_was_ordered() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({ "facemap_size": 5_000_000 })).await;
    let action = json!({ "cut_after_bytes": 3_000_000 });
    order(&jumio, json!({ "path": "/parts/FACEMAP$", "action": action })).await;
    let details = jumio.details(&alice.account, &alice.execution).await.ok();
    let link = super::facemap_part(&details)["href"].as_str().unwrap();
    let request = jumio.http.get(link).bearer_auth(jumio.access_token().await);
    let mut response = request.send().await.unwrap();
    let mut got = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_some());
    assert_eq!(got, 3_000_000);
    let journal = jumio.control("GET", "journal", json!({})).await.ok();
    let last = journal["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["response_bytes"], &last["fault"]), (&json!(3_000_000), &json!(true)));
}

/// A reset keeps the request from Jumio; a dropped answer does not.
#[tokio::test]
async fn connections_are_reset_before_or_after_the_work() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let table = [("reset", 1), ("drop_answer", 2)];
    for (action, executions) in table {
        order(&jumio, json!({ "method": "put", "action": { action: true } })).await;
        let url = jumio.url(&format!("/api/v1/accounts/{}", alice.account));
        let body = json!({ "customerInternalReference": "r", "workflowDefinition": { "key": 16 } });
        let request = jumio.http.put(url).bearer_auth(jumio.access_token().await);
        let request = request.header("content-type", "application/json").body(body.to_string());
        assert!(request.send().await.is_err(), "{action}");
        let path = format!("accounts/{}", alice.account);
        let account = jumio.control("GET", &path, json!({})).await.ok();
        let known = account["workflow_execution_ids"].as_array().unwrap().len();
        assert_eq!(known, executions, "{action}");
    }
    order(&jumio, json!({ "action": { "reset": true } })).await;
    let error = raw(&jumio).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn answers_are_replaced_for_the_requests_that_match() {
    let jumio = Jumio::start().await;
    let alice = jumio.onboard(json!({})).await;
    let action = json!({
        "status": 429,
        "headers": { "Retry-After": 7 },
        "body": { "title": "Too Many Requests" },
    });
    order(
        &jumio,
        json!({ "method": "GET", "path": "/status$", "skip": 1, "times": 2, "action": action }),
    )
    .await;
    let base =
        format!("/api/v1/accounts/{}/workflow-executions/{}", alice.account, alice.execution);
    let status = format!("{base}/status");
    let mut seen = Vec::new();
    for path in [&status, &base, &status, &base, &status, &status] {
        let answer = jumio.get(path).await;
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "7");
            assert_eq!(answer.json(), json!({ "title": "Too Many Requests" }));
        }
        seen.push(answer.status);
    }
    assert_eq!(seen, [200, 200, 429, 200, 429, 200]);
    let listed = jumio.control("GET", "faults", json!({})).await.ok();
    assert_eq!(
        (&listed["faults"][0]["hits"], &listed["faults"][0]["left"]),
        (&json!(2), &json!(0))
    );

    order(&jumio, json!({ "times": 9, "action": { "status": 500, "body": "not JSON" } })).await;
    assert_eq!(raw(&jumio).await.unwrap().1, b"not JSON");
    jumio.control("DELETE", "faults", json!({})).await.ok();
    assert_eq!(raw(&jumio).await.unwrap().1, HEALTH);
}

#[tokio::test]
async fn answers_are_delayed() {
    let jumio = Jumio::start().await;
    order(&jumio, json!({ "action": { "delay": "300ms" } })).await;
    order(&jumio, json!({ "action": { "delay": "300ms", "status": 503 } })).await;
    let start = Instant::now();
    assert_eq!(raw(&jumio).await.unwrap().1, HEALTH);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(raw(&jumio).await.unwrap().0.starts_with("HTTP/1.1 503"));
    assert!(start.elapsed() >= Duration::from_millis(600));
}
