//! The one name in a certificate by which a caller is known.

use std::fmt;

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Who a certificate says its owner is. Compared byte for byte: nothing here is ever folded, decoded or
/// trimmed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Its one URI, such as `spiffe://bank/auth-backend`.
    Uri(String),
    /// Its one DNS name; it has no URI.
    Dns(String),
}

/// Longest name, in bytes: what the SPIFFE standard allows.
const LEN_MAX: usize = 2048;

impl Identity {
    /// The identity in a certificate: exactly one URI among its alternative names, or, where there is
    /// none, exactly one DNS name. Its subject never counts.
    ///
    /// # Errors
    ///
    /// [`NoIdentity`] if there is not exactly one, or it has characters that no name has.
    pub fn of(certificate: &[u8]) -> Result<Self, NoIdentity> {
        let (rest, certificate) =
            X509Certificate::from_der(certificate).map_err(|_| NoIdentity::Unreadable)?;
        if !rest.is_empty() {
            return Err(NoIdentity::Unreadable);
        }
        // Absent is no error of the parser; twice is.
        let names = certificate.subject_alternative_name().map_err(|_| NoIdentity::Unreadable)?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let mut uris = names.iter().filter_map(uri);
        let mut domains = names.iter().filter_map(domain);
        let identity = match (uris.next(), uris.next(), domains.next(), domains.next()) {
            (Some(uri), None, ..) => Self::Uri(printable(uri)?),
            (None, None, Some(domain), None) => Self::Dns(printable(domain)?),
            (None, None, None, _) => return Err(NoIdentity::NoName),
            (Some(_), Some(_), ..) | (None, ..) => return Err(NoIdentity::ManyNames),
        };
        // A name that the parser could not read might be a second URI.
        match names.iter().any(|name| matches!(name, GeneralName::Invalid(..))) {
            true => Err(NoIdentity::Unreadable),
            false => Ok(identity),
        }
    }
}

fn uri<'n>(name: &'n GeneralName<'_>) -> Option<&'n str> {
    if let GeneralName::URI(uri) = name { Some(*uri) } else { None }
}

fn domain<'n>(name: &'n GeneralName<'_>) -> Option<&'n str> {
    if let GeneralName::DNSName(domain) = name { Some(*domain) } else { None }
}

/// A name goes into logs and errors, so it must be fit to be seen.
fn printable(name: &str) -> Result<String, NoIdentity> {
    let fit = (1..=LEN_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    fit.then(|| name.to_owned()).ok_or(NoIdentity::Unprintable)
}

/// How the vault calls the caller: the URI itself, or `dns:` and the name.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(uri) => f.write_str(uri),
            Self::Dns(name) => write!(f, "dns:{name}"),
        }
    }
}

/// Why a certificate names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoIdentity {
    /// The certificate, or one of its names, is not as X.509 wants it.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// There is neither a URI nor a DNS name; the subject does not count.
    #[error("the certificate has neither a URI nor a DNS name among its alternative names")]
    NoName,
    /// Two names could each be somebody else.
    #[error("the certificate has more than one name")]
    ManyNames,
    /// Empty, too long, or with spaces, control or other characters.
    #[error("the name in the certificate is not 1 to 2048 visible ASCII characters")]
    Unprintable,
}
