//! The fault harness: the real binary on a disk that is killed, cut off, full, failing or wrong. After
//! each fault the vault must keep every promise it has made, by the journals of those who asked it and of
//! the simulated Jumio, or say what is wrong; it must never panic, and never serve wrong bytes.
//!
//! A short slice runs with all tests. `make torture` runs a profile; FMVAULT_SEED repeats a run.

mod cuts;
mod damage;
mod disk;
mod disk_tests;
mod exam;
mod faults;
mod first_start;
mod ground;
mod journal;
mod keyring;
mod kills;
mod load;
mod report;
mod rotation;
mod server;
pub(crate) mod shim;
mod shim_tests;

use std::time::{Instant, SystemTime};

use crate::support::rng::Rng;
use damage::Counts;
use report::{Report, Row};

/// How many vaults suffer at once. They wait for each other's disk more than for a processor.
const SIDE_BY_SIDE: usize = 3;

/// How much is done of each.
struct Profile {
    name: &'static str,
    random_kills: usize,
    placed_kills: usize,
    cuts: usize,
    damage: Counts,
    per_fault: usize,
}

const SLICE: Profile = Profile {
    name: "slice",
    random_kills: 20,
    placed_kills: 10,
    cuts: 12,
    damage: Counts { flips: 12, others: 0, whole: true },
    per_fault: 1,
};

const CI: Profile = Profile {
    name: "ci",
    random_kills: 100,
    placed_kills: 100,
    cuts: 200,
    damage: Counts { flips: 1000, others: 2, whole: true },
    per_fault: 20,
};

const LONG: Profile = Profile {
    name: "long",
    random_kills: 1000,
    placed_kills: 1000,
    cuts: 1000,
    damage: Counts { flips: 10_000, others: 40, whole: true },
    per_fault: usize::MAX,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_being_killed() {
    let mut rng = Rng::new(seed());
    no_violations(&kills::kills(SLICE.random_kills, SLICE.placed_kills, &mut rng).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_goes_on_and_loses_nothing() {
    no_violations(&rotation::rotations(28, 1, &mut Rng::new(seed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo test --release --test it killed_goes_on -- --ignored"]
async fn a_rotation_that_is_killed_goes_on_and_loses_nothing_240_times() {
    no_violations(&rotation::rotations(240, 2, &mut Rng::new(seed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut() {
    no_violations(&cuts::cuts(SLICE.cuts, &mut Rng::new(seed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_is_made_or_not_when_the_power_is_cut() {
    no_violations(&[first_start::first_start(SLICE.cuts, &mut Rng::new(seed())).await]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_refused_or_named_or_without_effect() {
    no_violations(&damage::damage(SLICE.damage, &mut Rng::new(seed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_loses_nothing_that_was_acknowledged() {
    no_violations(&faults::faults(SLICE.per_fault, &mut Rng::new(seed())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make torture, or make torture PROFILE=long"]
#[expect(clippy::print_stdout, reason = "the result of the run")]
async fn by_profile() {
    let profile = match variable("FMVAULT_TORTURE").as_deref() {
        None | Some("ci") => CI,
        Some("long") => LONG,
        Some("slice") => SLICE,
        Some(other) => panic!("no profile {other}: ci, long or slice"),
    };
    let (seed, begun) = (seed(), Instant::now());
    // Each part follows from the seed alone, so that one part can be repeated without the others.
    let rng = |part: u64| Rng::new(seed.wrapping_add(part));
    let mut rows = Vec::new();
    for (part, name) in (0..).zip(["kills", "cuts", "first start", "faults", "damage"]) {
        if variable("FMVAULT_TORTURE_PART").is_some_and(|only| only != name) {
            continue;
        }
        progress(&format!("{name}, seed {seed}"), begun);
        let rng = &mut rng(part);
        rows.extend(match name {
            "first start" => vec![first_start::first_start(profile.cuts / 2, rng).await],
            "kills" => kills::kills(profile.random_kills, profile.placed_kills, rng).await,
            "cuts" => cuts::cuts(profile.cuts, rng).await,
            "faults" => faults::faults(profile.per_fault, rng).await,
            _ => damage::damage(profile.damage, rng).await,
        });
    }
    let seconds = begun.elapsed().as_secs();
    let report = Report { profile: profile.name, seed, seconds, rows };
    println!("{}", report.publish());
    assert_eq!(report.violations(), 0, "repeat with SEED={seed}");
}

fn no_violations(rows: &[Row]) {
    let violations: Vec<_> = rows.iter().flat_map(|row| &row.violations).collect();
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(rows.iter().map(|row| row.runs).sum::<u64>() > 0, "nothing was tried");
}

#[expect(clippy::print_stderr, reason = "what is going on, for who waits")]
fn progress(what: &str, begun: Instant) {
    eprintln!("{:>5} s  {what}", begun.elapsed().as_secs());
}

/// Another course each time; printed, so that a failure can be repeated with FMVAULT_SEED.
#[expect(clippy::print_stdout, reason = "shown if the test fails")]
fn seed() -> u64 {
    let given = variable("FMVAULT_SEED").and_then(|seed| seed.parse().ok());
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = given.unwrap_or(u64::from(now.subsec_nanos()));
    println!("seed {seed}");
    seed
}

#[expect(clippy::disallowed_methods, reason = "no setting, but a developer's wish")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
