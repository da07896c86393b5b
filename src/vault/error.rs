//! Why the vault refused or failed, by what the caller can do next.

use std::time::Duration;

use crate::audit::AuditError;
use crate::crypto::{OpenError, SealError};
use crate::jumio::{JumioError, Limit};
use crate::model::{AccountId, Blocked, SweepId, Timestamp, WorkflowExecutionId};
use crate::store::StoreError;

use super::{KeysError, RolledBack};

/// Why the vault refused or failed a request.
///
/// One variant for each thing a *caller* might do next; two causes that lead to the same action share
/// a variant. `Display` carries no secret and does not repeat its source: whoever logs the error
/// walks the chain.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The account was never enrolled here. Enroll it.
    #[error("account {0} is not enrolled")]
    NotEnrolled(AccountId),

    /// The facemap is not stored yet. Wait, or use the workflow that needs no stored facemap.
    #[error("the facemap is not captured yet")]
    NotCaptured {
        /// Until when Jumio keeps its copy at least.
        capture_by: Timestamp,
        /// Whether that is still to come, so that Jumio can use its own copy.
        jumio_has_it: bool,
    },

    /// Jumio does not let the facemap be downloaded, or the onboarding was not accepted.
    #[error("the facemap cannot be captured: {why:?}")]
    Blocked {
        /// What has to change.
        why: Blocked,
    },

    /// Jumio deleted the facemap before it was captured, or an operator gave up on it. The person must
    /// onboard again.
    #[error("the facemap was not captured while jumio had it, or was given up")]
    Lost,

    /// The facemap is captured, so there is nothing to give up.
    #[error("the facemap is captured")]
    Captured,

    /// The facemap was erased here.
    #[error("the facemap was erased")]
    Erased,

    /// A legal hold forbids the erasure. Release it first.
    #[error("a legal hold forbids the erasure")]
    OnLegalHold,

    /// The account has a running authentication. Use it, or supersede it.
    #[error("an authentication of the account is in progress")]
    AlreadyStarted {
        /// The account.
        account: AccountId,
        /// The running one; unknown while it is still being prepared.
        execution: Option<WorkflowExecutionId>,
        /// When its tokens end.
        expires: Timestamp,
    },

    /// The same request id came with other parameters.
    #[error("the request id was used for another request")]
    RequestIdReused,

    /// What the request started is over; its tokens are worth nothing. Start another, under another id.
    #[error("the session of this request has run out")]
    SessionOver,

    /// The enrollment has no such authentication.
    #[error("the account has no such authentication")]
    AuthenticationNotFound,

    /// The consent is older than the settings allow. Ask the person again.
    #[error("the consent of {obtained_at} is too old")]
    ConsentExpired {
        /// When it was obtained.
        obtained_at: Timestamp,
    },

    /// Another change came between. Retry at once.
    #[error("the enrollment was changed meanwhile")]
    Conflict,

    /// The stored facemap does not open. Retrying cannot help; a person must look.
    #[error("the stored facemap of account {account} is unreadable")]
    Unreadable {
        /// The account.
        account: AccountId,
        /// What opening it reported.
        source: OpenError,
    },

    /// What the disk holds for the account is damaged. A person must look.
    #[error("the stored record of account {account} is damaged")]
    Damaged {
        /// The account.
        account: AccountId,
        /// What reading it reported.
        source: StoreError,
    },

    /// A page token that this vault did not make for this list and caller.
    #[error("the page token is not of this list")]
    PageTokenInvalid,

    /// The tenant's call budget at Jumio is used up. Retry later.
    #[error("the tenant's call budget at jumio is used up")]
    JumioThrottled {
        /// How long to wait.
        retry_after: Option<Duration>,
        /// Which limit.
        limit: Limit,
    },

    /// Jumio is down or cannot be reached; nothing happened there. Retry later.
    #[error("jumio is unavailable")]
    JumioUnavailable(#[source] JumioError),

    /// Jumio, or the caller's deadline, left no time. Retry with the same request id.
    #[error("jumio did not answer in time")]
    JumioTimeout,

    /// Our client id and secret are refused. The operator must act.
    #[error("jumio refuses our credentials")]
    JumioCredentialsRejected,

    /// Our client may not do this at Jumio. The operator must act.
    #[error("jumio does not permit {what}")]
    JumioPermissionMissing {
        /// What we asked for.
        what: &'static str,
    },

    /// The tenant has no authentication workflow. The operator must act.
    #[error("jumio does not know the workflow for this tenant")]
    JumioWorkflowNotEnabled,

    /// Jumio does not know the account: wrong tenant, wrong region, or deleted there.
    #[error("jumio does not know the account")]
    JumioAccountUnknown,

    /// Jumio refused; trying again does not help. Someone must look at the tenant.
    #[error("jumio refused with status {status}")]
    JumioRefused {
        /// The HTTP status.
        status: u16,
    },

    /// An answer that is not as documented. Tell us.
    #[error("jumio's answer is not as documented at {pointer}")]
    JumioResponseUnexpected {
        /// JSON pointer of what is wrong.
        pointer: String,
    },

    /// A link in an answer is not the one we would build.
    #[error("jumio's answer points elsewhere at {pointer}")]
    JumioUrlRejected {
        /// JSON pointer of the link.
        pointer: String,
    },

    /// Jumio may have received the request. Start anew; what it may have opened expires by itself.
    #[error("the outcome at jumio is unknown")]
    JumioOutcomeUnknown(#[source] JumioError),

    /// The upload did not complete; no token was handed out. Retry with the same request id.
    #[error("the upload was interrupted")]
    UploadInterrupted(#[source] JumioError),

    /// The facemap is longer than the limit set here.
    #[error("facemap of at least {len} bytes is over the limit of {len_max}")]
    FacemapTooLong {
        /// Its length in bytes as far as known.
        len: u64,
        /// The limit in bytes.
        len_max: usize,
    },

    /// The disk is full.
    #[error("the disk is full")]
    StoreFull,

    /// The store takes no writes.
    #[error("the store is read-only")]
    StoreReadOnly,

    /// A write could not be made durable, so none is made until a restart.
    #[error("an earlier write could not be made durable: restart the vault")]
    StoreBroken,

    /// The store failed in a way that needs a person.
    #[error("the store failed")]
    Store(#[source] StoreError),

    /// Sealing failed: no randomness, or a key is missing.
    #[error("sealing failed")]
    Seal(#[source] SealError),

    /// A key was not made, destroyed or used.
    #[error(transparent)]
    Keys(#[from] KeysError),

    /// A sweep is running, and the caller wants one of its own or none. Watch that one.
    #[error("a sweep is running")]
    SweepInProgress {
        /// The running one.
        id: SweepId,
    },

    /// There was no such sweep since the start, or it is too long ago.
    #[error("there is no such sweep")]
    SweepNotFound,

    /// Nothing can be recorded in the audit trail, so nothing may be done. What was under way may have
    /// happened. Retry.
    #[error("the audit trail cannot be written")]
    AuditUnavailable(#[source] AuditError),

    /// The audit trail cannot be read. A person must look.
    #[error("the audit trail cannot be read")]
    Audit(#[source] std::io::Error),

    /// The store does not have what was acknowledged: it was set back, or damaged. A person must decide.
    #[error("{0}")]
    RolledBack(Box<RolledBack>),

    /// The vault is stopping. Retry.
    #[error("the vault is shutting down")]
    ShuttingDown,
}

impl VaultError {
    /// The vault's view of a store error on the record of `account`.
    pub(super) fn of_store(account: AccountId, error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            StoreError::Corrupt { .. } => Self::Damaged { account, source: error },
            StoreError::Full => Self::StoreFull,
            StoreError::ReadOnly => Self::StoreReadOnly,
            StoreError::Poisoned => Self::StoreBroken,
            StoreError::Unavailable(_) | StoreError::Ambiguous => Self::Store(error),
        }
    }

    /// The vault's view of a store error that concerns many records.
    pub(super) fn of_store_alone(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::StoreFull,
            StoreError::ReadOnly => Self::StoreReadOnly,
            StoreError::Poisoned => Self::StoreBroken,
            StoreError::Conflict
            | StoreError::Corrupt { .. }
            | StoreError::Unavailable(_)
            | StoreError::Ambiguous => Self::Store(error),
        }
    }
}
