//! Receives Jumio's callbacks over HTTP, behind the operator's reverse proxy.
//!
//! Jumio signs nothing, so what shields this door is a secret in its path and a list of addresses; and
//! whoever gets through can only make the vault ask Jumio, which it limits by itself. The answer tells
//! nothing but whether the request had the right form. Paths are never logged: they hold the secret.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures_util::StreamExt as _;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::metrics::Metrics;
use crate::model::{Network, Refusal, Timestamp};
use crate::vault::{Callback, Jumio, Store, Vault};

use super::source::source;

/// What the receiver asks of a request.
#[derive(Debug)]
pub struct CallbackSettings {
    /// The last part of the path.
    pub secret: PathSecret,
    /// Who may send callbacks; everybody if empty.
    pub sources: Vec<Network>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// The secret in the receiver's path: 32 to 256 letters, digits, `-` or `_`, so at least 128 bits if
/// they are random hexadecimal or base64url characters.
///
/// Its `Debug` prints nothing of it; it is wiped on drop.
pub struct PathSecret(Zeroizing<String>);

/// Requests that are being received at once; each holds a body of at most 16 KiB.
const RECEIVING_MAX: usize = 64;
/// Callbacks that wait for their turn: seconds of work, a few hundred KiB.
const WAITING_MAX: usize = 1_000;
/// Callbacks followed up at once. Jumio's limit for retrieval is 15 calls per second.
const AT_ONCE_MAX: usize = 4;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(5);

/// Answers `POST /callback/{secret}` until `stop` says so. What is accepted waits in memory and is
/// followed up behind; a stop forgets it, since the sweep finds out as well.
pub async fn serve_callbacks<S: Store, J: Jumio>(
    vault: Arc<Vault<S, J>>,
    listener: TcpListener,
    settings: CallbackSettings,
    stop: watch::Receiver<bool>,
) {
    let (queue, waiting) = mpsc::channel(WAITING_MAX);
    let (places, metrics) = (Semaphore::new(RECEIVING_MAX), Arc::clone(vault.metrics()));
    let door = Door { settings, queue, places, metrics };
    let router = Router::new().fallback(receive).with_state(Arc::new(door));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut stopping = stop.clone();
    let stopped = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let (served, ()) = tokio::join!(serving.into_future(), follow_up(&vault, waiting, stop));
    if let Err(error) = served {
        tracing::error!(error = %error, "the callback listener failed");
    }
}

struct Door {
    settings: CallbackSettings,
    queue: mpsc::Sender<Callback>,
    places: Semaphore,
    metrics: Arc<Metrics>,
}

async fn receive(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let status = door.status(peer.ip(), request).await;
    if let Some(refusal) = refusal(status) {
        door.metrics.refused(refusal);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// As what an answer counts; `None` if the callback was taken.
fn refusal(status: StatusCode) -> Option<Refusal> {
    match status {
        StatusCode::OK => None,
        StatusCode::NOT_FOUND => Some(Refusal::CallbackSecret),
        StatusCode::FORBIDDEN => Some(Refusal::CallbackSource),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(Refusal::CallbackBusy)
        }
        _ => Some(Refusal::CallbackForm),
    }
}

impl Door {
    /// The secret is asked for first: who does not know it learns nothing else.
    async fn status(&self, peer: IpAddr, request: Request) -> StatusCode {
        let CallbackSettings { secret, sources, trusted_proxies } = &self.settings;
        let given = request.uri().path().strip_prefix("/callback/");
        if !given.is_some_and(|given| secret.is(given)) {
            return StatusCode::NOT_FOUND;
        }
        let from = source(peer, request.headers(), trusted_proxies);
        let is_within = |from: IpAddr| sources.iter().any(|network| network.contains(from));
        if !sources.is_empty() && !from.is_some_and(is_within) {
            tracing::warn!(
                ?from,
                "a callback with the right secret from an address not on the list"
            );
            return StatusCode::FORBIDDEN;
        }
        if request.method() != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        let Ok(_place) = self.places.try_acquire() else { return StatusCode::TOO_MANY_REQUESTS };
        let body = match timeout(BODY_TIME, body_of(request)).await {
            Ok(Ok(body)) => body,
            Ok(Err(status)) => return status,
            Err(_) => return StatusCode::REQUEST_TIMEOUT,
        };
        let Ok(callback) = Callback::parse(&body) else { return StatusCode::BAD_REQUEST };
        match self.queue.try_send(callback) {
            Ok(()) => StatusCode::OK,
            Err(mpsc::error::TrySendError::Full(_)) => StatusCode::TOO_MANY_REQUESTS,
            Err(mpsc::error::TrySendError::Closed(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The body, if it is no longer than callbacks may be.
async fn body_of(request: Request) -> Result<Vec<u8>, StatusCode> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|len| len.to_str().ok());
    let announced = announced.and_then(|len| len.parse::<usize>().ok());
    if announced.is_some_and(|len| len > Callback::LEN_MAX) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut body = Vec::new();
    let mut parts = request.into_body().into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| StatusCode::BAD_REQUEST)?;
        if body.len() + part.len() > Callback::LEN_MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// Hands callbacks to the vault, some at once. A panic is one callback's misfortune.
async fn follow_up<S: Store, J: Jumio>(
    vault: &Arc<Vault<S, J>>,
    mut waiting: mpsc::Receiver<Callback>,
    mut stop: watch::Receiver<bool>,
) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            Some(_) = running.join_next(), if running.len() >= AT_ONCE_MAX => {}
            next = waiting.recv(), if running.len() < AT_ONCE_MAX => {
                let Some(callback) = next else { return };
                let vault = Arc::clone(vault);
                running.spawn(async move {
                    let execution = callback.execution;
                    match vault.hear(&callback, Timestamp::now()).await {
                        Ok(heard) => tracing::debug!(%execution, ?heard, "callback"),
                        Err(error) => {
                            tracing::error!(%execution, error = %error, "callback failed");
                        }
                    }
                });
            }
        }
    }
}

impl PathSecret {
    /// Takes `text` as the secret.
    ///
    /// # Errors
    ///
    /// [`WeakSecret`]; nothing of the text is repeated in it.
    pub fn new(text: Zeroizing<String>) -> Result<Self, WeakSecret> {
        // Other characters would be written in several ways in a URL.
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        // Of 32 random hexadecimal characters fewer than 8 are different once in 10 million times.
        let differ: std::collections::HashSet<char> = text.chars().collect();
        match (32..=256).contains(&text.len()) && text.chars().all(fits) && differ.len() >= 8 {
            true => Ok(Self(text)),
            false => Err(WeakSecret),
        }
    }

    /// Whether `given` is the secret. How long that takes does not tell where they differ.
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for PathSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSecret(..)")
    }
}

/// A text that cannot be the secret in the receiver's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the path secret of the callback listener must be 32 to 256 random letters, digits, `-` or `_`"
)]
pub struct WeakSecret;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

    #[test]
    fn a_short_or_simple_secret_is_refused() {
        let table = [
            (GOOD.to_owned(), true),
            ("Zk3_-9aQ".repeat(32), true),
            ("Zk3_-9aQ".repeat(33), false),
            (GOOD[1..].to_owned(), false),
            ("a".repeat(40), false),
            (GOOD.replace('0', "/"), false),
            (GOOD.replace('0', "%"), false),
            (GOOD.replace('0', "é"), false),
        ];
        for (text, good) in table {
            assert_eq!(PathSecret::new(Zeroizing::new(text.clone())).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = PathSecret::new(Zeroizing::new(GOOD.to_owned())).unwrap();
        assert!(secret.is(GOOD));
        for wrong in ["", &GOOD[1..], &GOOD.replace('0', "1"), &GOOD.to_uppercase()] {
            assert!(!secret.is(wrong), "{wrong}");
        }
        assert!(!secret.is(&format!("{GOOD}/")));
        assert_eq!(format!("{secret:?}"), "PathSecret(..)");
    }
}
