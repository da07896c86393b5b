//! The facemap vault: keeps Jumio facemaps sealed after Jumio has deleted them, and starts
//! authentications with them.
//!
//! Read in this order: [`model`] (the nouns; beside it [`metrics`], the counters), [`crypto`], [`store`],
//! [`jumio`] and [`audit`] (four strangers: keys, disk, Jumio and evidence), [`vault`] (the rules that
//! bring them together), [`tls`] (who connects), [`grpc`] (what callers see), [`unlock`] (what opens the
//! keyring), [`serve`] and [`cli`] (the wiring). [`sim`] stands beside it all and imports nothing of it.

pub mod metrics;
pub mod model;

pub mod audit;
pub mod crypto;
pub mod jumio;
pub mod store;

pub mod tls;

pub mod vault;

pub mod grpc;
pub mod proto;

pub mod cli;
pub mod config;
pub mod ops;
pub mod serve;
pub mod unlock;

#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod measuring;

pub mod sim;
