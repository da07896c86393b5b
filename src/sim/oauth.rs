//! OAuth2 client credentials: clients, access tokens, and who may do what.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    extract::{Extension, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::*};
use bytes::Bytes;
use serde_json::json;
use url::form_urlencoded;

use super::{clock::Moment, front::Call, id::Id, problem::Problem, state::Sim, world::World};

/// An OAuth client. Several may share a world.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) permissions: Permissions,
    pub(super) world: Arc<World>,
}

/// What a client may do, as chosen in Jumio's portal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Permissions {
    /// Create and update accounts.
    pub(super) initiate: bool,
    /// Retrieve and delete.
    pub(super) retrieve: bool,
}

impl Permissions {
    /// Everything.
    pub(super) fn all() -> Self {
        Self { initiate: true, retrieve: true }
    }

    /// Reads a list of names: `initiate`, `retrieve&delete` (or `retrieve`).
    pub(super) fn parse(names: &[String]) -> Option<Self> {
        let mut permissions = Self { initiate: false, retrieve: false };
        for name in names {
            match name.as_str() {
                "initiate" => permissions.initiate = true,
                "retrieve" | "retrieve&delete" => permissions.retrieve = true,
                _ => return None,
            }
        }
        Some(permissions)
    }
}

/// Access tokens that were issued.
#[derive(Default)]
pub(super) struct Grants(HashMap<String, Grant>);

struct Grant {
    client: String,
    expires: Moment,
}

impl Grants {
    /// The token of `client` and the time until it expires: the one it has, or a new one.
    fn issue(&mut self, client: &str, lifetime: Duration, now: Moment) -> (String, Moment) {
        self.0.retain(|_, grant| grant.expires > now);
        let present = self.0.iter().find(|(_, grant)| grant.client == client);
        if let Some((token, grant)) = present {
            return (token.clone(), grant.expires);
        }
        let expires = now.after(lifetime);
        let token = access_token(client, now, expires);
        self.0.insert(token.clone(), Grant { client: client.to_owned(), expires });
        (token, expires)
    }

    /// The client of a token that is valid at `now`.
    pub(super) fn client(&self, token: &str, now: Moment) -> Option<&str> {
        let grant = self.0.get(token).filter(|grant| grant.expires > now)?;
        Some(&grant.client)
    }

    /// Revokes all tokens of `client`, or everybody's.
    pub(super) fn revoke(&mut self, client: Option<&str>) {
        self.0.retain(|_, grant| client.is_some_and(|client| grant.client != client));
    }
}

/// A token that looks like Jumio's. Its signature is random: nobody but the issuer checks it.
fn access_token(client: &str, now: Moment, expires: Moment) -> String {
    let header = json!({ "kid": "fmvault-simulator", "alg": "RS256" });
    let claims = json!({
        "sub": client,
        "token_use": "access",
        "iat": now.ms() / 1_000,
        "exp": expires.ms() / 1_000,
        "jti": Id::random(),
        "client_id": client,
        "simulator": true,
    });
    let signature: Vec<u8> = (0..16).flat_map(|_| *Id::random().as_bytes()).collect();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (header, claims) = (header.to_string(), claims.to_string());
    format!("{}.{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()), encode(&signature))
}

/// Credentials by any of the three ways clients are known to send them.
#[derive(Default)]
pub(super) struct TokenRequest {
    grant_type: Option<String>,
    pub(super) client_id: Option<String>,
    client_secret: Option<String>,
}

impl TokenRequest {
    /// Reads query, form and `Authorization`, each overriding the one before.
    pub(super) fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut request = Self::default();
        let query = uri.query().unwrap_or_default().as_bytes();
        for (name, value) in form_urlencoded::parse(query).chain(form_urlencoded::parse(body)) {
            match &*name {
                "grant_type" => request.grant_type = Some(value.into_owned()),
                "client_id" => request.client_id = Some(value.into_owned()),
                "client_secret" => request.client_secret = Some(value.into_owned()),
                _ => {}
            }
        }
        if let Some((id, secret)) = basic(headers) {
            request.client_id = Some(id);
            request.client_secret = Some(secret);
        }
        request
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?.trim();
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// `POST /oauth2/token`.
pub(super) async fn token(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = TokenRequest::read(&uri, &headers, &body);
    let refuse = |status: StatusCode, error: &str| {
        (status, axum::Json(json!({ "error": error }))).into_response()
    };
    match request.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        None => return refuse(StatusCode::BAD_REQUEST, "invalid_request"),
    }
    let lifetime = call.world.lock().tenant.access_token_lifetime;
    let mut core = sim.core();
    let known = request.client_id.as_ref().and_then(|id| core.clients.get(id));
    let secret = request.client_secret.as_deref();
    let Some(client) = known.filter(|client| secret == Some(&client.secret)).cloned() else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let (token, expires) = core.grants.issue(&client.id, lifetime, call.now);
    axum::Json(json!({
        "access_token": token,
        "expires_in": (expires.ms() - call.now.ms()) / 1_000,
        "token_type": "Bearer",
    }))
    .into_response()
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// Lets a call pass if its access token is valid and its client has the permission `needs`.
///
/// # Errors
///
/// 401 or 403.
pub(super) fn authorize(
    sim: &Sim,
    headers: &HeaderMap,
    now: Moment,
    needs: fn(Permissions) -> bool,
) -> Result<(), Problem> {
    let core = sim.core();
    let client = bearer(headers).and_then(|token| core.grants.client(token, now));
    let client = client.and_then(|id| core.clients.get(id)).ok_or_else(Problem::unauthorized)?;
    if needs(client.permissions) { Ok(()) } else { Err(Problem::forbidden()) }
}
