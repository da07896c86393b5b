//! One word for each thing, and few places that see a secret.

use super::source::{Kind, Source};

/// Files that may name `expose`, the only way to the bytes of a secret. A folder ends with `/`.
const MAY_EXPOSE: &[&str] = &[
    "crypto/",
    // Hands the caller its own tokens.
    "grpc/view.rs",
    "jumio/access_token.rs",
    "jumio/client.rs",
    "model/facemap.rs",
    "model/secret.rs",
];

/// Files that speak the language of others: Jumio's JSON, the generated code.
const FOREIGN_LANGUAGE: &[&str] = &["jumio/wire/", "proto.rs", "sim/"];

/// What we do not say, and what we say. Compared with whole words of an identifier, one or more.
const REFUSED: &[(&str, &str)] = &[
    ("aad", "context"),
    ("biometric", "facemap"),
    ("content_key", "dek"),
    ("decrypt", "open, unwrap or unlock"),
    ("encrypt", "seal, wrap or lock"),
    ("face_image", "facemap"),
    ("file_key", "dek"),
    ("freeze", "hold"),
    ("handler", "the verb it carries out"),
    ("helper", "what it does"),
    ("ingest", "capture"),
    ("key_set", "keyring"),
    ("keystore", "keyring"),
    ("kms_key", "kek"),
    ("kyc", "onboarding"),
    ("manager", "the noun it manages"),
    ("master", "root, or primary"),
    ("passwd", "passphrase"),
    ("password", "passphrase"),
    ("principal", "caller"),
    ("processor", "the verb it carries out"),
    ("purge", "erase"),
    ("re_encrypt", "rewrap"),
    ("reaper", "sweep"),
    ("reencrypt", "rewrap"),
    ("rekey", "rotate"),
    ("template", "facemap"),
    ("ttl", "the moment it ends, or a Duration"),
    ("unseal", "unlock, or open"),
    ("util", "what is in it"),
    ("wrapping_key", "kek"),
];

/// Places that name `expose` without being on the list.
pub(super) fn exposed(source: &Source) -> Vec<String> {
    if is_in(&source.name, MAY_EXPOSE) {
        return Vec::new();
    }
    (0..source.tokens.len())
        .filter(|at| source.word(*at).is_some_and(|word| word.starts_with("expose")))
        .map(|at| {
            let what = "a secret must not be seen here. Pass the type on; if this file really has to \
                        see the bytes, argue so and add it to MAY_EXPOSE";
            source.complain(at, what)
        })
        .collect()
}

/// Code or text that could end an execution at Jumio: only the person's device may.
pub(super) fn finalizing(source: &Source) -> Vec<String> {
    if !["jumio", "vault"].contains(&source.module()) {
        return Vec::new();
    }
    (0..source.tokens.len())
        .filter(|at| {
            let token = &source.tokens[*at];
            token.kind != Kind::Mark && token.text.to_lowercase().contains("finali")
        })
        .map(|at| source.complain(at, "the vault never finalizes, so there is no code for it"))
        .collect()
}

/// Names given here that have a refused word in them. `rpcs` are the methods that generated traits
/// force on `grpc`.
pub(super) fn refused(source: &Source, rpcs: &[String]) -> Vec<String> {
    if is_in(&source.name, FOREIGN_LANGUAGE) {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for at in given_names(source) {
        let name = source.word(at).unwrap_or_default();
        let words = snake_case(name);
        // The proto's names are for callers, and are not chosen again here.
        if source.module() == "grpc" && source.is(at - 1, "fn") && rpcs.contains(&words) {
            continue;
        }
        for (refused, instead) in REFUSED {
            if has_words(&words, refused) || has_words(&words, &format!("{refused}s")) {
                let what = format!("`{name}`: we do not say {refused}. Say {instead}");
                complaints.push(source.complain(at, &what));
            }
        }
        if words.starts_with("do_") {
            complaints.push(source.complain(at, &format!("`{name}`: the verb alone says it")));
        }
        if words.starts_with("get_") && source.is(at - 1, "fn") {
            let what = format!("`{name}`: an accessor is named for what it gives, without get");
            complaints.push(source.complain(at, &what));
        }
    }
    complaints
}

/// The method names that the services in `protos` ask for.
pub(super) fn rpc_names<'a>(protos: impl Iterator<Item = &'a str>) -> Vec<String> {
    protos
        .flat_map(str::lines)
        .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next())
        .map(snake_case)
        .collect()
}

fn is_in(name: &str, places: &[&str]) -> bool {
    places.iter().any(
        |place| {
            if place.ends_with('/') { name.starts_with(place) } else { name == *place }
        },
    )
}

