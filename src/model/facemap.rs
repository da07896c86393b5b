//! The facemap in the clear.

use std::fmt;

use bytes::Bytes;

use super::Buffer;

/// A facemap in the clear: the opaque biometric blob Jumio made when the account was onboarded.
///
/// Never empty, never longer than [`Facemap::LEN_MAX`] bytes. Not `Clone`, not comparable; its
/// `Debug` prints only the length; its bytes are wiped on drop. The format is Jumio's business and
/// nothing here looks inside.
pub struct Facemap(Buffer);

impl Facemap {
    /// Longest facemap accepted, in bytes (16 MiB). Jumio publishes no limit (seen in public: 180 kB
    /// to 355,367 bytes); this one is ours, so that a broken or hostile answer cannot exhaust memory.
    /// The setting `capture.max_facemap_bytes` lowers it.
    pub const LEN_MAX: usize = 16 * 1024 * 1024;

    /// Takes ownership of `bytes` as a facemap.
    ///
    /// # Errors
    ///
    /// [`FacemapError::Empty`] if there are no bytes, [`FacemapError::TooLong`] if there are more
    /// than [`Self::LEN_MAX`]. The bytes are wiped in either case.
    pub fn new(bytes: impl Into<Buffer>) -> Result<Self, FacemapError> {
        let bytes = bytes.into();
        match bytes.len() {
            0 => Err(FacemapError::Empty),
            len if len > Self::LEN_MAX => Err(FacemapError::TooLong { len }),
            _ => Ok(Self(bytes)),
        }
    }

    /// Its length in bytes; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a facemap is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives the bytes to an HTTP body without copying them; they are wiped when the body drops.
    pub fn into_body(self) -> Bytes {
        struct Owner(Facemap);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                self.0.expose()
            }
        }
        Bytes::from_owner(Owner(self))
    }

    /// Borrows the bytes in the clear. Grep for this word to find every place that sees one.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Facemap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facemap({} bytes)", self.0.len())
    }
}

/// Bytes that cannot be a facemap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FacemapError {
    /// There were no bytes.
    #[error("facemap is empty")]
    Empty,
    /// More than [`Facemap::LEN_MAX`] bytes.
    #[error("facemap of {len} bytes is too long")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn length_is_bounded_on_both_sides() {
        let of = |len| Facemap::new(Zeroizing::new(vec![7; len])).map(|f| f.expose().len());
        assert_eq!(of(0), Err(FacemapError::Empty));
        assert_eq!(of(1), Ok(1));
        assert_eq!(of(Facemap::LEN_MAX), Ok(Facemap::LEN_MAX));
        let len = Facemap::LEN_MAX + 1;
        assert_eq!(of(len), Err(FacemapError::TooLong { len }));
    }

    #[test]
    fn debug_shows_the_length_only() {
        let facemap = Facemap::new(Zeroizing::new(b"marker".to_vec())).unwrap();
        assert_eq!(format!("{facemap:?}"), "Facemap(6 bytes)");
    }

    #[test]
    fn a_body_is_the_same_bytes() {
        let facemap = Facemap::new(Zeroizing::new(b"marker".to_vec())).unwrap();
        assert_eq!(&facemap.into_body()[..], b"marker");
    }
}
