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
use super::status_jumio::of_jumio;

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

/// How long to wait where nobody told us: long enough for a passing fault, short enough for a login.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// The status for `error`. Texts are fixed but for times, limits and names the caller already has;
/// ids and causes go to the log.
pub(super) fn status(error: &RpcError) -> Status {
    let answer = match error {
        RpcError::Fields(violations) => return fields_status(violations),
        RpcError::Reference { position } => answer(
            Code::InvalidArgument,
            ErrorReason::InternalReferenceInvalid,
            "The reference must have 1 to 100 printable characters and none of < > \" / ; ` % { } |. \
             Change it.",
        )
        .with("position", position.to_string()),
        RpcError::Unauthenticated => answer(
            Code::Unauthenticated,
            ErrorReason::CallerUnauthenticated,
            "The caller cannot be identified. Connect from this machine or over the admin socket.",
        ),
        RpcError::Deadline => answer(
            Code::DeadlineExceeded,
            ErrorReason::JumioTimeout,
            "The deadline passed. Allow 10 s, or retry with the same request_id.",
        ),
        RpcError::Panicked => answer(
            Code::Internal,
            ErrorReason::Internal,
            "The vault has a defect. Report it with the time of the request.",
        ),
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

/// There is no wildcard arm: a new [`VaultError`] does not compile until someone decides what callers
/// should do about it.
fn of_vault(error: &VaultError) -> Answer {
    use ErrorReason as R;
    match error {
        VaultError::NotEnrolled(_) => answer(
            Code::NotFound,
            R::EnrollmentNotFound,
            "The account is not enrolled. Call CreateEnrollment.",
        ),
        VaultError::NotCaptured { capture_by } => Answer {
            message: format!(
                "The facemap of this account is not stored yet; Jumio keeps it until {capture_by} at \
                 least. Retry, or start workflow 10014, which needs no stored facemap."
            ),
            ..answer(Code::FailedPrecondition, R::FacemapNotCaptured, "")
                .with("state", "PENDING".to_owned())
                .with("captureByTime", capture_by.to_string())
                .with("alternativeWorkflowKey", "10014".to_owned())
                .retry(Duration::from_secs(20))
        },
        VaultError::Blocked { why } => blocked(*why),
        VaultError::Lost => answer(
            Code::FailedPrecondition,
            R::FacemapLost,
            "Jumio deleted the facemap before it was captured. Onboard the person again.",
        ),
        VaultError::Erased => answer(
            Code::FailedPrecondition,
            R::FacemapErased,
            "The facemap was erased. Onboard the person again, if you may.",
        ),
        VaultError::OnLegalHold => answer(
            Code::FailedPrecondition,
            R::LegalHold,
            "A legal hold forbids the erasure. Release it first.",
        ),
        VaultError::AlreadyStarted { execution, expires } => {
            let answer = answer(
                Code::Aborted,
                R::AuthenticationInProgress,
                "The account has a running authentication. Use it, or set on_in_progress to \
                 SUPERSEDE.",
            )
            .with("expireTime", expires.to_string());
            match execution {
                Some(execution) => answer.with("authentication", execution.hyphenated()),
                None => answer,
            }
        }
        VaultError::RequestIdReused => answer(
            Code::InvalidArgument,
            R::RequestIdReused,
            "The request_id was used for another request. Make a new one for a new request.",
        ),
        VaultError::AuthenticationNotFound => answer(
            Code::NotFound,
            R::AuthenticationNotFound,
            "The account has no such authentication. Use the name StartAuthentication returned.",
        ),
        VaultError::ConsentExpired { obtained_at } => answer(
            Code::FailedPrecondition,
            R::ConsentExpired,
            "The consent is too old to be used again. Ask the person again.",
        )
        .with("obtainedAt", obtained_at.to_string()),
        VaultError::Conflict => answer(
            Code::Aborted,
            R::Conflict,
            "The enrollment changed meanwhile; nothing was done. Retry.",
        ),
        VaultError::Unreadable { .. } | VaultError::Damaged { .. } => answer(
            Code::DataLoss,
            R::FacemapCorrupt,
            "The stored facemap cannot be read. Tell the operator.",
        ),
        VaultError::PageTokenInvalid => answer(
            Code::InvalidArgument,
            R::PageTokenInvalid,
            "The page_token is not of this list. Start the list again.",
        ),
        VaultError::StoreFull => answer(
            Code::ResourceExhausted,
            R::StoreFull,
            "The disk is full; nothing was done. The operator must make room.",
        ),
        VaultError::StoreReadOnly => answer(
            Code::Unavailable,
            R::StoreReadOnly,
            "The store takes no changes. The operator must look at the disk.",
        ),
        VaultError::Store(_) | VaultError::Seal(_) => answer(
            Code::Internal,
            R::StoreFailed,
            "The store failed. Tell the operator.",
        ),
        VaultError::ShuttingDown => answer(
            Code::Unavailable,
            R::ShuttingDown,
            "The vault is stopping. Retry with the same request_id.",
        )
        .retry(RETRY),
        VaultError::FacemapTooLong { .. }
        | VaultError::JumioThrottled { .. }
        | VaultError::JumioUnavailable(_)
        | VaultError::JumioTimeout
        | VaultError::JumioCredentialsRejected
        | VaultError::JumioPermissionMissing { .. }
        | VaultError::JumioWorkflowNotEnabled
        | VaultError::JumioAccountUnknown
        | VaultError::JumioRefused { .. }
        | VaultError::JumioResponseUnexpected { .. }
        | VaultError::JumioUrlRejected { .. }
        | VaultError::JumioOutcomeUnknown(_)
        | VaultError::UploadInterrupted(_) => of_jumio(error),
    }
}

fn blocked(why: Blocked) -> Answer {
    let message = match why {
        Blocked::DownloadNotEnabled => {
            "Jumio does not let this facemap be downloaded. Ask Jumio to switch on \"Allow download of \
             facemap\" for the tenant."
        }
        Blocked::LivenessUnsupported => {
            "This facemap was made by a liveness technology whose facemaps cannot be downloaded. Talk \
             to Jumio."
        }
        Blocked::OnboardingNotAccepted => {
            "The onboarding was not accepted, or is no onboarding. Enroll a passed onboarding."
        }
        Blocked::TooLong => {
            "The facemap is over the limit. The operator can raise capture.max_facemap_bytes."
        }
    };
    let code = match why {
        Blocked::TooLong => Code::OutOfRange,
        Blocked::DownloadNotEnabled
        | Blocked::LivenessUnsupported
        | Blocked::OnboardingNotAccepted => Code::FailedPrecondition,
    };
    answer(code, blocked_reason(why), message)
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
