//! Sweeps on the admin socket.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use crate::model::{SweepId, Timestamp};
use crate::proto::admin::v1;
use crate::proto::admin::v1::start_sweep_request::IfRunning;
use crate::proto::admin::v1::sweep_service_server;
use crate::vault::{Jumio, Store, Sweep, SweepPlan, SweepState, Vault, VaultError};

use super::answer::answer;
use super::catalogue::reason_name;
use super::convert::timestamp;
use super::coverage;
use super::fields::Fields;
use super::status::RpcError;
use super::view::last_error_reason;

/// See the module.
pub(super) struct SweepService<S, J> {
    vault: Arc<Vault<S, J>>,
    horizon: Duration,
}

/// Longest wait for a sweep's end: longer ones tie up connections.
const WAIT_MAX: Duration = Duration::from_secs(300);

impl<S: Store, J: Jumio> SweepService<S, J> {
    /// `horizon`: how far a sweep looks ahead if the request does not say.
    pub(super) fn new(vault: Arc<Vault<S, J>>, horizon: Duration) -> Self {
        Self { vault, horizon }
    }

    fn start(
        &self,
        request: &v1::StartSweepRequest,
        now: Timestamp,
    ) -> Result<v1::Sweep, RpcError> {
        let plan = self.plan(request)?;
        if request.validate_only {
            return Ok(self.preview(plan, now));
        }
        let (sweep, fresh) = self.vault.start_sweep(plan, now);
        let reject = request.if_running == i32::from(IfRunning::Reject);
        if reject && !fresh {
            return Err(VaultError::SweepInProgress { id: sweep.id }.into());
        }
        Ok(message(&sweep, now))
    }

    fn plan(&self, request: &v1::StartSweepRequest) -> Result<SweepPlan, RpcError> {
        let horizon = coverage::horizon(request.horizon)?.unwrap_or(self.horizon);
        let mut fields = Fields::default();
        if IfRunning::try_from(request.if_running).is_err() {
            fields.refuse("if_running", "must be RETURN or REJECT");
        }
        let limit = u64::try_from(request.limit).ok();
        if limit.is_none() {
            fields.refuse("limit", "must not be negative");
        }
        let limit = fields.finish(limit)?;
        Ok(self.vault.sweep_plan(horizon, Some(limit).filter(|&limit| limit > 0)))
    }

    /// What a sweep would have to do.
    fn preview(&self, plan: SweepPlan, now: Timestamp) -> v1::Sweep {
        let due = self.vault.due_total(now.plus(plan.horizon));
        let tries = due.min(plan.limit.unwrap_or(u64::MAX));
        let long = plan.capture_time.saturating_mul(u32::try_from(tries).unwrap_or(u32::MAX));
        v1::Sweep {
            due_total: int64(due),
            start_time: Some(timestamp(now)),
            estimated_end_time: Some(timestamp(now.plus(long))),
            horizon: prost_types::Duration::try_from(plan.horizon).ok(),
            ..v1::Sweep::default()
        }
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> sweep_service_server::SweepService for SweepService<S, J> {
    async fn start_sweep(
        &self,
        request: Request<v1::StartSweepRequest>,
    ) -> Result<Response<v1::StartSweepResponse>, Status> {
        answer("StartSweep", request, |request, context| async move {
            let sweep = Some(self.start(&request, context.now)?);
            Ok(v1::StartSweepResponse { sweep })
        })
        .await
    }

    async fn get_sweep(
        &self,
        request: Request<v1::GetSweepRequest>,
    ) -> Result<Response<v1::GetSweepResponse>, Status> {
        answer("GetSweep", request, |request, context| async move {
            let mut fields = Fields::default();
            let id = parse_name(&request.name, &mut fields);
            let what = "must be between 0 and 300 seconds";
            let wait = fields.duration("wait", request.wait, Duration::ZERO, WAIT_MAX, what);
            let id = fields.finish(id)?;
            // The caller's own deadline may be nearer: then it gets the sweep as it stands.
            let wait = wait.unwrap_or_default().min(context.time_left.unwrap_or(WAIT_MAX) / 2);
            let sweep = self.vault.sweep_ended(id, wait).await?;
            Ok(v1::GetSweepResponse { sweep: Some(message(&sweep, context.now)) })
        })
        .await
    }

    async fn list_sweeps(
        &self,
        request: Request<v1::ListSweepsRequest>,
    ) -> Result<Response<v1::ListSweepsResponse>, Status> {
        answer("ListSweeps", request, |_, context| async move {
            let sweeps = self.vault.sweeps();
            let sweeps = sweeps.iter().map(|sweep| message(sweep, context.now)).collect();
            Ok(v1::ListSweepsResponse { sweeps })
        })
        .await
    }

    async fn cancel_sweep(
        &self,
        request: Request<v1::CancelSweepRequest>,
    ) -> Result<Response<v1::CancelSweepResponse>, Status> {
        answer("CancelSweep", request, |request, context| async move {
            let mut fields = Fields::default();
            let id = parse_name(&request.name, &mut fields);
            let sweep = self.vault.cancel_sweep(fields.finish(id)?).await?;
            Ok(v1::CancelSweepResponse { sweep: Some(message(&sweep, context.now)) })
        })
        .await
    }
}

fn parse_name(name: &str, fields: &mut Fields) -> Option<SweepId> {
    let id = name.strip_prefix("sweeps/").and_then(|id| id.parse().ok());
    if id.is_none() {
        fields.refuse("name", "must be sweeps/{uuid}");
    }
    id
}

fn message(sweep: &Sweep, now: Timestamp) -> v1::Sweep {
    use v1::sweep::State;

    let state = match sweep.state {
        SweepState::Running => State::Running,
        SweepState::Succeeded => State::Succeeded,
        SweepState::Incomplete => State::Incomplete,
        SweepState::Failed => State::Failed,
        SweepState::Cancelled => State::Cancelled,
    };
    let reason = |error| reason_name(last_error_reason(error)).to_owned();
    let error = |(&error, &count)| v1::sweep::Error { reason: reason(error), count: int64(count) };
    let mut errors: Vec<_> = sweep.errors.iter().map(error).collect();
    errors.sort_by(|a, b| b.count.cmp(&a.count).then(a.reason.cmp(&b.reason)));
    v1::Sweep {
        name: format!("sweeps/{}", sweep.id.hyphenated()),
        state: state.into(),
        captured: int64(sweep.report.captured),
        remaining: int64(sweep.report.remaining),
        blocked: int64(sweep.report.blocked),
        lost: int64(sweep.report.lost),
        erased: int64(sweep.report.erased),
        failed: int64(sweep.report.failed),
        due_total: int64(sweep.due_total),
        start_time: Some(timestamp(sweep.started)),
        end_time: sweep.ended.map(timestamp),
        estimated_end_time: sweep.estimated_end(now).map(timestamp),
        errors,
        gave_up_reason: sweep.gave_up.map(reason).unwrap_or_default(),
        horizon: prost_types::Duration::try_from(sweep.plan.horizon).ok(),
    }
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
