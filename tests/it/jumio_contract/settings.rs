//! Settings that are refused, and an environment that is not listened to.

use facemap_vault::jumio::{HttpJumio, Jumio as _, Rates, Region, Settings, SettingsError};
use facemap_vault::model::ClientSecret;
use url::Url;

use super::{account, client, execution, no_rates, settings_for};
use crate::support::stub_jumio::{Canary, Reply, StubJumio};

fn error_of(edit: impl FnOnce(&mut Settings)) -> Option<SettingsError> {
    let mut settings = settings_for("http://127.0.0.1:9");
    edit(&mut settings);
    HttpJumio::new(settings).err()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_region_names_its_four_hosts() {
    for name in ["amer-1", "emea-1", "apac-1"] {
        let region: Region = name.parse().unwrap();
        let secret = ClientSecret::new("s".to_owned());
        let settings = Settings::for_region(region, "c".to_owned(), secret, "Bank v/1".to_owned());
        for (url, service) in [
            (&settings.auth_url, "auth"),
            (&settings.account_url, "account"),
            (&settings.api_url, "api"),
            (&settings.retrieval_url, "retrieval"),
        ] {
            assert_eq!(url.as_str(), format!("https://{service}.{name}.jumio.ai/"));
        }
        assert_eq!((settings.workflow_key.as_str(), settings.simulator), ("10071", false));
    }
    assert_eq!("amer-2".parse::<Region>(), Err(SettingsError::Region));
}

#[test]
fn plain_http_is_for_a_simulator_on_this_machine() {
    let name = "account_url";
    for (base, simulator, good) in [
        ("http://127.0.0.1:80", true, true),
        ("http://127.9.9.9:80", true, true),
        ("http://[::1]:80", true, true),
        ("http://localhost:80", true, true),
        ("https://sim.example.test", true, true),
        ("http://127.0.0.1:80", false, false),
        ("http://localhost:80", false, false),
        ("http://192.0.2.1:80", true, false),
        ("http://0.0.0.0:80", true, false),
        ("http://localhost.example.test", true, false),
        ("http://account.amer-1.jumio.ai", true, false),
        ("http://[::ffff:192.0.2.1]:80", true, false),
    ] {
        let got = error_of(|settings| {
            for other in
                [&mut settings.auth_url, &mut settings.api_url, &mut settings.retrieval_url]
            {
                *other = url("https://sim.example.test");
            }
            settings.account_url = url(base);
            settings.simulator = simulator;
            if !simulator {
                // Building the production client may fail on a machine without root certificates;
                // what is tested here is found before.
                settings.client_id.clear();
            }
        });
        match (good, simulator) {
            (true, _) => assert_eq!(got, None, "{base}"),
            (false, _) => assert_eq!(got, Some(SettingsError::PlainHttp { name }), "{base}"),
        }
    }
}

#[test]
fn settings_that_cannot_be_right_are_refused() {
    let name = "api_url";
    for base in [
        "https://api.example.test/prefix",
        "https://api.example.test/?q",
        "https://api.example.test/#f",
        "https://user@api.example.test/",
        "https://user:secret@api.example.test/",
        "ftp://api.example.test/",
        "file:///api",
        "data:api",
    ] {
        let got = error_of(|settings| settings.api_url = url(base));
        assert_eq!(got, Some(SettingsError::BaseNotBare { name }), "{base}");
    }
    for id in ["", "a:b", "a b", "ü", "a\n"] {
        let got = error_of(|settings| settings.client_id = id.to_owned());
        assert_eq!(got, Some(SettingsError::ClientId), "{id:?}");
    }
    for agent in ["", " ", "a\r\nb", "a\0"] {
        let got = error_of(|settings| settings.user_agent = agent.to_owned());
        assert_eq!(got, Some(SettingsError::UserAgent), "{agent:?}");
    }
    for key in ["", "10071/..", "a b", &"9".repeat(65)] {
        let got = error_of(|settings| settings.workflow_key = key.to_owned());
        assert_eq!(got, Some(SettingsError::WorkflowKey), "{key:?}");
    }
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
        let rates = Rates { account: Some(rate), ..no_rates() };
        assert_eq!(
            error_of(|settings| settings.rates = rates),
            Some(SettingsError::Rate),
            "{rate}"
        );
    }
    for reserve_for_authentication in [-0.1, 1.0, f64::NAN] {
        let rates = Rates { reserve_for_authentication, ..no_rates() };
        assert_eq!(error_of(|settings| settings.rates = rates), Some(SettingsError::Rate));
    }
    for pem in [&b""[..], b"not a certificate"] {
        let got = error_of(|s| s.extra_root_certificate_pem = Some(pem.to_vec()));
        assert_eq!(got, Some(SettingsError::Certificate));
    }
    let got = error_of(|s| s.proxy = Some(url("socks5://proxy.example.test")));
    assert_eq!(got, Some(SettingsError::Proxy));
}

#[test]
fn debug_shows_no_secret() {
    let mut settings = settings_for("http://127.0.0.1:9");
    settings.client_secret = ClientSecret::new("marker".to_owned());
    settings.proxy = Some(url("http://user:marker@proxy.example.test"));
    assert!(!format!("{settings:?}").contains("marker"));
}

/// Runs this test binary again, with an environment that names proxies and a key log.
#[test]
fn the_environment_is_not_asked_for_a_proxy() {
    let canary = Canary::start();
    let proxy = format!("http://{}", canary.address());
    let folder = tempfile::tempdir().unwrap();
    let key_log = folder.path().join("keys");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--test-threads=1"]);
    child.args(["jumio_contract::settings::a_call_with_any_environment"]);
    child.args(["jumio_contract::tls::a_call_over_tls_with_any_environment"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        child.env(name, &proxy);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy").env("SSLKEYLOGFILE", &key_log);
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("2 passed"), "{text}");
    canary.assert_untouched("a proxy of the environment");
    assert!(!key_log.exists(), "a key log was written");
}

#[tokio::test]
#[ignore = "run by the test above, in an environment of its own"]
async fn a_call_with_any_environment() {
    let stub = StubJumio::start(|seen| {
        let status = super::documents::status(&seen.base(), "ACQUIRED");
        seen.path.starts_with("/api").then(|| Reply::json(200, status))
    })
    .await;
    client(&stub).authentication(account(), execution()).await.unwrap();
}
