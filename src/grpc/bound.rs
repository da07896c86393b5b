//! No call goes on without end: not beyond what its caller waits, and not long after the vault was told
//! to stop. Whoever is cut off here is told why.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

use crate::proto::v1::ErrorReason;

use super::inform::deadline;
use super::status::{RpcError, answer, status};

/// Wraps services in [`Bounded`]. What it holds says when the vault stops.
#[derive(Debug, Clone)]
pub(super) struct BoundLayer(pub(super) watch::Receiver<bool>);

/// A service whose calls end.
#[derive(Debug, Clone)]
pub(super) struct Bounded<T> {
    inner: T,
    stop: watch::Receiver<bool>,
}

impl<T> Layer<T> for BoundLayer {
    type Service = Bounded<T>;

    fn layer(&self, inner: T) -> Bounded<T> {
        Bounded { inner, stop: self.0.clone() }
    }
}

/// Kept back from the caller's deadline. The transport has a clock of its own and would say nothing but
/// the code; so ours is earlier.
const MARGIN: Duration = Duration::from_millis(5);
/// How long calls may go on when the vault stops. Whoever waits longer is told so, instead of finding
/// the connection cut.
const GRACE: Duration = Duration::from_secs(5);

impl<T, B> Service<Request<B>> for Bounded<T>
where
    T: Service<Request<B>, Response = Response<Body>>,
    T::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // One that is none is refused further in, where that is recorded.
        let left = deadline(request.headers()).ok().flatten();
        let answer_in_time = self.inner.call(request);
        let mut stop = self.stop.clone();
        Box::pin(async move {
            let late = async {
                match left {
                    Some(left) => tokio::time::sleep(left.saturating_sub(MARGIN)).await,
                    None => std::future::pending().await,
                }
            };
            let stopped = async {
                // A sender that is gone also means: stop.
                let _ = stop.wait_for(|stop| *stop).await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                biased;
                answer = answer_in_time => answer,
                () = late => Ok(status(&RpcError::Deadline).into_http()),
                () = stopped => Ok(answer(ErrorReason::ShuttingDown).status().into_http()),
            }
        })
    }
}
