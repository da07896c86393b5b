//! `make bench`: what the vault costs, each figure beside what the machine can do without it, in one run.
//!
//! ```text
//! make bench                        everything, about a quarter of an hour
//! make bench QUICK=1                the same with less of everything, a few minutes
//! cargo bench --profile release --bench bench -- seal growth     some parts
//! cargo bench --profile release --bench bench -- proof           the page from the last run
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod machine;
mod report;
mod sealing;
mod stats;

use machine::Machine;
use report::Report;

/// The facemaps that are measured with.
pub const SIZES: [(&str, usize); 3] =
    [("64 KiB", 64 << 10), ("256 KiB", 256 << 10), ("1 MiB", 1 << 20)];

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
    println!("{}", report.machine.line());
    if wants("seal") {
        sealing::run(&mut report, &scale);
    }
    let file = report.write().unwrap();
    println!(
        "{} rows, {} goals missed; {}",
        report.rows.len(),
        report.misses().len(),
        file.display()
    );
}
