//! What a caller is told about each [`VaultError`]: the reason, and what a program may read. Codes and
//! texts are in the catalogue. Nothing of Jumio's answer is repeated.

use std::time::Duration;

use crate::model::{AccountId, Timestamp, WorkflowExecutionId};
use crate::proto::v1::ErrorReason as R;
use crate::vault::{Limit, VaultError};

use super::convert::authentication_name;
use super::status::{Answer, answer, blocked_reason};
use super::status_keys::of_keys;

/// How long to wait for a capture: the first tries after an enrollment take this long together.
const RETRY_CAPTURE: Duration = Duration::from_secs(20);

/// Another cause than a read-only disk, and another way out.
const BROKEN: &str = "A write could not be made durable, so the store takes no changes. The operator must \
                      look at the disk, then restart the vault.";

/// There is no wildcard arm: a new [`VaultError`] does not compile until someone decides what callers
/// should do about it.
pub(super) fn of_vault(error: &VaultError) -> Answer {
    use VaultError as E;
    match error {
        E::NotEnrolled(_) => answer(R::EnrollmentNotFound),
        E::NotCaptured { capture_by, jumio_has_it } => not_captured(*capture_by, *jumio_has_it),
        E::Blocked { why } => answer(blocked_reason(*why)),
        E::Lost => answer(R::FacemapLost),
        E::Captured => answer(R::FacemapCaptured),
        E::Erased => answer(R::FacemapErased),
        E::OnLegalHold => answer(R::LegalHold),
        E::AlreadyStarted { account, execution, expires } => {
            already_started(*account, *execution, *expires)
        }
        E::RequestIdReused => answer(R::RequestIdReused),
        E::SessionOver => answer(R::AuthenticationExpired),
        E::AuthenticationNotFound => answer(R::AuthenticationNotFound),
        E::ConsentExpired { obtained_at } => {
            answer(R::ConsentExpired).with("obtainedAt", obtained_at.to_string())
        }
        E::Conflict => answer(R::Conflict),
        E::Unreadable { .. } | E::Damaged { .. } => answer(R::FacemapCorrupt),
        E::PageTokenInvalid => answer(R::PageTokenInvalid),
        E::StoreFull => answer(R::StoreFull),
        E::StoreReadOnly => answer(R::StoreReadOnly),
        E::Store(_) | E::Seal(_) | E::Audit(_) => answer(R::StoreFailed),
        E::AuditUnavailable(_) => answer(R::AuditUnavailable),
        E::RolledBack(_) => answer(R::StoreRolledBack),
        E::StoreBroken => answer(R::StoreReadOnly).saying(BROKEN.to_owned()),
        E::ShuttingDown => answer(R::ShuttingDown),
        E::SweepInProgress { id } => {
            answer(R::SweepInProgress).with("name", format!("sweeps/{}", id.hyphenated()))
        }
        E::Keys(error) => of_keys(error),
        E::SweepNotFound => answer(R::SweepNotFound),
        E::FacemapTooLong { len, len_max } => answer(R::FacemapTooLarge)
            .with("sizeBytes", len.to_string())
            .with("limitBytes", len_max.to_string()),
        E::JumioThrottled { retry_after, limit } => answer(R::JumioRateLimited)
            .with("limit", limit_name(*limit).to_owned())
            .retry(*retry_after),
        E::JumioUnavailable(_) => answer(R::JumioUnavailable),
        E::JumioTimeout => answer(R::JumioTimeout),
        E::JumioCredentialsRejected => answer(R::JumioCredentialsRejected),
        E::JumioPermissionMissing { what } => {
            answer(R::JumioPermissionMissing).with("permission", (*what).to_owned())
        }
        E::JumioWorkflowNotEnabled => answer(R::JumioWorkflowNotEnabled),
        E::JumioAccountUnknown => answer(R::JumioAccountUnknown),
        E::JumioRefused { status } => {
            answer(R::JumioRefused).with("httpStatus", status.to_string())
        }
        E::JumioResponseUnexpected { pointer } => {
            answer(R::JumioResponseUnexpected).with("pointer", pointer.clone())
        }
        E::JumioUrlRejected { pointer } => {
            answer(R::JumioUrlRejected).with("pointer", pointer.clone())
        }
        E::JumioOutcomeUnknown(_) => answer(R::JumioOutcomeUnknown),
        E::UploadInterrupted(_) => answer(R::UploadInterrupted),
    }
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
    let answer = answer(R::FacemapNotCaptured)
        .saying(text)
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
    let answer = answer(R::AuthenticationInProgress).with("expireTime", expires.to_string());
    match execution {
        Some(execution) => answer.with("authentication", authentication_name(account, execution)),
        None => answer,
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
