//! Upload of parts, and finalize, which no client of 10071 should ever call.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Extension, FromRequest as _, Multipart, Path, Request, State, multipart::MultipartError,
    },
    http::{HeaderMap, Method, StatusCode, Uri, header},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    account::api,
    clock::Moment,
    decision::Status,
    execution::{Execution, Flow, Role, Upload},
    facemap::Fingerprint,
    front::Call,
    id::Id,
    oauth::bearer,
    problem::Problem,
    state::Sim,
    tenant::Tenant,
    world::WorldState,
};

type Ids = (String, String, String, String);

/// `POST` and `PUT .../credentials/{credential}/parts/{classifier}`.
pub(super) async fn upload(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path(ids): Path<Ids>,
    method: Method,
    uri: Uri,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let tenant = call.world.lock().tenant.clone();
    let headers = request.headers().clone();
    let target = Target::find(&sim, &call, &ids, &uri, &headers, &tenant)?;
    let file = file(request, &uri, &tenant).await?;
    let mut world = call.world.lock();
    let missing = || Problem::not_found(uri.path());
    let execution = world.executions.get_mut(&target.execution).ok_or_else(missing)?;
    let same = |upload: &Upload| upload.role == target.role && upload.part == target.part;
    let again = method == Method::POST && execution.uploads.iter().any(same);
    if again && tenant.second_upload_conflicts {
        return Err(Problem::new(StatusCode::CONFLICT, "The part exists already"));
    }
    let print = Fingerprint::of(&file);
    execution.uploads.push(Upload { role: target.role, part: target.part, print });
    let answer = json!({
        "timestamp": call.now.to_string(),
        "account": { "id": execution.account },
        "workflowExecution": { "id": execution.id },
        "api": api(execution, target.role),
    });
    let account = execution.account;
    world.touch(account, call.now);
    Ok(Json(answer))
}

/// `POST .../credentials/{credential}/parts`: only for credentials this simulator does not have.
pub(super) async fn no_classifier() -> Problem {
    Problem::forbidden()
}

/// Where an upload goes, once it is known to be allowed.
struct Target {
    execution: Id,
    role: Role,
    part: &'static str,
}

impl Target {
    fn find(
        sim: &Sim,
        call: &Call,
        (account, execution, credential, classifier): &Ids,
        uri: &Uri,
        headers: &HeaderMap,
        tenant: &Tenant,
    ) -> Result<Self, Problem> {
        let token = Token::read(sim, headers, call.now, tenant)?;
        let missing = || Problem::not_found(uri.path());
        let id = |text: &String| text.parse::<Id>().map_err(|_| missing());
        let (account, execution, credential) = (id(account)?, id(execution)?, id(credential)?);
        let mut world = call.world.lock();
        let found = world.execution(account, execution, call.now).ok_or_else(missing)?.clone();
        token.opens(&found)?;
        let role = found.role(credential).ok_or_else(missing)?;
        let uploadable = role.uploadable(found.flow).iter().find(|part| *part == classifier);
        let part = *uploadable.ok_or_else(Problem::forbidden)?;
        if found.status.is_terminal() || found.status == Status::Acquired {
            accuse_late(&mut world, call, &found);
            return Err(missing());
        }
        Ok(Self { execution, role, part })
    }
}

/// A facemap that comes after the journey is the mistake the documents warn of.
fn accuse_late(world: &mut WorldState, call: &Call, execution: &Execution) {
    if execution.flow == Flow::OnPremises && execution.status == Status::Processed {
        let what = "the facemap was uploaded after the journey was completed";
        world.journal.accuse(call.sequence, execution.id, what);
    }
}

/// A token that came with an upload or a finalize.
enum Token {
    /// The execution's own token, still valid.
    Execution(Id),
    /// An OAuth token, where the tenant lets that pass.
    Access,
}

impl Token {
    fn read(sim: &Sim, headers: &HeaderMap, now: Moment, tenant: &Tenant) -> Result<Self, Problem> {
        let token = bearer(headers).ok_or_else(Problem::unauthorized)?;
        if tenant.lenient_upload_token && sim.core().grants.client(token, now).is_some() {
            return Ok(Self::Access);
        }
        let ticket = sim.token_key.read(token).filter(|ticket| ticket.expires > now);
        ticket.map(|ticket| Self::Execution(ticket.execution)).ok_or_else(Problem::unauthorized)
    }

    fn opens(&self, execution: &Execution) -> Result<(), Problem> {
        match self {
            Self::Execution(id) if *id != execution.id => Err(Problem::forbidden()),
            Self::Execution(_) | Self::Access => Ok(()),
        }
    }
}

/// The bytes of the field `file`.
async fn file(request: Request, uri: &Uri, tenant: &Tenant) -> Result<Bytes, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data")) {
        let detail = "Content-Type is not supported";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let broken = || Problem::bad_request("the multipart body cannot be read", uri.path());
    let unreadable = |_: MultipartError| broken();
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let wanted = field.name() == Some("file");
        let bytes = field.bytes().await.map_err(unreadable)?;
        if wanted {
            file = Some(bytes);
        }
    }
    match file {
        Some(bytes) if bytes.len() > tenant.upload_max_bytes => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Maximum upload size exceeded"))
        }
        Some(bytes) if !bytes.is_empty() => Ok(bytes),
        Some(_) | None => {
            Err(Problem::bad_request("Required part 'file' is not present", uri.path()))
        }
    }
}

/// `PUT` (and, wrongly, `POST`) on the execution: processes whatever is there.
pub(super) async fn finalize(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<Call>,
    Path((account, execution)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::not_found(uri.path());
    let mut world = call.world.lock();
    let ids = (account.parse::<Id>(), execution.parse::<Id>());
    let found = match ids {
        (Ok(account), Ok(execution)) => world.execution(account, execution, call.now).cloned(),
        (Err(_), _) | (_, Err(_)) => None,
    };
    // Trying is a violation, whether or not the token would have allowed it.
    if let Some(found) = &found
        && (found.flow == Flow::OnPremises || method == Method::POST)
    {
        let what = format!("the execution was finalized by {method}");
        world.journal.accuse(call.sequence, found.id, &what);
    }
    let token = Token::read(&sim, &headers, call.now, &world.tenant)?;
    let found = found.ok_or_else(missing)?;
    token.opens(&found)?;
    if found.status.is_terminal() {
        return Err(missing());
    }
    world.finalize(found.id, call.now);
    Ok(Json(json!({
        "timestamp": call.now.to_string(),
        "account": { "id": found.account },
        "workflowExecution": { "id": found.id },
    })))
}
