//! All integration tests in one binary, so that RocksDB is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod backlog;
mod bad_input;
mod budget_share;
mod callbacks;
mod cli;
mod coverage;
mod demo;
mod docs;
mod doctor;
mod example_config;
mod journey_authenticate;
mod journey_capture;
mod journey_close;
mod journey_decision;
mod journey_enroll;
mod journey_erase;
mod journey_list;
mod journey_sweep;
mod jumio_contract;
mod leaks;
mod metrics;
mod rocks_damage;
mod rocks_store;
mod sealing;
mod sim_contract;
mod simulation;
mod store_contract;
mod store_model;
mod support;
mod sweep_job;
mod sweep_rpc;
mod tidy;
mod torture;
mod wire;
