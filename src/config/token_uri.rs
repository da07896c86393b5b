//! Where a key in a PKCS#11 token is found: a URI as in RFC 7512, in one setting.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::SecretRef;

/// `pkcs11:token=LABEL;object=LABEL?module-path=/PATH&pin-source=REFERENCE` (RFC 7512); `serial=` may
/// stand beside `token=` or instead of it. It names the place of the PIN and never holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenUri {
    /// The PKCS#11 module: the library of the token's maker.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The key's label.
    pub object: String,
    /// Where the PIN of the token's user is found.
    pub pin: SecretRef,
}

/// What RFC 7512 leaves as it is in values, of what we meet.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ESCAPED_IN_QUERY: &AsciiSet = &ESCAPED.remove(b'/').remove(b':');

impl FromStr for TokenUri {
    type Err = TokenUriError;

    fn from_str(text: &str) -> Result<Self, TokenUriError> {
        let text = text.strip_prefix("pkcs11:").ok_or(TokenUriError::Scheme)?;
        let (path, query) = text.split_once('?').ok_or(TokenUriError::Missing("module-path"))?;
        let (mut token, mut serial, mut object, mut module, mut pin) =
            (None, None, None, None, None);
        for part in path.split(';').chain(query.split('&')) {
            let (name, value) = part.split_once('=').ok_or(TokenUriError::Form)?;
            let place = match name {
                "token" => &mut token,
                "serial" => &mut serial,
                "object" => &mut object,
                "module-path" => &mut module,
                "pin-source" => &mut pin,
                "pin-value" => return Err(TokenUriError::Pin),
                _ => return Err(TokenUriError::Attribute),
            };
            let value = percent_decode_str(value).decode_utf8().map_err(|_| TokenUriError::Form)?;
            if value.is_empty() || place.replace(value.into_owned()).is_some() {
                return Err(TokenUriError::Form);
            }
        }
        let module = PathBuf::from(module.ok_or(TokenUriError::Missing("module-path"))?);
        if !module.is_absolute() {
            return Err(TokenUriError::RelativePath);
        }
        if token.is_none() && serial.is_none() {
            return Err(TokenUriError::Missing("token"));
        }
        let pin = pin.ok_or(TokenUriError::Missing("pin-source"))?;
        let pin = pin.parse().map_err(|_| TokenUriError::PinSource)?;
        let object = object.ok_or(TokenUriError::Missing("object"))?;
        Ok(Self { module, token, serial, object, pin })
    }
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, token, serial, object, pin } = self;
        f.write_str("pkcs11:")?;
        for (name, value) in [("token", token), ("serial", serial)] {
            if let Some(value) = value {
                write!(f, "{name}={};", utf8_percent_encode(value, ESCAPED))?;
            }
        }
        let (module, pin) = (module.display().to_string(), pin.to_string());
        write!(
            f,
            "object={}?module-path={}&pin-source={}",
            utf8_percent_encode(object, ESCAPED),
            utf8_percent_encode(&module, ESCAPED_IN_QUERY),
            utf8_percent_encode(&pin, ESCAPED_IN_QUERY),
        )
    }
}

impl TryFrom<String> for TokenUri {
    type Error = TokenUriError;

    fn try_from(text: String) -> Result<Self, TokenUriError> {
        Zeroizing::new(text).parse()
    }
}

impl From<TokenUri> for String {
    fn from(uri: TokenUri) -> Self {
        uri.to_string()
    }
}

/// Why a text names no key in a token. The text is not repeated: it may hold a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenUriError {
    /// Another kind of text.
    #[error("must begin with `pkcs11:`")]
    Scheme,
    /// An attribute is needed and not there.
    #[error("needs `{0}=`")]
    Missing(&'static str),
    /// The PIN itself.
    #[error("must not hold the PIN (`pin-value`); write `pin-source=` and a reference")]
    Pin,
    /// Not a reference to a secret.
    #[error("`pin-source=` must be file:/path, cred:NAME, or outside production env:NAME")]
    PinSource,
    /// An attribute that we do not understand: ignoring it could mean another key.
    #[error(
        "may have token, serial and object before the `?`, module-path and pin-source after it"
    )]
    Attribute,
    /// A relative path would mean another module after a change of directory.
    #[error("`module-path=` must be an absolute path")]
    RelativePath,
    /// Not `name=value` each, once, and percent-encoded.
    #[error("must be `name=value` with `;` and after the `?` with `&` between them, each once")]
    Form,
}

impl TokenUriError {
    /// All that can be said.
    pub(super) const ALL: [Self; 10] = [
        Self::Scheme,
        Self::Missing("module-path"),
        Self::Missing("token"),
        Self::Missing("pin-source"),
        Self::Missing("object"),
        Self::Pin,
        Self::PinSource,
        Self::Attribute,
        Self::RelativePath,
        Self::Form,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_comes_back_as_it_was_written() {
        let text = "pkcs11:token=fm%20vault;serial=4f1b;object=root%3Bkey?\
                    module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin";
        let uri: TokenUri = text.parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("fm vault"));
        assert_eq!(uri.object, "root;key");
        assert_eq!(uri.pin, SecretRef::File("/etc/pin".into()));
        assert_eq!(uri.to_string(), text);
    }

    #[test]
    fn what_names_no_key_is_refused() {
        let whole = "pkcs11:token=a;object=b?module-path=/m&pin-source=cred:pin";
        assert!(whole.parse::<TokenUri>().is_ok());
        let table = [
            ("token=a;object=b?module-path=/m&pin-source=cred:pin", TokenUriError::Scheme),
            ("pkcs11:token=a;object=b", TokenUriError::Missing("module-path")),
            ("pkcs11:object=b?module-path=/m&pin-source=cred:p", TokenUriError::Missing("token")),
            ("pkcs11:token=a?module-path=/m&pin-source=cred:p", TokenUriError::Missing("object")),
            ("pkcs11:token=a;object=b?module-path=/m", TokenUriError::Missing("pin-source")),
            (
                "pkcs11:token=a;object=b?module-path=m&pin-source=cred:p",
                TokenUriError::RelativePath,
            ),
            ("pkcs11:token=a;object=b?module-path=/m&pin-value=1234", TokenUriError::Pin),
            ("pkcs11:token=a;object=b?module-path=/m&pin-source=1234", TokenUriError::PinSource),
            (
                "pkcs11:token=a;id=%01;object=b?module-path=/m&pin-source=cred:p",
                TokenUriError::Attribute,
            ),
            (
                "pkcs11:token=a;token=c;object=b?module-path=/m&pin-source=cred:p",
                TokenUriError::Form,
            ),
            ("pkcs11:token=;object=b?module-path=/m&pin-source=cred:p", TokenUriError::Form),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<TokenUri>(), Err(want), "{text}");
            assert!(TokenUriError::ALL.contains(&want));
        }
    }
}
