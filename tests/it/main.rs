//! All integration tests in one binary, so that RocksDB is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod doctor;
mod example_config;
mod journey_capture;
mod journey_enroll;
mod jumio_contract;
mod metrics;
mod rocks_damage;
mod rocks_store;
mod sealing;
mod sim_contract;
mod store_contract;
mod store_model;
mod support;
mod tidy;
