//! The public service: identify, convert, call, convert.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::{Request, Response, Status};

use crate::model::State;
use crate::proto::v1;
use crate::proto::v1::facemap_vault_service_server::FacemapVaultService;
use crate::vault::{Jumio, Loaded, Store, Vault, VaultError, on_behalf_of};

use super::answer::{Context, answer};
use super::convert::{CreateEnrollment, GetAuthentication, ListEnrollments, enrollment_of};
use super::convert_callback::{HeardFrom, outcome};
use super::convert_delete::{Delete, receipt};
use super::convert_start::Start;
use super::status::RpcError;
use super::view;

/// See the module.
pub(super) struct VaultService<S, J> {
    vault: Arc<Vault<S, J>>,
    /// Capture right after an enrollment, not only by the sweep.
    capture_at_once: bool,
}

impl<S: Store, J: Jumio> VaultService<S, J> {
    pub(super) fn new(vault: Arc<Vault<S, J>>, capture_at_once: bool) -> Self {
        Self { vault, capture_at_once }
    }

    fn view(&self, loaded: &Loaded, context: &Context) -> v1::Enrollment {
        let capturing = self.vault.is_capturing(loaded.enrollment.account);
        view::enrollment(loaded, self.vault.settings(), capturing, context.now)
    }

    async fn create(
        &self,
        request: v1::CreateEnrollmentRequest,
        context: Context,
    ) -> Result<v1::Enrollment, RpcError> {
        let CreateEnrollment { enroll, wait, validate_only } = request.try_into()?;
        if validate_only {
            return Ok(match self.vault.enrollment(enroll.account).await {
                Ok(loaded) => self.view(&loaded, &context),
                Err(VaultError::NotEnrolled(_)) => view::not_enrolled_yet(&enroll),
                Err(error) => return Err(error.into()),
            });
        }
        let mut loaded = self.vault.enroll(enroll, context.now).await?;
        if self.capture_at_once && is_pending(&loaded) {
            self.vault.capture_soon(enroll.account);
        }
        // Within the deadline: the enrollment is durable, so not being done in time is no error.
        let wait = context.time_left.map_or(wait, |left| wait.min(left.mul_f32(0.9)));
        if !wait.is_zero() {
            loaded = self.vault.settled(enroll.account, wait).await?;
        }
        match loaded.enrollment.onboarding.state {
            State::Blocked { why, .. } if why == crate::model::Blocked::OnboardingNotAccepted => {
                Err(VaultError::Blocked { why }.into())
            }
            State::Pending { .. }
            | State::Blocked { .. }
            | State::Captured
            | State::Lost { .. }
            | State::Erased { .. } => Ok(self.view(&loaded, &context)),
        }
    }

    async fn list(
        &self,
        request: v1::ListEnrollmentsRequest,
        context: Context,
    ) -> Result<v1::ListEnrollmentsResponse, RpcError> {
        let list = ListEnrollments::try_from(request)?;
        let binding = binding(&list, &context);
        let from = match list.page_token.as_str() {
            "" => None,
            token => {
                let token =
                    URL_SAFE_NO_PAD.decode(token).map_err(|_| VaultError::PageTokenInvalid)?;
                Some(self.vault.cursor(&token, &binding)?)
            }
        };
        let wanted = |loaded: &Loaded| {
            let seen = self.view(loaded, &context);
            (list.states.is_empty() || list.states.contains(&seen.state))
                && (list.risks.is_empty() || list.risks.contains(&seen.risk))
        };
        let page = self.vault.list(list.filter, wanted, from, list.page_size).await?;
        let next = page.next.map(|cursor| self.vault.page_token(cursor, &binding)).transpose()?;
        Ok(v1::ListEnrollmentsResponse {
            enrollments: page.items.iter().map(|loaded| self.view(loaded, &context)).collect(),
            next_page_token: next.map(|token| URL_SAFE_NO_PAD.encode(token)).unwrap_or_default(),
        })
    }

    async fn start(
        &self,
        request: v1::StartAuthenticationRequest,
        context: Context,
    ) -> Result<v1::StartAuthenticationResponse, RpcError> {
        let supersede = self.vault.settings().supersede;
        let Start { id, mut start, validate_only } = Start::parse(request, supersede, context.now)?;
        if validate_only {
            self.vault.check_authentication(&start, context.now).await?;
            return Ok(v1::StartAuthenticationResponse::default());
        }
        start.update.on_behalf_of = Arc::clone(&context.caller.name);
        let started =
            self.vault.start_authentication(&context.caller.name, id, start, context.now).await?;
        Ok(view::started(&started))
    }

