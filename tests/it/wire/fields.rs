//! Malformed requests: every wrong field is named, nothing reaches Jumio, the connection goes on.

use facemap_vault::proto::v1::{
    CreateEnrollmentRequest, Enrollment, GetAuthenticationRequest, GetEnrollmentRequest,
    ListEnrollmentsRequest, StartAuthenticationRequest, UserConsent, WebOptions,
};
use prost_types::{Duration, Timestamp};
use serde_json::json;
use tonic::Code;

use crate::support::caller::{Told, start};
use crate::support::served::Served;

const ACCOUNT: &str = "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a10";
const EXECUTION: &str = "0a4cbb10-8f0e-4f3e-9d5b-0f1b8a1f7e21";

/// Texts that are no id.
const NO_IDS: [&str; 16] = [
    "",
    "7",
    "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a1",
    "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a100",
    "8c2a1d9f2d544b639a0e5c1d8e2f4a10",
    "{8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a10}",
    "urn:uuid:8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a10",
    "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a1\0",
    "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a1\n",
    " 8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a10",
    "00000000-0000-0000-0000-000000000000",
    "8c2a1d9g-2d54-4b63-9a0e-5c1d8e2f4a10",
    "../../etc/passwd",
    "%2e%2e%2f%2e%2e",
    "8c2a1d9f-2d54-4b63-9a0e-5c1d8e2f4a1\u{0661}",
    "8c2a1d9f\u{2010}2d54\u{2010}4b63\u{2010}9a0e\u{2010}5c1d8e2f4a10",
];

fn refused(status: tonic::Status, what: &str) -> Told {
    let told = Told::by(&status);
    assert_eq!(told.what(), (Code::InvalidArgument, "FIELD_INVALID"), "{what}");
    assert!(!told.fields.is_empty() && told.retry.is_none(), "{what}: {told:?}");
    let named = told.fields.iter().all(|field| told.message.contains(field));
    assert!(named, "{what}: {told:?}");
    told
}

#[tokio::test]
async fn what_is_no_id_is_refused_wherever_an_id_belongs() {
    let served = Served::start(&[]).await;
    let mut caller = served.caller.clone();
    for text in NO_IDS {
        let request = CreateEnrollmentRequest {
            enrollment: Some(Enrollment {
                account_id: text.to_owned(),
                workflow_execution_id: text.to_owned(),
                ..Enrollment::default()
            }),
            request_id: if text.is_empty() { "x" } else { text }.to_owned(),
            ..CreateEnrollmentRequest::default()
        };
        let told = refused(caller.create_enrollment(request).await.unwrap_err(), text);
        let want = ["enrollment.account_id", "enrollment.workflow_execution_id", "request_id"];
        assert_eq!(told.fields, want, "{text:?}: all of them at once");
        let shown = text.len() > 1 && told.message.contains(text);
        assert!(!shown, "{text:?} is repeated in {:?}", told.message);

        let name = format!("enrollments/{text}");
        let request = GetEnrollmentRequest { name: name.clone() };
        let told = refused(caller.get_enrollment(request).await.unwrap_err(), text);
        assert_eq!(told.fields, ["name"], "{text:?}");

        let told = refused(caller.start_authentication(start(text)).await.unwrap_err(), text);
        assert_eq!(told.fields, ["enrollment"], "{text:?}");

        for name in [
            format!("{name}/authentications/{EXECUTION}"),
            format!("enrollments/{ACCOUNT}/authentications/{text}"),
        ] {
            let request = GetAuthenticationRequest { name, wait: None };
            let told = refused(caller.get_authentication(request).await.unwrap_err(), text);
            assert_eq!(told.fields, ["name"], "{text:?}");
        }
        assert_eq!(Told::by(&served.erase(text).await.unwrap_err()).fields, ["name"], "{text:?}");
    }
    let journal = served.remote.get("journal?since=0").await.unwrap();
    assert_eq!(journal["entries"].as_array().unwrap().len(), 0, "nothing reached Jumio");
}

