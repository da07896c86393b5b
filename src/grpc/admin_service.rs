//! The services on the admin socket: the same steps, for operators.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::model::Timestamp;
use crate::proto::admin::v1;
use crate::proto::admin::v1::enrollment_admin_service_server::EnrollmentAdminService;
use crate::proto::admin::v1::status_service_server::StatusService;
use crate::vault::{Jumio, Store, StoreState, Vault};

use super::admin_enrollments;
use super::answer::answer;
use super::audit_service;
use super::convert::{parse_enrollment_name, timestamp};
use super::coverage;
use super::fields::Fields;
use super::key_service;
use super::status::RpcError;
use super::view;

/// See the module.
pub(super) struct AdminService<S, J> {
    vault: Arc<Vault<S, J>>,
    simulator: bool,
    started: Instant,
}

/// The store format this program writes.
const STORE_FORMAT: i32 = 1;

impl<S: Store, J: Jumio> AdminService<S, J> {
    pub(super) fn new(vault: Arc<Vault<S, J>>, simulator: bool) -> Self {
        Self { vault, simulator, started: Instant::now() }
    }

    async fn status(&self, now: Timestamp) -> Result<v1::GetStatusResponse, RpcError> {
        let census = self.vault.census();
        let settings = self.vault.settings();
        let [overdue, critical, warning] =
            census.at_risk(now, settings.warning, settings.critical).map(int64);
        let mode = match self.simulator {
            true => v1::get_status_response::Mode::Simulator,
            false => v1::get_status_response::Mode::Production,
        };
        let state = match self.vault.store_state() {
            StoreState::Writable => v1::get_status_response::State::Serving,
            StoreState::Full | StoreState::ReadOnly | StoreState::Broken | StoreState::Failing => {
                v1::get_status_response::State::Unsealed
            }
        };
        let uptime =
            prost_types::Duration { seconds: int64(self.started.elapsed().as_secs()), nanos: 0 };
        Ok(v1::GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: mode.into(),
            state: state.into(),
            store_state: self.vault.store_state().name().to_owned(),
            uptime: Some(uptime),
            store_size_bytes: int64(self.vault.store_size().await?),
            store_format: STORE_FORMAT,
            enrollments: Some(v1::EnrollmentCounts {
                pending: int64(census.pending_total()),
                active: int64(census.captured),
                blocked: int64(census.blocked_total()),
                lost: int64(census.lost),
                erased: int64(census.erased),
                closed: int64(census.closed),
                damaged: int64(census.damaged),
            }),
            risks: Some(v1::RiskCounts { warning, critical, overdue }),
            next_capture_by_time: census.next_capture_by().map(timestamp),
            orphaned_executions: i32::try_from(self.vault.orphans().len()).unwrap_or(i32::MAX),
            keys: Some(key_service::summary(&self.vault, now)),
            jumio_region: settings.datacenter.clone(),
            audit: Some(audit_service::summary(self.vault.ledger())),
        })
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> StatusService for AdminService<S, J> {
    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::GetStatusResponse>, Status> {
        answer("GetStatus", request, |_, context| self.status(context.now)).await
    }

    async fn get_coverage(
        &self,
        request: Request<v1::GetCoverageRequest>,
    ) -> Result<Response<v1::GetCoverageResponse>, Status> {
        answer("GetCoverage", request, |request, context| async move {
            let horizon = coverage::horizon(request.horizon)?.unwrap_or(Duration::MAX);
            let forecast = self.vault.coverage(context.now, horizon);
            let coverage = Some(coverage::message(&forecast, &self.vault.census()));
            Ok(v1::GetCoverageResponse { coverage })
        })
        .await
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> EnrollmentAdminService for AdminService<S, J> {
    async fn register_enrollments(
        &self,
        request: Request<v1::RegisterEnrollmentsRequest>,
    ) -> Result<Response<v1::RegisterEnrollmentsResponse>, Status> {
        answer("RegisterEnrollments", request, |request, context| {
            admin_enrollments::register(&self.vault, request, context.now)
        })
        .await
    }

    async fn retry_capture(
        &self,
        request: Request<v1::RetryCaptureRequest>,
    ) -> Result<Response<v1::RetryCaptureResponse>, Status> {
        answer("RetryCapture", request, |request, context| {
            admin_enrollments::retry(&self.vault, request, context.now)
        })
        .await
    }

    async fn close_enrollment(
        &self,
        request: Request<v1::CloseEnrollmentRequest>,
    ) -> Result<Response<v1::CloseEnrollmentResponse>, Status> {
        answer("CloseEnrollment", request, |request, context| {
            admin_enrollments::close(&self.vault, request, context.now)
        })
        .await
    }

    async fn erase_enrollment(
        &self,
        request: Request<v1::EraseEnrollmentRequest>,
    ) -> Result<Response<v1::EraseEnrollmentResponse>, Status> {
        answer("EraseEnrollment", request, |request, context| async move {
            let mut fields = Fields::default();
            let account = parse_enrollment_name("name", &request.name, &mut fields);
            let loaded = self.vault.erase_whatever(fields.finish(account)?, context.now).await?;
            let seen = view::enrollment(&loaded, self.vault.settings(), false, context.now);
            Ok(v1::EraseEnrollmentResponse { enrollment: Some(seen) })
        })
        .await
    }
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
