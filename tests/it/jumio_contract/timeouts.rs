//! Servers that are slow, silent or gone, and what that means for each call.

use std::time::{Duration, Instant};

use facemap_vault::jumio::{HttpJumio, Jumio as _, JumioError, UploadSlot};
use facemap_vault::model::{Facemap, UploadToken};
use zeroize::Zeroizing;

use super::documents::{self, FACEMAP, STORED};
use super::{account, credential, execution, impatient_client, settings_for, update};
use crate::support::stub_jumio::{Canary, Reply, StubJumio};

/// The names of the errors of a look-up, a download, an update and an upload.
async fn names(jumio: &HttpJumio) -> [&'static str; 4] {
    let slot = UploadSlot {
        account: account(),
        execution: execution(),
        credential: credential(STORED),
        token: UploadToken::new("upload-token-1".to_owned()),
    };
    let facemap = Facemap::new(Zeroizing::new(vec![7; 100_000])).unwrap();
    let name = |result: Result<(), JumioError>| result.err().map_or("ok", |error| error.name());
    [
        name(jumio.onboarding(account(), execution()).await.map(drop)),
        name(jumio.download_facemap(account(), credential(FACEMAP), 1_000_000).await.map(drop)),
        name(jumio.update_account(account(), &update()).await.map(drop)),
        name(jumio.upload_facemap(&slot, facemap).await),
    ]
}

/// A stub whose token service works and that answers everything else so.
async fn stub_saying(reply: Reply) -> StubJumio {
    StubJumio::start(move |seen| seen.path.starts_with("/api").then(|| reply.clone())).await
}

const LOST: [&str; 4] = ["unavailable", "unavailable", "outcome_unknown", "upload_interrupted"];
const LATE: [&str; 4] = ["timeout", "timeout", "outcome_unknown", "upload_interrupted"];

#[tokio::test]
async fn an_answer_lost_on_its_way() {
    for bytes in ["", "H", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-", "nonsense\r\n\r\n"] {
        let stub = stub_saying(Reply::raw(bytes).close()).await;
        assert_eq!(names(&impatient_client(&stub)).await, LOST, "{bytes:?}");
        assert_eq!(stub.seen_at("/api").len(), 4, "nothing is repeated");
    }
    // An upload needs no more than the status.
    let stub = stub_saying(Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"a").close());
    let want = ["unavailable", "unavailable", "outcome_unknown", "ok"];
    assert_eq!(names(&impatient_client(&stub.await)).await, want);
}

#[tokio::test]
async fn an_answer_that_never_begins() {
    for bytes in ["", "HTTP/1.1 200 OK\r\nX: "] {
        let stub = stub_saying(Reply::raw(bytes).stall()).await;
        let start = Instant::now();
        assert_eq!(names(&impatient_client(&stub)).await, LATE, "{bytes:?}");
        assert!(start.elapsed() < Duration::from_secs(3));
        assert_eq!(stub.seen_at("/api").len(), 4, "nothing is repeated");
    }
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle() {
    let stub = stub_saying(Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"a").stall());
    let stub = stub.await;
    let jumio = impatient_client(&stub);
    let want = ["timeout", "timeout", "outcome_unknown", "ok"];
    assert_eq!(names(&jumio).await, want);
    let got = jumio.onboarding(account(), execution()).await;
    assert_eq!(got, Err(JumioError::Timeout { limit: Duration::from_millis(150) }));
}

#[tokio::test]
async fn an_answer_in_drops_is_bounded_by_the_whole() {
    let mut reply = Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
    for _ in 0..60 {
        reply = reply.and(Duration::from_millis(50), "x");
    }
    let stub = stub_saying(reply).await;
    let jumio = impatient_client(&stub);
    let start = Instant::now();
    let got = jumio.download_facemap(account(), credential(FACEMAP), 1000).await.err();
    assert_eq!(got, Some(JumioError::Timeout { limit: Duration::from_millis(600) }));
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nobody_listens() {
    // Bound, so that nobody else takes the port; then gone.
    let address = {
        let canary = Canary::start();
        canary.address()
    };
    let jumio = HttpJumio::new(settings_for(&format!("http://{address}"))).unwrap();
    // The token call fails already; the upload needs none.
    let want = ["unavailable", "unavailable", "unavailable", "upload_interrupted"];
    assert_eq!(names(&jumio).await, want);
}

#[tokio::test]
async fn an_update_that_cannot_connect_had_no_effect() {
    let stub = StubJumio::start(|_| None).await;
    let mut settings = settings_for(&super::base(&stub));
    let address = {
        let canary = Canary::start();
        canary.address()
    };
    settings.account_url = format!("http://{address}").parse().unwrap();
    let got = HttpJumio::new(settings).unwrap().update_account(account(), &update()).await;
    assert_eq!(got.err(), Some(JumioError::Unavailable { what: "cannot connect" }));
}

#[tokio::test]
async fn what_refusals_of_an_update_mean() {
    let workflow = r#"{"title":"Bad Request","detail":"workflowDefinition.key: unknown"}"#;
    let table = [
        (Reply::json(400, r#"{"detail":"customerInternalReference: blank"}"#), "refused"),
        (Reply::json(400, "<html>"), "refused"),
        (Reply::json(400, r#"{"detail":7}"#), "refused"),
        (Reply::json(400, workflow), "workflow_not_enabled"),
        (Reply::json(403, "{}"), "permission_missing"),
        (Reply::json(404, "{}"), "not_found"),
        (Reply::json(405, "{}"), "refused"),
        (Reply::json(409, "{}"), "refused"),
        (Reply::json(413, "{}"), "refused"),
        (Reply::json(415, "{}"), "refused"),
        (Reply::json(422, "{}"), "refused"),
        (Reply::json(429, "{}"), "throttled"),
        (Reply::json(500, "<html>"), "outcome_unknown"),
        (Reply::json(502, "<html>"), "outcome_unknown"),
        (Reply::json(503, "<html>"), "unavailable"),
        (Reply::json(504, "<html>"), "outcome_unknown"),
        (Reply::json(202, "{}"), "response_unexpected"),
        (Reply::json(200, "<html>"), "response_unexpected"),
    ];
    for (reply, want) in table {
        let what = format!("{reply:?}");
        let stub = stub_saying(reply).await;
        let error = impatient_client(&stub).update_account(account(), &update()).await.err();
        assert_eq!(error.unwrap().name(), want, "{what}");
        assert_eq!(stub.seen_at("/api").len(), 1, "nothing is repeated");
    }
}

/// A connection that the server closed in the meantime costs no execution: the request was not sent.
#[tokio::test]
async fn a_connection_closed_between_calls_is_replaced() {
    let stub = StubJumio::start(|seen| match seen.method.as_str() {
        "PUT" => Some(Reply::json(200, documents::started(&seen.base())).close()),
        _ => None,
    })
    .await;
    let jumio = impatient_client(&stub);
    for _ in 0..20 {
        jumio.update_account(account(), &update()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
