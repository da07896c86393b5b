//! What a caller is told about each [`VaultError`]: code, reason, text, and what a program may read.
//!
//! Where Jumio is the cause the code is never UNAUTHENTICATED or PERMISSION_DENIED: those speak about
//! *our* caller. Nothing of Jumio's answer is repeated.

use std::time::Duration;

use tonic::Code as C;

use crate::model::{AccountId, Blocked, Timestamp, WorkflowExecutionId};
use crate::proto::v1::ErrorReason as R;
use crate::vault::{Limit, VaultError};

use super::convert::authentication_name;
use super::status::{Answer, answer, blocked_reason};
use super::status_keys::of_keys;
use super::texts;

/// How long to wait where nobody told us: long enough for a passing fault, short enough for a login.
const RETRY: Duration = Duration::from_secs(2);
/// How long to wait for a capture: the first tries after an enrollment take this long together.
const RETRY_CAPTURE: Duration = Duration::from_secs(20);

/// There is no wildcard arm: a new [`VaultError`] does not compile until someone decides what callers
/// should do about it.
pub(super) fn of_vault(error: &VaultError) -> Answer {
    use VaultError as E;
    match error {
        E::NotEnrolled(_) => answer(C::NotFound, R::EnrollmentNotFound, texts::NOT_ENROLLED),
        E::NotCaptured { capture_by, jumio_has_it } => not_captured(*capture_by, *jumio_has_it),
        E::Blocked { why } => blocked(*why),
        E::Lost => refused(R::FacemapLost, texts::LOST),
        E::Captured => refused(R::FacemapCaptured, texts::CAPTURED),
        E::Erased => refused(R::FacemapErased, texts::ERASED),
        E::OnLegalHold => refused(R::LegalHold, texts::LEGAL_HOLD),
        E::AlreadyStarted { account, execution, expires } => {
            already_started(*account, *execution, *expires)
        }
        E::RequestIdReused => invalid(R::RequestIdReused, texts::REQUEST_ID_REUSED),
        E::AuthenticationNotFound => {
            answer(C::NotFound, R::AuthenticationNotFound, texts::NO_AUTHENTICATION)
        }
        E::ConsentExpired { obtained_at } => refused(R::ConsentExpired, texts::CONSENT_EXPIRED)
            .with("obtainedAt", obtained_at.to_string()),
        E::Conflict => answer(C::Aborted, R::Conflict, texts::CONFLICT),
        E::Unreadable { .. } | E::Damaged { .. } => {
            answer(C::DataLoss, R::FacemapCorrupt, texts::CORRUPT)
        }
        E::PageTokenInvalid => invalid(R::PageTokenInvalid, texts::PAGE_TOKEN),
        E::StoreFull => answer(C::ResourceExhausted, R::StoreFull, texts::STORE_FULL),
        E::StoreReadOnly => answer(C::Unavailable, R::StoreReadOnly, texts::STORE_READ_ONLY),
        E::Store(_) | E::Seal(_) => answer(C::Internal, R::StoreFailed, texts::STORE_FAILED),
        E::ShuttingDown => unavailable(R::ShuttingDown, texts::SHUTTING_DOWN),
        E::SweepInProgress { id } => {
            answer(C::Aborted, R::SweepInProgress, texts::SWEEP_IN_PROGRESS)
                .with("name", format!("sweeps/{}", id.hyphenated()))
        }
        E::Keys(error) => of_keys(error),
        E::SweepNotFound => answer(C::NotFound, R::SweepNotFound, texts::SWEEP_NOT_FOUND),
        E::FacemapTooLong { len, len_max } => {
            answer(C::OutOfRange, R::FacemapTooLarge, texts::TOO_LARGE)
                .with("sizeBytes", len.to_string())
                .with("limitBytes", len_max.to_string())
        }
        E::JumioThrottled { retry_after, limit } => {
            answer(C::ResourceExhausted, R::JumioRateLimited, texts::THROTTLED)
                .with("limit", limit_name(*limit).to_owned())
                .retry(retry_after.unwrap_or(RETRY))
        }
        E::JumioUnavailable(_) => unavailable(R::JumioUnavailable, texts::JUMIO_UNAVAILABLE),
        E::JumioTimeout => answer(C::DeadlineExceeded, R::JumioTimeout, texts::JUMIO_TIMEOUT),
        E::JumioCredentialsRejected => refused(R::JumioCredentialsRejected, texts::CREDENTIALS),
        E::JumioPermissionMissing { what } => refused(R::JumioPermissionMissing, texts::PERMISSION)
            .with("permission", (*what).to_owned()),
        E::JumioWorkflowNotEnabled => refused(R::JumioWorkflowNotEnabled, texts::WORKFLOW),
        E::JumioAccountUnknown => refused(R::JumioAccountUnknown, texts::ACCOUNT_UNKNOWN),
        E::JumioRefused { status } => {
            refused(R::JumioRefused, texts::REFUSED).with("httpStatus", status.to_string())
        }
        E::JumioResponseUnexpected { pointer } => {
            answer(C::Internal, R::JumioResponseUnexpected, texts::UNEXPECTED)
                .with("pointer", pointer.clone())
        }
        E::JumioUrlRejected { pointer } => {
            refused(R::JumioUrlRejected, texts::URL_REJECTED).with("pointer", pointer.clone())
        }
        E::JumioOutcomeUnknown(_) => {
            answer(C::Unknown, R::JumioOutcomeUnknown, texts::OUTCOME_UNKNOWN)
        }
        E::UploadInterrupted(_) => unavailable(R::UploadInterrupted, texts::UPLOAD_INTERRUPTED),
    }
}

