//! The token of a workflow execution, in the shape of Jumio's: a JWS with HS512 over gzipped JSON.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha512;

use super::{clock::Moment, id::Id};

/// The customer id (`cId`) in every token of a simulator, so that simulated tokens can be told
/// from Jumio's wherever they turn up.
pub const CUSTOMER_ID: &str = "51515151-5151-4151-8151-515151515151";

/// The header: exactly these two fields.
const HEADER: &str = r#"{"alg":"HS512","zip":"GZIP"}"#;

/// Longest token looked at and longest payload unpacked, in bytes. Real ones have about 350.
const LEN_MAX: usize = 4_096;

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    /// Expiry in milliseconds since 1970, as text.
    #[serde(rename = "exAt")]
    expires_at: String,
    #[serde(rename = "accId")]
    account: Id,
    #[serde(rename = "aId")]
    execution_again: Id,
    #[serde(rename = "wfeId")]
    execution: Id,
    #[serde(rename = "cRef")]
    reference: String,
    #[serde(rename = "cId")]
    customer: String,
}

/// What the simulator takes from a token it issued.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Ticket {
    pub(super) account: Id,
    pub(super) execution: Id,
    pub(super) expires: Moment,
}

/// The key that signs tokens; a new one for every simulator.
pub(super) struct TokenKey([u8; 64]);

impl TokenKey {
    /// A random key.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 64];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// The token that says what is in `ticket`, for an execution with `reference`.
    pub(super) fn issue(&self, ticket: &Ticket, reference: &str) -> String {
        let claims = Claims {
            expires_at: ticket.expires.ms().to_string(),
            account: ticket.account,
            execution_again: ticket.execution,
            execution: ticket.execution,
            reference: reference.to_owned(),
            customer: CUSTOMER_ID.to_owned(),
        };
        let json = serde_json::to_vec(&claims).expect("ids and text always become JSON");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&json).expect("writing to memory cannot fail");
        let payload = gzip.finish().expect("writing to memory cannot fail");
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(HEADER.as_bytes()), encode(&payload));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", encode(&signature))
    }

    /// Reads `token` if this key signed it, whether it has expired or not.
    pub(super) fn read(&self, token: &str) -> Option<Ticket> {
        if token.len() > LEN_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mut json = Vec::new();
        GzDecoder::new(&payload[..]).take(LEN_MAX as u64).read_to_end(&mut json).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        Some(Ticket {
            account: claims.account,
            execution: claims.execution,
            expires: Moment::from_ms(claims.expires_at.parse().ok()?),
        })
    }

    fn mac(&self, signed: &str) -> Hmac<Sha512> {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        let account = Id::from_bytes([1; 16]);
        Ticket { account, execution: Id::from_bytes([2; 16]), expires: Moment::from_ms(3) }
    }

    #[test]
    fn only_the_key_that_signed_reads_a_token() {
        let key = TokenKey::random().unwrap();
        let token = key.issue(&ticket(), "ref");
        assert_eq!(key.read(&token), Some(ticket()));
        assert_eq!(TokenKey::random().unwrap().read(&token), None);
    }

    #[test]
    fn a_damaged_token_says_nothing() {
        let key = TokenKey::random().unwrap();
        let token = key.issue(&ticket(), "ref");
        let (signed, _) = token.rsplit_once('.').unwrap();
        let table = [
            String::new(),
            ".".into(),
            "..".into(),
            signed.into(),
            format!("x{token}"),
            "x".repeat(9_999),
        ];
        for damaged in table {
            assert_eq!(key.read(&damaged), None, "{damaged}");
        }
    }
}
