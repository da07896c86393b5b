//! Requests that no client library of ours would send. Each gets the status it must get, at once, and
//! the connection goes on.

use std::time::{Duration, Instant};

use bytes::Bytes;
use facemap_vault::proto::v1::GetEnrollmentRequest;
use prost::Message as _;
use serde_json::json;
use tonic::codegen::{Service as _, http};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::caller::{Told, connect, enroll, start};
use crate::support::served::Served;

const SERVICE: &str = "/facemapvault.v1.FacemapVaultService";

/// Sends `body` as it is, and reads the status from head or trailers.
async fn send(
    channel: &mut Channel,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Status {
    let mut request = http::Request::post(format!("http://vault.invalid{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = tonic::body::Body::new(axum::body::Body::from(body));
    std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
    let begun = Instant::now();
    let answer = channel.call(request.body(body).unwrap()).await.unwrap();
    let status = Status::from_header_map(answer.headers());
    assert!(begun.elapsed() < Duration::from_secs(5), "{path} took {:?}", begun.elapsed());
    status.unwrap_or_else(|| panic!("no status in the head of {:?}", answer.headers()))
}

/// A message behind its length.
fn framed(compressed: u8, announced: u32, message: &[u8]) -> Vec<u8> {
    [&[compressed][..], &announced.to_be_bytes(), message].concat()
}

fn whole(message: &[u8]) -> Vec<u8> {
    framed(0, u32::try_from(message.len()).unwrap(), message)
}

/// The vault still answers on this connection, as it would have before.
async fn assert_usable(channel: &Channel) {
    let mut caller = crate::support::caller::Caller::new(channel.clone());
    let name = "enrollments/7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10".to_owned();
    let refused = caller.get_enrollment(GetEnrollmentRequest { name }).await.unwrap_err();
    assert_eq!(Told::by(&refused).reason, "ENROLLMENT_NOT_FOUND");
}

#[tokio::test]
async fn what_is_no_request_is_refused_at_once() {
    // Groups in groups, beyond any sane depth.
    let nested = vec![0x0b; 10_000];
    let create = format!("{SERVICE}/CreateEnrollment");
    let get = format!("{SERVICE}/GetEnrollment");
    let unknown = (Code::Unimplemented, "METHOD_UNKNOWN");
    let decode = (Code::InvalidArgument, "MESSAGE_INVALID");
    let large = (Code::OutOfRange, "MESSAGE_TOO_LARGE");
    type Input<'a> = (&'a str, &'a str, Vec<u8>, (Code, &'a str));
    let table: [Input<'_>; 14] = [
        ("unknown method", "/facemapvault.v1.FacemapVaultService/GetFacemap", whole(b""), unknown),
        ("unknown service", "/facemapvault.v1.Secrets/Get", whole(b""), unknown),
        (
            "operators only",
            "/facemapvault.admin.v1.StatusService/GetStatus",
            whole(b""),
            (Code::PermissionDenied, "PERMISSION_MISSING"),
        ),
        ("no such path", "/", whole(b""), unknown),
        ("one byte too large", &get, whole(&vec![0; 64 * 1024 + 1]), large),
        ("4 GiB announced", &get, framed(0, u32::MAX, b""), large),
        ("compressed, it does not say how", &get, framed(1, 5, b"12345"), decode),
        ("flag unknown", &get, framed(7, 0, b""), decode),
        ("cut short", &get, framed(0, 100, b"\x0a\x20enrol"), decode),
        ("cut in a field", &create, whole(b"\x0a\x7f\x12"), decode),
        ("wrong wire type", &get, whole(b"\x08\x01"), decode),
        ("not UTF-8", &get, whole(b"\x0a\x04\xff\xfe\xfd\xfc"), decode),
        ("nested beyond reason", &create, whole(&nested), decode),
        (
            "health of nobody",
            "/grpc.health.v1.Health/Check",
            whole(b"\x0a\x06nobody"),
            (Code::NotFound, "NAME_UNKNOWN"),
        ),
    ];
    let served = Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    for (what, path, body, told) in table {
        let status = send(&mut channel, path, &[], body).await;
        assert_eq!(Told::by(&status).what(), told, "{what}");
        assert_usable(&channel).await;
    }
}

#[tokio::test]
async fn a_compressed_request_is_not_supported() {
    use std::io::Write as _;
    let served = Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Unpacked it would be 64 MiB.
    packed.write_all(&vec![0; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let body = framed(1, u32::try_from(packed.len()).unwrap(), &packed);
    let path = format!("{SERVICE}/GetEnrollment");
    let status = send(&mut channel, &path, &[("grpc-encoding", "gzip")], body).await;
    assert_eq!(Told::by(&status).what(), (Code::Unimplemented, "COMPRESSION_UNSUPPORTED"));
    assert_usable(&channel).await;
}

/// A time that is none would be a call without end, if it were not looked at.
#[tokio::test]
async fn a_deadline_that_is_none_is_refused() {
    let served = Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    let path = format!("{SERVICE}/GetEnrollment");
    for text in ["", "10", "S", "-1S", "1s", "1.5S", "999999999S", "10 S", "soon"] {
        let status = send(&mut channel, &path, &[("grpc-timeout", text)], whole(b"")).await;
        let told = Told::by(&status);
        assert_eq!(told.what(), (Code::InvalidArgument, "FIELD_INVALID"), "{text:?}");
        assert_eq!(told.fields, ["grpc-timeout"], "{text:?}");
    }
    assert_usable(&channel).await;
}

/// What a stream is refused after its first message stands in the trailers, with its reason.
#[tokio::test]
async fn an_error_at_the_end_of_a_stream_has_its_reason() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    let served = Served::start(&[("listen.public.reflection", "true")]).await;
    let channel = connect(&served.vault.grpc.to_string()).await;
    let ask =
        |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let known = ask(MessageRequest::ListServices(String::new()));
    let unknown = ask(MessageRequest::FileContainingSymbol("facemapvault.v1.Nothing".into()));
    let asked = tokio_stream::iter([known, unknown]);
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(asked).await.unwrap().into_inner();
    answers.message().await.unwrap().expect("the list of services");
    let status = answers.message().await.unwrap_err();
    assert_eq!(Told::by(&status).what(), (Code::NotFound, "NAME_UNKNOWN"));
}

/// The largest message that is allowed is read, and found wanting for what it says.
#[tokio::test]
async fn a_message_of_the_largest_size_is_read() {
    let served = Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    // A tag and a length of three bytes stand before the name.
    let message = GetEnrollmentRequest { name: "x".repeat(64 * 1024 - 4) }.encode_to_vec();
    assert_eq!(message.len(), 64 * 1024);
    let status =
        send(&mut channel, &format!("{SERVICE}/GetEnrollment"), &[], whole(&message)).await;
    let told = Told::by(&status);
    assert_eq!(told.what(), (Code::InvalidArgument, "FIELD_INVALID"));
    assert!(told.message.len() < 200, "the name is not repeated");
}

#[tokio::test]
async fn headers_beyond_reason_are_refused() {
    let served = Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    let long = "x".repeat(64 * 1024);
    let request = http::Request::post(format!("http://vault.invalid{SERVICE}/GetEnrollment"))
        .header("content-type", "application/grpc")
        .header("x-long", long)
        .body(tonic::body::Body::new(axum::body::Body::from(whole(b""))))
        .unwrap();
    std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
    if let Ok(answer) = channel.call(request).await {
        assert_eq!(answer.status(), 431, "{answer:?}");
    }
    let channel = connect(&served.vault.grpc.to_string()).await;
    assert_usable(&channel).await;
}

/// A deadline of a millisecond is over before anything begins: Jumio never hears of it.
#[tokio::test]
async fn a_deadline_that_is_over_reaches_nobody() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({ "facemap_size": 100 })).await;
    let path = format!("{SERVICE}/StartAuthentication");
    let message = start(&person.account).encode_to_vec();
    let mut heard = 0;
    for deadline in ["1m", "0n", "999u", "1n", "10m"].into_iter().cycle().take(100) {
        // The client's own clock may end it first; then nothing is known of the vault's answer.
        let mut channel = connect(&served.vault.grpc.to_string()).await;
        let body = tonic::body::Body::new(axum::body::Body::from(Bytes::from(whole(&message))));
        let request = http::Request::post(format!("http://vault.invalid{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", deadline)
            .body(body)
            .unwrap();
        std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let Ok(answer) = channel.call(request).await else { continue };
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{deadline}: {status:?}");
        assert_eq!(Told::by(&status).reason, "JUMIO_TIMEOUT");
        heard += 1;
    }
    assert!(heard > 0, "the vault never answered before the client gave up");
    assert_eq!(served.account_updates().await, 0);
}

/// A burst of bad requests on one connection does not keep others from being served.
#[tokio::test]
async fn others_are_served_meanwhile() {
    let served = Served::start(&[]).await;
    let person = served.onboard(json!({ "facemap_size": 100 })).await;
    let address = served.vault.grpc.to_string();
    let mut bad = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut channel = connect(&address).await;
        bad.spawn(async move {
            for _ in 0..50 {
                let body = framed(0, u32::MAX, b"x");
                let path = format!("{SERVICE}/CreateEnrollment");
                let status = send(&mut channel, &path, &[], body).await;
                assert_eq!(Told::by(&status).reason, "MESSAGE_TOO_LARGE");
            }
        });
    }
    let answer = served.caller.clone().create_enrollment(enroll(&person, 10)).await.unwrap();
    assert_eq!(answer.into_inner().enrollment.unwrap().facemap_size_bytes, 100);
    while let Some(ended) = bad.join_next().await {
        ended.unwrap();
    }
}
