//! How much memory many authentications at once take. The vault is a library in this process, so what
//! the measuring itself holds is counted too. Measured before anything else, since what was freed by then
//! would be used again and not be counted.

use std::sync::Arc;
use std::time::Duration;

use facemap_vault::model::Buffer;

use crate::load::Until;
use crate::report::Report;
use crate::simulator::Simulator;
use crate::start::Bench;
use crate::stats::{Paired, Spread};
use crate::{Scale, process};

/// How many ask at once.
const CALLERS: usize = 64;
/// The size of a facemap.
const LEN: usize = 1 << 20;
/// What a start holds at most: the facemap in the clear and sealed, each padded to full chunks of 16 KiB.
const A_START: usize = 2 * (LEN + (16 << 10));

/// Measures 64 callers with the largest facemaps.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Arc<Simulator>) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let empty = process::resident();
    let bench = Bench::new(simulator, LEN).await;
    let before = process::resident();
    process::forget_peak();
    for _ in 0..scale.pick(2, 5) {
        bench.ours(CALLERS, Until::Elapsed(Duration::from_secs(2))).await;
    }
    let peak = process::peak();

    let one = |bytes: u64| Spread::of(vec![mib(bytes)]);
    report.figure("memory", "resident at the start of the process", "MiB", one(empty));
    let captured = "resident with 64 facemaps of 1 MiB captured and nothing under way";
    report.figure("memory", captured, "MiB", one(before));
    let what = "64 authentications of 1 MiB at once: more at most";
    let bound = mib((Buffer::KEPT_MAX + CALLERS * A_START) as u64);
    let more = mib(peak - before);
    // Less is better, so the share is that of the bound.
    let mut rows = Paired::of(&[(more, bound)]);
    rows.ratio = Spread::of(vec![bound / more]);
    let floor = ("allowed: two buffers for each, and 64 MiB that are kept", Some(1.0));
    report.rate("memory", what, "MiB", rows, floor);
    report.figure("memory", "resident then, at most", "MiB", one(peak));
}
