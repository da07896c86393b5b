//! Stands before every service: says who asks and whether they may, before a message is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::codegen::http::{Request, Response};
use tonic::{Extensions, Status};
use tower::{Layer, Service};

use crate::model::Timestamp;

use super::answer::conclude;
use super::caller::Caller;
use super::policy::{Policy, Turn};
use super::rpcs::{self, Rpc};
use super::status::{RpcError, no_such_method};

/// Wraps services in [`Guarded`].
#[derive(Debug, Clone)]
pub(super) struct GuardLayer(pub(super) Arc<Policy>);

/// A service that only those reach who may.
#[derive(Debug, Clone)]
pub(super) struct Guarded<T> {
    inner: T,
    policy: Arc<Policy>,
}

/// What a request was let through for. Without it [`answer`](super::answer::answer) does nothing.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    /// The method.
    pub(super) rpc: &'static Rpc,
    /// Who calls it.
    pub(super) caller: Caller,
}

/// What every peer that says who it is may ask: whether we serve, and what.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// A refusal, and all that is known about the call.
struct Refused {
    rpc: Option<&'static Rpc>,
    caller: Option<Caller>,
    error: Option<RpcError>,
}

impl<T> Layer<T> for GuardLayer {
    type Service = Guarded<T>;

    fn layer(&self, inner: T) -> Guarded<T> {
        Guarded { inner, policy: Arc::clone(&self.0) }
    }
}

impl<T, B, R> Service<Request<B>> for Guarded<T>
where
    T: Service<Request<B>, Response = Response<R>>,
    T::Future: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let admitted = admit(request.uri().path(), request.extensions(), &self.policy);
        match admitted {
            Ok((admitted, turn)) => {
                if let Some(admitted) = admitted {
                    request.extensions_mut().insert(admitted);
                }
                let answer = self.inner.call(request);
                Box::pin(async move {
                    let _until_answered = turn;
                    answer.await
                })
            }
            Err(refused) => Box::pin(async move { Ok(refused.status().into_http()) }),
        }
    }
}

/// Decides about a call to `path`.
fn admit(
    path: &str,
    extensions: &Extensions,
    policy: &Policy,
) -> Result<(Option<Admitted>, Option<Turn>), Refused> {
    let rpc = rpcs::find(path);
    let caller = Caller::of(extensions, policy, Timestamp::now()).map_err(|error| Refused {
        rpc,
        caller: None,
        error: Some(error),
    })?;
    let Some(rpc) = rpc else {
        return match OPEN.iter().any(|open| path.starts_with(open)) {
            true => Ok((None, None)),
            // Whatever stands behind it, nobody has said who may use it.
            false => Err(Refused { rpc: None, caller: Some(caller), error: None }),
        };
    };
    match caller.admit(rpc.needs) {
        Ok(turn) => Ok((Some(Admitted { rpc, caller }), turn)),
        Err(error) => Err(Refused { rpc: Some(rpc), caller: Some(caller), error: Some(error) }),
    }
}

impl Refused {
    fn status(self) -> Status {
        let name = self.rpc.map_or("_OTHER", |rpc| rpc.name);
        match self.error {
            None => no_such_method(),
            Some(error) => match conclude::<()>(name, self.caller.as_ref(), Err(error)) {
                Err(status) => status,
                Ok(_) => no_such_method(),
            },
        }
    }
}
