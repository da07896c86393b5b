//! Simulated facemaps: random-looking bytes that cost a few words of memory each.
//!
//! A facemap is expanded from a seed whenever somebody asks for it, so that a hundred thousand
//! onboarded accounts fit into a laptop. Only bytes handed in through the control API are kept.

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Size of a simulated facemap unless told otherwise, in bytes: that of the one facemap from a
/// Jumio tenant whose size is publicly known.
pub(super) const DEFAULT_SIZE: usize = 355_367;

/// Largest facemap the simulator makes or takes, in bytes (16 MiB).
pub(super) const SIZE_MAX: usize = 16 * 1024 * 1024;

/// Where the bytes of a facemap come from.
#[derive(Clone)]
pub(super) enum Source {
    /// Expanded from a seed on demand.
    Seeded {
        /// What makes this facemap different from all others.
        seed: u64,
        /// Length in bytes.
        size: usize,
    },
    /// Handed in by a test.
    Given(Bytes),
}

impl Source {
    /// A fresh facemap of `size` bytes.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness.
    pub(super) fn random(size: usize) -> Result<Self, getrandom::Error> {
        Ok(Self::Seeded { seed: getrandom::u64()?, size })
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Seeded { seed, size } => expand(*seed, *size),
            Self::Given(bytes) => bytes.clone(),
        }
    }
}

/// A facemap as the simulator remembers it after its bytes are gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// SHA-256 of the bytes.
    pub(super) sha256: [u8; 32],
    /// Length in bytes.
    pub(super) size: usize,
}

impl Fingerprint {
    /// The fingerprint of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { sha256: Sha256::digest(bytes).into(), size: bytes.len() }
    }
}

/// SplitMix64, which has no structure a compressor could find and runs at memory speed. It is not
/// meant to be unpredictable: these faces belong to nobody.
fn expand(seed: u64, size: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(size.saturating_add(8));
    let mut state = seed;
    while bytes.len() < size {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_bytes_and_another_seed_gives_others() {
        for size in [0, 1, 7, 8, 9, 4_096, DEFAULT_SIZE] {
            let one = Source::Seeded { seed: 7, size };
            assert_eq!(one.bytes().len(), size);
            assert_eq!(one.bytes(), one.bytes());
            if size > 1 {
                assert_ne!(one.bytes(), Source::Seeded { seed: 8, size }.bytes());
            }
        }
    }
}
