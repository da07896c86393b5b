//! What the audit trail costs: starting authentications with the trail on the disk under measurement,
//! against a trail in memory, where a sync costs nothing. Computing and chaining the records is in both;
//! it takes a few millionths of a second for each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::Scale;
use crate::load::Until;
use crate::report::Report;
use crate::simulator::Simulator;
use crate::start::{ACCOUNTS, Bench};
use crate::stats::Paired;
use crate::world;

/// The share of the throughput that must be left.
const GOAL: f64 = 0.85;
/// As many as share a sync.
const CALLERS: usize = 16;
/// The size of a facemap in the middle.
const LEN: usize = 256 << 10;
/// A file system in memory.
const IN_MEMORY: &str = "/dev/shm";

/// Measures both in turn, over the same accounts.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Arc<Simulator>) {
    if !Path::new(IN_MEMORY).is_dir() {
        report.skipped.push(format!("the cost of the audit trail: there is no {IN_MEMORY}"));
        return;
    }
    simulator.reset().await;
    let accounts = simulator.onboard(ACCOUNTS, LEN).await;
    let (dir, memory) = (world::folder(), tempfile::tempdir_in(IN_MEMORY).unwrap());
    let trail = dir.path().join("audit");
    let with = Bench::over(simulator, accounts.clone(), LEN, dir, &trail).await;
    let trail = memory.path().join("audit");
    let without = Bench::over(simulator, accounts, LEN, world::folder(), &trail).await;

    let time = Until::Elapsed(scale.pick(Duration::from_secs(1), Duration::from_secs(3)));
    let mut rounds = Vec::new();
    for _ in 0..scale.pick(5, 9) {
        rounds.push((with.ours(CALLERS, time).await.rate, without.ours(CALLERS, time).await.rate));
    }
    let what = format!("start 256 KiB with the audit trail on disk, {CALLERS} callers");
    report.rate("trail", &what, "/s", Paired::of(&rounds), ("a trail in memory", Some(GOAL)));
}
