//! Sealing and opening a facemap, against the provider's AES-256-GCM over the same bytes in one piece,
//! into a buffer that is there already. Beside it the construction bare: its key derivation and its pieces
//! by the provider's own functions, into a buffer that is there already. So a reader sees which part of the
//! difference is the price of the construction, and which is ours.

use std::hint::black_box;
use std::time::{Duration, Instant};

use facemap_vault::measuring;

use crate::raw::Raw;
use crate::report::Report;
use crate::stats::Paired;
use crate::{SIZES, Scale};

/// What we want of the raw speed.
const GOAL: f64 = 0.9;
/// What we want of what the construction allows.
const GOAL_OF_BARE: f64 = 0.95;

/// Measures all sizes.
pub fn run(report: &mut Report, scale: &Scale) {
    for (name, len) in SIZES {
        let message = vec![7; len];
        let sealed = measuring::seal(&message);
        let mut raw = Raw::new(len);
        let gib = |time: Duration| (REPEAT * len) as f64 / time.as_secs_f64() / 1e9;
        let (mut seal, mut open) = (Rounds::default(), Rounds::default());
        let mut wiped = Vec::new();
        for _ in 0..scale.pick(31, 151) {
            seal.push(
                gib(repeat(|| measuring::seal(black_box(&message)))),
                gib(repeat(|| raw.seal_pieces(&message))),
                gib(repeat(|| raw.seal(&message))),
            );
            let whole = gib(repeat(|| raw.open()));
            open.push(
                gib(repeat(|| measuring::open(black_box(&sealed)).unwrap())),
                gib(repeat(|| raw.open_pieces())),
                whole,
            );
            wiped.push((gib(repeat(|| drop(measuring::open(black_box(&sealed))))), whole));
        }
        seal.report(report, &format!("seal {name}"));
        open.report(report, &format!("open {name}"));
        let what = format!("open {name} and wipe it");
        report.rate("seal", &what, "GB/s", Paired::of(&wiped), ("raw AES-256-GCM", None));
    }
}

/// Ours, the construction bare, and AES-256-GCM in one piece, measured in turn.
#[derive(Default)]
struct Rounds {
    of_raw: Vec<(f64, f64)>,
    of_bare: Vec<(f64, f64)>,
    bare: Vec<(f64, f64)>,
}

impl Rounds {
    fn push(&mut self, ours: f64, bare: f64, raw: f64) {
        self.of_raw.push((ours, raw));
        self.of_bare.push((ours, bare));
        self.bare.push((bare, raw));
    }

    fn report(&self, report: &mut Report, what: &str) {
        let raw = "raw AES-256-GCM";
        report.rate("seal", what, "GB/s", Paired::of(&self.of_raw), (raw, Some(GOAL)));
        let bare = ("the construction bare", Some(GOAL_OF_BARE));
        let ours = format!("{what}, our part");
        report.rate("seal", &ours, "GB/s", Paired::of(&self.of_bare), bare);
        let price = format!("{what}, the construction bare");
        report.rate("seal", &price, "GB/s", Paired::of(&self.bare), (raw, None));
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
