//! The files of settings that we give away are true: they load, and say what the defaults are.

use std::path::{Path, PathBuf};

use facemap_vault::config::{Config, Loaded, MANUAL, Mode, Profile, key_names};

/// What has no default.
const REQUIRED: &str = "[jumio]\nclient_id = \"cred:jumio-client-id\"\n\
                        client_secret = \"cred:jumio-client-secret\"\n\
                        user_agent = \"ExampleBank fmvault/1.0\"\n\
                        [keys]\npassphrase = \"cred:passphrase\"\n\
                        [listen.public]\ntls_cert = \"/etc/fmvault/tls/server.crt\"\n\
                        tls_key = \"cred:server-key\"\n\
                        client_ca = \"/etc/fmvault/tls/clients-ca.crt\"\n";

/// The settings without a default that may be left out, in the manual behind `#`.
const OPTIONAL: [&str; 11] = [
    "auth_url",
    "account_url",
    "api_url",
    "retrieval_url",
    "root_certificate",
    "proxy",
    "key_file",
    "program",
    "pkcs11",
    "path_secret",
    "client_crl",
];

fn load(path: &Path) -> Loaded {
    Config::load(Some(path), std::iter::empty(), &[])
        .unwrap_or_else(|problems| panic!("{}: {problems}", path.display()))
}

fn load_text(text: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fmvault.toml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

/// The lines that set something.
fn settings(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#') && line.contains(" = ")).collect()
}

#[test]
fn the_manual_is_the_defaults() {
    let manual = load(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/fmvault.toml"));
    assert_eq!(manual.config, load_text(REQUIRED).config);
    assert!(manual.warnings.is_empty(), "{:?}", manual.warnings);
}

#[test]
fn the_manual_has_every_setting() {
    let all: String = MANUAL
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(line) if line.contains(" = ") && !line.starts_with(' ') => line,
            _ => line,
        })
        // Of the four ways into the keyring one is given.
        .filter(|line| !["passphrase", "program", "pkcs11"].iter().any(|way| line.starts_with(way)))
        .fold(String::new(), |text, line| text + line + "\n");
    let loaded = load_text(&all);
    let mut shown: Vec<_> = Config::show(&loaded, false).iter().map(|shown| shown.key).collect();
    shown.extend(["keys.passphrase", "keys.program", "keys.pkcs11"]);
    shown.sort_unstable();
    let mut keys: Vec<_> = key_names().collect();
    keys.sort_unstable();
    assert_eq!(shown, keys);

    for name in OPTIONAL {
        assert!(MANUAL.contains(&format!("\n#{name} = ")), "{name} is not behind #");
    }
    assert_eq!(settings(MANUAL).len(), keys.len() - OPTIONAL.len());
}

#[test]
fn a_file_to_begin_with_is_short_and_valid() {
    let production = Config::example(Profile::Production);
    assert!(settings(&production).len() <= 15, "{:?}", settings(&production));
    let loaded = load_text(&production);
    assert_eq!(loaded.config.mode, Mode::Production);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);

    let dev = load_text(&Config::example(Profile::Dev));
    assert_eq!(dev.config.mode, Mode::Simulator);
    assert_eq!(dev.warnings.len(), 2, "two secrets from the environment: {:?}", dev.warnings);
}

#[test]
fn a_file_to_begin_with_says_all_that_the_manual_says() {
    let text = |file: &str| -> Vec<String> {
        file.lines().filter(|line| line.starts_with("# ")).map(str::to_owned).collect()
    };
    for profile in [Profile::Production, Profile::Dev] {
        assert_eq!(text(&Config::example(profile)), text(MANUAL));
    }
}
