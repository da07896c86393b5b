//! Status, details, steps, parts, deletion.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Extension, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    decision::Status,
    documents,
    execution::{Execution, Role},
    front::Call,
    id::Id,
    oauth::authorize,
    problem::Problem,
    state::Sim,
    tenant::ExpiredDetails,
};

/// A grey PNG of one pixel: what every simulated photograph looks like.
const PIXEL: &str = concat!(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5E",
    "rkJggg=="
);

/// `GET .../workflow-executions/{execution}/status`.
pub(super) async fn status(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, execution)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let found = find(&sim, &call, Some(&account), &execution, &uri, &headers)?;
    Ok(Json(documents::status(&found, &call.bases)))
}

/// `GET /api/v1/accounts/{account}/workflow-executions/{execution}`.
pub(super) async fn details(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, execution)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let found = find(&sim, &call, Some(&account), &execution, &uri, &headers)?;
    show_details(&call, &found, &uri)
}

/// `GET /api/v1/workflow-executions/{execution}`, the form that callbacks link to.
pub(super) async fn details_short(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path(execution): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let found = find(&sim, &call, None, &execution, &uri, &headers)?;
    show_details(&call, &found, &uri)
}

fn show_details(call: &Call, found: &Execution, uri: &Uri) -> Result<Json<Value>, Problem> {
    let tenant = call.world.lock().tenant.clone();
    let expired = matches!(found.status, Status::SessionExpired | Status::TokenExpired);
    let hidden = expired && tenant.expired_details == ExpiredDetails::Unavailable;
    let wiped = found.wiped.is_some() && tenant.details_gone_after_wipe;
    if hidden || wiped {
        return Err(Problem::not_found(uri.path()));
    }
    Ok(Json(documents::details(found, &tenant, &call.bases)))
}

/// `GET .../workflow-executions/{execution}/steps`.
pub(super) async fn steps(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, execution)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let found = find(&sim, &call, Some(&account), &execution, &uri, &headers)?;
    if found.wiped.is_some() {
        return Err(Problem::not_found(uri.path()));
    }
    Ok(Json(documents::steps(&found)))
}

/// `GET /api/v1/accounts/{account}/credentials/{credential}/parts/{classifier}`.
pub(super) async fn part(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, credential, classifier)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    authorize(&sim, &headers, call.now, |permissions| permissions.retrieve)?;
    let missing = || Problem::not_found(uri.path());
    let account: Id = account.parse().map_err(|_| missing())?;
    let credential: Id = credential.parse().map_err(|_| missing())?;
    let mut world = call.world.lock();
    world.settle(account, call.now);
    let executions = &world.accounts.get(&account).ok_or_else(missing)?.executions;
    let (execution, role) = executions
        .iter()
        .filter_map(|id| world.executions.get(id))
        .find_map(|execution| Some((execution, execution.role(credential)?)))
        .ok_or_else(missing)?;
    if !execution.parts(role).contains(&classifier.as_str()) {
        return Err(missing());
    }
    if classifier != "FACEMAP" {
        let pixel = BASE64_STANDARD.decode(PIXEL).unwrap_or_default();
        return Ok(typed("image/png", pixel.into()));
    }
    let facemap = match role {
        Role::NewFacemap if execution.downloadable(&world.tenant) => execution.facemap.clone(),
        Role::NewFacemap | Role::StoredFacemap => return Err(Problem::forbidden()),
        Role::Selfie | Role::Id => None,
    };
    let facemap = facemap.ok_or_else(missing)?;
    drop(world);
    Ok(typed("application/octet-stream", facemap.bytes()))
}

fn typed(kind: &'static str, body: bytes::Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

/// `DELETE /api/v1/accounts/{account}`.
pub(super) async fn delete_account(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path(account): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    authorize(&sim, &headers, call.now, |permissions| permissions.retrieve)?;
    let id = account.parse().map_err(|_| Problem::not_found(uri.path()))?;
    if call.world.lock().delete_account(id) {
        return Ok(StatusCode::OK);
    }
    Err(Problem::not_found(uri.path()))
}

/// `DELETE /api/v1/accounts/{account}/workflow-executions/{execution}`.
pub(super) async fn delete_execution(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, execution)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let found = find(&sim, &call, Some(&account), &execution, &uri, &headers)?;
    call.world.lock().delete_execution(found.id);
    Ok(StatusCode::OK)
}

/// The execution a path names, brought up to date.
fn find(
    sim: &Sim,
    call: &Call,
    account: Option<&str>,
    execution: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Execution, Problem> {
    authorize(sim, headers, call.now, |permissions| permissions.retrieve)?;
    let missing = || Problem::not_found(uri.path());
    let execution: Id = execution.parse().map_err(|_| missing())?;
    let mut world = call.world.lock();
    let account = match account {
        Some(account) => account.parse().map_err(|_| missing())?,
        None => world.executions.get(&execution).ok_or_else(missing)?.account,
    };
    world.execution(account, execution, call.now).cloned().ok_or_else(missing)
}
