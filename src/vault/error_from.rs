//! What errors of keys and of Jumio mean to whoever asked the vault.

use crate::crypto::SealError;
use crate::jumio::JumioError;

use super::{KeyringHomeError, KeysError, VaultError};

impl From<SealError> for VaultError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::WornOut(kek) => Self::Keys(KeysError::WornOut(kek)),
            SealError::TooLong { .. }
            | SealError::GenerationOfBody
            | SealError::Random(_)
            | SealError::Unreadable(_) => Self::Seal(error),
        }
    }
}

impl From<KeyringHomeError> for VaultError {
    fn from(error: KeyringHomeError) -> Self {
        Self::Keys(KeysError::NotChanged(error))
    }
}

impl From<JumioError> for VaultError {
    fn from(error: JumioError) -> Self {
        match error {
            JumioError::NotFound { .. } => Self::JumioAccountUnknown,
            JumioError::CredentialsRejected => Self::JumioCredentialsRejected,
            JumioError::PermissionMissing { what } => Self::JumioPermissionMissing { what },
            JumioError::Throttled { retry_after, limit } => {
                Self::JumioThrottled { retry_after, limit }
            }
            JumioError::Unavailable { .. } => Self::JumioUnavailable(error),
            JumioError::Timeout { .. } => Self::JumioTimeout,
            JumioError::OutcomeUnknown { .. } => Self::JumioOutcomeUnknown(error),
            JumioError::UploadInterrupted { .. } => Self::UploadInterrupted(error),
            JumioError::WorkflowNotEnabled => Self::JumioWorkflowNotEnabled,
            JumioError::Refused { status } => Self::JumioRefused { status },
            JumioError::ResponseUnexpected { pointer } => Self::JumioResponseUnexpected { pointer },
            JumioError::UrlRejected { pointer } => Self::JumioUrlRejected { pointer },
            JumioError::FacemapTooLong { len, len_max } => Self::FacemapTooLong { len, len_max },
        }
    }
}
