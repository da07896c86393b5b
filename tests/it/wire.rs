//! The error contract, raised by a running vault: for each reason its code, its details, and what a
//! caller reads.

mod capture;
mod deciding;
mod faulty;
mod fields;
mod jumio;
mod keys;
mod requests;
mod services;
mod stop;
mod store;
mod sweeps;
