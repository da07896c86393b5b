//! What callers see: gRPC services over the vault. Everything of tonic's stays in here.

mod admin_enrollments;
mod admin_service;
mod answer;
mod bound;
mod caller;
pub mod catalogue;
mod convert;
mod convert_callback;
mod convert_delete;
mod convert_start;
mod count;
mod coverage;
mod doctor_process;
mod doctor_service;
mod fields;
pub(crate) mod fuzzing;
mod guard;
mod inform;
mod key_service;
mod policy;
mod readiness;
mod record;
mod rewrap;
mod rpcs;
mod serve;
mod status;
mod status_keys;
mod status_vault;
mod sweep_service;
mod vault_service;
mod view;

pub use doctor_process::{KeyMemory, ProcessMemory};
pub use policy::{Grant, Policy};
pub use record::HEAD_METADATA;
pub use serve::{Listeners, Public, ServerSettings, serve};
pub use status::{DOMAIN, REASON_TRAILER};