/// Places where a name is given rather than used: after a keyword that declares, before the colon of a
/// field or parameter, as the variant of an enum.
fn given_names(source: &Source) -> Vec<usize> {
    const DECLARES: [&str; 10] =
        ["fn", "struct", "enum", "trait", "type", "mod", "const", "static", "let", "as"];
    let mut names = Vec::new();
    for at in 1..source.tokens.len() {
        if source.word(at).is_none() {
            continue;
        }
        let declared = DECLARES.iter().any(|keyword| source.is(at - 1, keyword))
            || (at > 1 && source.is(at - 1, "mut") && source.is(at - 2, "let"));
        if declared || source.is(at + 1, ":") {
            names.push(at);
        }
        if source.is(at - 1, "enum") {
            names.extend(variants(source, at));
        }
    }
    names
}

/// The variants of the enum named at `at`.
fn variants(source: &Source, at: usize) -> Vec<usize> {
    let Some(open) = (at..source.tokens.len()).find(|inner| source.is(*inner, "{")) else {
        return Vec::new();
    };
    let mut depth = 0;
    let mut names = Vec::new();
    for inner in open..source.closing(open) {
        let begins = ["{", ",", "]"].iter().any(|mark| source.is(inner - 1, mark));
        if depth == 1 && begins && source.word(inner).is_some() {
            names.push(inner);
        }
        depth += usize::from(["{", "(", "["].iter().any(|mark| source.is(inner, mark)));
        depth -= usize::from(["}", ")", "]"].iter().any(|mark| source.is(inner, mark)));
    }
    names
}

fn snake_case(name: &str) -> String {
    let mut words = String::new();
    let mut previous = '_';
    for c in name.chars() {
        if c.is_uppercase() && (previous.is_lowercase() || previous.is_numeric()) {
            words.push('_');
        }
        words.extend(c.to_lowercase());
        previous = c;
    }
    words
}

fn has_words(name: &str, words: &str) -> bool {
    format!("_{name}_").contains(&format!("_{words}_"))
}

#[test]
fn a_secret_exposed_elsewhere_is_seen() {
    let text = "fn f(facemap: &Facemap) { g(facemap.expose()) } // expose";
    assert_eq!(exposed(&Source::new("vault/capture.rs", text)).len(), 1);
    assert_eq!(exposed(&Source::new("crypto/envelope.rs", text)).len(), 0);
    assert_eq!(exposed(&Source::new("model/facemap.rs", text)).len(), 0);
}

#[test]
fn code_that_finalizes_is_seen() {
    let table = [
        ("jumio/client.rs", "fn finalize() {}", 1),
        ("jumio/client.rs", "let path = \"/workflow-executions/finalize\";", 1),
        ("vault/a.rs", "jumio.Finalise(x)", 1),
        ("vault/a.rs", "// we never finalize", 0),
        ("crypto/a.rs", "mac.finalize()", 0),
    ];
    for (name, text, want) in table {
        let got = finalizing(&Source::new(name, text));
        assert_eq!(got.len(), want, "{name}: {text}: {got:?}");
    }
}

#[test]
fn a_refused_word_is_seen_wherever_a_name_is_given() {
    let proto =
        "service S {\n  rpc GetEnrollment(A) returns (B);\n  rpc IngestIt(A) returns (B);\n}";
    let rpcs = rpc_names(proto.lines());
    let table = [
        ("vault/a.rs", "pub fn purge_due() {}", 1),
        ("vault/a.rs", "struct KeyManager;", 1),
        ("vault/a.rs", "struct S { master_key: [u8; 32] }", 1),
        ("vault/a.rs", "fn f(user_password: &str) {}", 1),
        ("vault/a.rs", "let mut templates = 1;", 1),
        ("vault/a.rs", "enum E { Kept, #[error(\"x\")] Purge { at: u8 }, Gone(Template) }", 1),
        ("vault/a.rs", "use x::y as helper;", 1),
        ("vault/a.rs", "fn do_capture() {}", 1),
        ("vault/a.rs", "fn get_enrollment() {}", 1),
        ("vault/a.rs", "// purge\nfn erase() { argon2.hash_password(\"password\") }", 0),
        ("vault/a.rs", "fn contemplate() { store.get_enrollment() }", 0),
        ("grpc/a.rs", "fn get_enrollment() {}", 0),
        ("grpc/a.rs", "fn get_key() {}", 1),
        ("grpc/a.rs", "fn ingest_it() {}", 0),
        ("grpc/a.rs", "let ingest_it = 1;", 1),
        ("vault/a.rs", "fn ingest_it() {}", 1),
        ("jumio/wire/", "struct Template;", 0),
        ("sim/account.rs", "struct Template;", 0),
    ];
    for (name, text, want) in table {
        let got = refused(&Source::new(name, text), &rpcs);
        assert_eq!(got.len(), want, "{name}: {text}: {got:?}");
    }
}
