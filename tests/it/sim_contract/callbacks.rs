//! Callbacks, received by a listener of the test.

use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use super::{Jumio, keys, names};

/// Receives callbacks; answers the first `failures` of them with 500.
async fn listen(failures: usize) -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/callback?token=secret", listener.local_addr().unwrap());
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(failures));
    let receive = async move |State(sender): State<mpsc::UnboundedSender<Value>>, body: String| {
        // The test may be over before the last callback is.
        let _ = sender.send(serde_json::from_str(&body).unwrap());
        let order = std::sync::atomic::Ordering::SeqCst;
        let failed = left.fetch_update(order, order, |left| left.checked_sub(1)).is_ok();
        if failed { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    };
    let router = Router::new().route("/callback", post(receive)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

/// The next callback; one that never comes must not hang the test.
async fn next(received: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, received.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_finished_journey_is_called_back_in_the_short_form() {
    let jumio = Jumio::start().await;
    let (url, mut received) = listen(0).await;
    let alice = jumio.onboard(json!({})).await;
    let body = json!({
        "customerInternalReference": "c", "workflowDefinition": { "key": 10071 },
        "userReference": "user-1", "callbackUrl": url,
    });
    let opened = jumio.open_with(&alice.account, body).await;
    jumio.journey(&opened.execution, json!({})).await.ok();

    let mut callback = next(&mut received).await;
    assert_eq!(
        keys(&callback),
        names(["callbackSentAt", "userReference", "workflowExecution", "account"])
    );
    let sent_at = callback["callbackSentAt"].take();
    assert!(sent_at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let execution = jumio.url(&format!("/api/v1/workflow-executions/{}", opened.execution));
    let account = jumio.url(&format!("/api/v1/accounts/{}", alice.account));
    assert_eq!(
        callback,
        json!({
            "callbackSentAt": null,
            "userReference": "user-1",
            "workflowExecution": {
                "id": opened.execution, "href": execution,
                "definitionKey": "10071", "status": "PROCESSED",
            },
            "account": { "id": alice.account, "href": account },
        })
    );
    jumio
        .control("POST", &format!("executions/{}/callback", opened.execution), json!({}))
        .await
        .ok();
    assert_eq!(next(&mut received).await["workflowExecution"]["status"], "PROCESSED");
}

#[tokio::test]
async fn the_tenants_url_hears_of_every_state_if_it_wants_to() {
    let jumio = Jumio::start().await;
    let (url, mut received) = listen(0).await;
    jumio.tenant(json!({ "callback_url": url, "intermediate_callbacks": true })).await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    jumio.journey(&opened.execution, json!({})).await.ok();
    for status in ["ACQUISITION_STARTED", "ACQUIRED", "PROCESSED"] {
        let callback = next(&mut received).await;
        assert_eq!(callback["workflowExecution"]["status"], status);
        assert!(callback.get("userReference").is_none());
    }
    let expiring = jumio.open(&alice.account).await;
    jumio.advance("31m").await;
    let callback = next(&mut received).await;
    assert_eq!(callback["workflowExecution"]["id"], expiring.execution);
    assert_eq!(callback["workflowExecution"]["status"], "TOKEN_EXPIRED");
}

/// Waits for the first pause, one second of real time.
#[tokio::test]
async fn a_failed_callback_is_sent_again_unchanged() {
    let jumio = Jumio::start().await;
    let (url, mut received) = listen(1).await;
    jumio.tenant(json!({ "callback_url": url })).await;
    let alice = jumio.onboard(json!({})).await;
    let opened = jumio.open(&alice.account).await;
    jumio.journey(&opened.execution, json!({})).await.ok();
    let first = next(&mut received).await;
    let again = next(&mut received).await;
    assert_eq!(first, again);
    let sent = jumio.control("GET", "callbacks", json!({})).await.ok();
    assert_eq!(sent[0]["answer"], 500);
    assert_eq!(sent[0]["attempt"], 1);
    assert!(!sent.to_string().contains("secret"));
}
