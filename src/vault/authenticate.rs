//! An authentication starts: open the stored facemap, update the account at Jumio, upload, and only
//! then hand out the tokens.

use std::sync::Arc;

use tokio::time::Instant;

use crate::audit::{Purpose, Receipt, Urgency, about, acting, actor};
use crate::crypto::OpenError;
use crate::jumio::{AccountUpdate, Jumio, Obtained, PendingAuthentication};
use crate::metrics::Step;
use crate::model::{
    AccountId, Enrollment, Facemap, RequestId, SdkToken, State, Timestamp, WebLink,
    WorkflowExecutionId,
};
use crate::store::Store;

use super::in_flight::{Begin, Outcome, Ticket};
use super::{Vault, VaultError};

/// A validated request to start an authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartAuthentication {
    /// Whose.
    pub account: AccountId,
    /// What Jumio is told besides the workflow key.
    pub update: AccountUpdate,
    /// Replace a running authentication instead of refusing.
    pub supersede: bool,
}

/// A started authentication: what the person's device needs.
#[derive(Debug)]
pub struct Started {
    /// The account.
    pub account: AccountId,
    /// The workflow execution at Jumio.
    pub execution: WorkflowExecutionId,
    /// The caller's reference.
    pub reference: String,
    /// When it was started.
    pub created: Timestamp,
    /// When the tokens end.
    pub expires: Timestamp,
    /// For the person's mobile device.
    pub sdk_token: SdkToken,
    /// For the person's browser; missing if the tenant has no domain prefix.
    pub web_link: Option<WebLink>,
    /// Which of Jumio's regions the SDK must talk to.
    pub datacenter: String,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Starts an authentication of `request.account`, or answers as before if `caller` sent the same
    /// request under the same id and its tokens still live.
    ///
    /// All or nothing: tokens are handed out only after Jumio has taken the whole facemap. The work
    /// goes on if the caller leaves, so that its retry finds it done.
    ///
    /// # Errors
    ///
    /// By what the caller can do next; shared with everyone who waited for the same request.
    pub async fn start_authentication(
        self: &Arc<Self>,
        caller: &str,
        id: RequestId,
        request: StartAuthentication,
        now: Timestamp,
    ) -> Outcome {
        let request = Arc::new(request);
        let begun = self.begin_authentication(caller, id, &request, now).map_err(|error| {
            let error = Arc::new(error);
            self.watch.start_ended(&Err(Arc::clone(&error)), now);
            error
        });
        let mut outcome = match begun? {
            Begin::Joined(outcome) => outcome,
            Begin::New(ticket) => {
                let vault = Arc::clone(self);
                let job = tokio::spawn(acting(actor(), async move {
                    let outcome = vault.carry_out(&ticket, &request, now).await;
                    vault.watch.start_ended(&outcome, now);
                    ticket.settle(outcome.clone(), now, vault.token_lifetime(&request));
                    outcome
                }));
                return match job.await {
                    Ok(outcome) => outcome,
                    // A defect, and not the vault stopping: whoever answers the request says so.
                    Err(cut) if cut.is_panic() => std::panic::resume_unwind(cut.into_panic()),
                    Err(_) => Err(VaultError::ShuttingDown.into()),
                };
            }
        };
        match outcome.wait_for(Option::is_some).await.map(|settled| settled.clone()) {
            Ok(Some(outcome)) => outcome,
            Ok(None) | Err(_) => Err(VaultError::ShuttingDown.into()),
        }
    }

    fn begin_authentication(
        &self,
        caller: &str,
        id: RequestId,
        request: &Arc<StartAuthentication>,
        now: Timestamp,
    ) -> Result<Begin, VaultError> {
        self.check_consent(request, now)?;
        let expires = now.plus(self.token_lifetime(request));
        self.in_flight.begin(caller, id, request, now, expires)
    }

    /// Checks everything that can be checked without opening an execution at Jumio.
    ///
    /// # Errors
    ///
    /// As [`Vault::start_authentication`] would report it.
    pub async fn check_authentication(
        &self,
        request: &StartAuthentication,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.check_consent(request, now)?;
        let (_facemap, noted) = self.open_facemap(request.account, Purpose::DryRun, now).await?;
        noted.durable().await.map(drop).map_err(VaultError::AuditUnavailable)
    }

