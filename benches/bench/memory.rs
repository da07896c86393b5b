//! How much memory many authentications at once take. The vault is a library in this process, so what
//! the measuring itself holds is counted too.

use std::sync::Arc;
use std::time::Duration;

use crate::load::Until;
use crate::report::Report;
use crate::simulator::Simulator;
use crate::start::Bench;
use crate::stats::Spread;
use crate::{Scale, process};

/// Measures 64 callers with the largest facemaps.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Arc<Simulator>) {
    let bench = Bench::new(simulator, 1 << 20).await;
    // What is built once, and the store's caches.
    bench.ours(1, Until::Calls(64)).await;
    let before = process::resident();
    let mut peaks = Vec::new();
    for _ in 0..scale.pick(2, 5) {
        process::forget_peak();
        bench.ours(64, Until::Elapsed(Duration::from_secs(2))).await;
        peaks.push((process::peak() - before) as f64 / f64::from(1 << 20));
    }
    let mib = |bytes: u64| Spread::of(vec![bytes as f64 / f64::from(1 << 20)]);
    report.figure("memory", "resident before", "MiB", mib(before));
    report.figure("memory", "64 authentications of 1 MiB at once: more", "MiB", Spread::of(peaks));
}
