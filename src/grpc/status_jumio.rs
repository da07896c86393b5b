//! What a caller is told when Jumio is the cause. Never UNAUTHENTICATED or PERMISSION_DENIED: those
//! speak about *our* caller. Nothing of Jumio's answer is repeated.

use tonic::Code;

use crate::proto::v1::ErrorReason as R;
use crate::vault::{Limit, VaultError};

use super::status::{Answer, RETRY, answer};

/// The answer for an error that came from Jumio; anything else is a defect and says so.
pub(super) fn of_jumio(error: &VaultError) -> Answer {
    if let VaultError::JumioThrottled { retry_after, limit } = error {
        return throttled(*limit).retry(retry_after.unwrap_or(RETRY));
    }
    let refused = |reason, message| answer(Code::FailedPrecondition, reason, message);
    #[expect(clippy::wildcard_enum_match_arm, reason = "status.rs sends only these here")]
    match error {
        VaultError::FacemapTooLong { len, len_max } => answer(
            Code::OutOfRange,
            R::FacemapTooLarge,
            "The facemap is over the limit. The operator can raise capture.max_facemap_bytes.",
        )
        .with("sizeBytes", len.to_string())
        .with("limitBytes", len_max.to_string()),
        VaultError::JumioUnavailable(_) => answer(
            Code::Unavailable,
            R::JumioUnavailable,
            "Jumio is unavailable. Retry with the same request_id.",
        )
        .retry(RETRY),
        VaultError::JumioTimeout => answer(
            Code::DeadlineExceeded,
            R::JumioTimeout,
            "Jumio did not answer in time. Retry with the same request_id.",
        ),
        VaultError::JumioCredentialsRejected => refused(
            R::JumioCredentialsRejected,
            "Jumio refuses the client id and secret. The operator must check them and the region.",
        ),
        VaultError::JumioPermissionMissing { what } => refused(
            R::JumioPermissionMissing,
            "Jumio does not permit this. The operator must extend the OAuth2 client's permissions.",
        )
        .with("permission", (*what).to_owned()),
        VaultError::JumioWorkflowNotEnabled => refused(
            R::JumioWorkflowNotEnabled,
            "The tenant has no authentication workflow. The operator must ask Jumio to enable it.",
        ),
        VaultError::JumioAccountUnknown => refused(
            R::JumioAccountUnknown,
            "Jumio does not know the account. Check tenant and region.",
        ),
        VaultError::JumioRefused { status } => refused(
            R::JumioRefused,
            "Jumio refused, and will again. The operator must look at the tenant.",
        )
        .with("httpStatus", status.to_string()),
        VaultError::JumioResponseUnexpected { pointer } => answer(
            Code::Internal,
            R::JumioResponseUnexpected,
            "Jumio's answer is not as documented. Report it.",
        )
        .with("pointer", pointer.clone()),
        VaultError::JumioUrlRejected { pointer } => refused(
            R::JumioUrlRejected,
            "Jumio's answer points at a place that is not followed. The operator must check the \
             region and the configured addresses.",
        )
        .with("pointer", pointer.clone()),
        VaultError::JumioOutcomeUnknown(_) => answer(
            Code::Unknown,
            R::JumioOutcomeUnknown,
            "Jumio may have received the request. Start anew with a new request_id.",
        ),
        VaultError::UploadInterrupted(_) => answer(
            Code::Unavailable,
            R::UploadInterrupted,
            "The upload was interrupted; no token was handed out. Retry with the same request_id.",
        )
        .retry(RETRY),
        _ => answer(Code::Internal, R::Internal, "The vault has a defect. Report it."),
    }
}

fn throttled(limit: Limit) -> Answer {
    let limit = match limit {
        Limit::Token => "token",
        Limit::Account => "account",
        Limit::Retrieval => "retrieval",
        Limit::Upload => "upload",
    };
    answer(
        Code::ResourceExhausted,
        R::JumioRateLimited,
        "The tenant's call limit at Jumio is used up. Retry after the given time.",
    )
    .with("limit", limit.to_owned())
}
