//! The control API: settings, faults and records of one world.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Uri},
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    control::{Refused, query, read, world},
    hosts::Bases,
    state::Sim,
    tenant::{Rate, Tenant},
};

type Shared = State<Arc<Sim>>;

/// `POST /__sim/reset`.
pub(super) async fn reset(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    world(&sim, &uri, &headers)?.lock().reset();
    sim.clock.reset();
    Ok(Json(json!({})))
}

/// `GET /__sim/tenant`.
pub(super) async fn tenant(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Tenant>, Refused> {
    Ok(Json(world(&sim, &uri, &headers)?.lock().tenant.clone()))
}

/// `PATCH /__sim/tenant`: the settings named in the body change, the others stay.
pub(super) async fn change_tenant(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Tenant>, Refused> {
    let changes: Map<String, Value> = read(&body)?;
    let world = world(&sim, &uri, &headers)?;
    let mut world = world.lock();
    let invalid = |error: serde_json::Error| Refused::bad(error.to_string());
    let mut settings = serde_json::to_value(&world.tenant).map_err(invalid)?;
    merge(&mut settings, changes);
    let tenant: Tenant = serde_json::from_value(settings).map_err(invalid)?;
    check(&tenant).map_err(Refused::bad)?;
    world.tenant = tenant.clone();
    Ok(Json(tenant))
}

/// Puts `changes` over `settings`, object by object.
fn merge(settings: &mut Value, changes: Map<String, Value>) {
    let Some(settings) = settings.as_object_mut() else { return };
    for (name, change) in changes {
        match (settings.get_mut(&name), change) {
            (Some(inner @ Value::Object(_)), Value::Object(change)) => merge(inner, change),
            (_, change) => {
                settings.insert(name, change);
            }
        }
    }
}

fn check(tenant: &Tenant) -> Result<(), &'static str> {
    if !Bases::is_style(&tenant.base_urls) {
        return Err("base_urls: must be own, jumio or an absolute URL");
    }
    let label = |prefix: &String| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&prefix.len())
            && prefix.bytes().all(allowed)
            && !prefix.starts_with('-')
            && !prefix.ends_with('-')
    };
    if !tenant.web_domain_prefix.as_ref().is_none_or(label) {
        return Err("web_domain_prefix: must be a label of a host name");
    }
    let limits = &tenant.rate_limits;
    let sane = |rate: Rate| rate.per_second >= 0.0 && rate.burst >= 0.0;
    if ![limits.token, limits.account, limits.retrieval].into_iter().all(sane) {
        return Err("rate_limits: must not be negative");
    }
    Ok(())
}

/// `GET /__sim/faults`.
pub(super) async fn faults(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let faults = world(&sim, &uri, &headers)?.lock().faults.list();
    Ok(Json(json!({ "faults": faults })))
}

/// `POST /__sim/faults`.
pub(super) async fn add_fault(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    world.lock().faults.add(read(&body)?).map_err(Refused::bad)?;
    let faults = world.lock().faults.list();
    Ok(Json(json!({ "faults": faults })))
}

/// `DELETE /__sim/faults`.
pub(super) async fn clear_faults(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    world(&sim, &uri, &headers)?.lock().faults.clear();
    Ok(Json(json!({ "faults": [] })))
}

/// `GET /__sim/journal?since=N`.
pub(super) async fn journal(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let since = match query(&uri, "since") {
        None => 0,
        Some(since) => since.parse().map_err(|_| Refused::bad("since: must be a number"))?,
    };
    let entries = world(&sim, &uri, &headers)?.lock().journal.since(since);
    Ok(Json(json!({ "entries": entries })))
}

/// `GET /__sim/violations`.
pub(super) async fn violations(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let violations = world(&sim, &uri, &headers)?.lock().journal.violations();
    Ok(Json(json!(violations)))
}

/// `GET /__sim/callbacks`.
pub(super) async fn callbacks(
    State(sim): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let deliveries = world(&sim, &uri, &headers)?.lock().deliveries.clone();
    Ok(Json(json!(deliveries)))
}
