//! What callers are told when the vault stops under them.

use facemap_vault::proto::v1::GetEnrollmentRequest;
use serde_json::json;
use tonic::Code;

use crate::support::caller::{Told, enroll};
use crate::support::served::Served;

/// Whoever waits longer than a stop does is told so in time; the connection is not cut.
#[tokio::test]
async fn who_still_waits_is_told_to_come_again() {
    let served = Served::start(&[]).await;
    let person = served.onboard(json!({})).await;
    served.spoil("GET", "/workflow-executions/", json!({ "delay": "60s" })).await;
    let (mut caller, request) = (served.caller.clone(), enroll(&person, 60));
    let waiting = tokio::spawn(async move { caller.create_enrollment(request).await });
    // Once it is enrolled, it waits for the facemap.
    let name = format!("enrollments/{}", person.account);
    let mut looking = served.caller.clone();
    while looking.get_enrollment(GetEnrollmentRequest { name: name.clone() }).await.is_err() {
        tokio::task::yield_now().await;
    }

    served.stop().await;

    let told = Told::by(&waiting.await.unwrap().unwrap_err());
    assert_eq!(told.what(), (Code::Unavailable, "SHUTTING_DOWN"));
    assert!(told.retry.is_some());
}
