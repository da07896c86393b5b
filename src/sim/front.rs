//! What happens to every request before and after it is answered: world, host, faults, limits,
//! journal.

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{
    callback,
    clock::Moment,
    control::SIM_API,
    hosts::{Bases, JumioHost, Service, host_of, service_of},
    id::Id,
    journal::Entry,
    oauth::{TokenRequest, bearer},
    problem::Problem,
    spoil::{Answer, spoil},
    state::{Sim, X_SIMULATOR},
    wire::Wire,
    world::World,
};

/// Longest request body kept, in bytes: a facemap of 16 MiB in Base64 with room around it.
const BODY_MAX: usize = 24 * 1024 * 1024;

/// Header on answers of the control API, with its version.
const X_SIM_API: &str = "x-fmvault-sim-api";

/// What the front found out about a request.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) world: Arc<World>,
    /// Where links in the answer point.
    pub(super) bases: Arc<Bases>,
    /// When the request arrived.
    pub(super) now: Moment,
    /// Its number in the world's journal.
    pub(super) sequence: u64,
}

/// The layer around all routes.
pub(super) async fn front(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let simulated = !request.uri().path().starts_with("/__sim");
    let mut response = if simulated {
        jumio(&sim, request, next).await
    } else {
        let mut response = match collect(request).await {
            Ok(request) => next.run(request).await,
            Err(refused) => refused.into_response(),
        };
        response.headers_mut().insert(X_SIM_API, SIM_API.into());
        response
    };
    response.headers_mut().insert(X_SIMULATOR, HeaderValue::from_static("1"));
    response
}

/// A request on Jumio's side.
async fn jumio(sim: &Arc<Sim>, request: Request, next: Next) -> Response {
    let now = sim.clock.now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let host = host_of(request.uri(), request.headers());
    let wire = request.extensions().get::<Wire>().cloned().unwrap_or_default();
    let collected = collect(request).await;
    let (world, request_bytes) = match &collected {
        Ok(request) => (world_of(sim, request, now), body_len(request.body())),
        Err(_) => (Arc::clone(&sim.first), BODY_MAX),
    };
    let (sequence, effect) = {
        let mut world = world.lock();
        (world.journal.next(), world.faults.take(&method, &path))
    };
    let answer = match collected {
        Err(refused) => Answer::of(refused.into_response()),
        Ok(request) => {
            let call = Call {
                bases: Arc::new(bases(sim, &world, &host)),
                world: Arc::clone(&world),
                now,
                sequence,
            };
            let served = serve(sim, call, &host, request, next);
            spoil(effect.clone(), served).await
        }
    };
    callback::flush(sim, &world);
    world.lock().journal.record(Entry {
        sequence,
        at: now.to_string(),
        method: method.to_string(),
        path,
        status: answer.status,
        request_bytes,
        response_bytes: answer.sent,
        host,
        fault: effect.is_some(),
    });
    answer.finish(&wire)
}

/// Answers a request that no fault has stopped.
async fn serve(
    sim: &Arc<Sim>,
    call: Call,
    host: &str,
    mut request: Request,
    next: Next,
) -> Response {
    let service = service_of(request.method(), request.uri().path());
    let jumio_host = JumioHost::parse(host).filter(|_| sim.tls);
    if jumio_host.is_some_and(|host| !host.serves(service)) {
        return Problem::not_found(request.uri().path()).into_response();
    }
    let tenant = call.world.lock().tenant.clone();
    let called = matches!(service, Some(Service::Account | Service::Api | Service::Retrieval));
    let headers = request.headers();
    if called && tenant.user_agent_required && headers.get(header::USER_AGENT).is_none() {
        return Problem::forbidden().into_response();
    }
    let chunked = headers.contains_key(header::TRANSFER_ENCODING);
    if called && tenant.content_length_required && chunked {
        let detail = "Content-Length: is missing";
        return Problem::bad_request(detail, request.uri().path()).into_response();
    }
    if let Some(service) = service {
        let now = tokio::time::Instant::now();
        if !call.world.lock().buckets.admit(&tenant.rate_limits, service, now) {
            return Problem::too_many_requests().into_response();
        }
    }
    request.extensions_mut().insert(call);
    next.run(request).await
}

/// Reads the whole body, so that its length is known and an early refusal does not cut the client
/// off while it is still sending.
async fn collect(request: Request) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    let mut kept = Vec::new();
    let mut overflow = false;
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let detail = "the body cannot be read";
        let chunk = chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, detail))?;
        overflow = overflow || kept.len() + chunk.len() > BODY_MAX;
        if !overflow {
            kept.extend_from_slice(&chunk);
        }
    }
    if overflow {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Maximum upload size exceeded"));
    }
    let mut request = Request::from_parts(head, Body::empty());
    request.extensions_mut().insert(Collected(Bytes::from(kept)));
    let body = request.extensions().get::<Collected>().map(|body| body.0.clone());
    *request.body_mut() = Body::from(body.unwrap_or_default());
    Ok(request)
}

/// The body of a request, kept beside it for those who must look before the route does.
#[derive(Clone)]
struct Collected(Bytes);

/// Length of a body that is in memory as a whole, in bytes.
pub(super) fn body_len(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// The world a request belongs to: that of its token, its client, or of what its path names.
fn world_of(sim: &Sim, request: &Request, now: Moment) -> Arc<World> {
    let by_client = |id: Option<&str>| {
        let core = sim.core();
        Some(Arc::clone(&core.clients.get(id?)?.world))
    };
    let client = |headers: &HeaderMap| {
        let token = bearer(headers)?;
        sim.core().grants.client(token, now).map(str::to_owned)
    };
    if let Some(world) = by_client(client(request.headers()).as_deref()) {
        return world;
    }
    if service_of(request.method(), request.uri().path()) == Some(Service::Auth) {
        let body = request.extensions().get::<Collected>();
        let body = body.map(|body| body.0.clone()).unwrap_or_default();
        let named = TokenRequest::read(request.uri(), request.headers(), &body).client_id;
        return by_client(named.as_deref()).unwrap_or_else(|| Arc::clone(&sim.first));
    }
    by_path(sim, request.uri()).unwrap_or_else(|| Arc::clone(&sim.first))
}

fn by_path(sim: &Sim, uri: &Uri) -> Option<Arc<World>> {
    let ids: Vec<Id> = uri.path().split('/').filter_map(|part| part.parse().ok()).collect();
    let named = |world: &Arc<World>| {
        let world = world.lock();
        let known = |id| world.accounts.contains_key(id) || world.executions.contains_key(id);
        ids.iter().any(known)
    };
    if ids.is_empty() { None } else { sim.worlds().into_iter().find(named) }
}

/// Where links point in answers to a request for `host`.
fn bases(sim: &Sim, world: &World, host: &str) -> Bases {
    let host = JumioHost::parse(host).filter(|_| sim.tls);
    Bases::choose(host.as_ref(), &world.lock().tenant.base_urls, &sim.url)
}

/// Answers what no route takes.
pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(uri.path())
}

/// Answers a method that the path does not take; the router adds `Allow`.
pub(super) async fn method_not_allowed(method: Method) -> Problem {
    let detail = format!("Request method '{method}' is not supported");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
