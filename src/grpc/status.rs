//! What a caller is told about a failure. The only place where an error becomes a gRPC status.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tonic::Status;
use tonic::metadata::MetadataValue;
use tonic_types::{ErrorDetails, StatusExt};

use crate::model::Blocked;
use crate::proto::v1::ErrorReason;
use crate::vault::VaultError;

use super::catalogue::entry;
use super::convert_start::StartError;
use super::fields::Violation;
use super::status_vault::of_vault;

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

/// How long to wait where nobody told us: long enough for a passing fault, short enough for a login.
const RETRY: Duration = Duration::from_secs(2);

/// What is said besides what the catalogue knows of the reason: built up arm by arm.
pub(super) struct Answer {
    reason: ErrorReason,
    message: Option<String>,
    metadata: Vec<(&'static str, String)>,
    retry: Option<Duration>,
    fields: Vec<Violation>,
}

/// The status for `error`. Texts are fixed but for times, limits and names the caller already has;
/// ids and causes go to the log.
pub(super) fn status(error: &RpcError) -> Status {
    match error {
        RpcError::Fields(violations) => invalid_fields(violations),
        RpcError::Reference { position } => {
            answer(ErrorReason::InternalReferenceInvalid).with("position", position.to_string())
        }
        RpcError::Unauthenticated => answer(ErrorReason::CallerUnauthenticated),
        RpcError::NotPermitted { permission, caller } => answer(ErrorReason::PermissionMissing)
            .with("permission", (*permission).to_owned())
            .with("caller", caller.to_string()),
        RpcError::TooMany { wait } => answer(ErrorReason::CallerRateLimited).retry(*wait),
        RpcError::Deadline => answer(ErrorReason::JumioTimeout),
        RpcError::Panicked => answer(ErrorReason::Internal),
        RpcError::Vault(error) => of_vault(error),
    }
    .status()
}

/// The status for a path that is none of ours.
pub(super) fn no_such_method() -> Status {
    answer(ErrorReason::MethodUnknown).status()
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

/// The answer for `reason`, as the catalogue has it.
pub(super) fn answer(reason: ErrorReason) -> Answer {
    Answer { reason, message: None, metadata: Vec::new(), retry: None, fields: Vec::new() }
}

impl Answer {
    /// Adds what a program may want to read. The catalogue names the keys of each reason.
    pub(super) fn with(mut self, key: &'static str, value: String) -> Self {
        self.metadata.push((key, value));
        self
    }

    /// Says when to try again, where it is known better than [`RETRY`].
    pub(super) fn retry(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.retry = after.into();
        self
    }

    /// Says what the catalogue's text cannot: a time, or the fields that are wrong.
    pub(super) fn saying(mut self, message: String) -> Self {
        self.message = Some(message);
        self
    }

    /// The status on the wire: `ErrorInfo`, what else belongs to the reason, and the trailer.
    pub(super) fn status(self) -> Status {
        let entry = entry(self.reason);
        let metadata: HashMap<String, String> =
            self.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let limit = metadata.get("limit").cloned();
        let mut details = ErrorDetails::with_error_info(entry.name(), DOMAIN, metadata);
        if entry.retry {
            details.set_retry_info(Some(self.retry.unwrap_or(RETRY)));
        }
        if let Some(limit) = limit {
            details.add_quota_failure_violation(limit, "The tenant's call limit at Jumio.");
        }
        for violation in self.fields {
            details.add_bad_request_violation(violation.field, violation.what);
        }
        let message = self.message.unwrap_or_else(|| entry.message());
        let mut status = Status::with_error_details(entry.code, message, details);
        status.metadata_mut().insert(REASON_TRAILER, MetadataValue::from_static(entry.name()));
        status
    }
}

fn invalid_fields(violations: &[Violation]) -> Answer {
    let named: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.what)).collect();
    let message = format!("The request is not valid: {}. Fix it.", named.join("; "));
    let answer = answer(ErrorReason::FieldInvalid).saying(message);
    Answer { fields: violations.to_vec(), ..answer }
}
