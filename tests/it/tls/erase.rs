//! A backend with the permission erases, and is told how far that went.

use facemap_vault::proto::v1::erasure_receipt::Stage;
use facemap_vault::proto::v1::{DeleteEnrollmentRequest, GetEnrollmentRequest};
use tonic::Code;

use super::NOBODY;
use crate::support::caller::{Told, start};
use crate::support::secured::{BACKEND, Secured};

#[tokio::test]
async fn a_caller_erases_what_it_has_seen_and_gets_an_honest_receipt() {
    let desk = r#"{ san = "spiffe://bank/privacy-desk", permissions = ["erase"] }"#;
    let secured = Secured::start(desk, &[]).await;
    let person = secured.captured().await;
    let (mut backend, mut desk) =
        (secured.caller(BACKEND), secured.caller("spiffe://bank/privacy-desk"));
    let name = format!("enrollments/{}", person.account);
    let seen = backend.get_enrollment(GetEnrollmentRequest { name: name.clone() }).await.unwrap();
    let etag = seen.into_inner().enrollment.unwrap().etag;
    let delete = |etag: &str| DeleteEnrollmentRequest {
        name: name.clone(),
        erasure_reason: "asked for by letter".to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };

    // Another state of the record than the one that was looked at.
    let other = "00".repeat(24);
    let refused = Told::by(&desk.delete_enrollment(delete(&other)).await.unwrap_err());
    assert_eq!(refused.what(), (Code::Aborted, "CONFLICT"));
    assert!(backend.start_authentication(start(&person.account)).await.is_ok(), "not erased");

    let first = desk.delete_enrollment(delete(&etag)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(first.account_id, person.account);
    assert_eq!(first.stage(), Stage::ErasedLogically);
    let again = desk.delete_enrollment(delete(&etag)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(again, first, "repeated, it is the first erasure");
    let refused = backend.start_authentication(start(&person.account)).await.unwrap_err();
    assert_eq!(Told::by(&refused).reason, "FACEMAP_ERASED");
    secured.vault.stop().await;
}

#[tokio::test]
async fn what_is_no_request_to_erase_is_refused_field_by_field() {
    let secured = Secured::start("", &[]).await;
    let mut backend = secured.caller(BACKEND);
    let good = || DeleteEnrollmentRequest { name: NOBODY.to_owned(), ..Default::default() };
    let long = "x".repeat(201);
    let table = [
        (DeleteEnrollmentRequest { name: "x".to_owned(), ..good() }, "name"),
        (DeleteEnrollmentRequest { request_id: "x".to_owned(), ..good() }, "request_id"),
        (DeleteEnrollmentRequest { erasure_reason: long, ..good() }, "erasure_reason"),
        (DeleteEnrollmentRequest { etag: "zz".to_owned(), ..good() }, "etag"),
    ];
    for (request, field) in table {
        let told = Told::by(&backend.delete_enrollment(request).await.unwrap_err());
        assert_eq!((told.reason.as_str(), told.fields), ("FIELD_INVALID", vec![field.to_owned()]));
    }
    let told = Told::by(&backend.delete_enrollment(good()).await.unwrap_err());
    assert_eq!(told.reason, "ENROLLMENT_NOT_FOUND");
    secured.vault.stop().await;
}
