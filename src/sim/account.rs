//! Create and update account: a new workflow execution and the tokens for it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Extension, Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    clock::Moment,
    decision::Status,
    execution::{Execution, Flow, Role},
    front::Call,
    id::Id,
    json::put,
    oauth::authorize,
    problem::Problem,
    state::Sim,
    tenant::{FacemapOrder, Tenant},
    token::Ticket,
    validate::{AccountCall, account_call},
    world::Account,
};

/// Locale of the web client if the call names none.
const LOCALE: &str = "en-US";

/// `POST /api/v1/accounts`.
pub(super) async fn create(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    start(&sim, &call, &uri, &headers, &body, None)
}

/// `PUT /api/v1/accounts/{account}`.
pub(super) async fn update(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path(account): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    start(&sim, &call, &uri, &headers, &body, Some(account))
}

fn start(
    sim: &Sim,
    call: &Call,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    account: Option<String>,
) -> Result<Response, Problem> {
    authorize(sim, headers, call.now, |permissions| permissions.initiate)?;
    if !is_json(headers) {
        let detail = "Content-Type is not supported";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let mut world = call.world.lock();
    let asked = account_call(body, &world.tenant)
        .map_err(|detail| Problem::bad_request(detail, uri.path()))?;
    let id = match account {
        None => Id::random(),
        Some(text) => {
            let id = text.parse().map_err(|_| Problem::not_found(uri.path()))?;
            if !world.accounts.contains_key(&id) {
                return Err(Problem::not_found(uri.path()));
            }
            world.settle(id, call.now);
            id
        }
    };
    world.accounts.entry(id).or_insert_with(|| Account::new(call.now));
    let execution = new_execution(sim, call, &asked, id, &world.tenant);
    let answer = document(&execution, &asked, &world.tenant, call.now);
    let created = world.tenant.created_status;
    world.touch(id, call.now);
    world.add(execution);
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(answer)).into_response())
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn new_execution(
    sim: &Sim,
    call: &Call,
    asked: &AccountCall,
    account: Id,
    tenant: &Tenant,
) -> Execution {
    let id = Id::random();
    let expires = call.now.after(asked.token_lifetime.unwrap_or(tenant.token_lifetime));
    let token = sim.token_key.issue(&Ticket { account, execution: id, expires }, &asked.reference);
    Execution {
        id,
        account,
        flow: asked.flow,
        key: asked.key.clone(),
        reference: asked.reference.clone(),
        user_reference: asked.user_reference.clone(),
        callback_url: asked.callback_url.clone(),
        bases: Arc::clone(&call.bases),
        token,
        token_expires: expires,
        created: call.now,
        started: None,
        completed: None,
        wiped: None,
        session: None,
        status: Status::Initiated,
        outcome: None,
        facemap: None,
        liveness_type: tenant.liveness_type.clone(),
        download_allowed: None,
        uploads: Vec::new(),
    }
}

/// The answer to an account call.
fn document(execution: &Execution, asked: &AccountCall, tenant: &Tenant, now: Moment) -> Value {
    let mut roles = execution.flow.roles().to_vec();
    if execution.flow == Flow::OnPremises && tenant.facemap_order == FacemapOrder::StoredFirst {
        roles.sort_by_key(|role| *role != Role::StoredFacemap);
    }
    let credentials: Vec<Value> = roles.iter().map(|role| credential(execution, *role)).collect();
    let mut answer = json!({
        "timestamp": now.to_string(),
        "account": { "id": execution.account },
        "sdk": { "token": execution.token },
        "workflowExecution": { "id": execution.id, "credentials": credentials },
    });
    if let Some(web) = web(execution, asked, tenant) {
        put(&mut answer, "web", web);
    }
    answer
}

fn web(execution: &Execution, asked: &AccountCall, tenant: &Tenant) -> Option<Value> {
    let base = execution.bases.web(tenant.web_domain_prefix.as_ref()?);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("authorizationToken", &execution.token)
        .append_pair("locale", asked.locale.as_deref().unwrap_or(LOCALE))
        .finish();
    let mut web = Map::new();
    web.insert("href".to_owned(), format!("{base}/web/v4/app?{query}").into());
    let echoed = [("successUrl", &asked.success_url), ("errorUrl", &asked.error_url)];
    for (name, url) in echoed {
        if let Some(url) = url {
            web.insert(name.to_owned(), url.clone().into());
        }
    }
    Some(web.into())
}

fn credential(execution: &Execution, role: Role) -> Value {
    let mut shown = json!({
        "id": execution.credential(role),
        "category": role.category(),
        "allowedChannels": role.channels(execution.flow),
    });
    if !role.uploadable(execution.flow).is_empty() {
        put(&mut shown, "api", api(execution, role));
    }
    shown
}

/// The `api` object of a credential, which is also most of the answer to an upload.
pub(super) fn api(execution: &Execution, role: Role) -> Value {
    let (base, account, id) = (execution.bases.api(), execution.account, execution.id);
    let execution_url = format!("{base}/api/v1/accounts/{account}/workflow-executions/{id}");
    let credential = execution.credential(role);
    let mut parts = Map::new();
    for part in role.uploadable(execution.flow) {
        let url = format!("{execution_url}/credentials/{credential}/parts/{part}");
        parts.insert(part.to_ascii_lowercase(), url.into());
    }
    json!({ "token": execution.token, "parts": parts, "workflowExecution": execution_url })
}
