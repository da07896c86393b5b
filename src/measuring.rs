//! What `make bench` measures and cannot reach otherwise. Not part of the public interface.

use crate::crypto;
use crate::model::Buffer;

/// Seals `message` under a constant key.
pub fn seal(message: &[u8]) -> Buffer {
    crypto::measuring::seal(message)
}

/// Opens what [`seal`] made; nothing if it was changed.
pub fn open(sealed: &[u8]) -> Option<Buffer> {
    crypto::measuring::open(sealed)
}
