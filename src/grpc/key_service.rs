//! Keys on the admin socket.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use crate::model::{KekRef, Timestamp};
use crate::proto::admin::v1;
use crate::proto::admin::v1::key_service_server::KeyService;
use crate::proto::admin::v1::key_version::State;
use crate::vault::{
    Jumio, KeyState, KeyView, KeysError, RetiredKey, RewrapState, RotationPlan, Store, Vault,
    VaultError,
};

use super::answer::answer;
use super::convert::timestamp;
use super::fields::Fields;
use super::rewrap::{message, name, parse_name, parse_version, plan, preview};
use super::status::RpcError;

/// See the module.
pub(super) struct Keys<S, J> {
    vault: Arc<Vault<S, J>>,
}

/// Longest wait for a rotation's end: longer ones tie up connections.
const WAIT_MAX: Duration = Duration::from_secs(300);

impl<S: Store, J: Jumio> Keys<S, J> {
    pub(super) fn new(vault: Arc<Vault<S, J>>) -> Self {
        Self { vault }
    }

    fn rotate(
        &self,
        request: &v1::RotateKekRequest,
        now: Timestamp,
    ) -> Result<v1::Rewrap, RpcError> {
        let mut fields = Fields::default();
        if request.seal_anew && request.no_rewrap {
            fields.refuse("seal_anew", "cannot go with no_rewrap");
        }
        let (rewrap, seal_anew) = (!request.no_rewrap, request.seal_anew);
        let base = RotationPlan { rewrap, seal_anew, ..RotationPlan::ROTATE };
        let rate = request.rate_per_second;
        let plan = plan(&self.vault, base, &request.bucket, rate, &mut fields);
        let plan = fields.finish(Some(plan))?;
        if request.validate_only {
            if let Some(open) = self.vault.open_rotation() {
                return Err(refused(KeysError::RewrapInProgress { id: open.id }));
            }
            let is_meant = |kek: &KekRef| plan.bucket.is_none_or(|bucket| kek.bucket == bucket);
            let keks = self.vault.census().keks.into_iter();
            let total = keks.filter(|(kek, _)| rewrap && is_meant(kek)).map(|(_, n)| n).sum();
            return Ok(self.preview(total, plan, now));
        }
        Ok(message(&self.vault.start_rotation(plan, now)?, now))
    }

    fn rewrap(
        &self,
        request: &v1::StartRewrapRequest,
        now: Timestamp,
    ) -> Result<v1::Rewrap, RpcError> {
        let mut fields = Fields::default();
        let (base, rate) = (RotationPlan::REWRAP, request.rate_per_second);
        let plan = plan(&self.vault, base, &request.bucket, rate, &mut fields);
        let plan = fields.finish(Some(plan))?;
        if request.validate_only {
            let preview = |plan: RotationPlan| {
                self.preview(self.vault.under_old_keys(plan.bucket), plan, now)
            };
            return match self.vault.open_rotation() {
                Some(open) if open.state == RewrapState::Running => {
                    Err(refused(KeysError::RewrapInProgress { id: open.id }))
                }
                Some(open) => {
                    let plan = RotationPlan { rate: plan.rate, ..open.plan };
                    Ok(v1::Rewrap { name: name(open.id), ..preview(plan) })
                }
                None => Ok(preview(plan)),
            };
        }
        Ok(message(&self.vault.start_rotation(plan, now)?, now))
    }

    fn preview(&self, total: u64, plan: RotationPlan, now: Timestamp) -> v1::Rewrap {
        let all = self.vault.census().keks.values().sum();
        preview(total, all, plan, now)
    }
}

