//! How a call to Jumio can fail.

use std::time::Duration;

/// Why Jumio did not do it, by what we can do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

impl JumioError {
    /// One word for it, for metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::CredentialsRejected => "credentials_rejected",
            Self::PermissionMissing { .. } => "permission_missing",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::UploadInterrupted { .. } => "upload_interrupted",
            Self::WorkflowNotEnabled => "workflow_not_enabled",
            Self::Refused { .. } => "refused",
            Self::ResponseUnexpected { .. } => "response_unexpected",
            Self::UrlRejected { .. } => "url_rejected",
            Self::FacemapTooLong { .. } => "facemap_too_long",
        }
    }

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

impl Limit {
    /// One word for it, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Account => "account",
            Self::Retrieval => "retrieval",
            Self::Upload => "upload",
        }
    }
}