fn invalid(reason: R, text: &str) -> Answer {
    answer(C::InvalidArgument, reason, text)
}

fn refused(reason: R, text: &str) -> Answer {
    answer(C::FailedPrecondition, reason, text)
}

fn unavailable(reason: R, text: &str) -> Answer {
    answer(C::Unavailable, reason, text).retry(RETRY)
}

fn not_captured(capture_by: Timestamp, jumio_has_it: bool) -> Answer {
    let text = match jumio_has_it {
        true => format!(
            "The facemap of this account is not stored yet; Jumio keeps it until {capture_by} at \
             least. Retry, or start workflow 10014, which needs no stored facemap."
        ),
        false => format!(
            "The facemap of this account is not stored, and since {capture_by} Jumio may have deleted \
             it. Retry; if it stays so, onboard the person again."
        ),
    };
    let answer = refused(R::FacemapNotCaptured, &text)
        .with("state", "PENDING".to_owned())
        .with("captureByTime", capture_by.to_string())
        .retry(RETRY_CAPTURE);
    match jumio_has_it {
        true => answer.with("alternativeWorkflowKey", "10014".to_owned()),
        false => answer,
    }
}

fn already_started(
    account: AccountId,
    execution: Option<WorkflowExecutionId>,
    expires: Timestamp,
) -> Answer {
    let answer = answer(C::Aborted, R::AuthenticationInProgress, texts::ALREADY_STARTED)
        .with("expireTime", expires.to_string());
    match execution {
        Some(execution) => answer.with("authentication", authentication_name(account, execution)),
        None => answer,
    }
}

fn blocked(why: Blocked) -> Answer {
    let reason = blocked_reason(why);
    match why {
        Blocked::DownloadNotEnabled => refused(reason, texts::DOWNLOAD_NOT_ENABLED),
        Blocked::LivenessUnsupported => refused(reason, texts::LIVENESS_UNSUPPORTED),
        Blocked::OnboardingNotAccepted => refused(reason, texts::NOT_ACCEPTED),
        Blocked::TooLong => answer(C::OutOfRange, reason, texts::TOO_LARGE),
    }
}

fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Token => "token",
        Limit::Account => "account",
        Limit::Retrieval => "retrieval",
        Limit::Upload => "upload",
    }
}
