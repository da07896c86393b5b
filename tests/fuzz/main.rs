//! Fuzzing without a special compiler: every target of `facemap_vault::fuzzing` gets mutations of its
//! corpus. No input may make it panic, take over a second, or hold more than 64 MiB.
//!
//! ```text
//! make fuzz                              every target, 100,000 inputs each, a new seed
//! cargo test --release --test fuzz -- config --inputs 5000000
//! cargo test --release --test fuzz -- config --seed 7 --only 4711    one input again
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod corpus;
mod mutate;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use facemap_vault::fuzzing::{TARGETS, Target};
use peak_alloc::PeakAlloc;

use arguments::Arguments;
use corpus::Corpus;
use mutate::Mutator;
use watch::Watch;

/// Counts what is allocated, so that an input's memory is known to the byte.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Longest an input may take.
const TIME_MAX: Duration = Duration::from_secs(1);
/// The most memory an input may hold, in bytes.
const MEMORY_MAX: usize = 64 * 1024 * 1024;
/// Longest input made, in bytes.
const LEN_MAX: usize = 64 * 1024;

fn main() -> ExitCode {
    if let Err(complaint) = corpus::compare_names() {
        eprintln!("{complaint}");
        return ExitCode::FAILURE;
    }
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    };
    println!("fuzzing {} inputs a target, seed {}", arguments.inputs, arguments.seed);
    let mut failures = 0;
    for target in TARGETS.iter().filter(|target| arguments.wants(target.name)) {
        match fuzz(target, &arguments) {
            Ok(line) => println!("{line}"),
            Err(failure) => {
                failures += 1;
                println!("{:<22} FAILED: {failure}", target.name);
            }
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is seen of a target over all its inputs.
#[derive(Default)]
struct Seen {
    accepted: u64,
    slowest: Duration,
    most_memory: usize,
}

fn fuzz(target: &Target, arguments: &Arguments) -> Result<String, String> {
    let corpus = Corpus::read(target.name)?;
    let watch = Watch::start(target.name, arguments.seed);
    let mut seen = Seen::default();
    for (name, bytes, accepted) in corpus.files() {
        // The first call also builds what is built once, so it is not measured.
        let said = one(target, bytes).map_err(|failure| format!("{name}: {failure}"))?;
        if said != accepted {
            return Err(format!("{name}: accepted is {said}. Only files named `bad-` are refused"));
        }
    }
    let began = Instant::now();
    for n in arguments.numbers() {
        let mut mutator = Mutator::new(arguments.seed, target.name, n);
        let input = mutator.input(&corpus, LEN_MAX);
        watch.begins(n);
        measured(target, &input, &mut seen).map_err(|failure| {
            let seed = arguments.seed;
            let file = corpus::keep(target.name, n, &input);
            format!(
                "{failure}\n    {file}\n    again with: -- {} --seed {seed} --only {n}",
                target.name
            )
        })?;
    }
    watch.ends();
    let Seen { accepted, slowest, most_memory } = seen;
    Ok(format!(
        "{:<22} {:>9} inputs {:>8} accepted   slowest {slowest:>9.1?}   most memory {:>7} KiB   {:.1?}",
        target.name,
        arguments.numbers().count(),
        accepted,
        most_memory / 1024,
        began.elapsed(),
    ))
}

/// Runs one input, again if it was slow: other programs may have had the processor.
fn measured(target: &Target, input: &[u8], seen: &mut Seen) -> Result<(), String> {
    let mut time = Duration::MAX;
    for _ in 0..3 {
        PeakAlloc.reset_peak_usage();
        let (before, began) = (PeakAlloc.current_usage(), Instant::now());
        let accepted = one(target, input)?;
        time = time.min(began.elapsed());
        let memory = PeakAlloc.peak_usage().saturating_sub(before);
        seen.most_memory = seen.most_memory.max(memory);
        if memory > MEMORY_MAX {
            return Err(format!("{memory} bytes of memory"));
        }
        if time <= TIME_MAX {
            seen.accepted += u64::from(accepted);
            seen.slowest = seen.slowest.max(time);
            return Ok(());
        }
    }
    Err(format!("took {time:.1?}"))
}

fn one(target: &Target, input: &[u8]) -> Result<bool, String> {
    catch_unwind(AssertUnwindSafe(|| (target.read)(input))).map_err(|_| "panicked".to_owned())
}
