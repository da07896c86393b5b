//! All routes: Jumio's and the simulator's own.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{get, post, put},
};
use serde_json::json;

use super::{
    account, control, control_play, control_world, front, oauth, retrieval, state::Sim, upload,
};

/// The router of a simulator.
pub(super) fn router(sim: Arc<Sim>) -> Router {
    Router::new()
        .merge(jumio())
        .merge(control())
        .fallback(front::not_found)
        .method_not_allowed_fallback(front::method_not_allowed)
        // The front has its own limit and has read the whole body by then.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&sim), front::front))
        .with_state(sim)
}

fn jumio() -> Router<Arc<Sim>> {
    let execution = "/api/v1/accounts/{account}/workflow-executions/{execution}";
    let parts = "/credentials/{credential}/parts";
    Router::new()
        .route("/", get(async || axum::Json(json!({ "status": "UP" }))))
        .route("/oauth2/token", post(oauth::token))
        .route("/api/v1/accounts", post(account::create))
        .route("/api/v1/accounts/{account}", put(account::update).delete(retrieval::delete_account))
        .route(
            execution,
            get(retrieval::details)
                .put(upload::finalize)
                .post(upload::finalize)
                .delete(retrieval::delete_execution),
        )
        .route(&format!("{execution}{parts}"), post(upload::no_classifier))
        .route(
            &format!("{execution}{parts}/{{classifier}}"),
            post(upload::upload).put(upload::upload),
        )
        .route(&format!("{execution}/status"), get(retrieval::status))
        .route(&format!("{execution}/steps"), get(retrieval::steps))
        .route("/api/v1/workflow-executions/{execution}", get(retrieval::details_short))
        .route(&format!("/api/v1/accounts/{{account}}{parts}/{{classifier}}"), get(retrieval::part))
}

fn control() -> Router<Arc<Sim>> {
    Router::new()
        .route("/__sim", get(control::index))
        .route("/__sim/", get(control::index))
        .route("/__sim/clients", post(control::add_client).get(control::clients))
        .route("/__sim/revoke", post(control::revoke))
        .route("/__sim/clock", get(control::clock).post(control::move_clock))
        .route("/__sim/reset", post(control_world::reset))
        .route("/__sim/tenant", get(control_world::tenant).patch(control_world::change_tenant))
        .route(
            "/__sim/faults",
            get(control_world::faults)
                .post(control_world::add_fault)
                .delete(control_world::clear_faults),
        )
        .route("/__sim/journal", get(control_world::journal))
        .route("/__sim/violations", get(control_world::violations))
        .route("/__sim/callbacks", get(control_world::callbacks))
        .route("/__sim/onboardings", post(control_play::onboard))
        .route("/__sim/accounts/{account}", get(control_play::account))
        .route("/__sim/accounts/{account}/wipe", post(control_play::wipe))
        .route("/__sim/executions/{execution}", get(control_play::execution))
        .route("/__sim/executions/{execution}/journey", post(control_play::journey))
        .route("/__sim/executions/{execution}/callback", post(control_play::callback))
}
