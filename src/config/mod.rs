//! The settings of the service: from flags, environment, file and defaults to one checked value.
//!
//! [`Config::load`] answers with everything that is wrong at once, each with its line and a remedy.
//! What a key means, in which unit, and its default is written in `config/fmvault.toml`; a test keeps
//! that file and the types equal. Secrets are not settings: a setting says where one is found
//! ([`SecretRef`]).

mod audit;
mod example;
mod key_source;
mod keys;
mod layers;
mod load;
mod problems;
mod public;
mod schema;
mod secret;
mod sections;
mod show;
mod source;
mod text;
mod token_uri;
mod units;
mod validate;
mod validate_callback;

pub use audit::Audit;
pub use example::{Explanation, MANUAL, Profile};
pub use key_source::{Keys, RootSource};
pub use keys::{is_secret, key_names};
pub use load::{Loaded, Origin};
pub use problems::{Place, Problem, Problems};
pub use public::{CallerEntry, Public};
pub use schema::{Config, Jumio, Limits, Mode, Region};
pub use secret::{SecretError, SecretRef, SecretRefError};
pub use sections::{
    Admin, Authentication, Callback, Capture, Crypto, CryptoProvider, Http, Listen, Log, LogFormat,
    LogLevel, Memory, OnInProgress, Store, Sweep,
};
pub use show::Shown;
pub use text::{BaseUrl, ClientId, NetworkRange, TextError, WorkflowKey};
pub use token_uri::{TokenUri, TokenUriError};
pub use units::{ByteSize, Period, UnitError};
pub use validate::Invalid;

#[cfg(test)]
mod tests;
