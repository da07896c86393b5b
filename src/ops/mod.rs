//! HTTP on loopback: what operators' machines read, whether the process lives and serves, and the
//! metrics; and Jumio's callbacks.

mod callback;
mod readings;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::model::Timestamp;
use crate::vault::{Jumio, Store, StoreState, Vault};

pub use callback::{CallbackSettings, PathSecret, WeakSecret, serve_callbacks};

/// Answers `/livez` (the process lives), `/readyz` (it serves) and `/metrics` until `stop` says so. The
/// listener exists only while the vault is unlocked and its store is open, so an answer says both.
/// `store` is where the store is, for the state of its disk.
pub async fn serve<S: Store, J: Jumio>(
    listener: TcpListener,
    vault: Arc<Vault<S, J>>,
    store: PathBuf,
    stop: watch::Receiver<bool>,
) {
    let (stopping, watched) = (stop.clone(), Arc::clone(&vault));
    let ready = move || {
        let (stops, store) = (*stopping.borrow(), watched.store_state());
        let recorded = watched.is_ready();
        async move {
            match (stops, store) {
                (true, _) => page(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
                (false, _) if !recorded => {
                    page(StatusCode::SERVICE_UNAVAILABLE, "the audit trail cannot be written\n")
                }
                (false, StoreState::Writable) => page(StatusCode::OK, "ready\n"),
                // People log in all the same: taking the vault away would make it worse.
                (
                    false,
                    StoreState::Full
                    | StoreState::ReadOnly
                    | StoreState::Broken
                    | StoreState::Failing,
                ) => page(StatusCode::OK, "ready, but the store takes no changes\n"),
            }
        }
    };
    let live = || async { page(StatusCode::OK, "alive\n") };
    let metrics = move || {
        let (vault, store) = (Arc::clone(&vault), store.clone());
        async move {
            let readings = readings::take(&vault, &store, Timestamp::now()).await;
            let text = vault.metrics().render(&readings);
            ([(CONTENT_TYPE, OPENMETRICS), (CACHE_CONTROL, "no-store")], text)
        }
    };
    let router = Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    let mut stop = stop;
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(error = %error, "the HTTP listener failed");
    }
}

/// The text format that the metrics are written in.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Page = (StatusCode, [(axum::http::HeaderName, &'static str); 2], &'static str);

fn page(status: StatusCode, text: &'static str) -> Page {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], text)
}
