//! The part of Jumio's REST API that the vault needs, in the vault's words.
//!
//! There is no code here for the call that ends an execution: the person's device does that.

mod access_token;
mod answer;
mod behalf;
mod budget;
mod call;
mod callback;
mod client;
mod details;
mod download;
mod error;
mod fair;
pub(crate) mod fuzzing;
mod json;
mod jumio_clock;
mod links;
mod retry_after;
mod settings;
mod transport;
mod update;
mod wire;

use std::future::Future;

use crate::model::{AccountId, CredentialId, Facemap, WorkflowExecutionId};

pub use behalf::on_behalf_of;
pub use callback::{Callback, CallbackError};
pub use client::HttpJumio;
pub use details::{
    AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Liveness, OnboardingDetails,
    PendingAuthentication, UploadSlot,
};
pub use error::{JumioError, Limit};
pub use settings::{Rates, Region, Settings, SettingsError, Timeouts};
pub use update::{AccountUpdate, Consent, Obtained, Web};

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

    /// How many seconds Jumio's clock is ahead of ours by its last answer, negative if behind.
    /// `None` before the first answer that tells.
    fn clock_ahead(&self) -> Option<i64> {
        None
    }
}
