//! A vault that this process serves with TLS, and its authority.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use facemap_vault::config::Config;
use facemap_vault::model::Timestamp;
use facemap_vault::serve::{Running, initialize, start};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use tonic::transport::Channel;

use super::caller::Caller;
use super::pki::{Authority, Certified, Leaf, channel, client};
use super::site::{Person, Site, write_private};

/// The caller that every secured vault knows, with all permissions.
pub(crate) const BACKEND: &str = "spiffe://bank/auth-backend";

/// The settings of TLS, of the files that [`write_certificates`] writes.
pub(crate) const TLS: [(&str, &str); 4] = [
    ("listen.public.tls_cert", "{dir}server.crt"),
    ("listen.public.tls_key", "file:{dir}server.key"),
    ("listen.public.client_ca", "{dir}clients-ca.crt"),
    ("listen.public.client_crl", "{dir}clients.crl"),
];

/// A running vault that takes certificates of `authority`.
pub(crate) struct Secured {
    pub(crate) site: Site,
    pub(crate) vault: Running,
    pub(crate) authority: Authority,
}

impl Secured {
    /// A vault that knows [`BACKEND`], and `callers` as they would stand in a list of the settings.
    pub(crate) async fn start(callers: &str, extra: &[(&str, &str)]) -> Self {
        let authority = Authority::root("callers' root");
        let all = r#"["enroll", "read", "authenticate", "erase", "callback"]"#;
        let caller = format!(r#"[{{ san = "{BACKEND}", permissions = {all} }}, {callers}]"#);
        let mut settings = TLS.to_vec();
        settings.push(("listen.public.caller", &caller));
        settings.extend(extra);
        let site = Site::start(&settings).await;
        write_certificates(&site, &authority);
        let config = config(&site);
        initialize(&config, Timestamp::now()).await.unwrap();
        let vault = start(&config, |_| {}).await.unwrap();
        Self { site, vault, authority }
    }

    /// The settings, those in the last argument instead of the site's.
    pub(crate) fn config(&self, other: &[(&str, &str)]) -> Config {
        let mut flags = flags(&self.site);
        flags.extend(other.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Config::load(None, std::iter::empty(), &flags).unwrap_or_else(|e| panic!("{e}")).config
    }

    pub(crate) fn address(&self) -> String {
        self.vault.grpc.to_string()
    }

    /// The file of the root that vouches for the vault and its callers.
    pub(crate) fn root(&self) -> PathBuf {
        self.site.path("clients-ca.crt")
    }

    /// A channel with a certificate.
    pub(crate) fn channel(&self, who: &Certified) -> Channel {
        channel(&self.address(), &client(&self.root(), Some(who)))
    }

    /// A caller whose certificate has one URI.
    pub(crate) fn caller(&self, uri: &str) -> Caller {
        Caller::new(self.channel(&self.authority.sign(&Leaf::uri(uri))))
    }

    /// Somebody whose facemap is in the vault.
    pub(crate) async fn captured(&self) -> Person {
        let person = self.site.onboard(json!({})).await;
        let request = super::caller::enroll(&person, 10);
        self.caller(BACKEND).create_enrollment(request).await.unwrap();
        person
    }
}

/// Writes a certificate of the vault, and what `authority` vouches for and revokes.
pub(crate) fn write_certificates(site: &Site, authority: &Authority) {
    fs::write(site.path("clients-ca.crt"), authority.pem()).unwrap();
    fs::write(site.path("clients.crl"), authority.revoked(&[])).unwrap();
    let (certificate, key) = server(authority).pem();
    fs::write(site.path("server.crt"), certificate).unwrap();
    write_private(&site.path("server.key"), key.as_bytes());
}

/// A certificate for the vault itself.
pub(crate) fn server(authority: &Authority) -> Certified {
    authority.sign(&Leaf {
        domains: vec![b"localhost".to_vec()],
        usages: vec![ExtendedKeyUsagePurpose::ServerAuth],
        ..Leaf::default()
    })
}

fn flags(site: &Site) -> Vec<(&str, String)> {
    site.settings().iter().map(|(key, value)| (key.as_str(), value.clone())).collect()
}

fn config(site: &Site) -> Config {
    let loaded = Config::load(None, std::iter::empty(), &flags(site));
    loaded.unwrap_or_else(|problems| panic!("{problems}")).config
}

/// Asks again until `done` says so. Ten seconds are far beyond what is promised.
pub(crate) async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(done.is_ok(), "{what}: not within ten seconds");
}
