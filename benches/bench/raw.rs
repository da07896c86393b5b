//! The provider alone: AES-256-GCM over one piece, and what the sealing construction asks of it.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk};

/// Between two tags of the construction.
const PIECE: usize = 16 << 10;
const TAG: usize = 16;
/// The construction derives an AES key, a nonce and a commitment.
const DERIVED: usize = 32 + 12 + 32;
/// As long as what the vault derives with: label, salt, context.
const INFO: [&[u8]; 3] = [&[0; 48], &[3; 24], &[2; 128]];

/// Messages of one length, and buffers that are there already.
pub struct Raw {
    key: LessSafeKey,
    out: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; TAG],
    pieces: Vec<u8>,
    opened: Vec<u8>,
}

impl Raw {
    pub fn new(len: usize) -> Self {
        let with_tags = len + (len / PIECE + 1) * TAG;
        let mut raw = Self {
            key: key(&[1; 32]),
            out: vec![0; len],
            sealed: vec![0; len],
            tag: [0; TAG],
            pieces: vec![0; with_tags],
            opened: vec![0; len],
        };
        let message = vec![7; len];
        raw.seal(&message);
        raw.sealed.clone_from(&raw.out);
        raw.seal_pieces(&message);
        raw.open_pieces();
        assert!(raw.opened == message);
        raw
    }

    pub fn seal(&mut self, message: &[u8]) {
        let Self { key, out, tag, .. } = self;
        key.seal_out_of_place_scatter(nonce(0), Aad::empty(), message, out, &[], tag).unwrap();
        black_box(out);
    }

    pub fn open(&mut self) {
        let Self { key, out, sealed, tag, .. } = self;
        key.open_separate_gather(nonce(0), Aad::empty(), sealed, tag, out).unwrap();
        black_box(out);
    }

    /// A key is derived, and each piece has a tag of its own. The last one may be empty.
    pub fn seal_pieces(&mut self, message: &[u8]) {
        let key = derived();
        let mut rest = message;
        for (n, out) in self.pieces.chunks_mut(PIECE + TAG).enumerate() {
            let (out, tag) = out.split_last_chunk_mut::<TAG>().unwrap();
            let (plain, after) = rest.split_at(out.len());
            rest = after;
            key.seal_out_of_place_scatter(nonce(n), Aad::empty(), plain, out, &[], tag).unwrap();
        }
        black_box(&self.pieces);
    }

    /// What [`Raw::seal_pieces`] made.
    pub fn open_pieces(&mut self) {
        let key = derived();
        let mut rest = &mut *self.opened;
        for (n, sealed) in self.pieces.chunks(PIECE + TAG).enumerate() {
            let (sealed, tag) = sealed.split_last_chunk::<TAG>().unwrap();
            let out = rest.split_off_mut(..sealed.len()).unwrap();
            key.open_separate_gather(nonce(n), Aad::empty(), sealed, tag, out).unwrap();
        }
        black_box(&self.opened);
    }
}

fn derived() -> LessSafeKey {
    struct Len;
    impl KeyType for Len {
        fn len(&self) -> usize {
            DERIVED
        }
    }
    let mut derived = [0; DERIVED];
    let prk = Prk::new_less_safe(HKDF_SHA512, black_box(&[1; 32]));
    prk.expand(&INFO, Len).and_then(|made| made.fill(&mut derived)).unwrap();
    key(derived.first_chunk().unwrap())
}

fn key(bytes: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).unwrap())
}

fn nonce(n: usize) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(n as u64).to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
