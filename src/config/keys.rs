//! The names of all settings, and how the value of each is written.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::schema::{Mode, Region};
use super::sections::{CryptoProvider, LogFormat, LogLevel, OnInProgress};
use super::{
    BaseUrl, ByteSize, CallerEntry, ClientId, NetworkRange, Period, SecretRef, TokenUri,
    WorkflowKey,
};

/// One setting, as far as it can be known without the others.
pub(super) struct Key {
    /// Its sections and its name, with dots between them.
    pub(super) name: &'static str,
    /// Its value must not be shown before it is known to be a reference.
    pub(super) secret: bool,
    /// How a value is written, to be put after "write".
    pub(super) written: &'static str,
    /// What holds its place while the rest is checked, if it is required and missing or wrong.
    pub(super) stand_in: Option<&'static str>,
    /// Whether a value can be one.
    pub(super) check: fn(toml::Value) -> Result<(), toml::de::Error>,
}

/// A type of values.
trait Written: DeserializeOwned {
    /// How a value is written.
    const HOW: &'static str;
}

impl Written for bool {
    const HOW: &'static str = "true or false";
}
impl Written for u16 {
    const HOW: &'static str = "a whole number, such as 16";
}
impl Written for f64 {
    const HOW: &'static str = "a number, such as 1.5";
}
impl Written for String {
    const HOW: &'static str = "a text in double quotes";
}
impl Written for PathBuf {
    const HOW: &'static str = "a path in double quotes, such as \"/var/lib/fmvault/store\"";
}
impl Written for SocketAddr {
    const HOW: &'static str = "an IP address and a port, such as \"127.0.0.1:50051\"";
}
impl Written for Period {
    const HOW: &'static str = "a duration with its unit, such as \"15m\", \"36h\" or \"90d\"";
}
impl Written for ByteSize {
    const HOW: &'static str = "a size with its unit, such as \"64KiB\" or \"8MiB\"";
}
impl Written for SecretRef {
    const HOW: &'static str =
        "\"file:/path\" or \"cred:NAME\", and outside production also \"env:NAME\"";
}
impl Written for TokenUri {
    const HOW: &'static str =
        "\"pkcs11:token=LABEL;object=LABEL?module-path=/PATH&pin-source=cred:NAME\"";
}
impl Written for Vec<String> {
    const HOW: &'static str = "texts in brackets, such as [\"/usr/libexec/fmvault-key\"]";
}
impl Written for ClientId {
    const HOW: &'static str = "the id itself, \"file:/path\" or \"cred:NAME\"";
}
impl Written for BaseUrl {
    const HOW: &'static str = "scheme, host and port, such as \"https://api.emea-1.jumio.ai\"";
}
impl Written for WorkflowKey {
    const HOW: &'static str = "a workflow key, such as 10071";
}
impl Written for Vec<WorkflowKey> {
    const HOW: &'static str = "workflow keys in brackets, such as [10011, 10164]";
}
impl Written for Vec<NetworkRange> {
    const HOW: &'static str =
        "addresses and ranges in brackets, such as [\"52.48.0.25\", \"10.0.0.0/8\"]";
}
impl Written for Vec<CallerEntry> {
    const HOW: &'static str = "[[listen.public.caller]] on a line of its own, below it san = \"...\" and \
         permissions = [...] of enroll, read, authenticate, erase, callback";
}
impl Written for Mode {
    const HOW: &'static str = "\"production\" or \"simulator\"";
}
impl Written for Region {
    const HOW: &'static str = "\"amer-1\", \"emea-1\" or \"apac-1\"";
}
impl Written for CryptoProvider {
    const HOW: &'static str = "\"aws-lc\" or \"rust-crypto\"";
}
impl Written for OnInProgress {
    const HOW: &'static str = "\"reject\" or \"supersede\"";
}
impl Written for LogFormat {
    const HOW: &'static str = "\"auto\", \"json\" or \"text\"";
}
impl Written for LogLevel {
    const HOW: &'static str = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
}

fn check<T: DeserializeOwned>(value: toml::Value) -> Result<(), toml::de::Error> {
    value.try_into::<T>().map(|_| ())
}

const fn key<T: Written>(name: &'static str) -> Key {
    Key { name, secret: false, written: T::HOW, stand_in: None, check: check::<T> }
}

const fn secret(name: &'static str) -> Key {
    Key { secret: true, ..key::<SecretRef>(name) }
}

const fn required(key: Key, stand_in: &'static str) -> Key {
    Key { stand_in: Some(stand_in), ..key }
}

