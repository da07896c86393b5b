//! What the audit trail costs: starting authentications with the trail on the disk under measurement,
//! against the same vault with its trail in memory, where a sync costs nothing. A vault without a trail
//! cannot be had. What both pay, making a record and handing it to the one thread that writes, is measured
//! by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use facemap_vault::audit::{Entry, Event};
use facemap_vault::model::Timestamp;

use crate::Scale;
use crate::load::Until;
use crate::report::Report;
use crate::simulator::Simulator;
use crate::start::{ACCOUNTS, Bench};
use crate::stats::{Paired, Spread};
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
    let floor = ("the same with the trail in memory (tmpfs), where a sync is free", Some(GOAL));
    report.rate("trail", &what, "/s", Paired::of(&rounds), floor);

    let mut times = Vec::new();
    for _ in 0..scale.pick(200, 1000) {
        let entry = Entry::new(Event::FacemapOpened, Timestamp::now());
        let began = Instant::now();
        without.ledger().append(vec![entry]).await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let what = "what both pay for each record: making, chaining, handing over and back";
    report.figure("trail", what, "µs", Spread::of(times));
}
