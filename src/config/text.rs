//! Settings that are texts of a certain form.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::{SecretError, SecretRef, SecretRefError};
use crate::model::Network;

/// The key of a Jumio workflow: 1 to 32 letters, digits, `_` and `-`. A number is taken as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct WorkflowKey(String);

impl WorkflowKey {
    /// A key of this crate's own. Only for constants: it does not check the form.
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key as Jumio writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkflowKey {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        match (1..=32).contains(&text.len()) && text.chars().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(TextError::WorkflowKey),
        }
    }
}

impl<'de> Deserialize<'de> for WorkflowKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = WorkflowKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a workflow key, such as 10071")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WorkflowKey, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<WorkflowKey, E> {
                // A minus would pass as one of the characters of a key.
                match number {
                    0.. => Ok(WorkflowKey(number.to_string())),
                    _ => Err(E::custom(TextError::WorkflowKey)),
                }
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// The id of the OAuth2 client at Jumio: written out, or a reference to where it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClientId {
    /// The id itself: visible ASCII without colons, since Basic authentication ends it at the first
    /// (RFC 7617).
    Text(String),
    /// Where it is found.
    Reference(SecretRef),
}

impl ClientId {
    /// The id. Blocks on the disk if it is a reference.
    ///
    /// # Errors
    ///
    /// As [`SecretRef::read`].
    pub fn read(&self) -> Result<String, SecretError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Reference(reference) => reference.read().map(|text| text.to_string()),
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        match text.parse() {
            Ok(reference) => return Ok(Self::Reference(reference)),
            Err(SecretRefError::Inline) => {}
            Err(SecretRefError::RelativePath | SecretRefError::Name) => {
                return Err(TextError::ClientId);
            }
        }
        let fits = |c: char| c.is_ascii_graphic() && c != ':';
        match !text.is_empty() && text.chars().all(fits) {
            true => Ok(Self::Text(text)),
            false => Err(TextError::ClientId),
        }
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        match id {
            ClientId::Text(text) => text,
            ClientId::Reference(reference) => reference.to_string(),
        }
    }
}

/// Scheme, host and port of a service: `http` or `https`, and nothing else in it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The URL; its path is `/`.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether what is sent there is protected.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let url = Url::parse(&text).map_err(|_| TextError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TextError::UrlWithSecret);
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        match bare && url.host().is_some() && ["http", "https"].contains(&url.scheme()) {
            true => Ok(Self(url)),
            false => Err(TextError::Url),
        }
    }
}

impl Serialize for BaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// A range of IP addresses, as [`Network`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct NetworkRange(Network);

impl NetworkRange {
    /// The range.
    pub fn network(self) -> Network {
        self.0
    }
}

impl TryFrom<String> for NetworkRange {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        text.parse().map(Self).map_err(|_| TextError::Network)
    }
}

impl Serialize for NetworkRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Why a text does not have the form of its setting. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// See [`WorkflowKey`].
    #[error("a workflow key is 1 to 32 letters, digits, `_` or `-`")]
    WorkflowKey,
    /// See [`ClientId`].
    #[error(
        "must be visible ASCII without spaces and colons, or a reference (file:, cred: or env:)"
    )]
    ClientId,
    /// See [`BaseUrl`].
    #[error("must be http or https, host and port, and nothing else")]
    Url,
    /// See [`NetworkRange`].
    #[error("must be an IP address or a range of them, with no bits set behind its prefix")]
    Network,
    /// A name or password in a URL would be a secret written out.
    #[error("must not carry a name or password")]
    UrlWithSecret,
}
