//! Call budgets: ours, and what a 429 does to them.

use std::time::{Duration, Instant};

use facemap_vault::jumio::{HttpJumio, Jumio as _, JumioError, Limit, Rates};

use super::documents::{self, FACEMAP};
use super::{account, base, client, credential, execution, no_rates, settings_for, update};
use crate::support::stub_jumio::{Reply, StubJumio};

async fn willing_stub() -> StubJumio {
    StubJumio::start(|seen| match seen.method.as_str() {
        "PUT" => Some(Reply::json(200, documents::started(&seen.base()))),
        _ if seen.path.ends_with("/status") => {
            Some(Reply::json(200, documents::status(&seen.base(), "ACQUIRED")))
        }
        _ if seen.path.ends_with("/FACEMAP") => Some(Reply::new(200, "", b"opaque")),
        _ => None,
    })
    .await
}

fn client_with(stub: &StubJumio, rates: Rates) -> HttpJumio {
    let mut settings = settings_for(&base(stub));
    settings.rates = rates;
    HttpJumio::new(settings).unwrap()
}

fn throttled(error: JumioError) -> (Duration, Limit) {
    let JumioError::Throttled { retry_after: Some(wait), limit } = error else {
        panic!("{error:?}");
    };
    (wait, limit)
}

#[tokio::test]
async fn account_updates_beyond_the_rate_wait_a_little_or_fail_at_once() {
    let stub = willing_stub().await;
    let rates = Rates { account: Some(5.0), wait_max: Duration::from_millis(300), ..no_rates() };
    let jumio = client_with(&stub, rates);
    let start = Instant::now();
    let update = update();
    let calls: Vec<_> = (0..8).map(|_| jumio.update_account(account(), &update)).collect();
    let results = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = results.into_iter().filter_map(Result::err).map(throttled).collect();
    // One at once and one after 200 ms; the third would wait 400 ms.
    assert_eq!(refused.len(), 6);
    assert!(start.elapsed() >= Duration::from_millis(200));
    for (wait, limit) in refused {
        assert_eq!(limit, Limit::Account);
        assert!(wait > Duration::from_millis(300) && wait <= Duration::from_secs(1), "{wait:?}");
    }
    assert_eq!(stub.seen_at("/api").len(), 2);
}

#[tokio::test]
async fn captures_leave_a_share_of_retrieval_to_authentications() {
    let stub = willing_stub().await;
    let rates = Rates {
        retrieval: Some(10.0),
        reserve_for_authentication: 0.9,
        wait_max: Duration::ZERO,
        ..no_rates()
    };
    let jumio = client_with(&stub, rates);
    let capture = || jumio.download_facemap(account(), credential(FACEMAP), 100);
    capture().await.unwrap();
    let (wait, limit) = throttled(capture().await.map(drop).unwrap_err());
    assert_eq!(limit, Limit::Retrieval);
    assert!(wait > Duration::from_millis(500), "one capture a second: {wait:?}");
    jumio.authentication(account(), execution()).await.unwrap();
    assert_eq!(stub.seen_at("/api").len(), 2);
}

#[tokio::test]
async fn the_budgets_are_apart() {
    let stub = willing_stub().await;
    let rates = Rates { account: Some(0.01), wait_max: Duration::ZERO, ..no_rates() };
    let jumio = client_with(&stub, rates);
    jumio.update_account(account(), &update()).await.unwrap();
    let (wait, _) = throttled(jumio.update_account(account(), &update()).await.err().unwrap());
    assert!(wait > Duration::from_secs(99), "{wait:?}");
    for _ in 0..10 {
        jumio.authentication(account(), execution()).await.unwrap();
    }
}

/// Jumio's own words for it, and every form of `Retry-After`.
#[tokio::test]
async fn a_429_pauses_the_whole_service_and_no_other() {
    let secs = Duration::from_secs;
    let default = secs(1)..Duration::from_millis(1500);
    let exactly = |n: u64| secs(n)..secs(n) + Duration::from_nanos(1);
    let table = [
        ("", default.clone()),
        ("Retry-After: 7\r\n", exactly(7)),
        ("Retry-After: 300\r\n", exactly(300)),
        ("Retry-After: 301\r\n", exactly(300)),
        ("Retry-After: 1000000000\r\n", exactly(300)),
        ("Retry-After: 1e9\r\n", default.clone()),
        ("Retry-After: -1\r\n", default.clone()),
        ("Retry-After: 0\r\n", default.clone()),
        ("Retry-After: soon\r\n", default.clone()),
        ("Retry-After: \r\n", default.clone()),
        ("Retry-After: \u{fc}\r\n", default.clone()),
        ("Retry-After: Wed, 01 Jan 2098 00:00:00 GMT\r\n", exactly(300)),
        ("Retry-After: Wed, 01 Jan 2020 00:00:00 GMT\r\n", default),
    ];
    for (headers, want) in table {
        let body =
            br#"{"title":"Too Many Requests","status":429,"detail":"Request limit exceeded"}"#;
        let reply = Reply::new(429, headers, body);
        let stub = StubJumio::start(move |seen| match seen.method.as_str() {
            "PUT" => Some(Reply::json(200, documents::started(&seen.base()))),
            _ => seen.path.starts_with("/api").then(|| reply.clone()),
        })
        .await;
        let mut settings = settings_for(&base(&stub));
        settings.rates.wait_max = Duration::from_millis(500);
        let jumio = HttpJumio::new(settings).unwrap();
        let got = jumio.authentication(account(), execution()).await.unwrap_err();
        let (wait, limit) = throttled(got);
        assert!(want.contains(&wait), "{headers:?}: {wait:?}");
        assert_eq!(limit, Limit::Retrieval);
        // Nobody asks again while the pause lasts.
        let again = jumio.onboarding(account(), execution()).await.unwrap_err();
        assert!(throttled(again).0 <= wait);
        assert_eq!(stub.seen_at("/api").len(), 1, "{headers:?}");
        // The account service is another one.
        jumio.update_account(account(), &update()).await.unwrap();
    }
}

#[tokio::test]
async fn a_429_says_which_limit_it_is() {
    let stub = StubJumio::start(|seen| match seen.path.as_str() {
        "/oauth2/token" => None,
        _ => Some(Reply::json(429, "{}")),
    })
    .await;
    let jumio = client(&stub);
    let update = jumio.update_account(account(), &update()).await.err().unwrap();
    assert_eq!(throttled(update).1, Limit::Account);
    let download = jumio.download_facemap(account(), credential(FACEMAP), 9).await.unwrap_err();
    assert_eq!(throttled(download).1, Limit::Retrieval);
    let stub = StubJumio::start(|_| Some(Reply::json(429, "{}"))).await;
    let token = client(&stub).onboarding(account(), execution()).await.unwrap_err();
    assert_eq!(throttled(token).1, Limit::Token);
}

#[tokio::test]
async fn after_a_short_pause_calls_go_on() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let stub = StubJumio::start(move |seen| {
        seen.path.ends_with("/status").then(|| {
            match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Reply::new(429, "Retry-After: 1\r\n", b""),
                _ => Reply::json(200, documents::status(&seen.base(), "ACQUIRED")),
            }
        })
    })
    .await;
    let jumio = client(&stub);
    let start = Instant::now();
    throttled(jumio.authentication(account(), execution()).await.unwrap_err());
    // Within the two seconds that a call may wait for our own budget.
    jumio.authentication(account(), execution()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}
