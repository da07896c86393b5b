//! The sections of the settings that have a default for everything.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::public::Public;
use super::text::{NetworkRange, WorkflowKey};
use super::{ByteSize, Period, SecretRef};

/// `[store]`: the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The directory of the database.
    pub path: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/fmvault/store") }
    }
}

/// `[crypto]`: the cryptographic library.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crypto {
    /// Which library seals. The sealed bytes are the same.
    pub provider: CryptoProvider,
}

/// A library that seals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CryptoProvider {
    /// `aws-lc-rs`.
    #[default]
    AwsLc,
    /// The crates of the RustCrypto project.
    RustCrypto,
}

/// `[memory]`: where keys are kept while the vault runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// Do not start if the system does not let us lock the memory of the keys.
    pub require_locked: bool,
}

/// `[listen]`: where others connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// For backends: enroll and authenticate.
    pub public: Public,
    /// For operators.
    pub admin: Admin,
    /// For monitoring.
    pub http: Http,
    /// For Jumio.
    pub callback: Callback,
}

/// `[listen.admin]`: the gRPC socket for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// The path of the UNIX socket.
    pub socket: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self { socket: PathBuf::from("/run/fmvault/admin.sock") }
    }
}

/// `[listen.http]`: metrics and health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; on this machine only.
    pub address: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)) }
    }
}

/// `[listen.callback]`: the receiver of Jumio's callbacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Callback {
    /// Whether there is one.
    pub enabled: bool,
    /// Address and port; on this machine only.
    pub address: SocketAddr,
    /// The last part of its path: [`SecretRef::read`].
    pub path_secret: Option<SecretRef>,
    /// Who may send callbacks; everybody if empty.
    pub sources: Vec<NetworkRange>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<NetworkRange>,
}

impl Default for Callback {
    fn default() -> Self {
        Self {
            enabled: false,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8082)),
            path_secret: None,
            sources: Vec::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// `[capture]`: bringing facemaps into the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// Capture right after the enrollment instead of leaving it to the sweep.
    pub immediate: bool,
    /// An uncaptured facemap is at risk this long before Jumio may delete it.
    pub warning: Period,
    /// It is at critical risk this long before.
    pub critical: Period,
    /// Longest facemap accepted.
    pub max_facemap_bytes: ByteSize,
    /// The onboarding workflows whose facemap may become the reference.
    pub onboarding_workflow_keys: Vec<WorkflowKey>,
    /// Accept an onboarding that passed with doubts.
    pub accept_warning: bool,
    /// Try the link of the liveness check where the facemap itself has none.
    pub try_liveness_link: bool,
    /// Most captures running in the background right after their enrollment: 1 to 10,000.
    pub background_max: u16,
}

impl Default for Capture {
    fn default() -> Self {
        // Jumio's standard workflows that contain a liveness check.
        let onboarding = ["10011", "10013", "10016", "10163", "10164", "10167"];
        Self {
            immediate: true,
            warning: Period::days(14),
            critical: Period::days(2),
            max_facemap_bytes: ByteSize::mebibytes(8),
            onboarding_workflow_keys: onboarding.map(WorkflowKey::of).to_vec(),
            accept_warning: false,
            try_liveness_link: false,
            background_max: 256,
        }
    }
}

/// `[authentication]`: starting authentications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authentication {
    /// How long the tokens for the device live if the caller does not say: 5 minutes to 60 days.
    pub token_lifetime: Period,
    /// What a start does if one is running.
    pub on_in_progress: OnInProgress,
    /// An older consent is refused: at most 1095 days, Jumio's three years.
    pub consent_max_age: Period,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            token_lifetime: Period::minutes(30),
            on_in_progress: OnInProgress::default(),
            consent_max_age: Period::days(1095),
        }
    }
}

/// What the start of an authentication does if one is running on the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnInProgress {
    /// It is refused.
    #[default]
    Reject,
    /// It replaces the running one.
    Supersede,
}

/// `[sweep]`: the pass that captures and erases what is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    /// From the end of one sweep to the start of the next.
    pub interval: Period,
    /// A sweep captures what Jumio may delete within this time.
    pub horizon: Period,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { interval: Period::minutes(60), horizon: Period::days(400) }
    }
}

/// `[log]`: the log, on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is worth a line.
    pub level: LogLevel,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// What is worth a line of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// Also what needs attention.
    Warn,
    /// Also what happens.
    #[default]
    Info,
    /// Also how it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Its name, as filters of the log take it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
