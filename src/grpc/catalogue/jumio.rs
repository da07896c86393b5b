//! Reasons that lie at Jumio. None is UNAUTHENTICATED or PERMISSION_DENIED: those speak about *our*
//! caller. Nothing of Jumio's answer is repeated.

use tonic::Code as C;

use crate::proto::v1::ErrorReason as R;

use super::{Acts, Entry, new};

pub(super) const ENTRIES: &[Entry] = &[
    new(
        R::JumioRateLimited,
        C::ResourceExhausted,
        Acts::Wait,
        "The tenant's call limit at Jumio is used up.",
        "Retry after the given time.",
    )
    .retry()
    .carries(&[("limit", "which: `account`, `retrieval`, `token` or `upload`")])
    .note("By our own count, or by Jumio's 429. `google.rpc.QuotaFailure` is there too."),
    new(
        R::JumioUnavailable,
        C::Unavailable,
        Acts::Wait,
        "Jumio is unavailable, and nothing happened there.",
        "Retry with the same request_id.",
    )
    .retry(),
    new(
        R::JumioTimeout,
        C::DeadlineExceeded,
        Acts::Caller,
        "There was no time left: Jumio was slow, or the deadline short.",
        "Allow 10 s, and retry with the same request_id.",
    )
    .note(
        "Any call whose own deadline passes gets this. What was begun at Jumio goes on, so that the \
         retry finds it done.",
    ),
    new(
        R::JumioOutcomeUnknown,
        C::Unknown,
        Acts::Caller,
        "Jumio may have received the request.",
        "Start anew with a new request_id.",
    )
    .note("What may have been opened at Jumio expires by itself."),
    new(
        R::UploadInterrupted,
        C::Unavailable,
        Acts::Wait,
        "The upload was interrupted; no token was handed out.",
        "Retry with the same request_id.",
    )
    .retry(),
    new(
        R::JumioCredentialsRejected,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio refuses the client id and secret.",
        "The operator must check them and the region.",
    )
    .note("The vault asks Jumio again a minute later at the earliest."),
    new(
        R::JumioPermissionMissing,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio does not permit this.",
        "The operator must extend the OAuth2 client's permissions.",
    )
    .carries(&[("permission", "what was asked for")])
    .note("Permissions are given in Jumio's portal."),
    new(
        R::JumioWorkflowNotEnabled,
        C::FailedPrecondition,
        Acts::Operator,
        "The tenant has no authentication workflow.",
        "The operator must ask Jumio to enable it.",
    )
    .note("Or `jumio.workflow_key` is wrong."),
    new(
        R::JumioAccountUnknown,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio does not know the account.",
        "Check tenant and region.",
    )
    .note("Or the account was deleted at Jumio."),
    new(
        R::JumioRefused,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio refused, and will again.",
        "The operator must look at the tenant.",
    )
    .carries(&[("httpStatus", "the number that Jumio answered with")]),
    new(
        R::JumioResponseUnexpected,
        C::Internal,
        Acts::Operator,
        "Jumio's answer is not as documented.",
        "Report it.",
    )
    .carries(&[("pointer", "where in the answer, as a JSON pointer")]),
    new(
        R::JumioUrlRejected,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio's answer points at a place that is not followed.",
        "The operator must check the region and the configured addresses.",
    )
    .carries(&[("pointer", "where in the answer, as a JSON pointer")])
    .note("A wrong region, or something worse: look."),
];
