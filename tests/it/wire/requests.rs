//! Request ids, consent, page tokens: what binds one request to another.

use facemap_vault::model::RequestId;
use facemap_vault::proto::v1::{ListEnrollmentsRequest, StartAuthenticationRequest, UserConsent};
use prost_types::Timestamp;
use serde_json::json;
use tonic::Code;

use crate::support::caller::{self, Caller, Told, start};
use crate::support::served::Served;

#[tokio::test]
async fn a_request_id_names_one_request() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    let mut caller = served.caller.clone();
    let request = start(&person.account);
    let first = caller.start_authentication(request.clone()).await.unwrap().into_inner();
    let again = caller.start_authentication(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again, "tokens included");
    assert_eq!(served.account_updates().await, 1);

    type Change = fn(&mut StartAuthenticationRequest);
    let changes: [(&str, Change); 4] = [
        ("reference", |r| r.customer_internal_reference.push('x')),
        ("lifetime", |r| r.token_lifetime = Some(prost_types::Duration { seconds: 600, nanos: 0 })),
        ("account", |r| {
            r.enrollment = format!("enrollments/{}", RequestId::generate().hyphenated())
        }),
        ("supersede", |r| r.on_in_progress = 2),
    ];
    for (what, change) in changes {
        let mut other = request.clone();
        change(&mut other);
        let told = Told::by(&caller.start_authentication(other).await.unwrap_err());
        assert_eq!(told.what(), (Code::InvalidArgument, "REQUEST_ID_REUSED"), "{what}");
    }
    assert_eq!(served.account_updates().await, 1);
}

/// A request id of one caller gives another one nothing.
#[tokio::test]
async fn anothers_request_id_is_another_request() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    let mut request = start(&person.account);
    request.on_in_progress = 2;
    let first = served.caller.clone().start_authentication(request.clone()).await.unwrap();
    let first = first.into_inner().client_session.unwrap();

    let mut other = Caller::new(caller::connect_socket(&served.vault.admin).await);
    let second = other.start_authentication(request).await.unwrap().into_inner();
    let second = second.client_session.unwrap();

    assert_ne!(first.sdk_token, second.sdk_token);
    assert_ne!(first.web_href, second.web_href);
    assert_eq!(served.account_updates().await, 2);
}

#[tokio::test]
async fn a_consent_that_is_too_old_is_refused_before_anything_else() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    let now = i64::try_from(facemap_vault::model::Timestamp::now().as_seconds()).unwrap();
    let with_consent = |age: i64| {
        let mut request = start(&person.account);
        request.user_consent = Some(UserConsent {
            user_ip: "192.0.2.7".to_owned(),
            country: "USA".to_owned(),
            state: "IL".to_owned(),
            obtained: 1,
            obtained_at: Some(Timestamp { seconds: now - age, nanos: 0 }),
        });
        request
    };
    let three_years = 1095 * 86_400;
    let mut caller = served.caller.clone();
    let refused = caller.start_authentication(with_consent(three_years + 60)).await.unwrap_err();
    let told = Told::by(&refused);
    assert_eq!(told.what(), (Code::FailedPrecondition, "CONSENT_EXPIRED"));
    let obtained: jiff::Timestamp = told.metadata["obtainedAt"].parse().unwrap();
    assert_eq!(obtained.as_second(), now - three_years - 60);
    assert_eq!(served.account_updates().await, 0);
    caller.start_authentication(with_consent(three_years - 3600)).await.unwrap();
}

