//! One word for each [`VaultError`], for metrics and logs.

use super::VaultError;

impl VaultError {
    /// One word for it, for metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotEnrolled(_) => "not_enrolled",
            Self::NotCaptured { .. } => "not_captured",
            Self::Blocked { why } => why.name(),
            Self::Lost => "lost",
            Self::Erased => "erased",
            Self::Captured => "captured",
            Self::OnLegalHold => "legal_hold",
            Self::AlreadyStarted { .. } => "already_started",
            Self::RequestIdReused => "request_id_reused",
            Self::SessionOver => "session_over",
            Self::AuthenticationNotFound => "authentication_not_found",
            Self::ConsentExpired { .. } => "consent_expired",
            Self::SweepNotFound => "sweep_not_found",
            Self::SweepInProgress { .. } => "sweep_in_progress",
            Self::AuditUnavailable(_) => "audit_unavailable",
            Self::Audit(_) => "audit_unreadable",
            Self::RolledBack(_) => "store_rolled_back",
            Self::Conflict => "conflict",
            Self::Unreadable { .. } => "unreadable",
            Self::Damaged { .. } => "damaged",
            Self::PageTokenInvalid => "page_token_invalid",
            Self::JumioThrottled { .. } => "jumio_throttled",
            Self::JumioUnavailable(_) => "jumio_unavailable",
            Self::JumioTimeout => "jumio_timeout",
            Self::JumioCredentialsRejected => "jumio_credentials_rejected",
            Self::JumioPermissionMissing { .. } => "jumio_permission_missing",
            Self::JumioWorkflowNotEnabled => "jumio_workflow_not_enabled",
            Self::JumioAccountUnknown => "jumio_account_unknown",
            Self::JumioRefused { .. } => "jumio_refused",
            Self::JumioResponseUnexpected { .. } => "jumio_response_unexpected",
            Self::JumioUrlRejected { .. } => "jumio_url_rejected",
            Self::JumioOutcomeUnknown(_) => "jumio_outcome_unknown",
            Self::UploadInterrupted(_) => "upload_interrupted",
            Self::FacemapTooLong { .. } => "facemap_too_long",
            Self::StoreFull => "store_full",
            Self::StoreReadOnly => "store_read_only",
            Self::StoreBroken => "store_broken",
            Self::Store(_) => "store",
            Self::Seal(_) => "seal",
            Self::Keys(error) => error.name(),
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// Whether the request or the account's state is the matter, so that neither the vault nor Jumio
    /// failed.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NotEnrolled(_)
            | Self::NotCaptured { .. }
            | Self::Blocked { .. }
            | Self::Lost
            | Self::Erased
            | Self::Captured
            | Self::OnLegalHold
            | Self::AlreadyStarted { .. }
            | Self::RequestIdReused
            | Self::SessionOver
            | Self::AuthenticationNotFound
            | Self::ConsentExpired { .. }
            | Self::SweepNotFound
            | Self::SweepInProgress { .. }
            | Self::PageTokenInvalid
            | Self::ShuttingDown => true,
            Self::Conflict
            | Self::Unreadable { .. }
            | Self::Damaged { .. }
            | Self::JumioThrottled { .. }
            | Self::JumioUnavailable(_)
            | Self::JumioTimeout
            | Self::JumioCredentialsRejected
            | Self::JumioPermissionMissing { .. }
            | Self::JumioWorkflowNotEnabled
            | Self::JumioAccountUnknown
            | Self::JumioRefused { .. }
            | Self::JumioResponseUnexpected { .. }
            | Self::JumioUrlRejected { .. }
            | Self::JumioOutcomeUnknown(_)
            | Self::UploadInterrupted(_)
            | Self::FacemapTooLong { .. }
            | Self::StoreFull
            | Self::StoreReadOnly
            | Self::StoreBroken
            | Self::Store(_)
            | Self::AuditUnavailable(_)
            | Self::Audit(_)
            | Self::RolledBack(_)
            | Self::Seal(_) => false,
            Self::Keys(error) => error.is_refusal(),
        }
    }
}
