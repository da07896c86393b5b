//! Who may import whom. Keys, disk and Jumio are strangers: they never meet except in `vault`.

use super::source::Source;

/// For each module of `src/`, the modules it may import besides itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    // A leaf like `model`: counters that every layer may count in.
    ("metrics", &["model"]),
    ("audit", &["model"]),
    ("crypto", &["model"]),
    ("jumio", &["metrics", "model"]),
    ("store", &["model"]),
    ("vault", &["audit", "crypto", "jumio", "metrics", "model", "store"]),
    ("proto", &[]),
    ("tls", &["metrics", "model"]),
    ("grpc", &["audit", "metrics", "model", "proto", "tls", "vault"]),
    ("ops", &["metrics", "model", "vault"]),
    ("sim", &[]),
    // Brings what opens the keyring from where the settings say it is.
    ("unlock", &["config", "crypto", "model"]),
];

/// The modules that put the others together, and so may import all of them.
const WIRING: &[&str] = &["cli", "config", "fuzzing", "lib", "main", "measuring", "serve"];

/// Crates that only some modules may name. What only one module knows can be replaced there.
const HOMES: &[(&str, &[&str])] = &[
    ("aes_gcm", &["crypto"]),
    ("argon2", &["crypto"]),
    ("aws_lc_rs", &["crypto"]),
    ("axum", &["ops", "sim"]),
    ("bech32", &["crypto"]),
    ("clap", &["cli", "config", "main"]),
    ("cryptoki", &["unlock"]),
    ("getrandom", &["crypto", "sim"]),
    ("hkdf", &["crypto"]),
    ("hmac", &["crypto", "sim"]),
    ("prometheus_client", &["metrics"]),
    ("rcgen", &["cli"]),
    ("reqwest", &["jumio", "sim"]),
    ("rpassword", &["cli"]),
    ("rocksdb", &["store"]),
    ("secret_page", &["crypto"]),
    ("serde_json", &["audit", "cli", "jumio", "sim"]),
    ("sha2", &["crypto", "sim"]),
    ("tempfile", &["cli", "config", "serve", "store"]),
    // The nouns and the keys do not wait for anything.
    (
        "tokio",
        &[
            "audit", "cli", "grpc", "jumio", "main", "ops", "serve", "sim", "store", "tls",
            "unlock", "vault",
        ],
    ),
    ("tokio_rustls", &["cli", "sim", "tls"]),
    ("toml", &["cli", "config"]),
    ("tonic", &["cli", "grpc", "proto", "serve"]),
    ("tonic_health", &["cli", "grpc", "serve"]),
    ("tonic_prost", &["proto"]),
    ("tonic_reflection", &["cli", "grpc", "serve"]),
    ("tonic_types", &["cli", "grpc"]),
    ("x509_parser", &["tls"]),
    ("zeroizing_alloc", &["main"]),
];

/// The files that may ask the system for the time; everyone else is given it.
const CLOCKS: &[&str] = &["model/time.rs", "sim/clock.rs"];

/// Paths to modules that the file's own module may not import.
pub(super) fn imports(source: &Source) -> Vec<String> {
    let module = source.module();
    if WIRING.contains(&module) {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "src/{}: `{module}` has no row in MAY_IMPORT; decide which",
            source.name
        )];
    };

    paths_from_the_root(source)
        .into_iter()
        .filter(|(_, head)| head != module && !allowed.contains(&head.as_str()))
        .map(|(at, head)| {
            let what = format!(
                "`{module}` may not import `{head}`, only {allowed:?}. Move the code to the layer that \
                 may, or pass in what it needs"
            );
            source.complain(at, &what)
        })
        .collect()
}

/// Names of crates outside their homes.
pub(super) fn third_party(source: &Source) -> Vec<String> {
    let foreign = |at: &usize| {
        let name = source.word(*at)?;
        let (_, homes) = HOMES.iter().find(|(krate, _)| *krate == name)?;
        let begins_path = *at == 0 || !(source.is(at - 1, "::") || source.is(at - 1, "."));
        let is_path = source.is(at + 1, "::") || (*at > 0 && source.is(at - 1, "use"));
        (begins_path && is_path && !homes.contains(&source.module())).then_some(homes)
    };
    (0..source.tokens.len())
        .filter_map(|at| {
            let homes = foreign(&at)?;
            let name = source.word(at)?;
            Some(
                source.complain(
                    at,
                    &format!("`{name}` lives in {homes:?} only; use what they offer"),
                ),
            )
        })
        .collect()
}

