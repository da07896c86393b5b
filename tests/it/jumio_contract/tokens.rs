//! The access token: shared, renewed ahead of its end, and never hammered for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use facemap_vault::jumio::{Jumio as _, JumioError};

use super::documents;
use super::{account, client, execution, unexpected, update};
use crate::support::stub_jumio::{Reply, Seen, StubJumio};

fn status_reply(seen: &Seen) -> Reply {
    Reply::json(200, documents::status(&seen.base(), "ACQUIRED"))
}

fn is_token(seen: &Seen) -> bool {
    seen.path == "/oauth2/token"
}

/// Counts up, so that every token has its own name.
fn tokens() -> impl Fn(u64) -> Reply + Send + Sync {
    let count = AtomicUsize::new(0);
    move |lifetime| {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        let body = format!(r#"{{"access_token":"token-{n}","expires_in":{lifetime}}}"#);
        Reply::json(200, body)
    }
}

#[tokio::test]
async fn fifty_calls_at_once_ask_for_one_token() {
    let stub = StubJumio::start(|seen| {
        Some(match is_token(seen) {
            true => Reply::token("token-1").after(Duration::from_millis(50)),
            false => status_reply(seen),
        })
    })
    .await;
    let jumio = Arc::new(client(&stub));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let jumio = Arc::clone(&jumio);
        calls.spawn(async move { jumio.authentication(account(), execution()).await.map(drop) });
    }
    assert_eq!(calls.join_all().await, vec![Ok(()); 50]);
    assert_eq!(stub.seen_at("/oauth2").len(), 1);
    assert_eq!(stub.seen_at("/api").len(), 50);
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_failure() {
    let stub =
        StubJumio::start(|_| Some(Reply::json(500, "{}").after(Duration::from_millis(50)))).await;
    let jumio = Arc::new(client(&stub));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let jumio = Arc::clone(&jumio);
        calls.spawn(async move { jumio.authentication(account(), execution()).await.map(drop) });
    }
    for got in calls.join_all().await {
        assert_eq!(got.unwrap_err().name(), "unavailable");
    }
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_token_is_used_until_half_of_a_short_life() {
    let next = tokens();
    let stub = StubJumio::start(move |seen| {
        Some(if is_token(seen) { next(1) } else { status_reply(seen) })
    })
    .await;
    let jumio = client(&stub);
    let ask = || jumio.authentication(account(), execution());
    ask().await.unwrap();
    ask().await.unwrap();
    assert_eq!(stub.seen_at("/oauth2").len(), 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    ask().await.unwrap();
    let used: Vec<_> = stub.seen_at("/api").iter().map(bearer).collect();
    assert_eq!(used, ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
}

fn bearer(seen: &Seen) -> String {
    seen.header("authorization").unwrap().to_owned()
}

/// While one caller renews, and even if that fails, the others use the token that is still good.
#[tokio::test]
async fn a_renewal_ahead_of_the_end_holds_nobody_up() {
    let count = AtomicUsize::new(0);
    let stub = StubJumio::start(move |seen| {
        if !is_token(seen) {
            return Some(status_reply(seen));
        }
        Some(match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::json(200, r#"{"access_token":"token-1","expires_in":4}"#),
            _ => Reply::json(503, "{}").after(Duration::from_millis(300)),
        })
    })
    .await;
    let jumio = Arc::new(client(&stub));
    jumio.authentication(account(), execution()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let renewing = tokio::spawn({
        let jumio = Arc::clone(&jumio);
        async move { jumio.authentication(account(), execution()).await.map(drop) }
    });
    while stub.seen_at("/oauth2").len() < 2 {
        tokio::task::yield_now().await;
    }
    let start = std::time::Instant::now();
    jumio.authentication(account(), execution()).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    assert_eq!(renewing.await.unwrap(), Ok(()));
    assert!(stub.seen_at("/api").iter().all(|seen| bearer(seen) == "Bearer token-1"));
    assert_eq!(stub.seen_at("/oauth2").len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    for method in ["GET", "PUT"] {
        let next = tokens();
        let stub = StubJumio::start(move |seen| {
            if is_token(seen) {
                return Some(next(3600));
            }
            Some(match bearer(seen).as_str() {
                "Bearer token-1" => Reply::json(401, "{}"),
                _ if seen.method == "PUT" => Reply::json(200, documents::started(&seen.base())),
                _ => status_reply(seen),
            })
        })
        .await;
        let jumio = client(&stub);
        match method {
            "GET" => drop(jumio.authentication(account(), execution()).await.unwrap()),
            _ => drop(jumio.update_account(account(), &update()).await.unwrap()),
        }
        let methods: Vec<_> = stub.seen().into_iter().map(|seen| seen.method).collect();
        assert_eq!(methods, ["POST", method, "POST", method]);
    }
}

#[tokio::test]
async fn a_fresh_token_refused_too_is_our_credentials_fault_and_not_hammered() {
    let next = tokens();
    let stub = StubJumio::start(move |seen| {
        Some(if is_token(seen) { next(3600) } else { Reply::json(401, "{}") })
    })
    .await;
    let jumio = client(&stub);
    for _ in 0..50 {
        let got = jumio.update_account(account(), &update()).await.map(drop);
        assert_eq!(got, Err(JumioError::CredentialsRejected));
    }
    assert_eq!(stub.seen_at("/oauth2").len(), 2, "the first token and one more");
    assert_eq!(stub.seen_at("/api").len(), 2 + 49);
}

#[tokio::test]
async fn fifty_refused_at_once_ask_for_one_new_token() {
    let next = tokens();
    let stub = StubJumio::start(move |seen| {
        if is_token(seen) {
            return Some(next(3600));
        }
        Some(match bearer(seen).as_str() {
            "Bearer token-1" => Reply::json(401, "{}").after(Duration::from_millis(30)),
            _ => status_reply(seen),
        })
    })
    .await;
    let jumio = Arc::new(client(&stub));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let jumio = Arc::clone(&jumio);
        calls.spawn(async move { jumio.authentication(account(), execution()).await.map(drop) });
    }
    assert_eq!(calls.join_all().await, vec![Ok(()); 50]);
    assert_eq!(stub.seen_at("/oauth2").len(), 2);
}

#[tokio::test]
async fn refused_credentials_are_not_tried_again_within_a_minute() {
    for status in [400, 401, 403] {
        let stub =
            StubJumio::start(move |_| Some(Reply::json(status, r#"{"error":"invalid_client"}"#)))
                .await;
        let jumio = client(&stub);
        for _ in 0..50 {
            let got = jumio.authentication(account(), execution()).await.map(drop);
            assert_eq!(got, Err(JumioError::CredentialsRejected), "{status}");
        }
        assert_eq!(stub.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn what_other_answers_of_the_token_service_mean() {
    let table = [
        (Reply::json(404, "{}"), "refused"),
        (Reply::json(405, "{}"), "refused"),
        (Reply::json(413, "{}"), "refused"),
        (Reply::json(415, "{}"), "refused"),
        (Reply::json(422, "{}"), "refused"),
        (Reply::json(429, "{}"), "throttled"),
        (Reply::json(500, "<html>"), "unavailable"),
        (Reply::json(502, "<html>"), "unavailable"),
        (Reply::json(200, "{}"), "response_unexpected"),
        (Reply::json(200, "<html>"), "response_unexpected"),
        (Reply::raw("").close(), "unavailable"),
    ];
    for (reply, want) in table {
        let stub = StubJumio::start(move |_| Some(reply.clone())).await;
        let error = client(&stub).authentication(account(), execution()).await.unwrap_err();
        assert_eq!(error.name(), want);
    }
    let stub = StubJumio::start(|_| Some(Reply::json(200, r#"{"access_token":7}"#))).await;
    let got = client(&stub).onboarding(account(), execution()).await;
    assert_eq!(got.err(), Some(unexpected("/access_token")));
}
