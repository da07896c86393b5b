//! The settings as types. What each means to an operator is said once, in `config/fmvault.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::sections::{Authentication, Capture, Crypto, Listen, Log, Memory, Store, Sweep};
use super::text::{BaseUrl, ClientId, WorkflowKey};
use super::{Period, SecretRef};

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

/// `[keys]`: the keyring and what unlocks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "KeysAsWritten", into = "KeysAsWritten")]
pub struct Keys {
    /// The keyring's own directory.
    pub keyring: PathBuf,
    /// Where the root key comes from.
    pub root: RootSource,
    /// The primary key-encryption key should not get older.
    pub max_age: Period,
    /// Into how many groups records fall, each with a key-encryption key of its own: 1 to 256.
    pub buckets: u16,
}

/// Where the root key, which unlocks the keyring, comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSource {
    /// From the operator's passphrase, by Argon2id: [`SecretRef::read`].
    Passphrase(SecretRef),
    /// From 32 random bytes: [`SecretRef::read_bytes`].
    KeyFile(SecretRef),
}

impl RootSource {
    /// Where the passphrase or key file is found.
    pub fn reference(&self) -> &SecretRef {
        match self {
            Self::Passphrase(reference) | Self::KeyFile(reference) => reference,
        }
    }
}

/// `[keys]` before it is known that there is one passphrase or one key file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeysAsWritten {
    keyring: PathBuf,
    passphrase: Option<SecretRef>,
    key_file: Option<SecretRef>,
    max_age: Period,
    buckets: u16,
}

impl Default for KeysAsWritten {
    fn default() -> Self {
        Self {
            keyring: PathBuf::from("/var/lib/fmvault/keyring"),
            passphrase: None,
            key_file: None,
            max_age: Period::days(90),
            buckets: 16,
        }
    }
}

impl TryFrom<KeysAsWritten> for Keys {
    type Error = &'static str;

    fn try_from(written: KeysAsWritten) -> Result<Self, Self::Error> {
        let root = match (written.passphrase, written.key_file) {
            (Some(passphrase), None) => RootSource::Passphrase(passphrase),
            (None, Some(key_file)) => RootSource::KeyFile(key_file),
            (Some(_), Some(_)) | (None, None) => return Err("give passphrase or key_file"),
        };
        let KeysAsWritten { keyring, max_age, buckets, .. } = written;
        Ok(Self { keyring, root, max_age, buckets })
    }
}

impl From<Keys> for KeysAsWritten {
    fn from(keys: Keys) -> Self {
        let (passphrase, key_file) = match keys.root {
            RootSource::Passphrase(reference) => (Some(reference), None),
            RootSource::KeyFile(reference) => (None, Some(reference)),
        };
        let Keys { keyring, max_age, buckets, .. } = keys;
        Self { keyring, passphrase, key_file, max_age, buckets }
    }
}
