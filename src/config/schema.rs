//! The settings as types. What each means to an operator is said once, in `config/fmvault.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::sections::{Authentication, Capture, Crypto, Listen, Log, Memory, Store, Sweep};
use super::text::{BaseUrl, ClientId, WorkflowKey};
use super::{Keys, Period, SecretRef};

/// All settings of the service, valid once they come from [`Config::load`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Against Jumio or against the simulator.
    #[serde(default)]
    pub mode: Mode,
    /// Jumio, and who we are there.
    pub jumio: Jumio,
    /// The records.
    #[serde(default)]
    pub store: Store,
    /// The keyring and what unlocks it.
    pub keys: Keys,
    /// The audit trail.
    #[serde(default)]
    pub audit: Audit,
    /// The cryptographic library.
    #[serde(default)]
    pub crypto: Crypto,
    /// Where keys are kept while the vault runs.
    #[serde(default)]
    pub memory: Memory,
    /// Where callers, operators and monitoring connect.
    #[serde(default)]
    pub listen: Listen,
    /// Bringing facemaps into the vault.
    #[serde(default)]
    pub capture: Capture,
    /// Starting authentications.
    #[serde(default)]
    pub authentication: Authentication,
    /// The pass that captures and erases what is due.
    #[serde(default)]
    pub sweep: Sweep,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// Against what the vault runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Jumio itself, with the stricter rules.
    #[default]
    Production,
    /// A simulator of Jumio; plain HTTP to this machine is allowed.
    Simulator,
}

/// `[jumio]`: Jumio, and who we are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jumio {
    /// The data centre of the tenant.
    #[serde(default)]
    pub region: Region,
    /// The OAuth2 client. No secret, so it may be written here.
    pub client_id: ClientId,
    /// The secret of the OAuth2 client.
    pub client_secret: SecretRef,
    /// Sent with every request; names the customer, as Jumio's documents ask.
    pub user_agent: String,
    /// How long Jumio keeps an account's data after its last activity, as agreed with Jumio.
    #[serde(default = "default_retention")]
    pub retention: Period,
    /// The authentication workflow.
    #[serde(default = "default_workflow_key")]
    pub workflow_key: WorkflowKey,
    /// Instead of the region's token service.
    pub auth_url: Option<BaseUrl>,
    /// Instead of the region's account service.
    pub account_url: Option<BaseUrl>,
    /// Instead of the region's upload service.
    pub api_url: Option<BaseUrl>,
    /// Instead of the region's retrieval service.
    pub retrieval_url: Option<BaseUrl>,
    /// A PEM file of root certificates to trust besides the system's.
    pub root_certificate: Option<PathBuf>,
    /// A forward proxy.
    pub proxy: Option<BaseUrl>,
    /// Our call budgets.
    #[serde(default)]
    pub limits: Limits,
}

fn default_retention() -> Period {
    Period::days(90)
}

fn default_workflow_key() -> WorkflowKey {
    WorkflowKey::of("10071")
}

/// One of Jumio's data centres.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Region {
    /// In the United States.
    #[default]
    #[serde(rename = "amer-1")]
    Amer1,
    /// In the European Union.
    #[serde(rename = "emea-1")]
    Emea1,
    /// In Singapore.
    #[serde(rename = "apac-1")]
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
}

/// `[jumio.limits]`: calls per second that we allow ourselves; the defaults are Jumio's per tenant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Account updates per second.
    pub account_per_second: f64,
    /// Retrieval calls per second.
    pub retrieval_per_second: f64,
    /// Access tokens per second.
    pub token_per_second: f64,
    /// The share of retrieval that captures never use: 0 to 0.9.
    pub reserve_for_authentication: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            account_per_second: 1.0,
            retrieval_per_second: 15.0,
            token_per_second: 10.0,
            reserve_for_authentication: 0.3,
        }
    }
}
