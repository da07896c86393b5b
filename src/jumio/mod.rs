//! The part of Jumio's REST API that the vault needs, in the vault's words.
//!
//! There is no code here for the call that ends an execution: the person's device does that.

use std::future::Future;
use std::time::Duration;

use crate::model::{
    AccountId, CredentialId, Facemap, SdkToken, Timestamp, UploadToken, WebLink,
    WorkflowExecutionId,
};

/// Jumio, as the vault uses it.
pub trait Jumio: Send + Sync + 'static {
    /// What Jumio says about `execution` of `account`, for deciding whether its facemap may become
    /// the account's reference.
    ///
    /// # Errors
    ///
    /// [`JumioError::NotFound`] while Jumio has no such execution, or no longer.
    fn onboarding(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> impl Future<Output = Result<OnboardingDetails, JumioError>> + Send;

    /// Downloads the FACEMAP part of `credential`, at most `len_max` bytes.
    ///
    /// # Errors
    ///
    /// [`JumioError::NotFound`] if Jumio has no such part, [`JumioError::PermissionMissing`] if it may
    /// not be downloaded, [`JumioError::FacemapTooLong`] if it is longer than `len_max`.
    fn download_facemap(
        &self,
        account: AccountId,
        credential: CredentialId,
        len_max: usize,
    ) -> impl Future<Output = Result<Facemap, JumioError>> + Send;

    /// Updates the account with the authentication workflow (10071). Every call opens a new workflow
    /// execution at Jumio, so this is never repeated once the request may have been received.
    ///
    /// # Errors
    ///
    /// [`JumioError::OutcomeUnknown`] if the request may have been received and the answer was lost.
    fn update_account(
        &self,
        account: AccountId,
        update: &AccountUpdate,
    ) -> impl Future<Output = Result<PendingAuthentication, JumioError>> + Send;

    /// Uploads `facemap` into the execution's slot.
    ///
    /// # Errors
    ///
    /// Any [`JumioError`]; the execution is then of no use and must be forgotten. An upload is never
    /// repeated into the same slot.
    fn upload_facemap(
        &self,
        slot: &UploadSlot,
        facemap: Facemap,
    ) -> impl Future<Output = Result<(), JumioError>> + Send;

    /// Where an authentication stands, and its decision once there is one.
    ///
    /// # Errors
    ///
    /// [`JumioError::NotFound`] if Jumio has no such execution.
    fn authentication(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> impl Future<Output = Result<AuthenticationDetails, JumioError>> + Send;
}

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

/// What the account is updated with, besides the workflow key of the settings. Already validated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountUpdate {
    /// The caller's reference, 1 to 100 characters.
    pub customer_internal_reference: String,
    /// The caller's reference of the person, up to 100 characters.
    pub user_reference: Option<String>,
    /// How long the tokens live: 5 minutes to 60 days, whole seconds.
    pub token_lifetime: Option<Duration>,
    /// Where Jumio reports the end.
    pub callback_url: Option<String>,
    /// Where the browser goes afterwards, and in which language the pages are.
    pub web: Option<Web>,
    /// The person's consent.
    pub consent: Option<Consent>,
}

/// Options of the web client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Web {
    /// Where the browser goes after success.
    pub success_url: Option<String>,
    /// Where the browser goes after an error.
    pub error_url: Option<String>,
    /// Language of the pages, such as `en-GB`.
    pub locale: Option<String>,
}

/// A person's consent, as Jumio wants it told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The person's IP address.
    pub user_ip: Option<String>,
    /// ISO 3166-1 alpha-3, such as `USA`.
    pub country: String,
    /// Subdivision without country, such as `IL`.
    pub state: Option<String>,
    /// `yes`, `no` or `na` and, for yes, when.
    pub obtained: Option<Obtained>,
}

/// Whether a consent was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obtained {
    /// Yes, at this moment.
    Yes(Timestamp),
    /// No.
    No,
    /// Not applicable.
    NotApplicable,
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

/// Why Jumio did not do it, by what we can do next.
#[derive(Debug, thiserror::Error)]
pub enum JumioError {
    /// Jumio does not have it: not yet, no longer, or never.
    #[error("jumio has no such {what}")]
    NotFound {
        /// What we asked for.
        what: &'static str,
    },
    /// Jumio refuses our credentials, even with a fresh access token.
    #[error("jumio refuses the client credentials")]
    CredentialsRejected,
    /// Our credentials may not do this.
    #[error("jumio does not permit {what}")]
    PermissionMissing {
        /// What we asked for.
        what: &'static str,
    },
    /// The tenant's call budget at Jumio is used up.
    #[error("jumio asks us to slow down")]
    Throttled {
        /// How long to wait: what Jumio asked for, or our own bucket; at most 5 minutes.
        retry_after: Option<Duration>,
        /// Which of the tenant's limits.
        limit: Limit,
    },
    /// Jumio is down or cannot be reached; the request had no effect.
    #[error("jumio is unavailable: {what}")]
    Unavailable {
        /// What we saw, without content.
        what: &'static str,
    },
    /// No answer in time to a request without effect.
    #[error("jumio took longer than {limit:?}")]
    Timeout {
        /// The limit that ran out.
        limit: Duration,
    },
    /// The request may have been received and the answer was lost.
    #[error("jumio may have received the request, but its answer was lost: {what}")]
    OutcomeUnknown {
        /// What we saw, without content.
        what: &'static str,
    },
    /// An upload did not complete.
    #[error("the upload to jumio was interrupted: {what}")]
    UploadInterrupted {
        /// What we saw, without content.
        what: &'static str,
    },
    /// The tenant has no such workflow.
    #[error("jumio does not know the workflow key for this tenant")]
    WorkflowNotEnabled,
    /// Jumio refused for a reason that trying again does not change.
    #[error("jumio refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// An answer that Jumio's documents do not describe.
    #[error("jumio's answer is not as documented at {pointer}")]
    ResponseUnexpected {
        /// JSON pointer of what is missing or wrong; `#body` for a body that is no facemap.
        pointer: String,
    },
    /// A link in Jumio's answer is not the one we would build: followed never.
    #[error("jumio's answer points at a place that is not ours to follow, at {pointer}")]
    UrlRejected {
        /// JSON pointer of the link.
        pointer: String,
    },
    /// The facemap is longer than our limit.
    #[error("facemap of at least {len} bytes is longer than the limit of {len_max}")]
    FacemapTooLong {
        /// Its length as far as known.
        len: u64,
        /// Our limit.
        len_max: usize,
    },
}

/// One of the tenant's call limits at Jumio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Access tokens: 10 per second by default.
    Token,
    /// Creating and updating accounts: 1 per second by default.
    Account,
    /// Retrieval: 15 per second by default.
    Retrieval,
    /// Uploads: none published.
    Upload,
}

impl JumioError {
    /// Whether the same call may succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::UploadInterrupted { .. } => true,
            Self::CredentialsRejected
            | Self::PermissionMissing { .. }
            | Self::OutcomeUnknown { .. }
            | Self::WorkflowNotEnabled
            | Self::Refused { .. }
            | Self::ResponseUnexpected { .. }
            | Self::UrlRejected { .. }
            | Self::FacemapTooLong { .. } => false,
        }
    }
}
