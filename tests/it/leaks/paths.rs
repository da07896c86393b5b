//! Ways through the vault on which something secret is at hand.

use facemap_vault::proto::v1::{
    DeleteEnrollmentRequest, GetAuthenticationRequest, GetEnrollmentRequest, IngestCallbackRequest,
    ListEnrollmentsRequest, StartAuthenticationRequest, UserConsent, WebOptions, user_consent,
};
use serde_json::{Value, json};
use tonic::{Response, Status};

use super::{
    ERASURE_REASON, INTERNAL_REFERENCE, PATH_SECRET, SUCCESS_URL, USER_IP, USER_REFERENCE,
};
use crate::support::caller::{Caller, enroll, start};
use crate::support::site::Person;

/// A start that tells all that may be told of a person.
pub(super) fn telling(account: &str) -> StartAuthenticationRequest {
    StartAuthenticationRequest {
        customer_internal_reference: INTERNAL_REFERENCE.to_owned(),
        user_reference: USER_REFERENCE.to_owned(),
        web: Some(WebOptions { success_url: SUCCESS_URL.to_owned(), ..WebOptions::default() }),
        user_consent: Some(UserConsent {
            user_ip: USER_IP.to_owned(),
            country: "DEU".to_owned(),
            obtained: user_consent::Obtained::NotApplicable.into(),
            ..UserConsent::default()
        }),
        ..start(account)
    }
}

/// Calls of every method for backends that succeed or fail; what was told, statuses to the last byte.
/// Not what carries a session on purpose.
pub(super) async fn every_rpc(caller: &mut Caller, person: &Person, other: &Person) -> Vec<String> {
    let mut told = Vec::new();
    let name = |account: &str| format!("enrollments/{account}");
    for account in [person.account.as_str(), &other.account, "00000000-0000-4000-8000-000000000000"]
    {
        let request = GetEnrollmentRequest { name: name(account) };
        told.push(said(caller.get_enrollment(request).await));
        let mut request = telling(account);
        request.customer_internal_reference = format!("<{INTERNAL_REFERENCE}>");
        told.push(said(caller.start_authentication(request).await));
        let mut request = telling(account);
        request.callback_url = format!("http://{USER_REFERENCE}.example.com");
        told.push(said(caller.start_authentication(request).await));
        let mut request = telling(account);
        request.user_consent.as_mut().unwrap().country = USER_REFERENCE.to_owned();
        told.push(said(caller.start_authentication(request).await));
        let refused = caller.start_authentication(telling(account)).await;
        told.extend(refused.err().map(|status| format!("{status:?}")));
    }
    told.push(said(caller.list_enrollments(ListEnrollmentsRequest::default()).await));
    let list =
        ListEnrollmentsRequest { page_token: INTERNAL_REFERENCE.to_owned(), ..Default::default() };
    told.push(said(caller.list_enrollments(list).await));
    told.push(said(caller.create_enrollment(enroll(person, 1)).await));
    let body = callback(person).to_string().into_bytes();
    let ingest = IngestCallbackRequest { body, source_ip: "198.51.100.7".to_owned() };
    told.push(said(caller.ingest_callback(ingest).await));
    let unknown = "00000000-0000-4000-8000-000000000000";
    let name = format!("enrollments/{unknown}/authentications/{unknown}");
    let request = GetAuthenticationRequest { name, wait: None };
    told.push(said(caller.get_authentication(request).await));
    for reason in [ERASURE_REASON.to_owned(), ERASURE_REASON.repeat(100)] {
        let request = DeleteEnrollmentRequest {
            name: format!("enrollments/{unknown}"),
            erasure_reason: reason,
            ..DeleteEnrollmentRequest::default()
        };
        told.push(said(caller.delete_enrollment(request).await));
    }
    told
}

fn said<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> String {
    match answer {
        Ok(answer) => format!("{:?}", answer.into_inner()),
        Err(status) => {
            format!("{status:?} {}", String::from_utf8_lossy(status.details()))
        }
    }
}

fn callback(person: &Person) -> Value {
    json!({
        "callbackSentAt": "2026-03-02T09:15:52.000Z",
        "workflowExecution": { "id": person.execution, "status": "PROCESSED", "href": SUCCESS_URL },
        "account": { "id": person.account },
        "userReference": USER_REFERENCE,
    })
}

/// Callbacks to the receiver, with the right secret and with almost the right one.
pub(super) async fn callbacks(address: &str, person: &Person) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut told = Vec::new();
    for secret in [PATH_SECRET.to_owned(), format!("{PATH_SECRET}x"), PATH_SECRET.to_uppercase()] {
        for body in [callback(person).to_string(), USER_REFERENCE.repeat(1_000)] {
            let request =
                http.post(format!("http://{address}/callback/{secret}?{secret}")).body(body);
            let answer = request.send().await.unwrap();
            told.push(format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap()));
        }
    }
    told
}

/// A page of the HTTP listener.
pub(super) async fn page(address: &str, page: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(format!("http://{address}/{page}")).send().await.unwrap().text().await.unwrap()
}
