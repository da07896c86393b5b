//! Where Jumio is, who we are there, and which limits we keep.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use url::{Host, Url};

use crate::metrics::Metrics;
use crate::model::ClientSecret;

/// Everything [`HttpJumio`](super::HttpJumio) needs to know. Its `Debug` shows no secret.
pub struct Settings {
    /// Base of the token service: scheme, host and port only.
    pub auth_url: Url,
    /// Base of the account service.
    pub account_url: Url,
    /// Base of the upload service.
    pub api_url: Url,
    /// Base of the retrieval service.
    pub retrieval_url: Url,
    /// The OAuth2 client, as made in Jumio's portal.
    pub client_id: String,
    /// Its secret.
    pub client_secret: ClientSecret,
    /// Sent with every request. Jumio's documents ask for one that names the customer.
    pub user_agent: String,
    /// The authentication workflow: 10071, or a variant that Jumio made for the tenant.
    pub workflow_key: String,
    /// Talks to a simulator: plain HTTP is allowed, to this machine only.
    pub simulator: bool,
    /// PEM of one or more root certificates to trust besides the system's.
    pub extra_root_certificate_pem: Option<Vec<u8>>,
    /// A forward proxy. The environment is never asked for one.
    pub proxy: Option<Url>,
    /// Our own call budgets.
    pub rates: Rates,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// Where calls are counted.
    pub metrics: Arc<Metrics>,
}

impl Settings {
    /// The settings of a tenant in `region`, with the default workflow, budgets and timeouts.
    pub fn for_region(
        region: Region,
        client_id: String,
        client_secret: ClientSecret,
        user_agent: String,
    ) -> Self {
        Self {
            auth_url: region.base("auth"),
            account_url: region.base("account"),
            api_url: region.base("api"),
            retrieval_url: region.base("retrieval"),
            client_id,
            client_secret,
            user_agent,
            workflow_key: "10071".to_owned(),
            simulator: false,
            extra_root_certificate_pem: None,
            proxy: None,
            rates: Rates::default(),
            timeouts: Timeouts::default(),
            metrics: Arc::default(),
        }
    }

    /// Checks what a type cannot.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (name, url) in [
            ("auth_url", &self.auth_url),
            ("account_url", &self.account_url),
            ("api_url", &self.api_url),
            ("retrieval_url", &self.retrieval_url),
        ] {
            check_base(name, url, self.simulator)?;
        }
        if self.client_id.is_empty() || !self.client_id.chars().all(|c| c.is_ascii_graphic()) {
            return Err(SettingsError::ClientId);
        }
        // Basic authentication ends the name at the first colon (RFC 7617).
        if self.client_id.contains(':') {
            return Err(SettingsError::ClientId);
        }
        if HeaderValue::from_str(&self.user_agent).is_err() || self.user_agent.trim().is_empty() {
            return Err(SettingsError::UserAgent);
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=64).contains(&self.workflow_key.len()) || !self.workflow_key.chars().all(letters) {
            return Err(SettingsError::WorkflowKey);
        }
        self.rates.check()
    }
}

fn check_base(name: &'static str, url: &Url, simulator: bool) -> Result<(), SettingsError> {
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare || url.host().is_none() {
        return Err(SettingsError::BaseNotBare { name });
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if simulator && is_loopback(url) => Ok(()),
        "http" => Err(SettingsError::PlainHttp { name }),
        _ => Err(SettingsError::BaseNotBare { name }),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("account_url", &self.account_url.as_str())
            .field("workflow_key", &self.workflow_key)
            .field("simulator", &self.simulator)
            .field("proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

/// One of Jumio's data centres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// `amer-1`, in the United States.
    Amer1,
    /// `emea-1`, in the European Union.
    Emea1,
    /// `apac-1`, in Singapore.
    Apac1,
}

impl Region {
    /// Jumio's name of it, such as `emea-1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amer1 => "amer-1",
            Self::Emea1 => "emea-1",
            Self::Apac1 => "apac-1",
        }
    }

    /// The base of one of its services: `auth`, `account`, `api` or `retrieval`.
    fn base(self, service: &'static str) -> Url {
        let text = format!("https://{service}.{}.jumio.ai/", self.name());
        Url::parse(&text).expect("both parts are constants of this file")
    }
}

impl FromStr for Region {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        [Self::Amer1, Self::Emea1, Self::Apac1]
            .into_iter()
            .find(|region| region.name() == text)
            .ok_or(SettingsError::Region)
    }
}

/// Calls per second that we allow ourselves, per Jumio service. `None`: no limit of ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Access tokens. Jumio's default limit is 10 per second.
    pub token: Option<f64>,
    /// Account updates. Jumio's default limit is 1 per second.
    pub account: Option<f64>,
    /// Retrieval. Jumio's default limit is 15 per second.
    pub retrieval: Option<f64>,
    /// The share of the retrieval rate that captures never use, 0 to 1.
    pub reserve_for_authentication: f64,
    /// Longest wait for our own budget; a call that had to wait longer fails at once.
    pub wait_max: Duration,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            token: Some(10.0),
            account: Some(1.0),
            retrieval: Some(15.0),
            reserve_for_authentication: 0.3,
            wait_max: Duration::from_secs(2),
        }
    }
}

impl Rates {
    fn check(&self) -> Result<(), SettingsError> {
        // Below one call in an hour a rate is a mistake; above a million it is no limit.
        let sane = |rate: f64| (0.000_277..=1_000_000.0).contains(&rate);
        let all = [self.token, self.account, self.retrieval];
        if !all.into_iter().flatten().all(sane) {
            return Err(SettingsError::Rate);
        }
        if !(0.0..=0.99).contains(&self.reserve_for_authentication) {
            return Err(SettingsError::Rate);
        }
        Ok(())
    }
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From the connection to the end of the answer's head. An upload has [`Self::total`] instead.
    pub head: Duration,
    /// Between two reads of an answer's body.
    pub idle: Duration,
    /// The whole exchange.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            total: Duration::from_secs(60),
        }
    }
}

/// Settings that cannot be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A base is more, or less, than scheme, host and port.
    #[error("{name} must be scheme, host and port only, such as https://api.emea-1.jumio.ai")]
    BaseNotBare {
        /// Which base.
        name: &'static str,
    },
    /// Plain HTTP where it is not allowed.
    #[error("{name} must be https; http is for a simulator on this machine only")]
    PlainHttp {
        /// Which base.
        name: &'static str,
    },
    /// Not one of the regions.
    #[error("region must be amer-1, emea-1 or apac-1")]
    Region,
    /// The client id is empty, or not printable ASCII without a colon.
    #[error("client_id must be printable ASCII without spaces and colons")]
    ClientId,
    /// The user agent is empty or no header value.
    #[error("user_agent must be printable text that names you, such as `ExampleBank fmvault/1.0`")]
    UserAgent,
    /// The workflow key is not 1 to 64 letters, digits, `_` or `-`.
    #[error("workflow_key must be 1 to 64 letters and digits, such as 10071")]
    WorkflowKey,
    /// A rate or share is not a sensible number.
    #[error("rates must be positive calls per second, and the reserve a share from 0 to 0.99")]
    Rate,
    /// The extra root certificate is no PEM certificate.
    #[error("the extra root certificate is not a PEM certificate")]
    Certificate,
    /// The proxy is no HTTP proxy URL.
    #[error("proxy must be an http or https URL")]
    Proxy,
    /// TLS cannot be set up, for instance because the system trusts no root certificate.
    #[error("TLS cannot be set up: are the system's root certificates installed?")]
    Tls,
}