#[tokio::test]
async fn an_id_in_upper_case_is_the_same_id() {
    let served = Served::start(&[]).await;
    let mut person = served.captured(json!({})).await;
    let account = person.account.clone();
    person.account = account.to_uppercase();
    person.execution = person.execution.to_uppercase();
    let enrollment = served.enroll(&person).await.unwrap();
    assert_eq!(enrollment.account_id, account);
    let name = format!("enrollments/{}", person.account);
    let found = served.caller.clone().get_enrollment(GetEnrollmentRequest { name }).await.unwrap();
    assert_eq!(found.into_inner().enrollment.unwrap().name, format!("enrollments/{account}"));
}

/// One row per wrong field of `StartAuthentication`.
#[tokio::test]
async fn each_field_of_a_start_is_checked() {
    type Change = fn(&mut StartAuthenticationRequest);
    fn life(seconds: i64, nanos: i32) -> Option<Duration> {
        Some(Duration { seconds, nanos })
    }
    fn consent(change: fn(&mut UserConsent)) -> Option<UserConsent> {
        let mut consent = UserConsent {
            user_ip: "192.0.2.7".to_owned(),
            country: "USA".to_owned(),
            obtained: 1,
            obtained_at: Some(Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            ..UserConsent::default()
        };
        change(&mut consent);
        Some(consent)
    }
    let table: [(&str, Change, &str); 32] = [
        ("no id", |r| r.request_id = "17".into(), "request_id"),
        ("other collection", |r| r.enrollment = format!("accounts/{ACCOUNT}"), "enrollment"),
        ("bare id", |r| r.enrollment = ACCOUNT.into(), "enrollment"),
        ("deeper name", |r| r.enrollment += "/x", "enrollment"),
        ("life of a second", |r| r.token_lifetime = life(1, 0), "token_lifetime"),
        ("life of 61 days", |r| r.token_lifetime = life(61 * 86_400, 0), "token_lifetime"),
        ("a nano too long", |r| r.token_lifetime = life(60 * 86_400, 1), "token_lifetime"),
        ("negative life", |r| r.token_lifetime = life(-600, 0), "token_lifetime"),
        ("negative nanos", |r| r.token_lifetime = life(600, -1), "token_lifetime"),
        ("too many nanos", |r| r.token_lifetime = life(600, 1_000_000_000), "token_lifetime"),
        ("endless life", |r| r.token_lifetime = life(i64::MAX, 999_999_999), "token_lifetime"),
        ("plain http", |r| r.callback_url = "http://bank.example/cb".into(), "callback_url"),
        ("an address", |r| r.callback_url = "https://192.0.2.7/cb".into(), "callback_url"),
        ("IPv6", |r| r.callback_url = "https://[2001:db8::1]/cb".into(), "callback_url"),
        ("hidden address", |r| r.callback_url = "https://0x7f000001/".into(), "callback_url"),
        ("loopback", |r| r.callback_url = "https://localhost/cb".into(), "callback_url"),
        ("loopback, dotted", |r| r.callback_url = "https://localhost./".into(), "callback_url"),
        ("a port", |r| r.callback_url = "https://bank.example:8443/".into(), "callback_url"),
        ("a login", |r| r.callback_url = "https://a:b@bank.example/".into(), "callback_url"),
        ("a fragment", |r| r.callback_url = "https://bank.example/#x".into(), "callback_url"),
        (
            "too long",
            |r| r.callback_url = format!("https://bank.example/{}", "x".repeat(255)),
            "callback_url",
        ),
        ("no URL", |r| r.callback_url = "javascript:alert(1)".into(), "callback_url"),
        (
            "web: http",
            |r| {
                r.web = Some(WebOptions {
                    success_url: "http://bank.example/".into(),
                    ..WebOptions::default()
                })
            },
            "web.success_url",
        ),
        (
            "web: locale",
            |r| r.web = Some(WebOptions { locale: "e\u{202e}n".into(), ..WebOptions::default() }),
            "web.locale",
        ),
        ("control mark", |r| r.user_reference = "a\u{7}b".into(), "user_reference"),
        ("turned text", |r| r.user_reference = "a\u{202e}b".into(), "user_reference"),
        ("no such choice", |r| r.on_in_progress = 9, "on_in_progress"),
        (
            "consent: country",
            |r| r.user_consent = consent(|c| c.country = "US".into()),
            "user_consent.country",
        ),
        (
            "consent: address",
            |r| r.user_consent = consent(|c| c.user_ip = "::1::".into()),
            "user_consent.user_ip",
        ),
        (
            "consent: no address",
            |r| r.user_consent = consent(|c| c.user_ip.clear()),
            "user_consent.user_ip",
        ),
        (
            "consent: no time",
            |r| r.user_consent = consent(|c| c.obtained_at = None),
            "user_consent.obtained_at",
        ),
        (
            "consent: tomorrow",
            |r| {
                r.user_consent = consent(|c| {
                    c.obtained_at = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 });
                })
            },
            "user_consent.obtained_at",
        ),
    ];
    let served = Served::start(&[]).await;
    let mut caller = served.caller.clone();
    for (what, change, field) in table {
        let mut request = start(ACCOUNT);
        change(&mut request);
        let told = refused(caller.start_authentication(request).await.unwrap_err(), what);
        assert_eq!(told.fields, [field], "{what}");
    }
    // Before the change it was the account that was missing, not a field.
    let told = served.start_refused(ACCOUNT).await;
    assert_eq!(told.reason, "ENROLLMENT_NOT_FOUND");
}

