//! Who may do what: every method, for every permission.

use facemap_vault::proto::DESCRIPTOR_SET;
use prost::Message as _;
use tonic::codegen::{Service as _, http};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{NOBODY, ask};
use crate::support::caller::{Told, connect, connect_socket, start};
use crate::support::pki::Leaf;
use crate::support::secured::{BACKEND, Secured};

/// Each method of the public service, and what it needs.
const NEEDS: [(&str, &str); 7] = [
    ("CreateEnrollment", "enroll"),
    ("GetEnrollment", "read"),
    ("ListEnrollments", "read"),
    ("DeleteEnrollment", "erase"),
    ("StartAuthentication", "authenticate"),
    ("GetAuthentication", "authenticate"),
    ("IngestCallback", "callback"),
];
const PERMISSIONS: [&str; 5] = ["enroll", "read", "authenticate", "erase", "callback"];

/// The paths of all our methods, with their names.
fn paths() -> Vec<(String, String)> {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
    let mut paths = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                paths.push((path, method.name().to_owned()));
            }
        }
    }
    paths
}

/// Calls `path` with an empty message, and reads how it ended.
async fn call(channel: &mut Channel, path: &str) -> Status {
    let request = http::Request::post(format!("http://vault.invalid{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(tonic::body::Body::new(axum::body::Body::from(vec![0; 5])))
        .unwrap();
    std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
    let answer = channel.call(request).await.unwrap();
    // A success tells its code after the message.
    Status::from_header_map(answer.headers()).unwrap_or_else(|| Status::ok(""))
}

/// Whether `status` says that the caller may not, and what it lacks.
fn lacks(status: &Status) -> Option<String> {
    if status.code() != Code::PermissionDenied {
        return None;
    }
    let told = Told::by(status);
    assert_eq!(told.reason, "PERMISSION_MISSING");
    Some(told.metadata["permission"].clone())
}

#[tokio::test]
async fn each_method_is_open_to_one_permission_and_to_no_other() {
    let entries = PERMISSIONS.map(|permission| {
        format!(r#"{{ san = "spiffe://bank/{permission}", permissions = ["{permission}"] }}"#)
    });
    let secured = Secured::start(&entries.join(", "), &[]).await;
    let public: Vec<_> =
        paths().into_iter().filter(|(path, _)| path.starts_with("/facemapvault.v1.")).collect();
    assert_eq!(public.len(), NEEDS.len());
    for permission in PERMISSIONS {
        let who = secured.authority.sign(&Leaf::uri(format!("spiffe://bank/{permission}")));
        let mut channel = secured.channel(&who);
        for (path, name) in paths() {
            let needs = NEEDS.iter().find(|(method, _)| *method == name);
            let needs = needs.map_or("operator", |(_, needs)| needs);
            let refused = lacks(&call(&mut channel, &path).await);
            let want = (needs != permission).then(|| needs.to_owned());
            assert_eq!(refused, want, "{permission} calls {path}");
        }
    }
    // Operators may do everything, a process of this machine all but what is for operators.
    let mut operator = connect_socket(&secured.vault.admin).await;
    for (path, _) in paths() {
        assert_eq!(lacks(&call(&mut operator, &path).await), None, "an operator calls {path}");
    }
    secured.vault.stop().await;
}

/// Without a certificate, which only a simulator allows.
#[tokio::test]
async fn a_process_of_this_machine_may_do_all_but_what_is_for_operators() {
    let served = crate::support::served::Served::start(&[]).await;
    let mut channel = connect(&served.vault.grpc.to_string()).await;
    for (path, name) in paths() {
        let public = NEEDS.iter().any(|(method, _)| *method == name);
        let want = (!public).then(|| "operator".to_owned());
        assert_eq!(lacks(&call(&mut channel, &path).await), want, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_method_of_ours_is_there_for_nobody() {
    let secured = Secured::start("", &[("listen.public.reflection", "true")]).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    let mut channel = secured.channel(&who);
    for path in [
        "/facemapvault.v1.FacemapVaultService/GetFacemap",
        "/facemapvault.v1.FacemapVaultService/GetEnrollment/",
        "/facemapvault.v1.facemapvaultservice/GetEnrollment",
        "/facemapvault.v1.FacemapVaultService/%47etEnrollment",
        "//facemapvault.v1.FacemapVaultService/GetEnrollment",
        "/",
    ] {
        let told = Told::by(&call(&mut channel, path).await);
        assert_eq!(told.what(), (Code::Unimplemented, "METHOD_UNKNOWN"), "{path}");
    }
    // Health and reflection are for everybody who says who it is, and for nobody else.
    let (unknown, nobody) = (Leaf::uri("spiffe://bank/unknown"), Leaf::default());
    for (leaf, code) in [(unknown, Code::Ok), (nobody, Code::Unauthenticated)] {
        let mut channel = secured.channel(&secured.authority.sign(&leaf));
        let health = "/grpc.health.v1.Health/Check";
        assert_eq!(call(&mut channel, health).await.code(), code);
    }
    secured.vault.stop().await;
}

/// The refusal is the same for an account that is there and for one that is not.
#[tokio::test]
async fn who_may_not_read_learns_nothing_of_what_exists() {
    let secured =
        Secured::start(r#"{ san = "spiffe://bank/x", permissions = ["erase"] }"#, &[]).await;
    let person = secured.captured().await;
    let mut caller = secured.caller("spiffe://bank/x");
    let mut refusals = Vec::new();
    for name in [format!("enrollments/{}", person.account), NOBODY.to_owned(), "x".to_owned()] {
        let request = facemap_vault::proto::v1::GetEnrollmentRequest { name };
        let status = caller.get_enrollment(request).await.unwrap_err();
        let told = Told::by(&status);
        refusals.push((told.code, told.message, told.metadata));
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0], refusals[2]);
    secured.vault.stop().await;
}

/// Request ids and page tokens belong to the certificate's name.
#[tokio::test]
async fn another_caller_gets_nothing_by_a_request_id_or_page_token() {
    let all = r#"permissions = ["read", "authenticate"]"#;
    let secured = Secured::start(&format!(r#"{{ san = "spiffe://bank/x", {all} }}"#), &[]).await;
    let people = [secured.captured().await, secured.captured().await];
    let (mut one, mut other) = (secured.caller(BACKEND), secured.caller("spiffe://bank/x"));

    let request = start(&people[0].account);
    let first = one.start_authentication(request.clone()).await.unwrap().into_inner();
    let again = one.start_authentication(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.authentication, again.authentication, "the same caller gets the same answer");
    let stolen = other.start_authentication(request).await.unwrap_err();
    assert_eq!(Told::by(&stolen).reason, "AUTHENTICATION_IN_PROGRESS");

    let list = |page_token| facemap_vault::proto::v1::ListEnrollmentsRequest {
        page_size: 1,
        page_token,
        ..Default::default()
    };
    let token = one.list_enrollments(list(String::new())).await.unwrap().into_inner();
    let token = token.next_page_token;
    assert!(one.list_enrollments(list(token.clone())).await.is_ok());
    let stolen = other.list_enrollments(list(token)).await.unwrap_err();
    assert_eq!(Told::by(&stolen).reason, "PAGE_TOKEN_INVALID");
    secured.vault.stop().await;
}

/// One caller's calls are bounded; the other's are not touched by it.
#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_others_are_not() {
    let entry = |name, more| {
        format!(r#"{{ san = "spiffe://bank/{name}", permissions = ["read"], {more} }}"#)
    };
    let callers =
        [entry("often", "calls_per_second = 2"), entry("once", "calls_at_once = 1")].join(", ");
    let secured = Secured::start(&callers, &[]).await;
    let mut often = secured.caller("spiffe://bank/often");
    let mut reasons = Vec::new();
    let mut waits = Vec::new();
    for _ in 0..10 {
        let told = Told::by(&ask(&mut often).await);
        waits.extend(told.retry);
        reasons.push((told.code, told.reason));
    }
    assert_eq!(reasons[0].1, "ENROLLMENT_NOT_FOUND");
    let limited = (Code::ResourceExhausted, "CALLER_RATE_LIMITED".to_owned());
    assert!(reasons.contains(&limited), "{reasons:?}");
    assert!(waits.iter().all(|wait| wait.as_millis() <= 500) && !waits.is_empty(), "{waits:?}");
    for _ in 0..10 {
        assert_eq!(
            Told::by(&ask(&mut secured.caller(BACKEND)).await).reason,
            "ENROLLMENT_NOT_FOUND"
        );
        let mut once = secured.caller("spiffe://bank/once");
        assert_eq!(Told::by(&ask(&mut once).await).reason, "ENROLLMENT_NOT_FOUND");
    }
    secured.vault.stop().await;
}
