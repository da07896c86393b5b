//! A caller: connects to a vault by gRPC and reads what it says, errors to the last detail.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use facemap_vault::grpc::catalogue::tables;
use facemap_vault::grpc::{DOMAIN, REASON_TRAILER};
use facemap_vault::model::RequestId;
use facemap_vault::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;
use facemap_vault::proto::v1::{
    CreateEnrollmentRequest, Enrollment, ErrorReason, StartAuthenticationRequest,
};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::service_fn;

use super::site::Person;

pub(crate) type Caller = FacemapVaultServiceClient<Channel>;

/// Text that tests put into Jumio's answers; it must never come back to a caller.
pub(crate) const UPSTREAM: &str = "upstream-said-e41c7b";

/// A connection to `address`.
pub(crate) async fn connect(address: &str) -> Channel {
    try_connect(address).await.unwrap()
}

/// A connection to `address`, if anybody answers there.
pub(crate) async fn try_connect(address: &str) -> Option<Channel> {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.ok()
}

/// A connection to the UNIX socket at `path`.
pub(crate) async fn connect_socket(path: &Path) -> Channel {
    try_connect_socket(path).await.unwrap()
}

/// A connection to the UNIX socket at `path`, if anybody answers there.
pub(crate) async fn try_connect_socket(path: &Path) -> Option<Channel> {
    let path = path.to_owned();
    let connect = service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://socket.invalid").connect_with_connector(connect).await.ok()
}

/// Enrolls `person`, waiting for the facemap for `wait` seconds at most.
pub(crate) fn enroll(person: &Person, wait: i64) -> CreateEnrollmentRequest {
    CreateEnrollmentRequest {
        enrollment: Some(Enrollment {
            account_id: person.account.clone(),
            workflow_execution_id: person.execution.clone(),
            ..Enrollment::default()
        }),
        wait: Some(prost_types::Duration { seconds: wait, nanos: 0 }),
        ..CreateEnrollmentRequest::default()
    }
}

/// Starts an authentication of `account`, as a new request.
pub(crate) fn start(account: &str) -> StartAuthenticationRequest {
    StartAuthenticationRequest {
        enrollment: format!("enrollments/{account}"),
        request_id: RequestId::generate().hyphenated(),
        customer_internal_reference: "login-4711".to_owned(),
        ..StartAuthenticationRequest::default()
    }
}

/// An error, taken apart.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) retry: Option<Duration>,
    pub(crate) fields: Vec<String>,
    pub(crate) quota: bool,
    pub(crate) message: String,
}

impl Told {
    /// Takes `status` apart, and checks what holds for every error: our domain, a reason that the
    /// proto knows and the trailer repeats, no id and nothing of Jumio's in what is said.
    pub(crate) fn by(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        assert_eq!(info.domain, DOMAIN, "{status:?}");
        let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
        assert!(known.is_some_and(|reason| reason != ErrorReason::Unspecified), "{status:?}");
        let trailer = status.metadata().get(REASON_TRAILER).map(|value| value.to_str().unwrap());
        assert_eq!(trailer, Some(info.reason.as_str()), "{status:?}");

        crate::catalogue::raised::note(&info.reason);
        let message = status.message().to_owned();
        assert!(message.ends_with('.') && !message.contains('\n'), "{message:?}");
        let metadata: BTreeMap<_, _> = info.metadata.clone().into_iter().collect();
        let said = format!("{message} {:?}", metadata.values());
        assert!(!said.contains(UPSTREAM), "Jumio's text came through: {said}");
        assert!(!has_id(&message), "there is an id in {message:?}");

        // What the catalogue promises is what is told.
        let entry = tables().flatten().find(|entry| entry.name() == info.reason).unwrap();
        let keys: Vec<_> = entry.metadata.iter().map(|(key, _)| *key).collect();
        assert!(metadata.keys().all(|key| keys.contains(&&**key)), "{metadata:?}, not {keys:?}");
        assert_eq!(status.code(), entry.code, "{status:?}");
        assert_eq!(details.retry_info().is_some(), entry.retry, "{status:?}");

        let fields = details.bad_request().map(|bad| &bad.field_violations[..]).unwrap_or_default();
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            metadata,
            retry: details.retry_info().and_then(|retry| retry.retry_delay),
            fields: fields.iter().map(|violation| violation.field.clone()).collect(),
            quota: details.quota_failure().is_some(),
            message,
        }
    }

    /// Code and reason.
    pub(crate) fn what(&self) -> (Code, &str) {
        (self.code, &self.reason)
    }

    /// The names of its metadata.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.metadata.keys().map(String::as_str).collect()
    }
}

/// Whether there is a UUID in `text`.
fn has_id(text: &str) -> bool {
    let id = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}").unwrap();
    // The example of an id in our own texts.
    let text = text.to_ascii_lowercase().replace("7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10", "");
    id.is_match(&text)
}

#[test]
fn an_id_is_found_in_a_text() {
    assert!(has_id("account 8B1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10 is unknown."));
    assert!(!has_id("The account is not enrolled. Retry in 2026-12-04T00:00:00Z."));
}
