//! A facemap is stored only if it arrived whole: the ways in which a body can be cut, or be no facemap.

use facemap_vault::jumio::{Jumio as _, JumioError};
use facemap_vault::model::Facemap;

use super::documents::{self, FACEMAP};
use super::{account, base, client, credential, impatient_client, unexpected};
use crate::support::stub_jumio::{Reply, StubJumio};

const LEN_MAX: usize = 100_000;

/// What a download gives that is answered with `reply`.
async fn download(reply: Reply) -> Result<Facemap, JumioError> {
    let stub =
        StubJumio::start(move |seen| seen.path.starts_with("/api").then(|| reply.clone())).await;
    impatient_client(&stub).download_facemap(account(), credential(FACEMAP), LEN_MAX).await
}

/// Bytes that are no text.
fn opaque(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n % 253).unwrap() | 0x80).collect()
}

fn with_length(len: usize, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").as_bytes(), body].concat()
}

fn chunked(body: &[u8], last: &str) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(4096) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(last.bytes());
    bytes
}

#[tokio::test]
async fn whole_bodies_are_taken_byte_for_byte() {
    for len in [1, 6, 4096, 65_536, LEN_MAX] {
        let body = opaque(len);
        let by_length = download(Reply::new(200, "", &body)).await.unwrap();
        assert!(by_length.expose() == body, "{len} bytes by length");
        let by_chunks = download(Reply::raw(chunked(&body, "0\r\n\r\n"))).await.unwrap();
        assert!(by_chunks.expose() == body, "{len} bytes by chunks");
    }
    let typed = Reply::new(200, "Content-Type: application/octet-stream\r\n", b"{\xff}");
    assert_eq!(download(typed).await.unwrap().expose(), b"{\xff}");
}

#[tokio::test]
async fn a_download_asks_for_the_part_and_nothing_else() {
    let stub =
        StubJumio::start(|seen| (seen.method == "GET").then(|| Reply::new(200, "", b"opaque")))
            .await;
    let jumio = client(&stub);
    jumio.download_facemap(account(), credential(FACEMAP), LEN_MAX).await.unwrap();
    let seen = stub.seen_at("/api");
    let link = format!("{}{}", base(&stub), seen[0].path);
    assert_eq!(link, documents::part(&base(&stub), FACEMAP, "FACEMAP"));
    assert_eq!(seen[0].header("accept"), Some("*/*"));
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer token-1"));
}

#[tokio::test]
async fn a_body_cut_anywhere_is_refused() {
    let body = opaque(40_000);
    let chunks = chunked(&body, "0\r\n\r\n");
    let head_len = chunks.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    for n in 0..20 {
        let cut = body.len() * n / 20;
        let table = [
            ("length too large, closed", Reply::raw(with_length(body.len(), &body[..cut])).close()),
            (
                "length too large, stalled",
                Reply::raw(with_length(body.len(), &body[..cut])).stall(),
            ),
            ("a chunk short, closed", {
                let cut = head_len + (chunks.len() - head_len - 1) * n / 20;
                Reply::raw(&chunks[..cut]).close()
            }),
            ("without the last chunk", Reply::raw(chunked(&body[..cut], "")).close()),
            ("half of the last chunk", Reply::raw(chunked(&body[..cut], "0\r\n")).close()),
            ("two lengths", {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Length: {cut}\r\n\r\n",
                    body.len()
                );
                Reply::raw([head.as_bytes(), &body].concat()).close()
            }),
            ("no length at all", {
                Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n", &body[..cut]].concat()).close()
            }),
        ];
        for (what, reply) in table {
            let error = download(reply).await.expect_err(what);
            assert!(error.is_retryable(), "{what} at {cut}: {error}");
        }
    }
}

#[tokio::test]
async fn framing_that_two_readers_could_read_differently_is_refused() {
    let body = opaque(100);
    let hex = format!("{:x}\r\n", body.len());
    let whole = [hex.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100, 100\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
    ] {
        let got = download(Reply::raw([head.as_bytes(), &whole].concat()).close()).await;
        assert!(got.is_err(), "{head}");
    }
}

/// HTTP lets nobody see that a length is too small: the message ends there. What is left over must
/// at least never be taken for the answer to another question.
#[tokio::test]
async fn bytes_after_a_body_are_never_the_next_answer() {
    let stub = StubJumio::start(|seen| {
        let mut bytes = with_length(6, b"opaque");
        bytes.extend(with_length(8, b"SMUGGLED"));
        let reply = Reply::raw(bytes);
        seen.path.starts_with("/api").then_some(reply)
    })
    .await;
    let jumio = client(&stub);
    for _ in 0..20 {
        let got = jumio.download_facemap(account(), credential(FACEMAP), LEN_MAX).await.unwrap();
        assert_eq!(got.expose(), b"opaque");
    }
}

#[tokio::test]
async fn what_is_no_facemap_is_refused() {
    let table: [(&str, &str, Vec<u8>); 13] = [
        ("empty", "", Vec::new()),
        ("one zero", "", vec![0]),
        ("64 KiB of zeros", "", vec![0; 65_536]),
        ("JSON by type", "application/json", opaque(9)),
        ("a problem by type", "application/problem+json", opaque(9)),
        ("HTML by type", "text/html; charset=utf-8", opaque(9)),
        ("text by type", "text/plain", opaque(9)),
        ("XML by type", "application/xml", opaque(9)),
        ("JSON by its bytes", "application/octet-stream", b"{\"status\":404}".to_vec()),
        ("a JSON list", "application/octet-stream", b" [1]".to_vec()),
        ("HTML by its bytes", "application/octet-stream", b"\r\n<!DOCTYPE html>".to_vec()),
        ("XML by its bytes", "", b"<Error/>".to_vec()),
        ("broken JSON", "", b"{\"status\":".to_vec()),
    ];
    for (what, kind, body) in table {
        let headers = match kind {
            "" => String::new(),
            kind => format!("Content-Type: {kind}\r\n"),
        };
        let got = download(Reply::new(200, &headers, &body)).await;
        assert_eq!(got.err(), Some(unexpected("#body")), "{what}");
    }
    let got = download(Reply::new(200, "Content-Encoding: gzip\r\n", &opaque(9))).await;
    assert_eq!(got.err(), Some(unexpected("#content-encoding")));
}

#[tokio::test]
async fn a_facemap_too_long_is_refused_before_it_is_all_here() {
    let long = opaque(LEN_MAX + 1);
    for reply in [
        Reply::new(200, "", &long),
        Reply::raw(with_length(LEN_MAX + 1, &[])).stall(),
        Reply::raw(with_length(4 * 1024 * 1024 * 1024, &[])).stall(),
        Reply::raw(chunked(&long, "")).stall(),
        Reply::raw(chunked(&opaque(1_000_000), "")).stall(),
    ] {
        match download(reply).await {
            Err(JumioError::FacemapTooLong { len, len_max }) => {
                assert!(len > 100_000 && len_max == LEN_MAX);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_refusals_of_a_download_mean() {
    for (status, want) in [
        (201, "response_unexpected"),
        (204, "response_unexpected"),
        (206, "response_unexpected"),
        (302, "url_rejected"),
        (304, "url_rejected"),
        (400, "refused"),
        (401, "credentials_rejected"),
        (403, "permission_missing"),
        (404, "not_found"),
        (405, "refused"),
        (410, "refused"),
        (413, "refused"),
        (415, "refused"),
        (422, "refused"),
        (429, "throttled"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
    ] {
        let error = download(Reply::new(status, "", &opaque(9))).await.unwrap_err();
        assert_eq!(error.name(), want, "{status}");
    }
}
