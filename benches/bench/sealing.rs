//! Sealing and opening a facemap, against the provider's AES-256-GCM over the same bytes in one piece,
//! into a buffer that is there already.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use facemap_vault::measuring;

use crate::report::Report;
use crate::stats::{Paired, Spread};
use crate::{SIZES, Scale};

/// What we want of the raw speed.
const GOAL: f64 = 0.9;

/// Measures all sizes.
pub fn run(report: &mut Report, scale: &Scale) {
    for (name, len) in SIZES {
        let message = vec![7; len];
        let sealed = measuring::seal(&message);
        let mut raw = Raw::new(len);
        let mut rounds = (Vec::new(), Vec::new());
        let mut pieces = Vec::new();
        for _ in 0..scale.pick(31, 151) {
            let gib = |time: Duration| (REPEAT * len) as f64 / time.as_secs_f64() / 1e9;
            let ours = repeat(|| measuring::seal(black_box(&message)));
            rounds.0.push((gib(ours), gib(repeat(|| raw.seal(&message)))));
            pieces.push(gib(repeat(|| raw.seal_pieces(&message))));
            let ours = repeat(|| measuring::open(black_box(&sealed)).unwrap());
            rounds.1.push((gib(ours), gib(repeat(|| raw.open()))));
        }
        let floor = ("raw AES-256-GCM", Some(GOAL));
        report.rate("seal", &format!("seal {name}"), "GB/s", Paired::of(&rounds.0), floor);
        let what = format!("raw AES-256-GCM of {name} in pieces of 16 KiB");
        report.figure("seal", &what, "GB/s", Spread::of(pieces));
        report.rate("seal", &format!("open {name}"), "GB/s", Paired::of(&rounds.1), floor);
    }
}

/// Calls in a round.
const REPEAT: usize = 20;

/// The time of [`REPEAT`] calls, without dropping what they return: wiping is not sealing.
fn repeat<T>(mut call: impl FnMut() -> T) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..REPEAT {
        let began = Instant::now();
        let made = black_box(call());
        time += began.elapsed();
        drop(made);
    }
    time
}

/// The provider alone.
struct Raw {
    key: LessSafeKey,
    out: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; 16],
}

impl Raw {
    fn new(len: usize) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap());
        let mut raw = Self { key, out: vec![0; len], sealed: vec![0; len], tag: [0; 16] };
        raw.seal(&vec![7; len]);
        raw.sealed.clone_from(&raw.out);
        raw
    }

    fn seal(&mut self, message: &[u8]) {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let Self { key, out, tag, .. } = self;
        key.seal_out_of_place_scatter(nonce, Aad::empty(), message, out, &[], tag).unwrap();
        black_box(out);
    }

    /// As the construction seals: each piece with a tag of its own, so that a cut is noticed.
    fn seal_pieces(&mut self, message: &[u8]) {
        // What is sealed here is never opened.
        let mut tag = [0; 16];
        let Self { key, out, .. } = self;
        for (plain, out) in message.chunks(16 << 10).zip(out.chunks_mut(16 << 10)) {
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            key.seal_out_of_place_scatter(nonce, Aad::empty(), plain, out, &[], &mut tag).unwrap();
        }
        black_box(out);
    }

    fn open(&mut self) {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let Self { key, out, sealed, tag } = self;
        key.open_separate_gather(nonce, Aad::empty(), sealed, tag, out).unwrap();
        black_box(out);
    }
}
