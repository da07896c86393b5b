//! Who computes: AWS-LC or RustCrypto. The same four functions, the same bytes.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aws_lc_rs::{aead, digest, hkdf};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::key::KEY_LEN;

/// Who computes. What one seals, the other opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// AWS-LC: the fastest on processors with AES instructions; has a FIPS module.
    #[default]
    AwsLc,
    /// The RustCrypto crates: memory-safe all the way.
    RustCrypto,
}

/// Length of an AES-GCM nonce in bytes (NIST SP 800-38D, the recommended 96 bits).
pub(super) const NONCE_LEN: usize = 12;
/// Length of an AES-GCM tag in bytes (NIST SP 800-38D, the longest).
pub(super) const TAG_LEN: usize = 16;

impl Provider {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::AwsLc, Self::RustCrypto];

    /// Its name in settings and status.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsLc => "aws-lc",
            Self::RustCrypto => "rustcrypto",
        }
    }

    /// SHA-256 of `bytes`.
    pub fn sha256(self, bytes: &[u8]) -> [u8; 32] {
        match self {
            Self::AwsLc => digest::digest(&digest::SHA256, bytes)
                .as_ref()
                .try_into()
                .expect("SHA-256 has 32 bytes"),
            Self::RustCrypto => Sha256::digest(bytes).into(),
        }
    }

    /// HMAC-SHA-256 of the `parts` one after the other.
    pub(super) fn hmac_sha256(self, key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::AwsLc => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
                let mut mac = aws_lc_rs::hmac::Context::with_key(&key);
                parts.iter().for_each(|part| mac.update(part));
                mac.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
            }
            Self::RustCrypto => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
                parts.iter().for_each(|part| mac.update(part));
                mac.finalize().into_bytes().into()
            }
        }
    }

    /// HKDF-Expand (RFC 5869, section 2.3) with SHA-512: fills `out` from `prk` and the parts of
    /// `info` one after the other.
    pub(super) fn hkdf_expand<const N: usize>(
        self,
        prk: &[u8; KEY_LEN],
        info: &[&[u8]],
        out: &mut [u8; N],
    ) {
        match self {
            Self::AwsLc => hkdf::Prk::new_less_safe(hkdf::HKDF_SHA512, prk)
                .expand(info, OutputLen(N))
                .and_then(|okm| okm.fill(out))
                .expect("a few bytes are within the 255 blocks of HKDF"),
            Self::RustCrypto => {
                // The crate wants a key as long as a hash. HMAC pads shorter keys with zeros, so
                // these zeros change nothing.
                let mut padded = Zeroizing::new([0; 64]);
                padded.iter_mut().zip(prk).for_each(|(to, from)| *to = *from);
                ::hkdf::Hkdf::<Sha512>::from_prk(&*padded)
                    .expect("64 bytes are as long as SHA-512's hash")
                    .expand_multi_info(info, out)
                    .expect("a few bytes are within the 255 blocks of HKDF");
            }
        }
    }
}

struct OutputLen(usize);

impl hkdf::KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}

/// An AES-256 key made ready for GCM, with empty associated data. Wiped on drop by its provider.
pub(super) enum AesKey {
    AwsLc(aead::LessSafeKey),
    RustCrypto(Box<Aes256Gcm>),
}

impl AesKey {
    pub(super) fn new(provider: Provider, key: &[u8; KEY_LEN]) -> Self {
        match provider {
            Provider::AwsLc => Self::AwsLc(aead::LessSafeKey::new(
                aead::UnboundKey::new(&aead::AES_256_GCM, key).expect("AES-256 takes 32 bytes"),
            )),
            Provider::RustCrypto => Self::RustCrypto(Box::new(Aes256Gcm::new(key.into()))),
        }
    }

    /// Seals `plain` into `out`, which is as long, and returns the tag.
    pub(super) fn seal_into(
        &self,
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
        out: &mut [u8],
    ) -> [u8; TAG_LEN] {
        const SHORT: &str = "out is as long as plain, and far shorter than AES-GCM allows";
        match self {
            Self::AwsLc(key) => {
                let (nonce, aad) = (aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty());
                let mut tag = [0; TAG_LEN];
                key.seal_out_of_place_scatter(nonce, aad, plain, out, &[], &mut tag).expect(SHORT);
                tag
            }
            Self::RustCrypto(key) => {
                let both = InOutBuf::new(plain, out).expect(SHORT);
                key.encrypt_inout_detached(&nonce.into(), &[], both).expect(SHORT).into()
            }
        }
    }

    /// Opens `sealed` into `out`. If that fails, what is in `out` must not be used, and may be
    /// plaintext.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the tag does not fit.
    pub(super) fn open_into(
        &self,
        nonce: [u8; NONCE_LEN],
        sealed: &[u8],
        tag: &[u8; TAG_LEN],
        out: &mut [u8],
    ) -> Result<(), Refused> {
        match self {
            Self::AwsLc(key) => {
                let (nonce, aad) = (aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty());
                key.open_separate_gather(nonce, aad, sealed, tag, out).map_err(|_| Refused)
            }
            Self::RustCrypto(key) => {
                let both = InOutBuf::new(sealed, out).map_err(|_| Refused)?;
                key.decrypt_inout_detached(&nonce.into(), &[], both, tag.into())
                    .map_err(|_| Refused)
            }
        }
    }
}

/// A sealed message does not open. Deliberately says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;
