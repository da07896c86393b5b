//! The error contract, raised by a running vault: for each reason its code, its details, and what a
//! caller reads.

mod capture;
mod deciding;
mod fields;
mod jumio;
mod requests;
mod services;
mod store;

use std::path::Path;

/// Reasons of the code that nothing can raise from outside yet, and why.
const UNRAISED: &[(&str, &str)] = &[
    ("CallerUnauthenticated", "the public listener takes loopback peers only: src/grpc/answer.rs"),
    ("Conflict", "the vault looks again by itself and never gives up"),
    ("ShuttingDown", "only if the process ends under a request"),
];

/// Every reason that the gRPC layer can answer has a test in this folder that expects it.
#[test]
fn every_reason_is_raised_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let sources = [read("src/grpc/status.rs"), read("src/grpc/status_vault.rs")].concat();
    let tests: String =
        ["../backlog", "capture", "deciding", "fields", "jumio", "requests", "store"]
            .map(|name| read(&format!("tests/it/wire/{name}.rs")))
            .concat();

    let named = regex::Regex::new(r"\b(?:R|ErrorReason)::([A-Z][A-Za-z]+)\b").unwrap();
    let mut reasons: Vec<_> =
        named.captures_iter(&sources).map(|found| found[1].to_owned()).collect();
    reasons.sort();
    reasons.dedup();
    assert!(reasons.len() > 25, "found too few: {reasons:?}");

    for (name, _) in UNRAISED {
        assert!(reasons.iter().any(|reason| reason == name), "{name} is no longer in the code");
    }
    let is_raised = |reason: &str| {
        let word = regex::Regex::new("([a-z])([A-Z])").unwrap().replace_all(reason, "${1}_${2}");
        tests.contains(&format!("\"{}\"", word.to_uppercase()))
    };
    let is_excused = |reason: &str| UNRAISED.iter().any(|(name, _)| *name == reason);
    let missing: Vec<_> =
        reasons.iter().filter(|reason| !is_raised(reason) && !is_excused(reason)).collect();
    assert!(missing.is_empty(), "no test in tests/it/wire expects {missing:?}");
}