/// Readings of the clock where time should be an argument.
pub(super) fn clock(source: &Source) -> Vec<String> {
    if CLOCKS.contains(&source.name.as_str()) {
        return Vec::new();
    }
    (0..source.tokens.len())
        .filter(|at| {
            ["SystemTime", "UtcDateTime", "Zoned"].contains(&source.word(*at).unwrap_or_default())
                && source.is(at + 1, "::")
                && source.is(at + 2, "now")
        })
        .map(|at| {
            source.complain(at, "the clock is read in model/time.rs; take `now` as an argument")
        })
        .collect()
}

/// The first names of all paths that start at the crate's root, with their places. `super` counts if
/// there are enough of them to get there.
fn paths_from_the_root(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // For each open brace, whether it is that of a module.
    let mut braces = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        let begins = at == 0 || !source.is(at - 1, "::");
        if source.is(at, "{") {
            braces.push(at >= 2 && source.is(at - 2, "mod"));
        } else if source.is(at, "}") {
            braces.pop();
        } else if begins && source.is(at, "crate") && source.is(at + 1, "::") {
            heads(source, at + 2, &mut found);
        } else if begins && source.is(at, "super") {
            let mut supers = 0;
            while source.is(at + 2 * supers, "super") {
                supers += 1;
            }
            let modules = source.depth() + braces.iter().filter(|is_module| **is_module).count();
            if supers >= modules {
                heads(source, at + 2 * supers, &mut found);
            }
        }
        at += 1;
    }
    found
}

/// The name at `at`, or the first name of each path in the group there.
fn heads(source: &Source, at: usize, found: &mut Vec<(usize, String)>) {
    if let Some(head) = source.word(at) {
        found.push((at, head.to_owned()));
        return;
    }
    if !source.is(at, "{") {
        found.push((at, "*".to_owned()));
        return;
    }
    let mut depth = 0;
    for inner in at..source.closing(at) {
        depth += usize::from(source.is(inner, "{"));
        depth -= usize::from(source.is(inner, "}"));
        let begins = source.is(inner - 1, "{") || source.is(inner - 1, ",");
        if let (1, true, Some(head)) = (depth, begins, source.word(inner)) {
            found.push((inner, head.to_owned()));
        }
    }
}

#[test]
fn a_forbidden_import_is_seen_however_it_is_written() {
    let table: [(&str, &str, &[&str]); 13] = [
        ("vault/a.rs", "use crate::store::Store;", &[]),
        ("vault/a.rs", "use crate::grpc::Caller;", &["grpc"]),
        ("store/a.rs", "use crate::crypto::Dek;", &["crypto"]),
        ("store/a.rs", "// use crate::crypto::Dek;", &[]),
        ("store/a.rs", "fn f() -> crate::jumio::Jumio { g(\"}\") }", &["jumio"]),
        (
            "jumio/a.rs",
            "use crate::{model::{a, store}, store::Store, crypto};",
            &["store", "crypto"],
        ),
        ("jumio/a.rs", "use super::super::vault::Vault;", &["vault"]),
        ("jumio/a.rs", "use super::wire;", &[]),
        ("jumio/mod.rs", "use super::vault::Vault;", &["vault"]),
        ("jumio/mod.rs", "mod tests { use super::wire; }", &[]),
        ("jumio/mod.rs", "mod tests { use super::super::vault; }", &["vault"]),
        ("sim/a.rs", "use crate::*;", &["*"]),
        ("serve.rs", "use crate::store::RocksStore;", &[]),
    ];
    for (name, text, want) in table {
        let got = imports(&Source::new(name, text));

        assert_eq!(got.len(), want.len(), "{name}: {text}: {got:?}");
        for (got, want) in got.iter().zip(want) {
            assert!(got.contains(&format!("import `{want}`")), "{name}: {text}: {got}");
        }
    }
    assert_eq!(imports(&Source::new("other/a.rs", "")).len(), 1, "a module without a row");
}

#[test]
fn a_crate_away_from_home_is_seen() {
    let table = [
        ("vault/a.rs", "use rocksdb::DB;", 1),
        ("vault/a.rs", "use rocksdb as engine;", 1),
        ("vault/a.rs", "fn f(db: &rocksdb::DB) {}", 1),
        ("store/a.rs", "use rocksdb::DB;", 0),
        ("vault/a.rs", "let rocksdb = crate::store::rocksdb::open(); // rocksdb::DB", 0),
        ("crypto/a.rs", "async fn f() { tokio::spawn(g()) }", 1),
        ("vault/a.rs", "use {std::fmt, tonic::Status};", 1),
    ];
    for (name, text, want) in table {
        let got = third_party(&Source::new(name, text));
        assert_eq!(got.len(), want, "{name}: {text}: {got:?}");
    }
}

#[test]
fn a_second_clock_is_seen() {
    let text = "fn f() { std::time::SystemTime::now() }";
    assert_eq!(clock(&Source::new("vault/sweep.rs", text)).len(), 1);
    assert_eq!(clock(&Source::new("model/time.rs", text)).len(), 0);
}
