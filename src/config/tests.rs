//! Tests of the settings as a whole: what wins, what is refused, what is shown.

mod mistakes;

use std::fs;

use super::*;

/// A valid file.
const VALID: &str = r#"mode = "production"
[jumio]
region = "emea-1"
client_id = "cred:jumio-client-id"
client_secret = "cred:jumio-client-secret"
user_agent = "ExampleBank fmvault/1.0"
retention = "90d"
[keys]
passphrase = "cred:passphrase"
[listen.public]
tls_cert = "/etc/fmvault/tls/server.crt"
tls_key = "cred:server-key"
client_ca = "/etc/fmvault/tls/clients-ca.crt"
"#;

/// Loads `text` as `fmvault.toml`.
fn load_with(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&str, String)],
) -> Result<Loaded, Problems> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fmvault.toml");
    fs::write(&path, text).unwrap();
    let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Config::load(Some(&path), env, flags)
}

fn load(text: &str) -> Result<Loaded, Problems> {
    load_with(text, &[], &[])
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default() {
    let env = [
        ("FMVAULT__JUMIO__REGION", "apac-1"),
        ("FMVAULT__JUMIO__LIMITS__ACCOUNT_PER_SECOND", "2.5"),
        ("FMVAULT__CAPTURE__IMMEDIATE", "false"),
        ("FMVAULT__CAPTURE__ONBOARDING_WORKFLOW_KEYS", "[10011, \"bank-7\"]"),
        ("FMVAULT__JUMIO__RETENTION", "30d"),
        ("FMVAULT_FORMAT", "json"),
        ("PATH", "/bin"),
    ];
    let loaded = load_with(VALID, &env, &[("jumio.region", "amer-1".to_owned())]).unwrap();
    let config = &loaded.config;
    assert_eq!(config.jumio.region, Region::Amer1);
    assert_eq!(config.jumio.limits.account_per_second, 2.5);
    assert!(!config.capture.immediate);
    assert_eq!(config.capture.onboarding_workflow_keys.len(), 2);
    assert_eq!(config.jumio.retention, "30d".parse().unwrap());
    assert_eq!(config.sweep.interval, "1h".parse().unwrap());

    let origin = |key| loaded.origins[key].to_string();
    assert_eq!(origin("jumio.region"), "flag");
    assert_eq!(origin("jumio.retention"), "environment FMVAULT__JUMIO__RETENTION");
    assert!(origin("keys.passphrase").ends_with("fmvault.toml:9"), "{}", origin("keys.passphrase"));
    assert_eq!(origin("sweep.interval"), "default");
    assert!(!loaded.origins.contains_key("jumio.proxy"), "it has no value");
}

#[test]
fn the_environment_alone_is_enough() {
    let env = [
        ("FMVAULT__JUMIO__CLIENT_ID", "fm"),
        ("FMVAULT__JUMIO__CLIENT_SECRET", "file:/run/secrets/jumio"),
        ("FMVAULT__JUMIO__USER_AGENT", "ExampleBank fmvault/1.0"),
        ("FMVAULT__KEYS__KEY_FILE", "file:/run/secrets/key"),
        ("FMVAULT__LISTEN__PUBLIC__ADDRESS", "[::1]:0"),
        ("FMVAULT__LISTEN__PUBLIC__TLS_CERT", "/run/tls/server.crt"),
        ("FMVAULT__LISTEN__PUBLIC__TLS_KEY", "file:/run/secrets/server.key"),
        ("FMVAULT__LISTEN__PUBLIC__CLIENT_CA", "/run/tls/ca.crt"),
        (
            "FMVAULT__LISTEN__PUBLIC__CALLER",
            "[{ san = \"spiffe://bank/x\", permissions = [\"read\"] }]",
        ),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let loaded = Config::load(None, env.into_iter(), &[]).unwrap();
    assert_eq!(loaded.config.listen.public.address.to_string(), "[::1]:0");
    assert!(matches!(loaded.config.keys.root, RootSource::KeyFile(_)));
    let warned: Vec<_> = loaded.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warned.len(), 2, "nobody set region and retention: {warned:?}");
}

#[test]
fn a_file_that_is_not_there_is_one_problem() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nowhere.toml");
    let problems = Config::load(Some(&path), std::iter::empty(), &[]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems}");
    assert!(problems.to_string().contains("nowhere.toml"), "{problems}");
}

#[test]
fn the_environment_may_give_a_secret_in_simulator_mode_with_a_warning() {
    let simulator = VALID.replace("production", "simulator").replace("cred:pass", "env:PASS");
    let urls = ["auth", "account", "api", "retrieval"]
        .map(|service| format!("{service}_url = \"http://127.0.0.1:8080\"\n"))
        .concat();
    let simulator = simulator.replace("[keys]", &format!("{urls}[keys]"));
    let loaded = load(&simulator).unwrap();
    let [warning] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
    assert!(warning.message.contains("keys.passphrase"), "{warning:?}");
    assert!(warning.render("warning").starts_with("warning: `keys.passphrase`"), "{warning:?}");
}

#[test]
fn what_is_shown_has_no_secrets_and_can_be_read_again() {
    let loaded = load(VALID).unwrap();
    let shown = Config::show(&loaded, true);
    let text: Vec<_> =
        shown.iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    assert!(text.contains(&"jumio.client_secret = \"cred:jumio-client-secret\"".to_owned()));
    assert!(text.contains(&"jumio.limits.retrieval_per_second = 15.0".to_owned()), "{text:?}");
    assert!(shown.iter().all(|setting| setting.origin.is_some()));
    assert!(Config::show(&loaded, false).iter().all(|setting| setting.origin.is_none()));

    assert_eq!(load(&text.join("\n")).unwrap().config, loaded.config);
}

/// The list of keys and the types say the same: a setting without its key could not be set.
#[test]
fn every_setting_has_its_key() {
    let mut config = load(VALID).unwrap().config;
    let url = || Some(BaseUrl::try_from("https://localhost".to_owned()).unwrap());
    // Without `..`, so that a new setting has to be added here.
    config.jumio = Jumio {
        region: Region::Amer1,
        client_id: ClientId::Text("a".into()),
        client_secret: SecretRef::Credential("a".into()),
        user_agent: "a".into(),
        retention: config.jumio.retention,
        workflow_key: config.jumio.workflow_key,
        auth_url: url(),
        account_url: url(),
        api_url: url(),
        retrieval_url: url(),
        root_certificate: Some("/a".into()),
        proxy: url(),
        limits: Limits::default(),
    };
    config.listen.callback.path_secret = Some(SecretRef::Credential("a".into()));
    config.listen.public.client_crl = Some("/a".into());
    let mut names: Vec<_> = config.values().into_keys().collect();
    names.extend(["keys.key_file", "keys.program", "keys.pkcs11"].map(str::to_owned));
    names.sort();
    let mut keys: Vec<_> = key_names().collect();
    keys.sort_unstable();
    assert_eq!(names, keys);
}

#[test]
fn every_setting_is_explained() {
    for key in key_names() {
        let explanation =
            Config::explain(key).unwrap_or_else(|| panic!("{key} is not in the manual"));
        assert!(explanation.text.len() > 20, "{key}: {}", explanation.text);
    }
    let retention = Config::explain("jumio.retention").unwrap();
    assert_eq!(retention.value, "\"90d\"");
    assert!(retention.text.contains("WARNING"));
    assert_eq!(Config::explain("jumio.retension"), None);
}
