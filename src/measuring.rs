//! What `make bench` measures and cannot reach otherwise. Not part of the public interface.

use zeroize::Zeroizing;

use crate::crypto;

/// Seals `message` under a constant key.
pub fn seal(message: &[u8]) -> Vec<u8> {
    crypto::measuring::seal(message)
}

/// Opens what [`seal`] made; nothing if it was changed.
pub fn open(sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    crypto::measuring::open(sealed)
}
