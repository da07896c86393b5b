//! The control API: onboarded accounts, and what people do with executions.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    callback::flush,
    control::{Refused, parse_duration, read, world},
    decision::Verdict,
    documents::verdict,
    execution::Execution,
    facemap::{DEFAULT_SIZE, Fingerprint, SIZE_MAX, Source},
    hosts::Bases,
    id::Id,
    journey::{Act, Play, Refusal},
    onboarding::{Onboarding, Seed},
    state::Sim,
};

/// Accounts one call may onboard.
const COUNT_MAX: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    count: Option<usize>,
    account_id: Option<Id>,
    workflow_key: Option<Value>,
    decision: Option<String>,
    liveness: Option<String>,
    liveness_type: Option<String>,
    facemap_size: Option<usize>,
    facemap_base64: Option<String>,
    download_allowed: Option<bool>,
    retention: Option<String>,
    completed_ago: Option<String>,
    person: Option<String>,
    user_reference: Option<String>,
}

/// `POST /__sim/onboardings`.
pub(super) async fn onboard(
    State(sim): State<Arc<Sim>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    let (count, facemap, onboarding) = parse(read(&body)?)?;
    // Making and hashing many facemaps takes seconds; other requests go on meanwhile.
    let seeds = tokio::task::spawn_blocking(move || -> Result<Vec<Seed>, getrandom::Error> {
        (0..count).map(|_| facemap.seed()).collect()
    });
    let failed = |what: String| Refused(StatusCode::INTERNAL_SERVER_ERROR, what);
    let seeds = seeds.await.map_err(|error| failed(error.to_string()))?;
    let seeds = seeds.map_err(|error| failed(error.to_string()))?;
    let now = sim.clock.now();
    let mut world = world.lock();
    let bases = Arc::new(Bases::choose(None, &world.tenant.base_urls, &sim.url));
    let mut onboardings = Vec::with_capacity(count);
    for seed in seeds {
        let print = seed.print;
        let (account, execution) =
            world.onboard(&onboarding, seed, &bases, now).map_err(Refused::bad)?;
        let deleted_at = world.accounts.get(&account).map(|found| found.deleted_at(&world.tenant));
        onboardings.push(json!({
            "account_id": account,
            "workflow_execution_id": execution,
            "facemap_sha256": hex::encode(print.sha256),
            "facemap_size": print.size,
            "deleted_at": deleted_at.map(|moment| moment.to_string()),
        }));
    }
    Ok(Json(json!({ "onboardings": onboardings })))
}

/// Where the facemaps of a call come from.
enum Facemaps {
    Random(usize),
    Given(Bytes),
}

impl Facemaps {
    fn seed(&self) -> Result<Seed, getrandom::Error> {
        let source = match self {
            Self::Random(size) => Source::random(*size)?,
            Self::Given(bytes) => Source::Given(bytes.clone()),
        };
        let print = Fingerprint::of(&source.bytes());
        Ok(Seed { source, print })
    }
}

fn parse(request: Request) -> Result<(usize, Facemaps, Onboarding), Refused> {
    let count = request.count.unwrap_or(1);
    if !(1..=COUNT_MAX).contains(&count) || (request.account_id.is_some() && count != 1) {
        return Err(Refused::bad(format!("count: 1 to {COUNT_MAX}, and 1 with account_id")));
    }
    let facemaps = match (request.facemap_base64, request.facemap_size) {
        (Some(text), None) => {
            let bytes = BASE64_STANDARD.decode(text);
            Facemaps::Given(
                bytes.map_err(|_| Refused::bad("facemap_base64: is not Base64"))?.into(),
            )
        }
        (None, size) => Facemaps::Random(size.unwrap_or(DEFAULT_SIZE)),
        (Some(_), Some(_)) => {
            return Err(Refused::bad("either facemap_base64 or facemap_size"));
        }
    };
    let size = match &facemaps {
        Facemaps::Random(size) => *size,
        Facemaps::Given(bytes) => bytes.len(),
    };
    if size > SIZE_MAX {
        return Err(Refused::bad(format!("facemap_size: at most {SIZE_MAX}")));
    }
    let key = match request.workflow_key {
        None => "10011".to_owned(),
        Some(Value::String(key)) => key,
        Some(key) => key.to_string(),
    };
    let face = parse_verdict("liveness", request.liveness)?.unwrap_or(Verdict::Passed);
    let time = |name: &str, text: Option<String>| -> Result<Option<Duration>, Refused> {
        text.map(|text| parse_duration(name, &text)).transpose()
    };
    let onboarding = Onboarding {
        account: request.account_id,
        key,
        decision: parse_verdict("decision", request.decision)?.unwrap_or(face),
        face,
        liveness_type: request.liveness_type,
        download_allowed: request.download_allowed,
        retention: time("retention", request.retention)?,
        completed_ago: time("completed_ago", request.completed_ago)?.unwrap_or_default(),
        person: request.person,
        user_reference: request.user_reference,
    };
    Ok((count, facemaps, onboarding))
}

