//! A simulator of Jumio, for tests, demos and CI.
//!
//! It imports nothing else of this crate, so that a misreading of Jumio in the vault's client
//! cannot be repeated here and stay unnoticed.
//!
//! # What it simulates
//!
//! OAuth2 tokens, create and update account, upload, finalize, status, details, steps, parts,
//! deletion, retention, callbacks, rate limits and health of Jumio's platform REST API. All of
//! Jumio's hosts are served by one port. With TLS the hosts are told apart by their names, so that
//! a client with Jumio's names built in works behind a hosts file.
//!
//! Nothing is stored on disk. Every answer has the header `x-fmvault-simulator: 1`, and every
//! execution token names the customer [`CUSTOMER_ID`].
//!
//! # The control API
//!
//! JSON under `/__sim/`; `GET /__sim/` tells its version ([`SIM_API`], also in the header
//! `x-fmvault-sim-api` of each answer) and routes. Each OAuth client
//! has a world of its own; a control call is about the first one unless a header or query parameter
//! `client_id` names another client. Errors have the field `error`. Durations are text: `31d`.
//!
//! - `POST clients` `{client_id?, client_secret?, permissions?, shares_world_with?}` makes a client
//!   and answers id and secret; permissions are `initiate` and `retrieve&delete`. `POST revoke`
//!   `{client_id?}` takes back access tokens.
//! - `POST onboardings` `{count, account_id, workflow_key, decision, liveness, liveness_type,
//!   facemap_size | facemap_base64, download_allowed, retention, completed_ago, person,
//!   user_reference}`, all optional, answers `{"onboardings": [{account_id, workflow_execution_id,
//!   facemap_sha256, facemap_size, deleted_at}]}`. No callback is sent for these.
//! - `POST executions/{id}/journey` `{person?, outcome?, decision?}` plays the person:
//!   `complete` (the default), `abandon`, or `begin`, which only starts the session timer. 10071 passes
//!   if the uploaded bytes are a facemap of this account and show this person. `decision` overrides
//!   that. 409 if the execution is over. `GET executions/{id}` tells status, uploads and decision;
//!   `POST executions/{id}/callback` sends the last callback again.
//! - `GET accounts/{id}` tells person, executions and when Jumio deletes; `POST accounts/{id}/wipe`
//!   lets that happen now.
//! - `GET|POST clock` `{advance: "31d"}` or `{set: "2027-01-01T00:00:00Z"}`; one clock for all
//!   worlds. Access tokens expire by it too.
//! - `GET|PATCH tenant` reads and changes the settings in `tenant.rs`; `GET` shows them all.
//! - `POST faults` `{method?, path?, skip?, times?, action}`; `path` is a regular expression. An action
//!   has one of `{status, headers?, body?}`, `{reset: true}` (both before Jumio sees the request),
//!   `{drop_answer: true}` (after), `{cut_after_bytes: n}`, `{wrong_content_length: n}`,
//!   `{eof_delimited: true}`, and possibly `{delay: "2s"}`. The first fault that matches is used up
//!   by one. `GET faults` lists, `DELETE faults` clears.
//! - `GET journal?since=N` lists requests, `GET violations` what no client should do (finalizing
//!   10071, uploading after the journey), `GET callbacks` what was sent.
//! - `POST reset` forgets accounts, faults and journal of the world and the clock's offset; clients
//!   and settings stay.

mod account;
mod callback;
mod capabilities;
mod clock;
mod control;
mod control_play;
mod control_world;
mod decision;
mod documents;
mod execution;
mod facemap;
mod faults;
mod front;
mod hosts;
mod id;
mod journal;
mod journey;
mod json;
mod limits;
mod oauth;
mod onboarding;
mod problem;
mod remote;
mod retrieval;
mod routes;
mod server;
mod spoil;
mod state;
mod tenant;
mod token;
mod upload;
mod urls;
mod validate;
mod wire;
mod world;

pub use control::SIM_API;
pub use remote::Remote;
pub use server::{Options, Running, Simulator};
pub use state::X_SIMULATOR;
pub use token::CUSTOMER_ID;

/// What whoever starts a simulator shows first.
pub const BANNER: &str =
    "SIMULATION: this is not Jumio. Faces, accounts and decisions are made up.";
