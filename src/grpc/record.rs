//! Records every call with how it ended, whatever the service and whoever refused: one record a call, on
//! the disk before the answer leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::audit::{
    Actor, AuditError, Entry, Event, Ledger, Outcome, Urgency, acting, method_code,
};
use crate::model::{RequestId, Timestamp};
use crate::proto::v1::ErrorReason;
use crate::vault::{Jumio, Store, Vault, VaultError};

use super::caller::Caller;
use super::status::{REASON_TRAILER, RpcError, status};

/// Metadata of every answer: the end of the audit trail. Kept by callers, it proves later that the trail
/// was not cut.
pub const HEAD_METADATA: &str = "fmvault-audit-head";

/// What is answered also while nothing can be recorded: whether the vault serves, and what is wrong, must be
/// heard just then. It is about nobody.
const UNRECORDED: [&str; 2] =
    ["/grpc.health.v1.Health/", "/facemapvault.admin.v1.StatusService/GetStatus"];

/// A caller that cannot say who it is.
const NOBODY: [u8; 16] = [0xff; 16];

/// Wraps services in [`Recording`].
#[derive(Clone)]
pub(super) struct RecordLayer {
    /// The audit trail.
    ledger: Arc<Ledger>,
    /// Names callers in it.
    caller_hash: Arc<CallerHash>,
}

type CallerHash = dyn Fn(&str) -> [u8; 16] + Send + Sync;

impl RecordLayer {
    /// Records in the trail of `vault`.
    pub(super) fn new<S: Store, J: Jumio>(vault: &Arc<Vault<S, J>>) -> Self {
        let (ledger, vault) = (Arc::clone(vault.ledger()), Arc::clone(vault));
        Self { ledger, caller_hash: Arc::new(move |name| vault.keyring().caller_hash(name)) }
    }
}

/// A service whose calls are recorded.
#[derive(Clone)]
pub(super) struct Recording<T> {
    inner: T,
    layer: RecordLayer,
}

impl<T> Layer<T> for RecordLayer {
    type Service = Recording<T>;

    fn layer(&self, inner: T) -> Recording<T> {
        Recording { inner, layer: self.clone() }
    }
}

impl<T, B> Service<Request<B>> for Recording<T>
where
    T: Service<Request<B>, Response = Response<Body>>,
    T::Future: Send + 'static,
    T::Error: 'static,
{
    type Response = Response<Body>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let method = method_code(path.strip_prefix('/').unwrap_or(path));
        let caller = Caller::name(request.extensions(), Timestamp::now());
        let caller = caller.map_or(NOBODY, |name| (self.layer.caller_hash)(&name));
        let actor = Actor::new(caller, *RequestId::generate().as_bytes());
        let ledger = Arc::clone(&self.layer.ledger);
        if let Err(error) = ledger.admit(urgency(path)) {
            if UNRECORDED.iter().any(|unrecorded| path.starts_with(unrecorded)) {
                return Box::pin(self.inner.call(request));
            }
            return Box::pin(async move { Ok(refused(error)) });
        }
        let mut call = Call { ledger, actor: actor.clone(), method, ended: false };
        let work = acting(actor, self.inner.call(request));
        Box::pin(async move {
            let mut answer = work.await?;
            match call.end(outcome(&answer)).durable().await {
                Ok(head) => {
                    let head = HeaderValue::try_from(head.to_string());
                    let head = head.expect("digits, a colon and hexadecimal digits");
                    answer.headers_mut().insert(HEAD_METADATA, head);
                    Ok(answer)
                }
                // Whatever was done: without its record it is not told.
                Err(error) => Ok(refused(error)),
            }
        })
    }
}

/// One call. Dropped before its end, since its peer went away, it is recorded as that.
struct Call {
    ledger: Arc<Ledger>,
    actor: Actor,
    method: u16,
    ended: bool,
}

impl Call {
    fn end(&mut self, outcome: Outcome) -> crate::audit::Receipt {
        self.ended = true;
        let entry = Entry::new(Event::Rpc, Timestamp::now());
        let row = self.actor.row();
        let entry = self.actor.sign(Entry { outcome, detail: self.method, row, ..entry });
        self.ledger.submit(vec![entry])
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Outcome::of_code(Code::Cancelled as u8)).leave();
        }
    }
}

/// What may use the last of the reserve: removing what must go, and seeing what is wrong.
fn urgency(path: &str) -> Urgency {
    let is_seeing = ["StatusService/", "DoctorService/", "AuditService/"];
    let is_erasing =
        ["/EraseEnrollment", "/DeleteEnrollment"].iter().any(|end| path.ends_with(end));
    let is_urgent = is_erasing || is_seeing.iter().any(|s| path.contains(s));
    if is_urgent { Urgency::Reserved } else { Urgency::Normal }
}

/// How a call ended. A refusal is all head, and so is its reason; a success is one.
fn outcome<B>(answer: &Response<B>) -> Outcome {
    let code = match Status::from_header_map(answer.headers()) {
        None => return Outcome::DONE,
        Some(status) if status.code() == Code::Ok => return Outcome::DONE,
        Some(status) => status.code(),
    };
    let reason = answer.headers().get(REASON_TRAILER).and_then(|reason| reason.to_str().ok());
    let number = reason
        .and_then(|name| ErrorReason::from_str_name(&format!("ERROR_REASON_{name}")))
        .and_then(|reason| u16::try_from(reason as i32).ok());
    let without = u8::try_from(code as i32).unwrap_or(u8::MAX);
    number.map_or_else(|| Outcome::of_code(without), Outcome)
}

fn refused(error: AuditError) -> Response<Body> {
    status(&RpcError::from(VaultError::AuditUnavailable(error))).into_http()
}
