//! TLS on the callers' listener, whose key must not get out either.

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::search::Pattern;
use crate::support::caller::Caller;
use crate::support::pki::{Authority, Leaf, channel, client};
use crate::support::secured::BACKEND;
use crate::support::site::Site;

/// The one caller, who may do everything.
pub(super) fn callers() -> String {
    let all = r#"["enroll", "read", "authenticate", "erase", "callback"]"#;
    format!(r#"[{{ san = "{BACKEND}", permissions = {all} }}]"#)
}

/// A caller with a certificate, connected to `address`.
pub(super) fn caller(site: &Site, authority: &Authority, address: &str) -> Caller {
    let certified = authority.sign(&Leaf::uri(BACKEND));
    Caller::new(channel(address, &client(&site.path("clients-ca.crt"), Some(&certified))))
}

/// The listener's key: its secret number, and the line of its file that has most of it.
pub(super) fn patterns(site: &Site) -> Vec<Pattern> {
    let pem = std::fs::read_to_string(site.path("server.key")).unwrap();
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let der = der.secret_der();
    let at = der.windows(2).position(|bytes| bytes == [4, 32]).expect("a number of 32 bytes") + 2;
    let number = &der[at..at + 32];
    vec![
        Pattern::bytes("TLS key", number),
        Pattern::hex("TLS key", number),
        Pattern::base64("TLS key", number),
        Pattern::text("TLS key, in its file", pem.lines().nth(1).expect("the first line of it")),
    ]
}