#[tokio::test]
async fn other_requests_are_checked_field_by_field() {
    let served = Served::start(&[]).await;
    let mut caller = served.caller.clone();

    let mut request = ListEnrollmentsRequest { page_size: -1, ..Default::default() };
    request.states = vec![0];
    request.risks = vec![77];
    request.capture_by_before = Some(Timestamp { seconds: i64::MAX, nanos: 0 });
    let told = refused(caller.list_enrollments(request).await.unwrap_err(), "list");
    assert_eq!(told.fields, ["states", "risks", "page_size", "capture_by_before"]);

    let enrollment = Enrollment {
        name: format!("enrollments/{EXECUTION}"),
        account_id: ACCOUNT.to_owned(),
        workflow_execution_id: EXECUTION.to_owned(),
        completed_time: Some(Timestamp { seconds: -1, nanos: 0 }),
        ..Enrollment::default()
    };
    let request = CreateEnrollmentRequest {
        enrollment: Some(enrollment),
        wait: Some(Duration { seconds: 301, nanos: 0 }),
        ..CreateEnrollmentRequest::default()
    };
    let told = refused(caller.create_enrollment(request).await.unwrap_err(), "create");
    assert_eq!(told.fields, ["enrollment.completed_time", "enrollment.name", "wait"]);

    let told = refused(
        caller.create_enrollment(CreateEnrollmentRequest::default()).await.unwrap_err(),
        "empty",
    );
    assert_eq!(told.fields, ["enrollment.account_id", "enrollment.workflow_execution_id"]);
}

/// The reference has a reason of its own, which says where the first wrong character is.
#[tokio::test]
async fn a_reference_that_jumio_would_refuse_is_refused_here() {
    let served = Served::start(&[]).await;
    let long = "r".repeat(101);
    let table = [
        ("empty", "", 0),
        ("too long", &*long, 100),
        ("markup", "a<b", 1),
        ("quote", "ab\"", 2),
        ("path", "a/b", 1),
        ("separator", "a;b", 1),
        ("back quote", "a`b", 1),
        ("percent", "%00", 0),
        ("braces", "{x}", 0),
        ("pipe", "x|y", 1),
        ("line feed", "ab\nc", 2),
        ("nul", "\0", 0),
        ("bidi", "abc\u{202e}", 3),
        ("after an umlaut", "\u{fc}<", 1),
    ];
    for (what, reference, position) in table {
        let mut request = start(ACCOUNT);
        request.customer_internal_reference = reference.to_owned();
        let told =
            Told::by(&served.caller.clone().start_authentication(request).await.unwrap_err());
        assert_eq!(told.what(), (Code::InvalidArgument, "INTERNAL_REFERENCE_INVALID"), "{what}");
        assert_eq!(told.metadata["position"], position.to_string(), "{what}");
    }
}