    async fn authentication(
        &self,
        request: v1::GetAuthenticationRequest,
        context: Context,
    ) -> Result<v1::Authentication, RpcError> {
        let GetAuthentication { account, execution, wait } = request.try_into()?;
        let wait = context.time_left.map_or(wait, |left| wait.min(left.mul_f32(0.9)));
        let look = self.vault.authentication(account, execution, wait);
        let view = on_behalf_of(context.caller.name, look).await?;
        Ok(view::authentication(view))
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> FacemapVaultService for VaultService<S, J> {
    async fn create_enrollment(
        &self,
        request: Request<v1::CreateEnrollmentRequest>,
    ) -> Result<Response<v1::CreateEnrollmentResponse>, Status> {
        answer("CreateEnrollment", request, |request, context| async move {
            let enrollment = Some(self.create(request, context).await?);
            Ok(v1::CreateEnrollmentResponse { enrollment })
        })
        .await
    }

    async fn get_enrollment(
        &self,
        request: Request<v1::GetEnrollmentRequest>,
    ) -> Result<Response<v1::GetEnrollmentResponse>, Status> {
        answer("GetEnrollment", request, |request, context| async move {
            let loaded = self.vault.enrollment(enrollment_of(&request)?).await?;
            Ok(v1::GetEnrollmentResponse { enrollment: Some(self.view(&loaded, &context)) })
        })
        .await
    }

    async fn list_enrollments(
        &self,
        request: Request<v1::ListEnrollmentsRequest>,
    ) -> Result<Response<v1::ListEnrollmentsResponse>, Status> {
        answer("ListEnrollments", request, |request, context| async move {
            self.list(request, context).await
        })
        .await
    }

    async fn start_authentication(
        &self,
        request: Request<v1::StartAuthenticationRequest>,
    ) -> Result<Response<v1::StartAuthenticationResponse>, Status> {
        answer("StartAuthentication", request, |request, context| async move {
            self.start(request, context).await
        })
        .await
    }

    async fn get_authentication(
        &self,
        request: Request<v1::GetAuthenticationRequest>,
    ) -> Result<Response<v1::GetAuthenticationResponse>, Status> {
        answer("GetAuthentication", request, |request, context| async move {
            let authentication = Some(self.authentication(request, context).await?);
            Ok(v1::GetAuthenticationResponse { authentication })
        })
        .await
    }

    async fn delete_enrollment(
        &self,
        request: Request<v1::DeleteEnrollmentRequest>,
    ) -> Result<Response<v1::DeleteEnrollmentResponse>, Status> {
        answer("DeleteEnrollment", request, |request, context| async move {
            let Delete { account, reason, seen } = request.try_into()?;
            let erased = self.vault.erase_seen(account, seen, context.now).await?;
            tracing::info!(caller = %context.caller.name, reason, "a caller had an account erased");
            Ok(v1::DeleteEnrollmentResponse { receipt: Some(receipt(&erased)) })
        })
        .await
    }

    async fn ingest_callback(
        &self,
        request: Request<v1::IngestCallbackRequest>,
    ) -> Result<Response<v1::IngestCallbackResponse>, Status> {
        answer("IngestCallback", request, |request, context| async move {
            let HeardFrom { callback, source } = request.try_into()?;
            let heard = self.vault.hear(&callback, context.now).await?;
            tracing::debug!(execution = %callback.execution, ?source, ?heard, "callback");
            Ok(v1::IngestCallbackResponse { outcome: outcome(heard).into() })
        })
        .await
    }
}

/// What a page token is bound to: the caller and the filter.
fn binding(list: &ListEnrollments, context: &Context) -> Vec<u8> {
    let before = list.filter.capture_by_before;
    format!("{}|{:?}|{:?}|{before:?}", context.caller.name, list.states, list.risks).into_bytes()
}

fn is_pending(loaded: &Loaded) -> bool {
    matches!(loaded.enrollment.onboarding.state, State::Pending { .. })
}