fn refused(error: KeysError) -> RpcError {
    VaultError::from(error).into()
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> KeyService for Keys<S, J> {
    async fn list_key_versions(
        &self,
        request: Request<v1::ListKeyVersionsRequest>,
    ) -> Result<Response<v1::ListKeyVersionsResponse>, Status> {
        answer("ListKeyVersions", request, |_, context| async move {
            let keys = self.vault.keys(context.now);
            let keys = keys.into_iter().map(|key| key_version(&key, context.now));
            let retired = self.vault.retired_keys().into_iter().map(|key| retired_version(&key));
            Ok(v1::ListKeyVersionsResponse { key_versions: keys.chain(retired).collect() })
        })
        .await
    }

    async fn rotate_kek(
        &self,
        request: Request<v1::RotateKekRequest>,
    ) -> Result<Response<v1::RotateKekResponse>, Status> {
        answer("RotateKek", request, |request, context| async move {
            let rewrap = Some(self.rotate(&request, context.now)?);
            Ok(v1::RotateKekResponse { rewrap })
        })
        .await
    }

    async fn start_rewrap(
        &self,
        request: Request<v1::StartRewrapRequest>,
    ) -> Result<Response<v1::StartRewrapResponse>, Status> {
        answer("StartRewrap", request, |request, context| async move {
            let rewrap = Some(self.rewrap(&request, context.now)?);
            Ok(v1::StartRewrapResponse { rewrap })
        })
        .await
    }

    async fn get_rewrap(
        &self,
        request: Request<v1::GetRewrapRequest>,
    ) -> Result<Response<v1::GetRewrapResponse>, Status> {
        answer("GetRewrap", request, |request, context| async move {
            let mut fields = Fields::default();
            let id = parse_name(&request.name, &mut fields);
            let what = "must be between 0 and 300 seconds";
            let wait = fields.duration("wait", request.wait, Duration::ZERO, WAIT_MAX, what);
            fields.finish(Some(()))?;
            // The caller's own deadline may be nearer: then it gets the rotation as it stands.
            let wait = wait.unwrap_or_default().min(context.time_left.unwrap_or(WAIT_MAX) / 2);
            let rewrap = self.vault.rotation_ended(id, wait).await?;
            Ok(v1::GetRewrapResponse { rewrap: Some(message(&rewrap, Timestamp::now())) })
        })
        .await
    }

    async fn cancel_rewrap(
        &self,
        request: Request<v1::CancelRewrapRequest>,
    ) -> Result<Response<v1::CancelRewrapResponse>, Status> {
        answer("CancelRewrap", request, |request, context| async move {
            let mut fields = Fields::default();
            let id = parse_name(&request.name, &mut fields);
            fields.finish(Some(()))?;
            let rewrap = self.vault.cancel_rotation(id, context.now).await?;
            Ok(v1::CancelRewrapResponse { rewrap: Some(message(&rewrap, context.now)) })
        })
        .await
    }

    async fn retire_kek(
        &self,
        request: Request<v1::RetireKekRequest>,
    ) -> Result<Response<v1::RetireKekResponse>, Status> {
        answer("RetireKek", request, |request, context| async move {
            let mut fields = Fields::default();
            let version = parse_version(&request.version, &mut fields);
            if request.confirm != request.version {
                fields.refuse("confirm", "must repeat the version");
            }
            let (bucket, epoch) = fields.finish(version)?;
            let rewrap = self.vault.retire_key(bucket, epoch, context.now)?;
            Ok(v1::RetireKekResponse { rewrap: Some(message(&rewrap, context.now)) })
        })
        .await
    }
}

fn key_version(key: &KeyView, now: Timestamp) -> v1::KeyVersion {
    let idle = key.state == KeyState::Retiring && key.records == 0;
    v1::KeyVersion {
        version: version(key.kek),
        bucket: key.kek.bucket.to_string(),
        state: match key.state {
            KeyState::Pending => State::Pending,
            KeyState::Primary => State::Primary,
            KeyState::Retiring => State::Retiring,
        }
        .into(),
        create_time: Some(timestamp(key.created)),
        fingerprint: hex::encode(key.fingerprint),
        record_count: int64(key.records),
        wrap_count: int64(key.wraps),
        earliest_retire_time: idle.then(|| timestamp(now)),
        retire_time: None,
        rotation_due: key.rotation_due,
    }
}

fn retired_version(key: &RetiredKey) -> v1::KeyVersion {
    v1::KeyVersion {
        version: version(key.kek),
        bucket: key.kek.bucket.to_string(),
        state: State::Retired.into(),
        record_count: int64(key.records),
        retire_time: Some(timestamp(key.retired)),
        ..v1::KeyVersion::default()
    }
}

/// The keys in short.
pub(super) fn summary<S: Store, J: Jumio>(vault: &Vault<S, J>, now: Timestamp) -> v1::KeySummary {
    let keys = vault.keys(now);
    let newest = keys
        .iter()
        .filter(|key| key.state == KeyState::Primary)
        .max_by_key(|key| (key.kek.epoch, key.created));
    let due = keys.iter().filter(|key| key.rotation_due).count();
    v1::KeySummary {
        primary_version: newest.map(|key| version(key.kek)).unwrap_or_default(),
        primary_create_time: newest.map(|key| timestamp(key.created)),
        version_count: int32(keys.len()),
        rotation_due_count: int32(due),
        rewrap_remaining: int64(vault.under_old_keys(None)),
        rewrap: vault.newest_rotation().map(|rewrap| message(&rewrap, now)),
    }
}

/// A key version as callers see it: bucket and epoch.
fn version(kek: KekRef) -> String {
    format!("{}.{}", kek.bucket, kek.epoch)
}

fn int32(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
