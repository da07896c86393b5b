//! HTTP on loopback: what operators' machines read, whether the process lives and serves; and Jumio's
//! callbacks.

mod callback;
mod source;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use callback::{CallbackSettings, PathSecret, WeakSecret, serve_callbacks};

/// Answers `/livez` (the process lives) and `/readyz` (it serves) until `stop` says so. The listener
/// exists only while the vault is unlocked and its store is open, so an answer says both.
pub async fn serve(listener: TcpListener, stop: watch::Receiver<bool>) {
    let stopping = stop.clone();
    let ready = move || {
        let ready = !*stopping.borrow();
        async move {
            match ready {
                true => page(StatusCode::OK, "ready\n"),
                false => page(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
            }
        }
    };
    let live = || async { page(StatusCode::OK, "alive\n") };
    let router = Router::new().route("/livez", get(live)).route("/readyz", get(ready));
    let mut stop = stop;
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(error = %error, "the HTTP listener failed");
    }
}

type Page = (StatusCode, [(axum::http::HeaderName, &'static str); 2], &'static str);

fn page(status: StatusCode, text: &'static str) -> Page {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], text)
}