fn parse_verdict(name: &str, text: Option<String>) -> Result<Option<Verdict>, Refused> {
    let Some(text) = text else { return Ok(None) };
    let verdict = Verdict::parse(&text);
    let expected = "must be PASSED, WARNING, REJECTED or NOT_EXECUTED";
    verdict.map(Some).ok_or_else(|| Refused::bad(format!("{name}: {expected}")))
}

/// `GET /__sim/accounts/{account}`.
pub(super) async fn account(
    State(sim): State<Arc<Sim>>,
    Path(account): Path<Id>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    let mut world = world.lock();
    world.settle(account, sim.clock.now());
    let found = world.accounts.get(&account).ok_or_else(|| Refused::missing("account"))?;
    Ok(Json(json!({
        "person": found.person,
        "workflow_execution_ids": found.executions,
        "last_activity": found.last_activity.to_string(),
        "deleted_at": found.deleted_at(&world.tenant).to_string(),
    })))
}

/// `POST /__sim/accounts/{account}/wipe`: deletion by retention, at once.
pub(super) async fn wipe(
    State(sim): State<Arc<Sim>>,
    Path(account): Path<Id>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    let mut world = world.lock();
    let now = sim.clock.now();
    world.settle(account, now);
    let found = world.accounts.get(&account).ok_or_else(|| Refused::missing("account"))?;
    let executions = found.executions.clone();
    world.wipe(&executions, now);
    Ok(Json(json!({})))
}

/// `GET /__sim/executions/{execution}`.
pub(super) async fn execution(
    State(sim): State<Arc<Sim>>,
    Path(execution): Path<Id>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    let mut world = world.lock();
    let missing = || Refused::missing("execution");
    let account = world.executions.get(&execution).ok_or_else(missing)?.account;
    let tenant = world.tenant.clone();
    let found = world.execution(account, execution, sim.clock.now()).ok_or_else(missing)?;
    let decision = found.status.is_terminal().then(|| verdict(found, &tenant).0.name());
    Ok(Json(json!({
        "account_id": found.account,
        "definition_key": found.key,
        "status": found.status.name(),
        "customer_internal_reference": found.reference,
        "uploads": uploads(found),
        "decision": decision,
    })))
}

fn uploads(execution: &Execution) -> Vec<Value> {
    let show =
        |print: Fingerprint| json!({ "sha256": hex::encode(print.sha256), "size": print.size });
    execution.uploads.iter().map(|upload| show(upload.print)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journey {
    person: Option<String>,
    outcome: Option<String>,
    decision: Option<String>,
}

/// `POST /__sim/executions/{execution}/journey`.
pub(super) async fn journey(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<Id>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let asked: Journey = read(&body)?;
    let act = match asked.outcome.as_deref().unwrap_or("complete") {
        "begin" => Act::Begin,
        "complete" => Act::Complete,
        "abandon" => Act::Abandon,
        _ => return Err(Refused::bad("outcome: must be complete, abandon or begin")),
    };
    let facemap = Facemaps::Random(DEFAULT_SIZE).seed();
    let failed =
        |error: getrandom::Error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let Seed { source, print } = facemap.map_err(failed)?;
    let decision = parse_verdict("decision", asked.decision)?;
    let play = Play { person: asked.person, act, decision, source, print };
    let world = world(&sim, &uri, &headers)?;
    let played = world.lock().play(id, play, sim.clock.now());
    flush(&sim, &world);
    played.map_err(|refusal| match refusal {
        Refusal::Unknown => Refused::missing("execution"),
        Refusal::Over(status) => {
            Refused(StatusCode::CONFLICT, format!("the execution is over: {}", status.name()))
        }
    })?;
    execution(State(sim), Path(id), uri, headers).await
}

/// `POST /__sim/executions/{execution}/callback`: sends the present status once more.
pub(super) async fn callback(
    State(sim): State<Arc<Sim>>,
    Path(execution): Path<Id>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let world = world(&sim, &uri, &headers)?;
    if !world.lock().executions.contains_key(&execution) {
        return Err(Refused::missing("execution"));
    }
    world.lock().notify(execution);
    flush(&sim, &world);
    Ok(Json(json!({})))
}
