//! What Jumio tells us, in the vault's words.

use crate::model::{
    AccountId, CredentialId, SdkToken, Timestamp, UploadToken, WebLink, WorkflowExecutionId,
};

/// What Jumio says about an onboarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingDetails {
    /// How far the execution got.
    pub status: ExecutionStatus,
    /// The workflow key, such as `10011`.
    pub workflow_key: String,
    /// When it was completed.
    pub completed: Option<Timestamp>,
    /// When Jumio deleted the data, if it did.
    pub deleted: Option<Timestamp>,
    /// The overall decision.
    pub decision: Option<DecisionType>,
    /// The liveness checks of the execution; usually one.
    pub liveness: Vec<Liveness>,
    /// The FACEMAP credentials that have a FACEMAP part.
    pub facemaps: Vec<FacemapPart>,
}

/// One liveness check of an onboarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liveness {
    /// Its decision.
    pub decision: DecisionType,
    /// Jumio's name of the technology, such as `IPROOV_STANDARD`. Empty if not told.
    pub liveness_type: String,
    /// The credentials it looked at.
    pub credentials: Vec<CredentialId>,
    /// The FACEMAP credential that Jumio calls valid for authentication, if it names one.
    pub valid_facemap: Option<CredentialId>,
}

/// A FACEMAP part of an onboarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FacemapPart {
    /// The credential it belongs to.
    pub credential: CredentialId,
    /// Jumio announces a link for it, so it may be downloaded.
    pub downloadable: bool,
}

/// How far a workflow execution got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// Created, nothing captured from the person yet. Unknown values count as this: not the end.
    Initiated,
    /// The person's device has begun.
    AcquisitionStarted,
    /// Everything is captured from the person; Jumio is deciding.
    Acquired,
    /// There is a result.
    Processed,
    /// The person began and went away.
    SessionExpired,
    /// The token's time ran out before the end.
    TokenExpired,
}

impl ExecutionStatus {
    /// One word for it, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::AcquisitionStarted => "acquisition_started",
            Self::Acquired => "acquired",
            Self::Processed => "processed",
            Self::SessionExpired => "session_expired",
            Self::TokenExpired => "token_expired",
        }
    }
}

impl DecisionType {
    /// One word for it, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Rejected => "rejected",
            Self::NotExecuted => "not_executed",
        }
    }
}

/// A decision of Jumio's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionType {
    /// Passed.
    Passed,
    /// Passed with doubts.
    Warning,
    /// Rejected.
    Rejected,
    /// Not decided, because something before it failed.
    NotExecuted,
}

/// What Jumio handed back for a started authentication.
#[derive(Debug)]
pub struct PendingAuthentication {
    /// The new workflow execution.
    pub execution: WorkflowExecutionId,
    /// For the person's mobile device.
    pub sdk_token: SdkToken,
    /// For the person's browser. Missing if the tenant has no domain prefix.
    pub web_link: Option<WebLink>,
    /// When the tokens end, if they tell.
    pub expires: Option<Timestamp>,
    /// Where the stored facemap goes.
    pub slot: UploadSlot,
}

/// The API-channel FACEMAP part of a started authentication, and the token that opens it.
#[derive(Debug)]
pub struct UploadSlot {
    /// The account.
    pub account: AccountId,
    /// The execution.
    pub execution: WorkflowExecutionId,
    /// The credential.
    pub credential: CredentialId,
    /// Authorises the upload.
    pub token: UploadToken,
}

/// Where an authentication stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationDetails {
    /// How far it got.
    pub status: ExecutionStatus,
    /// The workflow key, such as `10071`.
    pub workflow_key: String,
    /// When it was started.
    pub created: Option<Timestamp>,
    /// The caller's reference, as Jumio repeats it.
    pub customer_internal_reference: Option<String>,
    /// The overall decision, once processed.
    pub decision: Option<DecisionType>,
    /// Jumio's label of the authentication capability, such as `OK` or `FAILED`.
    pub label: Option<String>,
}