#[tokio::test]
async fn a_page_token_belongs_to_one_list_of_one_caller() {
    let served = Served::start(&[]).await;
    for person in served.onboard_many(json!({ "count": 3, "facemap_size": 100 })).await {
        served.enroll(&person).await.unwrap();
    }
    let mut caller = served.caller.clone();
    let list = |token: &str, size: i32| ListEnrollmentsRequest {
        page_size: size,
        page_token: token.to_owned(),
        ..ListEnrollmentsRequest::default()
    };
    let page = caller.list_enrollments(list("", 2)).await.unwrap().into_inner();
    assert_eq!(page.enrollments.len(), 2);
    let token = page.next_page_token;
    let rest = caller.list_enrollments(list(&token, 2)).await.unwrap().into_inner();
    assert_eq!(rest.enrollments.len(), 1);
    let accounts: Vec<_> = page.enrollments.iter().map(|e| &e.account_id).collect();
    assert!(!accounts.contains(&&rest.enrollments[0].account_id));

    let mut forged: Vec<(&str, ListEnrollmentsRequest)> = Vec::new();
    let mut bytes = token.clone().into_bytes();
    bytes[3] = if bytes[3] == b'A' { b'B' } else { b'A' };
    forged.push(("a changed character", list(&String::from_utf8(bytes).unwrap(), 2)));
    forged.push(("cut short", list(&token[..token.len() - 4], 2)));
    forged.push(("made up", list("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 2)));
    forged.push(("not Base64", list("\u{20ac}..", 2)));
    forged.push(("another filter", ListEnrollmentsRequest { states: vec![3], ..list(&token, 2) }));
    forged.push(("another risk", ListEnrollmentsRequest { risks: vec![1], ..list(&token, 2) }));
    let before = Some(Timestamp { seconds: 4_000_000_000, nanos: 0 });
    let timed = ListEnrollmentsRequest { capture_by_before: before, ..list(&token, 2) };
    forged.push(("another time", timed));
    for (what, request) in forged {
        let told = Told::by(&caller.list_enrollments(request).await.unwrap_err());
        assert_eq!(told.what(), (Code::InvalidArgument, "PAGE_TOKEN_INVALID"), "{what}");
    }
    let mut other = Caller::new(caller::connect_socket(&served.vault.admin).await);
    let told = Told::by(&other.list_enrollments(list(&token, 2)).await.unwrap_err());
    assert_eq!(told.what(), (Code::InvalidArgument, "PAGE_TOKEN_INVALID"), "another caller");
}

/// `validate_only` finds what would be refused, and opens nothing.
#[tokio::test]
async fn a_request_can_be_checked_without_effect() {
    let served = Served::start(&[]).await;
    let person = served.onboard(json!({})).await;
    let mut enroll = caller::enroll(&person, 0);
    enroll.validate_only = true;
    let mut caller = served.caller.clone();
    let shown = caller.create_enrollment(enroll).await.unwrap().into_inner().enrollment.unwrap();
    assert_eq!(shown.account_id, person.account);
    assert_eq!(served.start_refused(&person.account).await.reason, "ENROLLMENT_NOT_FOUND");

    served.enroll(&person).await.unwrap();
    let mut request = start(&person.account);
    request.validate_only = true;
    let answer = caller.start_authentication(request).await.unwrap().into_inner();
    assert!(answer.client_session.is_none() && answer.authentication.is_none());
    assert_eq!(served.account_updates().await, 0);
}

/// One request id never opens two executions: what it started is over, and that is all it says.
#[tokio::test]
async fn a_request_whose_session_is_over_is_told_so_and_opens_no_other() {
    let served = Served::start(&[]).await;
    let person = served.captured(json!({})).await;
    // By Jumio's clock the session began forty minutes ago.
    let ago = facemap_vault::model::Timestamp::now().minus(std::time::Duration::from_secs(2_400));
    served.remote.post("clock", &json!({ "set": ago.to_string() })).await.unwrap();
    let mut request = start(&person.account);
    request.token_lifetime = Some(prost_types::Duration { seconds: 1_800, nanos: 0 });
    let mut caller = served.caller.clone();
    caller.start_authentication(request.clone()).await.unwrap();
    for _ in 0..2 {
        let told = Told::by(&caller.start_authentication(request.clone()).await.unwrap_err());
        assert_eq!(told.what(), (Code::FailedPrecondition, "AUTHENTICATION_EXPIRED"));
        assert!(told.message.contains("new request_id"), "{told:?}");
    }
    assert_eq!(served.account_updates().await, 1);
    request.request_id = RequestId::generate().hyphenated();
    caller.start_authentication(request).await.unwrap();
    assert_eq!(served.account_updates().await, 2);
}
