//! The control API: the index, clients, the clock. Its routes are described in [`super`].

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    clock::Moment,
    id::Id,
    oauth::{Client, Permissions},
    state::{Sim, random_secret, settle_all},
    token::CUSTOMER_ID,
    world::World,
};

/// Version of the control API; a change that breaks callers raises it.
pub const SIM_API: u32 = 1;

/// Routes of the control API.
const ROUTES: [&str; 16] = [
    "GET /__sim/",
    "GET|POST /__sim/clients",
    "POST /__sim/revoke",
    "GET|POST /__sim/clock",
    "POST /__sim/reset",
    "GET|PATCH /__sim/tenant",
    "POST|GET|DELETE /__sim/faults",
    "GET /__sim/journal?since=N",
    "GET /__sim/violations",
    "GET /__sim/callbacks",
    "POST /__sim/onboardings",
    "GET /__sim/accounts/{id}",
    "POST /__sim/accounts/{id}/wipe",
    "GET /__sim/executions/{id}",
    "POST /__sim/executions/{id}/journey",
    "POST /__sim/executions/{id}/callback",
];

/// An error of the control API.
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl Refused {
    /// 400.
    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, what.into())
    }

    /// 404.
    pub(super) fn missing(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1, "sim_api": SIM_API }))).into_response()
    }
}

/// Reads a JSON body; an empty one is an empty object.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refused::bad(error.to_string()))
}

/// A query parameter.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default().as_bytes();
    form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The world a control call is about: that of the client in header or query, else the first.
///
/// # Errors
///
/// 404 if there is no such client.
pub(super) fn world(sim: &Sim, uri: &Uri, headers: &HeaderMap) -> Result<Arc<World>, Refused> {
    let header = headers.get("client_id").or_else(|| headers.get("client-id"));
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(id) = header.or_else(|| query(uri, "client_id")) else {
        return Ok(Arc::clone(&sim.first));
    };
    let core = sim.core();
    let client = core.clients.get(&id).ok_or_else(|| Refused::missing("client"))?;
    Ok(Arc::clone(&client.world))
}

/// `GET /__sim/`.
pub(super) async fn index() -> Json<Value> {
    Json(json!({ "sim_api": SIM_API, "customer_id": CUSTOMER_ID, "routes": ROUTES }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClient {
    client_id: Option<String>,
    client_secret: Option<String>,
    permissions: Option<Vec<String>>,
    /// An existing client whose world the new one shares.
    shares_world_with: Option<String>,
}

/// `POST /__sim/clients`.
pub(super) async fn add_client(
    State(sim): State<Arc<Sim>>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let new: NewClient = read(&body)?;
    let permissions = match &new.permissions {
        None => Permissions::all(),
        Some(names) => Permissions::parse(names).ok_or_else(|| {
            Refused::bad("permissions: a list of \"initiate\" and \"retrieve&delete\"")
        })?,
    };
    let secret = new.client_secret.map_or_else(random_secret, Ok);
    let secret =
        secret.map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let mut core = sim.core();
    let world = match new.shares_world_with {
        None => Arc::default(),
        Some(other) => {
            let other = core.clients.get(&other).ok_or_else(|| Refused::missing("client"))?;
            Arc::clone(&other.world)
        }
    };
    let id = new.client_id.unwrap_or_else(|| Id::random().to_string());
    if id.is_empty() || id.contains(':') {
        return Err(Refused::bad("client_id: must not be empty and must not contain a colon"));
    }
    if core.clients.contains_key(&id) {
        return Err(Refused(StatusCode::CONFLICT, "client_id: is taken".to_owned()));
    }
    let answer = json!({ "client_id": id, "client_secret": secret });
    core.add_client(Client { id, secret, permissions, world });
    Ok(Json(answer))
}

/// `GET /__sim/clients`.
pub(super) async fn clients(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let core = sim.core();
    let mut ids: Vec<&String> = core.clients.keys().collect();
    ids.sort();
    Json(json!({ "clients": ids }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    client_id: Option<String>,
}

/// `POST /__sim/revoke`: takes back the access tokens of one client, or of all.
pub(super) async fn revoke(
    State(sim): State<Arc<Sim>>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let revocation: Revocation = read(&body)?;
    sim.core().grants.revoke(revocation.client_id.as_deref());
    Ok(Json(json!({})))
}

/// `GET /__sim/clock`.
pub(super) async fn clock(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(json!({ "now": sim.clock.now().to_string() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    advance: Option<String>,
    set: Option<String>,
}

/// `POST /__sim/clock`.
pub(super) async fn move_clock(
    State(sim): State<Arc<Sim>>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    match read(&body)? {
        Move { advance: Some(by), set: None } => {
            sim.clock.advance(parse_duration("advance", &by)?);
        }
        Move { advance: None, set: Some(to) } => {
            let moment = Moment::parse(&to).ok_or_else(|| Refused::bad("set: is not RFC 3339"))?;
            sim.clock.set(moment);
        }
        Move { .. } => return Err(Refused::bad("either advance or set")),
    }
    settle_all(&sim);
    Ok(clock(State(sim)).await)
}

/// Reads a duration such as `31d`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn parse_duration(name: &str, text: &str) -> Result<std::time::Duration, Refused> {
    humantime::parse_duration(text).map_err(|error| Refused::bad(format!("{name}: {error}")))
}
