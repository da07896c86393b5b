//! Reasons that lie in the state of an enrollment, its facemap or its authentications.

use tonic::Code as C;

use crate::proto::v1::ErrorReason as R;

use super::{Acts, Entry, new};

pub(super) const ENTRIES: &[Entry] = &[
    new(
        R::EnrollmentNotFound,
        C::NotFound,
        Acts::Caller,
        "The account is not enrolled.",
        "Call CreateEnrollment.",
    ),
    new(
        R::OnboardingNotAccepted,
        C::FailedPrecondition,
        Acts::Caller,
        "The onboarding was not accepted, or is no onboarding.",
        "Enroll a passed onboarding.",
    )
    .note("An onboarding's workflow key is one of `capture.onboarding_workflow_keys`."),
    new(
        R::FacemapNotCaptured,
        C::FailedPrecondition,
        Acts::Wait,
        "The facemap of this account is not stored yet.",
        "Retry; while Jumio keeps its copy, workflow 10014 needs no stored facemap.",
    )
    .retry()
    .carries(&[
        ("state", "of the enrollment"),
        ("captureByTime", "until when Jumio keeps its copy at least"),
        ("alternativeWorkflowKey", "only until then: the workflow that needs none from us"),
    ])
    .note("The message gives the time. The other workflow is yours to start at Jumio."),
    new(
        R::FacemapLost,
        C::FailedPrecondition,
        Acts::Process,
        "The facemap was not captured before Jumio deleted it, or was given up.",
        "Onboard the person again.",
    ),
    new(
        R::FacemapErased,
        C::FailedPrecondition,
        Acts::Process,
        "The facemap was erased.",
        "Onboard the person again, if you may.",
    )
    .note(
        "Registering an onboarding from before the erasure is answered with this too, if you say when \
         it was completed.",
    ),
    new(
        R::FacemapDownloadNotEnabled,
        C::FailedPrecondition,
        Acts::Operator,
        "Jumio does not let this facemap be downloaded.",
        "Ask Jumio to switch on \"Allow download of facemap\" for the tenant.",
    ),
    new(
        R::FacemapFormatUnsupported,
        C::FailedPrecondition,
        Acts::Operator,
        "This facemap was made by a liveness technology whose facemaps cannot be downloaded.",
        "Talk to Jumio.",
    ),
    new(
        R::FacemapTooLarge,
        C::OutOfRange,
        Acts::Operator,
        "The facemap is over the limit.",
        "The operator can raise capture.max_facemap_bytes.",
    )
    .carries(&[
        ("sizeBytes", "its size, as far as it is known"),
        ("limitBytes", "what the vault accepts"),
    ]),
    new(
        R::FacemapCorrupt,
        C::DataLoss,
        Acts::Operator,
        "The stored facemap cannot be read.",
        "Tell the operator; retrying cannot help.",
    )
    .note("[What to do](../troubleshooting.md#the-store-is-damaged)"),
    new(
        R::FacemapCaptured,
        C::FailedPrecondition,
        Acts::Operator,
        "The facemap is stored, so there is nothing to give up.",
        "To remove it, erase it.",
    )
    .note("[How to erase](../operate.md)"),
    new(
        R::LegalHold,
        C::FailedPrecondition,
        Acts::Operator,
        "A legal hold forbids the erasure.",
        "Release it first.",
    )
    .note("The format knows holds, and an erasure respects one. No command sets one today."),
    new(
        R::Conflict,
        C::Aborted,
        Acts::Caller,
        "The enrollment changed meanwhile; nothing was done.",
        "Retry at once.",
    ),
    new(
        R::ConsentExpired,
        C::FailedPrecondition,
        Acts::Caller,
        "The consent is too old to be used again.",
        "Ask the person again.",
    )
    .carries(&[("obtainedAt", "when it was given")])
    .note("How old it may be: `authentication.consent_max_age`."),
    new(
        R::AuthenticationInProgress,
        C::Aborted,
        Acts::Caller,
        "The account has a running authentication.",
        "Use it, or set on_in_progress to SUPERSEDE.",
    )
    .carries(&[
        ("authentication", "its name, once it has one"),
        ("expireTime", "when its tokens end"),
    ]),
    new(
        R::AuthenticationNotFound,
        C::NotFound,
        Acts::Caller,
        "The account has no such authentication.",
        "Use the name that StartAuthentication returned.",
    )
    .note("Or the execution is of another kind of workflow."),
    new(
        R::AuthenticationExpired,
        C::FailedPrecondition,
        Acts::Caller,
        "The session that this request_id started has run out.",
        "Start another one, with a new request_id.",
    )
    .note(
        "StartAuthentication says it when a request is repeated after its tokens have ended: one \
         request_id never opens two executions. It is remembered for as long again as the tokens lived. \
         `GetAuthentication` says the same by the state `EXPIRED`, which is an answer and no error.",
    ),
];
