//! Servers killed under load, at random moments and at chosen operations. What was acknowledged must be
//! there when they come back.

use std::time::Duration;

use facemap_vault::crypto::select;
use facemap_vault::proto::v1::ListEnrollmentsRequest;
use facemap_vault::store::{Identity, Options, RocksStore};
use tempfile::TempDir;
use tokio::time::sleep;

use super::ground::{ground, onboard, watched};
use super::journal::{Journal, Shared};
use super::load;
use super::report::Row;
use super::server::{Begun, Server, begin};
use super::shim::Shim;
use crate::support::caller::{Caller, connect, start};
use crate::support::rng::Rng;
use crate::support::site::Site;

/// Most milliseconds a server lives under load.
const LIFE: usize = 350;
/// A chosen operation is one of so many first ones; about as many happen in such a life.
const OPERATIONS: usize = 500;
/// How long a server that is to die at a chosen operation may live.
const WAIT: Duration = Duration::from_millis(1200);
/// Authentications checked after each restart; all are checked at the end.
const SAMPLE: usize = 2;

/// Kills servers of one vault, `random` times by the clock and `placed` times at an operation.
pub(super) async fn kills(random: usize, placed: usize, rng: &mut Rng) -> Vec<Row> {
    let site = ground().await;
    let shims = TempDir::new().unwrap();
    let shim = Shim::new(shims.path(), &watched(site.dir.path()));
    let journal = Shared::default();
    let mut rows = [Row::new("SIGKILL, random"), Row::new("SIGKILL, placed")];
    let mut left = [random, placed];
    while left != [0, 0] {
        let placed = if left.contains(&0) { left[0] == 0 } else { rng.one_in(2) };
        let (ended, violations) = one(&site, placed.then_some(&shim), &journal, rng).await;
        let failed = !violations.is_empty();
        rows[usize::from(placed)].add(ended, violations);
        left[usize::from(placed)] -= 1;
        if failed {
            // A broken promise would be found again after each further kill.
            return rows.into();
        }
    }
    let mut last = Row::new("after all kills, everything");
    let violations = finish(&site, &journal, random + placed, rng).await;
    last.add("all kept", violations);
    let [random, placed] = rows;
    vec![random, placed, last]
}

/// One life of a server: checks what was promised before, then load, then death.
async fn one(
    site: &Site,
    shim: Option<&Shim>,
    journal: &Shared,
    rng: &mut Rng,
) -> (&'static str, Vec<String>) {
    if let Some(shim) = shim {
        let kind = rng.pick(&["write", "sync", "any"]);
        shim.tell(&[format!("kill {kind} * {}", 1 + rng.below(OPERATIONS))]);
    } else if rng.one_in(10) {
        killed_while_starting(site, rng).await;
    }
    let people = onboard(site, rng, 12).await;
    let server = match begin(site.dir.path(), shim).await {
        Begun::Ready(server) => server,
        Begun::Over(over) if over.was_killed() && shim.is_some() => {
            return ("killed while starting", over.violation().into_iter().collect());
        }
        Begun::Over(over) => {
            return ("", vec![format!("it does not start: {}", over.said())]);
        }
    };
    let mut violations = match shim {
        Some(_) => Vec::new(),
        None => check(site, &server, journal, rng, SAMPLE).await,
    };
    let load = load::begin(site, &server, journal, people, rng).await;
    let (ended, over) = match shim {
        Some(_) => {
            let (by_itself, over) = server.wait_or_kill(WAIT).await;
            (if by_itself { "killed at the operation" } else { "killed later" }, over)
        }
        None => {
            sleep(Duration::from_millis(rng.below(LIFE) as u64)).await;
            ("killed under load", server.kill().await)
        }
    };
    load.end().await;
    violations.extend(over.violation());
    violations.extend(journal.now().accused().iter().cloned());
    (ended, violations)
}

/// Opening a store must bear being killed, too.
async fn killed_while_starting(site: &Site, rng: &mut Rng) {
    let mut command = site.command(&["server"]);
    let null = std::process::Stdio::null;
    let mut server = command.stdout(null()).stderr(null()).spawn().unwrap();
    sleep(Duration::from_millis(rng.below(150) as u64)).await;
    server.kill().await.unwrap();
}

/// What the vault lists agrees with what it has acknowledged, and `sample` authentications upload what
/// was onboarded.
pub(super) async fn check(
    site: &Site,
    server: &Server,
    journal: &Shared,
    rng: &mut Rng,
    sample: usize,
) -> Vec<String> {
    let mut caller = Caller::new(connect(server.address()).await);
    let mut listed = Vec::new();
    let mut request = ListEnrollmentsRequest { page_size: 1000, ..Default::default() };
    loop {
        let page = caller.list_enrollments(request.clone()).await.unwrap().into_inner();
        listed.extend(page.enrollments);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let mut complaints = journal.now().complaints(&listed);
    // What is reported ACTIVE now must stay so.
    journal.seen(&listed);
    for (account, sha256) in journal.now().sample(rng, sample) {
        let mut request = start(&account);
        request.on_in_progress = 2;
        match caller.start_authentication(request).await {
            Ok(started) => {
                let execution = started.into_inner().authentication.unwrap().workflow_execution_id;
                let uploads = site.uploads(&execution).await;
                if uploads != std::slice::from_ref(&sha256) {
                    complaints.push(format!("{account}: Jumio received {uploads:?}"));
                }
            }
            Err(status) => complaints.push(format!("{account} was ACTIVE: {status:?}")),
        }
    }
    complaints
}

/// A last start, everything checked.
pub(super) async fn finish(
    site: &Site,
    journal: &Shared,
    rounds: usize,
    rng: &mut Rng,
) -> Vec<String> {
    let Begun::Ready(server) = begin(site.dir.path(), None).await else {
        return vec!["the last start fails".to_owned()];
    };
    let mut violations = check(site, &server, journal, rng, usize::MAX).await;
    violations.extend(server.kill().await.violation());
    let known = journal.now();
    if !known.is_telling(rounds) {
        violations.push(format!("too little happened: {known}"));
    }
    violations.extend(verify(site, &known).await);
    let at_jumio = site.remote.get("violations").await.unwrap();
    if at_jumio != serde_json::json!([]) {
        violations.push(format!("Jumio saw {at_jumio}"));
    }
    violations
}

/// The store on its own: every record whole, every body and index entry where it belongs.
async fn verify(site: &Site, known: &Journal) -> Option<String> {
    let read = |name: &str| std::fs::read(site.path("keyring").join(name)).ok();
    let (zero, one) = (read("keyring.0"), read("keyring.1"));
    let keyring = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    let store = RocksStore::open(&site.path("store"), identity, &Options::default()).unwrap();
    let report = store.verify().await.unwrap();
    let enough =
        report.records >= known.enrolled() as u64 && report.bodies >= known.active() as u64;
    (!report.is_clean() || !enough).then(|| format!("{report:?}"))
}
