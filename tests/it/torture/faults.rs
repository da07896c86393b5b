//! A disk that fails: the n-th operation of a run is refused, cut short or slow.

use futures_util::stream::{self, StreamExt as _};
use tempfile::TempDir;
use tonic::Status;

use super::exam::{Tolerance, examine};
use super::ground::{Copy, ground, onboard, watched};
use super::journal::Shared;
use super::report::{Row, keep};
use super::server::{Begun, begin};
use super::shim::{Shim, read_trace};
use super::{SIDE_BY_SIDE, load};
use crate::support::rng::Rng;
use crate::support::site::Site;

/// A fault: what the rule says before and after the number of the operation, and how it is called.
const FAULTS: [(&str, &str, &str); 9] = [
    ("fail write *", "ENOSPC", "ENOSPC, write"),
    ("fail resize *", "ENOSPC", "ENOSPC, reserve"),
    ("fail create *", "ENOSPC", "ENOSPC, create"),
    ("fail rename *", "ENOSPC", "ENOSPC, rename"),
    ("fail sync *", "EIO", "EIO, sync"),
    ("fail write *", "EIO", "EIO, write"),
    ("fail write *", "EROFS", "EROFS, write"),
    ("short write *", "7", "short write"),
    ("delay write *", "300", "slow write"),
];

/// At most `per_fault` operations of each kind fail, one a run; if that is all of them, every n-th.
pub(super) async fn faults(per_fault: usize, rng: &mut Rng) -> Vec<Row> {
    let site = ground().await;
    let counted = count(&site, rng).await;
    let mut rows = Vec::new();
    for (rule, how, name) in FAULTS {
        let kind = rule.split(' ').nth(1).unwrap();
        let operations = counted.iter().filter(|counted| **counted == kind).count();
        let mut chosen: Vec<_> = (1..=operations).collect();
        while chosen.len() > per_fault {
            chosen.swap_remove(rng.below(chosen.len()));
        }
        let mut row = Row::new(&format!("{name} ({} of {operations})", chosen.len()));
        let seeds: Vec<_> = chosen.iter().map(|nth| (*nth, rng.next())).collect();
        let one = |(nth, seed)| one(&site, format!("{rule} {nth} {how}"), seed);
        let mut ended = stream::iter(seeds).map(one).buffer_unordered(SIDE_BY_SIDE);
        while let Some((how, violations)) = ended.next().await {
            row.add(how, violations);
        }
        rows.push(row);
    }
    rows
}

/// The kinds of all operations of one run without a fault.
async fn count(site: &Site, rng: &mut Rng) -> Vec<&'static str> {
    let beside = TempDir::new().unwrap();
    let copy = Copy::of(site, site.dir.path());
    let shim = Shim::recording(beside.path(), &watched(&copy.path()));
    let journal = Shared::default();
    let people = onboard(site, rng, 4).await;
    let Begun::Ready(server) = begin(&copy.path(), Some(&shim)).await else {
        panic!("a healthy vault does not start");
    };
    let told = load::quiet(&copy.path(), &server, &journal, &people).await;
    assert!(told.is_empty(), "a healthy disk: {told:?}");
    server.stop().await;
    read_trace(shim.trace()).iter().map(|(_, event)| event.kind()).collect()
}

/// One run with one fault: then another without, which must find all that was acknowledged.
async fn one(site: &Site, rule: String, seed: u64) -> (&'static str, Vec<String>) {
    let beside = TempDir::new().unwrap();
    let copy = Copy::of(site, site.dir.path());
    let shim = Shim::recording(beside.path(), &watched(&copy.path()));
    shim.tell(std::slice::from_ref(&rule));
    let journal = Shared::default();
    let people = onboard(site, &mut Rng::new(seed), 4).await;
    let mut violations = Vec::new();
    let (ended, over) = match begin(&copy.path(), Some(&shim)).await {
        Begun::Over(over) => ("start refused", over),
        Begun::Ready(server) => {
            let told = load::quiet(&copy.path(), &server, &journal, &people).await;
            let untyped = told.iter().filter(|status| !is_typed(status));
            violations
                .extend(untyped.map(|status| format!("an error without a reason: {status:?}")));
            let ended = if told.is_empty() { "unnoticed" } else { "refused by a reason" };
            // The stop writes too.
            (ended, server.stop().await)
        }
    };
    violations.extend(over.violation());
    violations.extend(journal.now().accused().iter().cloned());
    let found = examine(site, &copy.path(), &journal.now(), Tolerance::Nothing).await;
    violations.extend(found.violations);
    if !violations.is_empty() {
        let kept = keep(&copy.path(), seed, &rule.replace([' ', '*'], ""));
        violations.push(format!("with `{rule}`: {}", kept.display()));
    }
    (ended, violations)
}

fn is_typed(status: &Status) -> bool {
    status.metadata().contains_key(facemap_vault::grpc::REASON_TRAILER)
}