    async fn carry_out(
        &self,
        ticket: &Ticket,
        request: &StartAuthentication,
        now: Timestamp,
    ) -> Outcome {
        let _underway = self.load.begin();
        let metrics = &self.watch.metrics;
        let begun = Instant::now();
        // Opened first, so that an unreadable facemap never opens an execution at Jumio.
        let purpose = Purpose::Authentication;
        let (facemap, noted) = self.open_facemap(request.account, purpose, now).await?;
        metrics.authentication_step(Step::Open, begun.elapsed());
        let asked = Instant::now();
        // That it was opened is durable before anything of it leaves.
        let asking = self.jumio.update_account(request.account, &request.update);
        let (pending, noted) = tokio::join!(asking, noted.durable());
        let pending = pending.map_err(VaultError::from)?;
        metrics.authentication_step(Step::Update, asked.elapsed());
        let sent = Instant::now();
        let PendingAuthentication { execution, sdk_token, web_link, expires, slot } = pending;
        if let Err(error) = noted {
            ticket.orphaned(execution, now);
            return Err(VaultError::AuditUnavailable(error).into());
        }
        self.note_uploaded(self.ring.now().row_key(request.account), facemap.len());
        if let Err(error) = self.jumio.upload_facemap(&slot, facemap).await {
            ticket.orphaned(execution, now);
            tracing::warn!(account = %self.hash(request.account), %execution, error = %error,
                "upload failed: the execution is orphaned and expires by itself");
            return Err(VaultError::UploadInterrupted(error).into());
        }
        metrics.authentication_step(Step::Upload, sent.elapsed());
        metrics.authentication_step(Step::Total, begun.elapsed());
        Ok(Arc::new(Started {
            account: request.account,
            execution,
            reference: request.update.customer_internal_reference.clone(),
            created: now,
            expires: expires.unwrap_or_else(|| now.plus(self.token_lifetime(request))),
            sdk_token,
            web_link,
            datacenter: self.settings.datacenter.clone(),
        }))
    }

    /// The facemap that serves `account`, in the clear, and the record of that, which is to become durable
    /// before anything of it leaves.
    async fn open_facemap(
        &self,
        account: AccountId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<(Facemap, Receipt), VaultError> {
        let ring = self.ring.now();
        let row = ring.row_key(account);
        about(row);
        let stored = self.store.record_with_body(row).await;
        let (record, body) = stored
            .map_err(|error| VaultError::of_store(account, error))?
            .ok_or(VaultError::NotEnrolled(account))?;
        let loaded = self.loaded(&ring, account, row, record)?;
        let Some(body) = body.filter(|_| loaded.enrollment.facemap.is_some()) else {
            return Err(not_ready(&loaded.enrollment, now));
        };
        self.must_be_recorded(Urgency::Normal)?;
        let noted = self.note_opened(row, purpose);
        self.ring
            .open(&ring, |ring| ring.open_facemap(row, &loaded.record, body.clone()))
            .map(|facemap| (facemap, noted))
            .map_err(|source| VaultError::Unreadable { account, source })
    }

    fn token_lifetime(&self, request: &StartAuthentication) -> std::time::Duration {
        request.update.token_lifetime.unwrap_or(self.settings.token_lifetime)
    }

    /// Jumio lets a consent be used again for three years at most.
    fn check_consent(
        &self,
        request: &StartAuthentication,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let consent = request.update.consent.as_ref();
        let Some(Obtained::Yes(obtained_at)) = consent.and_then(|consent| consent.obtained) else {
            return Ok(());
        };
        match now.since(obtained_at) > self.settings.consent_max_age {
            true => Err(VaultError::ConsentExpired { obtained_at }),
            false => Ok(()),
        }
    }
}

/// Why an enrollment without a facemap cannot serve.
fn not_ready(enrollment: &Enrollment, now: Timestamp) -> VaultError {
    // Given up on: whatever it was, only a new onboarding helps.
    if enrollment.closed.is_some() {
        return VaultError::Lost;
    }
    match enrollment.onboarding.state {
        State::Pending { capture_by, .. } => {
            VaultError::NotCaptured { capture_by, jumio_has_it: now < capture_by }
        }
        State::Blocked { why, .. } => VaultError::Blocked { why },
        State::Lost { .. } => VaultError::Lost,
        State::Erased { .. } => VaultError::Erased,
        // A record that says captured and has no body does not decode; this arm keeps that visible.
        State::Captured => {
            VaultError::Unreadable { account: enrollment.account, source: OpenError::Tampered }
        }
    }
}
