//! Tokens: short texts that leave the vault and must come back as they were, such as page tokens.

use zeroize::Zeroizing;

use super::chunked;
use super::envelope::{OpenError, SealError};
use super::key::{KEY_LEN, Key};
use super::keyring::Keyring;

/// Longest content of a token, in bytes.
pub const TOKEN_LEN_MAX: usize = 4096;

enum TokenKind {}

impl Keyring {
    /// Seals `content` into a token for `purpose`. Tokens outlive restarts and rotations; what they
    /// mean, and for how long, is the content's business.
    ///
    /// # Errors
    ///
    /// [`SealError::TooLong`], [`SealError::Random`].
    pub fn seal_token(&self, purpose: &str, content: &[u8]) -> Result<Vec<u8>, SealError> {
        if content.len() > TOKEN_LEN_MAX {
            return Err(SealError::TooLong { len: content.len(), len_max: TOKEN_LEN_MAX });
        }
        let (key, salt) = (self.token_key(purpose), self.salts.fresh()?);
        Ok(chunked::seal(self.provider, key.expose(), &salt, &self.vault.0, content, 0))
    }

    /// Opens a token that [`Self::seal_token`] made for the same purpose in this vault.
    ///
    /// # Errors
    ///
    /// [`OpenError::Tampered`].
    pub fn open_token(&self, purpose: &str, token: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if token.len() > chunked::sealed_len(TOKEN_LEN_MAX) {
            return Err(OpenError::Tampered);
        }
        let key = self.token_key(purpose);
        chunked::open(self.provider, key.expose(), &self.vault.0, token)
            .map_err(|_| OpenError::Tampered)
    }

    /// One key for each purpose. The label keeps it apart from row keys, which the index key also
    /// makes.
    fn token_key(&self, purpose: &str) -> Key<TokenKind> {
        let parts = [&b"fmv1/token\0"[..], purpose.as_bytes()];
        let bytes: Zeroizing<[u8; KEY_LEN]> =
            Zeroizing::new(self.provider.hmac_sha256(self.fixed.index.expose(), &parts));
        Key::copied(&bytes)
    }
}
