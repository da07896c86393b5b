//! What a caller is told about a failure. The only place where an error becomes a gRPC status.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::model::Blocked;
use crate::proto::v1::ErrorReason;
use crate::vault::VaultError;

use super::convert_start::StartError;
use super::fields::Violation;
use super::status_vault::of_vault;
use super::texts;

/// `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "facemapvault";
/// ASCII trailer that repeats the reason, for clients that cannot decode error details.
pub const REASON_TRAILER: &str = "fmvault-reason";

/// Why a request failed, before it becomes a status.
#[derive(Debug)]
pub(super) enum RpcError {
    /// Fields of the request are wrong.
    Fields(Vec<Violation>),
    /// The reference has a character that Jumio forbids, or the wrong length.
    Reference {
        /// Where, from 0.
        position: usize,
    },
    /// The peer cannot be identified.
    Unauthenticated,
    /// The caller was not given what this needs.
    NotPermitted {
        /// What it needs, as in the settings.
        permission: &'static str,
        /// Whom the operator would give it to.
        caller: Arc<str>,
    },
    /// The caller asks for more than it may.
    TooMany {
        /// How long it should wait.
        wait: Duration,
    },
    /// The caller's deadline left no time.
    Deadline,
    /// A defect: the request's code panicked.
    Panicked,
    /// The vault refused or failed.
    Vault(Arc<VaultError>),
}

/// What is said besides the code: built up arm by arm.
pub(super) struct Answer {
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: Vec<(&'static str, String)>,
    retry: Option<Duration>,
}

/// The status for `error`. Texts are fixed but for times, limits and names the caller already has;
/// ids and causes go to the log.
pub(super) fn status(error: &RpcError) -> Status {
    let answer = match error {
        RpcError::Fields(violations) => return fields_status(violations),
        RpcError::Reference { position } => {
            answer(Code::InvalidArgument, ErrorReason::InternalReferenceInvalid, texts::REFERENCE)
                .with("position", position.to_string())
        }
        RpcError::Unauthenticated => answer(
            Code::Unauthenticated,
            ErrorReason::CallerUnauthenticated,
            texts::UNAUTHENTICATED,
        ),
        RpcError::NotPermitted { permission, caller } => {
            answer(Code::PermissionDenied, ErrorReason::PermissionMissing, texts::NOT_PERMITTED)
                .with("permission", (*permission).to_owned())
                .with("caller", caller.to_string())
        }
        RpcError::TooMany { wait } => {
            answer(Code::ResourceExhausted, ErrorReason::CallerRateLimited, texts::TOO_MANY)
                .retry(*wait)
        }
        RpcError::Deadline => {
            answer(Code::DeadlineExceeded, ErrorReason::JumioTimeout, texts::DEADLINE)
        }
        RpcError::Panicked => answer(Code::Internal, ErrorReason::Internal, texts::INTERNAL),
        RpcError::Vault(error) => of_vault(error),
    };
    let reason = reason_name(answer.reason);
    let metadata: HashMap<String, String> =
        answer.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let limit = metadata.get("limit").cloned();
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    if let Some(retry) = answer.retry {
        details.set_retry_info(Some(retry));
    }
    if let Some(limit) = limit {
        details.add_quota_failure_violation(limit, "The tenant's call limit at Jumio.");
    }
    finish(answer.code, reason, answer.message, details)
}

/// The status for a path that is none of ours.
pub(super) fn no_such_method() -> Status {
    Status::unimplemented("There is no such method. Compare with the proto files.")
}

/// Our word for a reason on the wire.
pub(super) fn reason_name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

/// The reason that a blocked enrollment shows.
pub(super) fn blocked_reason(why: Blocked) -> ErrorReason {
    match why {
        Blocked::DownloadNotEnabled => ErrorReason::FacemapDownloadNotEnabled,
        Blocked::LivenessUnsupported => ErrorReason::FacemapFormatUnsupported,
        Blocked::OnboardingNotAccepted => ErrorReason::OnboardingNotAccepted,
        Blocked::TooLong => ErrorReason::FacemapTooLarge,
    }
}

impl From<VaultError> for RpcError {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}

impl From<Arc<VaultError>> for RpcError {
    fn from(error: Arc<VaultError>) -> Self {
        Self::Vault(error)
    }
}

impl From<Vec<Violation>> for RpcError {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Fields(violations)
    }
}

impl From<StartError> for RpcError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Fields(violations) => Self::Fields(violations),
            StartError::Reference { position } => Self::Reference { position },
        }
    }
}

/// An answer with a fixed text.
pub(super) fn answer(code: Code, reason: ErrorReason, message: &str) -> Answer {
    Answer { code, reason, message: message.to_owned(), metadata: Vec::new(), retry: None }
}

impl Answer {
    /// Adds what a program may want to read.
    pub(super) fn with(mut self, key: &'static str, value: String) -> Self {
        self.metadata.push((key, value));
        self
    }

    /// Says when to try again.
    pub(super) fn retry(mut self, after: Duration) -> Self {
        self.retry = Some(after);
        self
    }
}

fn fields_status(violations: &[Violation]) -> Status {
    let reason = reason_name(ErrorReason::FieldInvalid);
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    for violation in violations {
        details.add_bad_request_violation(violation.field, violation.what);
    }
    let named: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.what)).collect();
    let message = format!("The request is not valid: {}. Fix it.", named.join("; "));
    finish(Code::InvalidArgument, reason, message, details)
}

fn finish(code: Code, reason: &'static str, message: String, details: ErrorDetails) -> Status {
    let mut status = Status::with_error_details(code, message, details);
    status.metadata_mut().insert(REASON_TRAILER, MetadataValue::from_static(reason));
    status
}
