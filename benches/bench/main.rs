//! `make bench`: what the vault costs, each figure beside what the machine can do without it, in one run.
//!
//! ```text
//! make bench                        everything, about a quarter of an hour
//! make bench QUICK=1                the same with less of everything, a few minutes
//! cargo bench --profile release --bench bench -- seal growth     some parts
//! cargo bench --profile release --bench bench -- proof           the page from the last run
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub)]

mod capture;
mod growth;
mod keep;
mod load;
mod machine;
mod memory;
mod plot;
mod postgres;
mod process;
mod proof;
mod raw;
mod report;
mod rewrap;
mod sealing;
mod simulator;
mod start;
mod stats;
mod trail;
mod world;

use std::alloc::System;
use std::sync::Arc;

use machine::Machine;
use report::Report;
use simulator::Simulator;
use zeroizing_alloc::ZeroAlloc;

/// As the program has it: what is freed is wiped, and that costs. The bare loops pay for it too.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// The facemaps that are measured with.
pub const SIZES: [(&str, usize); 3] =
    [("64 KiB", 64 << 10), ("256 KiB", 256 << 10), ("1 MiB", 1 << 20)];

/// How many ask at once.
pub const CALLERS: [usize; 3] = [1, 16, 64];

/// How much of everything.
pub struct Scale {
    pub quick: bool,
}

impl Scale {
    /// One of two numbers.
    pub fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let scale = Scale { quick: std::env::var_os("QUICK").is_some_and(|quick| quick == "1") };
    let mut report = Report {
        machine: Machine::here(),
        quick: scale.quick,
        rows: Vec::new(),
        growth: Vec::new(),
        skipped: Vec::new(),
    };
    if words == ["proof"] {
        return proof::write();
    }
    println!("{}", report.machine.line());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if wants("memory") {
        let dir = world::folder();
        let simulator = Arc::new(Simulator::start(dir.path()));
        runtime.block_on(memory::run(&mut report, &scale, &simulator));
    }
    if wants("seal") {
        sealing::run(&mut report, &scale);
    }
    if wants("growth") {
        runtime.block_on(growth::run(&mut report, &scale));
    }
    if wants("keys") {
        let dir = world::folder();
        let simulator = Simulator::start(dir.path());
        runtime.block_on(rewrap::run(&mut report, &scale, &simulator));
    }
    if wants("keep") {
        runtime.block_on(keep::run(&mut report, &scale));
    }
    if ["start", "trail", "capture"].into_iter().any(wants) {
        let dir = world::folder();
        let simulator = Arc::new(Simulator::start(dir.path()));
        runtime.block_on(async {
            if wants("start") {
                start::run(&mut report, &scale, &simulator).await;
            }
            if wants("trail") {
                trail::run(&mut report, &scale, &simulator).await;
            }
            if wants("capture") {
                capture::run(&mut report, &scale, &simulator).await;
            }
        });
    }
    let file = report.write().unwrap();
    println!(
        "{} rows, {} goals missed; {}",
        report.rows.len(),
        report.misses().len(),
        file.display()
    );
}
