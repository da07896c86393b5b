//! `[listen.public]`: the gRPC port for backends, its certificates, and who may do what.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::validate::break_rule;
use super::{Config, Invalid, Mode, Period, SecretRef};
use crate::model::Permission;

/// `[listen.public]`: the gRPC port for backends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Public {
    /// Address and port; on this machine only without TLS.
    pub address: SocketAddr,
    /// Describes itself to tools such as grpcurl.
    pub reflection: bool,
    /// A PEM file: our certificate, and those between it and its root.
    pub tls_cert: Option<PathBuf>,
    /// The PEM key of our certificate: [`SecretRef::read_bytes`].
    pub tls_key: Option<SecretRef>,
    /// A PEM file: the roots that vouch for callers.
    pub client_ca: Option<PathBuf>,
    /// A PEM file: what those roots and their intermediates have revoked.
    pub client_crl: Option<PathBuf>,
    /// Also accept TLS 1.2.
    pub tls12: bool,
    /// A connection is closed gracefully after this time: at most 15 minutes.
    pub connection_age: Period,
    /// Most connections at once: 1 to 20,000.
    pub connections_max: u16,
    /// Most connections at once from one address.
    pub connections_per_peer: u16,
    /// Who may do what.
    pub caller: Vec<CallerEntry>,
}

impl Default for Public {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            reflection: false,
            tls_cert: None,
            tls_key: None,
            client_ca: None,
            client_crl: None,
            tls12: false,
            connection_age: AGE_MAX,
            connections_max: 1024,
            connections_per_peer: 64,
            caller: Vec::new(),
        }
    }
}

/// `[[listen.public.caller]]`: one backend, by what its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerEntry {
    /// The one URI in its certificate, byte for byte.
    pub san: Option<String>,
    /// Or the one DNS name, of a certificate without a URI.
    pub dns: Option<String>,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Calls per second; a second's worth may come at once.
    #[serde(default = "default_calls_per_second")]
    pub calls_per_second: u32,
    /// Calls under way at once.
    #[serde(default = "default_calls_at_once")]
    pub calls_at_once: u32,
}

fn default_calls_per_second() -> u32 {
    1000
}

fn default_calls_at_once() -> u32 {
    256
}

/// Longest life of a connection: so long a certificate is believed after it was looked at.
const AGE_MAX: Period = Period::minutes(15);
/// Longest name of a caller, in bytes. The SPIFFE standard allows 2048 for a URI.
const NAME_MAX: usize = 2048;
/// With fewer, nothing could be answered; with more, the process runs out of file descriptors.
const CONNECTIONS: std::ops::RangeInclusive<u16> = 1..=20_000;

impl Public {
    /// Whether any of the settings of TLS is there.
    pub fn is_tls(&self) -> bool {
        self.tls_cert.is_some() || self.tls_key.is_some() || self.client_ca.is_some()
    }
}

impl Config {
    /// Adds the rules that `[listen.public]` breaks.
    pub(super) fn check_public(&self, found: &mut Vec<Invalid>) {
        let public = &self.listen.public;
        let loopback = public.address.ip().is_loopback();
        match (public.is_tls(), self.mode) {
            (true, _) => check_files(public, found),
            (false, Mode::Production) => {
                let keys = &["listen.public.tls_cert", "mode"];
                let message = "is missing: in production callers are told apart by their \
                               certificates, so there is no listener without TLS";
                let fix = "write tls_cert, tls_key and client_ca into [listen.public]";
                break_rule(found, keys, message, fix);
            }
            (false, Mode::Simulator) if !loopback => {
                let message = "must be an address of this machine: without TLS callers are not told \
                               apart, so whoever reached it could start authentications";
                let fix = "write \"127.0.0.1:50051\", or tls_cert, tls_key and client_ca";
                break_rule(found, &["listen.public.address"], message, fix);
            }
            (false, Mode::Simulator) => {}
        }
        if public.connection_age > AGE_MAX {
            let keys = &["listen.public.connection_age"];
            let message = "must be at most 15m: so long a certificate is believed unseen";
            break_rule(found, keys, message, "write \"15m\"");
        }
        let counts: [(&[&str], u16); 2] = [
            (&["listen.public.connections_max"], public.connections_max),
            (&["listen.public.connections_per_peer"], public.connections_per_peer),
        ];
        for (keys, count) in counts {
            if !CONNECTIONS.contains(&count) {
                break_rule(found, keys, "must be 1 to 20000", "write 64 for one peer, 1024 in all");
            }
        }
        for (at, entry) in public.caller.iter().enumerate() {
            check_caller(entry, public.caller.get(..at).unwrap_or_default(), found);
        }
    }
}

const CERT: &str = "listen.public.tls_cert";
const KEY: &str = "listen.public.tls_key";
const CLIENT_CA: &str = "listen.public.client_ca";

fn check_files(public: &Public, found: &mut Vec<Invalid>) {
    let missing: [(&[&str], bool); 3] = [
        (&[CERT, KEY, CLIENT_CA], public.tls_cert.is_none()),
        (&[KEY, CERT, CLIENT_CA], public.tls_key.is_none()),
        (&[CLIENT_CA, CERT, KEY], public.client_ca.is_none()),
    ];
    for (keys, missing) in missing {
        if missing {
            let message = "is missing: TLS needs tls_cert, tls_key and client_ca";
            break_rule(found, keys, message, "write all three, or none of them");
        }
    }
}

fn check_caller(entry: &CallerEntry, before: &[CallerEntry], found: &mut Vec<Invalid>) {
    let keys = &["listen.public.caller"];
    let name = match (&entry.san, &entry.dns) {
        (Some(name), None) | (None, Some(name)) => name,
        (Some(_), Some(_)) | (None, None) => {
            let fix = "write san = \"spiffe://bank/auth-backend\", or dns = \"auth.bank.example\"";
            break_rule(found, keys, "each has one of `san` and `dns`", fix);
            return;
        }
    };
    let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    if name.is_empty() || name.len() > NAME_MAX || !visible {
        let message = "the name of a caller is 1 to 2048 visible ASCII characters";
        break_rule(found, keys, message, "write it exactly as the certificate says");
    } else if entry.san.as_ref().is_some_and(|san| !san.contains("://")) {
        let message = "`san` is a URI such as spiffe://bank/auth-backend";
        break_rule(found, keys, message, "for a DNS name write dns = \"auth.bank.example\"");
    }
    if before.iter().any(|other| (&other.san, &other.dns) == (&entry.san, &entry.dns)) {
        let fix = "give one entry all permissions";
        break_rule(found, keys, "the same caller is there twice", fix);
    }
    if entry.permissions.is_empty() {
        let fix = "write permissions = [\"read\"], or remove the entry";
        break_rule(found, keys, "a caller without permissions may do nothing", fix);
    }
    if entry.calls_per_second == 0 || entry.calls_at_once == 0 {
        let message = "`calls_per_second` and `calls_at_once` are at least 1";
        break_rule(found, keys, message, "leave them out for 1000 and 256");
    }
}
