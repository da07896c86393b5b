//! Counts every gRPC call as it passes: method, status code and time, whatever the service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tonic::codegen::http::{Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::metrics::Metrics;

use super::rpcs;

use super::catalogue::code_name;

/// Wraps services in [`Counting`].
#[derive(Debug, Clone)]
pub(super) struct CountLayer(pub(super) Arc<Metrics>);

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub(super) struct Counting<T> {
    inner: T,
    metrics: Arc<Metrics>,
}

impl<T> Layer<T> for CountLayer {
    type Service = Counting<T>;

    fn layer(&self, inner: T) -> Counting<T> {
        Counting { inner, metrics: Arc::clone(&self.0) }
    }
}

impl<T, B, R> Service<Request<B>> for Counting<T>
where
    T: Service<Request<B>, Response = Response<R>>,
    T::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = known_method(request.uri().path());
        if !request.headers().contains_key("grpc-timeout") {
            self.metrics.rpc_without_deadline(method);
        }
        // Made before the call and dropped with it, so that a call whose peer went away counts too.
        let mut call = Call {
            metrics: Arc::clone(&self.metrics),
            method,
            began: Instant::now(),
            code: Code::Cancelled,
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            // A refusal is all head; a success tells its code only after the message, and is one.
            let status = Status::from_header_map(answer.headers());
            call.code = status.map_or(Code::Ok, |status| status.code());
            drop(call);
            Ok(answer)
        })
    }
}

struct Call {
    metrics: Arc<Metrics>,
    method: &'static str,
    began: Instant,
    code: Code,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.metrics.rpc(self.method, code_name(self.code), self.began.elapsed());
    }
}

/// The method at `path` if it is ours. Anybody may ask for any path, so anything else is one word.
fn known_method(path: &str) -> &'static str {
    rpcs::find(path).and_then(|rpc| rpc.path.strip_prefix('/')).unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_methods_have_a_name() {
        let start = "facemapvault.v1.FacemapVaultService/StartAuthentication";
        assert_eq!(known_method(&format!("/{start}")), start);
        for path in ["", "/", start, "/facemapvault.v1.FacemapVaultService/X", "/a/b"] {
            assert_eq!(known_method(path), "_OTHER", "{path}");
        }
    }
}
