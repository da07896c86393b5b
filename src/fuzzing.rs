//! The table of fuzzing targets: every place where bytes from outside, from the disk or from Jumio are
//! read. Not part of the public interface; it is here, and not in the tests, because most readers are
//! private to their modules and should stay so.
//!
//! Two programs run it: `make fuzz` (`tests/fuzz`, any Rust, in CI) and cargo-fuzz (`fuzz/`).

use crate::config::Config;
use crate::{audit, crypto, grpc, jumio, tls, vault};

/// One reader.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Reads any bytes and says whether they were accepted. Panics if a promise is broken.
    pub read: fn(&[u8]) -> bool,
}

/// All there are.
pub const TARGETS: &[Target] = &[
    Target { name: "record", read: crypto::fuzzing::record },
    Target { name: "ledger_record", read: audit::fuzzing::record },
    Target { name: "attributes", read: vault::fuzzing::attributes },
    Target { name: "sealed", read: crypto::fuzzing::sealed },
    Target { name: "keyring", read: crypto::fuzzing::keyring },
    Target { name: "keyring_payload", read: crypto::fuzzing::keyring_payload },
    Target { name: "page_token", read: page_token },
    Target { name: "jumio_token", read: jumio::fuzzing::token },
    Target { name: "jumio_account", read: jumio::fuzzing::started },
    Target { name: "jumio_onboarding", read: jumio::fuzzing::onboarding },
    Target { name: "jumio_status", read: jumio::fuzzing::status },
    Target { name: "jumio_authentication", read: jumio::fuzzing::authentication },
    Target { name: "jumio_problem", read: jumio::fuzzing::problem },
    Target { name: "callback", read: jumio::fuzzing::callback },
    Target { name: "url", read: jumio::fuzzing::url },
    Target { name: "retry_after", read: jumio::fuzzing::retry_after },
    Target { name: "grpc_request", read: grpc::fuzzing::request },
    Target { name: "certificate", read: tls::fuzzing::certificate },
    Target { name: "config", read: config },
];

/// Has the target of this name read `bytes`, for programs with one target each.
pub fn read(name: &str, bytes: &[u8]) {
    let named = TARGETS.iter().find(|target| target.name == name);
    let target = named.expect("the names of programs and targets are compared by tests/fuzz");
    (target.read)(bytes);
}

/// A page token, as it came back and as it looks inside.
fn page_token(bytes: &[u8]) -> bool {
    assert!(!crypto::fuzzing::token(bytes), "a token that nobody made");
    vault::fuzzing::page_token(bytes)
}

/// A file of settings and, after a NUL each, environment variables. Complaints are printed, so nothing in
/// them may move a terminal's cursor.
fn config(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
    let variables = variables.split('\0').filter_map(|text| text.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match Config::load_text(file.to_owned(), variables) {
        Ok(_) => true,
        Err(problems) => {
            let control = |c: char| c.is_control() && c != '\n' && c != '\t';
            let printed = problems.to_string();
            assert!(!printed.contains(control), "{printed:?}");
            false
        }
    }
}
