//! Texts that must not be seen: secrets of ours, tokens of Jumio's.

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroizing;

/// The client secret of the OAuth2 client at Jumio. Ours; read from a file or a credential.
pub type ClientSecret = Secret<kind::ClientSecret>;
/// Jumio's OAuth2 access token: authorises account and retrieval calls. Never leaves the vault.
pub type AccessToken = Secret<kind::AccessToken>;
/// The operator's passphrase, from which the root key is derived.
pub type Passphrase = Secret<kind::Passphrase>;
/// Jumio's SDK token: lets a mobile device run one workflow execution. For the device only.
pub type SdkToken = Secret<kind::SdkToken>;
/// The token that authorises uploads into one workflow execution. Never leaves the vault.
pub type UploadToken = Secret<kind::UploadToken>;
/// Jumio's web link: lets a browser run one workflow execution. It carries a token.
pub type WebLink = Secret<kind::WebLink>;

/// A secret text of one kind: one cannot stand in for another.
///
/// Its `Debug` shows the kind and nothing else; it has no `Display` and no comparison; it is wiped on
/// drop. The text is reached by [`Secret::expose`] alone, and `tests/it/tidy.rs` lists who may.
pub struct Secret<K>(Zeroizing<String>, PhantomData<fn() -> K>);

/// What a [`Secret`] is.
pub trait SecretKind {
    /// The word for it in `Debug`.
    const NAME: &'static str;
}

impl<K> Secret<K> {
    /// Takes ownership of `text`.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text), PhantomData)
    }

    /// The text in the clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<K: SecretKind> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", K::NAME)
    }
}

/// The kinds of secrets.
pub(super) mod kind {
    use super::SecretKind;

    /// See [`super::ClientSecret`].
    pub enum ClientSecret {}
    /// See [`super::AccessToken`].
    pub enum AccessToken {}
    /// See [`super::Passphrase`].
    pub enum Passphrase {}
    /// See [`super::SdkToken`].
    pub enum SdkToken {}
    /// See [`super::UploadToken`].
    pub enum UploadToken {}
    /// See [`super::WebLink`].
    pub enum WebLink {}

    impl SecretKind for ClientSecret {
        const NAME: &'static str = "ClientSecret";
    }
    impl SecretKind for AccessToken {
        const NAME: &'static str = "AccessToken";
    }
    impl SecretKind for Passphrase {
        const NAME: &'static str = "Passphrase";
    }
    impl SecretKind for SdkToken {
        const NAME: &'static str = "SdkToken";
    }
    impl SecretKind for UploadToken {
        const NAME: &'static str = "UploadToken";
    }
    impl SecretKind for WebLink {
        const NAME: &'static str = "WebLink";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_only() {
        let token = SdkToken::new("marker".to_owned());
        assert_eq!(format!("{token:?}"), "SdkToken(..)");
        assert_eq!(token.expose(), "marker");
    }
}
