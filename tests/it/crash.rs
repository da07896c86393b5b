//! The real server on a real directory, killed at random moments under load. What it acknowledged must
//! be there when it comes back.

mod ledger;
mod load;

use std::time::{Duration, SystemTime};

use facemap_vault::crypto::select;
use facemap_vault::proto::v1::Enrollment;
use facemap_vault::proto::v1::ListEnrollmentsRequest;
use facemap_vault::store::{Identity, Options, RocksStore};

use crate::support::caller::{Caller, connect, start};
use crate::support::process::Process;
use crate::support::rng::Rng;
use crate::support::site::Site;
use ledger::{Ledger, Shared};

/// Most milliseconds a server lives under load.
const LIFE: usize = 350;
/// Authentications checked after each restart; all are checked at the end.
const SAMPLE: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_being_killed() {
    survive(50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo test --release -- --ignored crash"]
async fn what_was_acknowledged_survives_being_killed_a_thousand_times() {
    survive(1000).await;
}

async fn survive(rounds: usize) {
    // Another course each time; printed, so that a failure can be repeated with FMVAULT_TEST_SEED.
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let given = std::env::var("FMVAULT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or(u64::from(now.subsec_nanos()));
    println!("seed {seed}");
    let mut rng = Rng::new(seed);

    let site = Site::start(&[("sweep.interval", "1s")]).await;
    site.keys_init().await;
    let ledger = Shared::default();
    for round in 0..rounds {
        if rng.one_in(10) {
            killed_while_starting(&site, &mut rng).await;
        }
        let server = site.serve(&[]).await;
        let mut caller = Caller::new(connect(server.told("grpc")).await);
        check_all(&mut caller, &ledger, round).await;
        let sample = ledger.now().sample(&mut rng, SAMPLE);
        check_uploads(&site, &mut caller, &sample).await;

        let onboarded =
            site.onboard_many(serde_json::json!({ "count": 12, "facemap_size": size(&mut rng) }));
        let load = load::begin(&site, &server, &ledger, onboarded.await, &mut rng).await;
        tokio::time::sleep(Duration::from_millis(rng.below(LIFE) as u64)).await;
        server.kill().await;
        load.end().await;
    }

    let server = site.serve(&[]).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    check_all(&mut caller, &ledger, rounds).await;
    let known = ledger.now();
    println!("{known}");
    assert!(known.is_telling(rounds), "too little happened: {known}");
    check_uploads(&site, &mut caller, &known.sample(&mut rng, usize::MAX)).await;
    server.kill().await;
    verify(&site, &known).await;
    let violations = site.remote.get("violations").await.unwrap();
    assert_eq!(violations, serde_json::json!([]));
}

/// Small ones stay in the record's table, large ones go to files of their own.
fn size(rng: &mut Rng) -> usize {
    rng.pick(&[40, 3_000, 20_000, 200_000])
}

/// Opening a store must bear being killed, too.
async fn killed_while_starting(site: &Site, rng: &mut Rng) {
    let mut server = site
        .command(&["server"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(rng.below(150) as u64)).await;
    server.kill().await.unwrap();
}

/// What the vault lists agrees with what it has acknowledged.
async fn check_all(caller: &mut Caller, known: &Shared, round: usize) {
    let mut listed: Vec<Enrollment> = Vec::new();
    let mut request = ListEnrollmentsRequest { page_size: 1000, ..Default::default() };
    loop {
        let page = caller.list_enrollments(request.clone()).await.unwrap().into_inner();
        listed.extend(page.enrollments);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let complaints = known.now().complaints(&listed);
    assert!(complaints.is_empty(), "after kill {round}: {complaints:#?}");
    // What is reported ACTIVE now must stay so.
    known.seen(&listed);
}

/// An authentication with each account uploads exactly what was onboarded.
async fn check_uploads(site: &Site, caller: &mut Caller, accounts: &[(String, String)]) {
    for (account, sha256) in accounts {
        let mut request = start(account);
        request.on_in_progress = 2;
        let started = caller
            .start_authentication(request)
            .await
            .unwrap_or_else(|status| panic!("{account} was ACTIVE: {status:?}"));
        let execution = started.into_inner().authentication.unwrap().workflow_execution_id;
        assert_eq!(site.uploads(&execution).await, [sha256.clone()], "{account}");
    }
}

/// The store on its own: every record whole, every body and index entry where it belongs.
async fn verify(site: &Site, known: &Ledger) {
    let read = |name: &str| std::fs::read(site.path("keyring").join(name)).ok();
    let (zero, one) = (read("keyring.0"), read("keyring.1"));
    let keyring = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    let store = RocksStore::open(&site.path("store"), identity, &Options::default()).unwrap();
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert!(report.records >= known.enrolled() as u64, "{report:?}");
    assert!(report.bodies >= known.active() as u64, "{report:?}");
}

/// What a task of the load needs.
fn address(server: &Process) -> String {
    server.told("grpc").to_owned()
}