/// All settings, in the order in which they are shown.
pub(super) const KEYS: &[Key] = &[
    key::<Mode>("mode"),
    key::<Region>("jumio.region"),
    required(key::<ClientId>("jumio.client_id"), "cred:jumio-client-id"),
    required(secret("jumio.client_secret"), "cred:jumio-client-secret"),
    required(key::<String>("jumio.user_agent"), "ExampleBank fmvault/1.0"),
    key::<Period>("jumio.retention"),
    key::<WorkflowKey>("jumio.workflow_key"),
    key::<BaseUrl>("jumio.auth_url"),
    key::<BaseUrl>("jumio.account_url"),
    key::<BaseUrl>("jumio.api_url"),
    key::<BaseUrl>("jumio.retrieval_url"),
    key::<PathBuf>("jumio.root_certificate"),
    key::<BaseUrl>("jumio.proxy"),
    key::<f64>("jumio.limits.account_per_second"),
    key::<f64>("jumio.limits.retrieval_per_second"),
    key::<f64>("jumio.limits.token_per_second"),
    key::<f64>("jumio.limits.reserve_for_authentication"),
    key::<PathBuf>("store.path"),
    key::<PathBuf>("keys.keyring"),
    // One of these four; `load` sees to it.
    secret("keys.passphrase"),
    secret("keys.key_file"),
    key::<Vec<String>>("keys.program"),
    Key { secret: true, ..key::<TokenUri>("keys.pkcs11") },
    key::<Period>("keys.max_age"),
    key::<u16>("keys.buckets"),
    key::<PathBuf>("audit.dir"),
    key::<ByteSize>("audit.reserve"),
    key::<Period>("audit.write_timeout"),
    key::<CryptoProvider>("crypto.provider"),
    key::<bool>("memory.require_locked"),
    key::<SocketAddr>("listen.public.address"),
    key::<bool>("listen.public.reflection"),
    // Required in production; `public` sees to it.
    key::<PathBuf>("listen.public.tls_cert"),
    secret("listen.public.tls_key"),
    key::<PathBuf>("listen.public.client_ca"),
    key::<PathBuf>("listen.public.client_crl"),
    key::<bool>("listen.public.tls12"),
    key::<Period>("listen.public.connection_age"),
    key::<u16>("listen.public.connections_max"),
    key::<u16>("listen.public.connections_per_peer"),
    key::<Vec<CallerEntry>>("listen.public.caller"),
    key::<PathBuf>("listen.admin.socket"),
    key::<SocketAddr>("listen.http.address"),
    key::<bool>("listen.callback.enabled"),
    key::<SocketAddr>("listen.callback.address"),
    // Required once it is enabled; `validate` sees to it.
    secret("listen.callback.path_secret"),
    key::<Vec<NetworkRange>>("listen.callback.sources"),
    key::<Vec<NetworkRange>>("listen.callback.trusted_proxies"),
    key::<bool>("capture.immediate"),
    key::<Period>("capture.warning"),
    key::<Period>("capture.critical"),
    key::<ByteSize>("capture.max_facemap_bytes"),
    key::<Vec<WorkflowKey>>("capture.onboarding_workflow_keys"),
    key::<bool>("capture.accept_warning"),
    key::<bool>("capture.try_liveness_link"),
    key::<u16>("capture.background_max"),
    key::<Period>("authentication.token_lifetime"),
    key::<OnInProgress>("authentication.on_in_progress"),
    key::<Period>("authentication.consent_max_age"),
    key::<Period>("sweep.interval"),
    key::<Period>("sweep.horizon"),
    key::<LogFormat>("log.format"),
    key::<LogLevel>("log.level"),
];

/// The names of all settings, each with its sections: `jumio.limits.token_per_second`.
pub fn key_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// Whether the value of the setting `name` says where a secret is found.
pub fn is_secret(name: &str) -> bool {
    find(name).is_some_and(|key| key.secret)
}

/// The setting of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether `name` is a section, with settings in it.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| within(key.name, name).is_some())
}

/// What to say about the unknown `name`: the nearest name beside it, its right section, or all names
/// beside it.
pub(super) fn advice(name: &str) -> String {
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    let last = last.to_lowercase().replace('-', "_");
    let mut beside: Vec<&str> = KEYS
        .iter()
        .filter_map(|key| within(key.name, section))
        .filter_map(|rest| rest.split('.').next())
        .collect();
    beside.dedup();

    let distance = |known: &str| strsim::osa_distance(&last, known);
    let near = beside.iter().filter(|known| distance(known) <= 1 + known.len() / 4);
    if let Some(nearest) = near.min_by_key(|known| distance(known)) {
        return format!("did you mean `{nearest}`?");
    }
    let elsewhere = KEYS.iter().find(|key| key.name.rsplit('.').next() == Some(last.as_str()));
    if let Some((right, _)) = elsewhere.and_then(|key| key.name.rsplit_once('.')) {
        return format!("`{last}` belongs in section [{right}]");
    }
    match beside.is_empty() {
        true => "remove it: there is nothing of that name".to_owned(),
        false => format!("remove it; known here: {}", beside.join(", ")),
    }
}

/// The part of `name` within `section`; all of it in the section without a name.
fn within<'n>(name: &'n str, section: &str) -> Option<&'n str> {
    match section {
        "" => Some(name),
        section => name.strip_prefix(section)?.strip_prefix('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let table = [
            ("jumio.retension", "did you mean `retention`?"),
            ("jumio.client-secret", "did you mean `client_secret`?"),
            ("jumoi", "did you mean `jumio`?"),
            ("lissten.public.address", "`address` belongs in section [listen.public]"),
            ("retention", "`retention` belongs in section [jumio]"),
            ("crypto.banana", "remove it; known here: provider"),
            ("banana.banana", "remove it: there is nothing of that name"),
        ];
        for (name, want) in table {
            assert_eq!(advice(name), want, "{name}");
        }
    }

    #[test]
    fn a_stand_in_passes_for_a_value() {
        for key in KEYS {
            let Some(stand_in) = key.stand_in else { continue };
            assert!((key.check)(stand_in.into()).is_ok(), "{}", key.name);
        }
    }
}
