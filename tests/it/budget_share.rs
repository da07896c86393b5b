//! The tenant's call budget is shared fairly: a sweep that would use all of it leaves authentications
//! their share. Counted by the simulator's journal, with its own limits switched on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facemap_vault::crypto::{Keyring, Provider};
use facemap_vault::jumio::{HttpJumio, Rates, Region, Settings};
use facemap_vault::model::{AccountId, ClientSecret, Mode, RequestId, Timestamp};
use facemap_vault::sim::{Options, Remote, Running, Simulator};
use facemap_vault::vault::{
    AccountUpdate, Enroll, StartAuthentication, SweepState, Vault, VaultError,
};
use serde_json::{Value, json};

use crate::support::ledger::fresh_ledger;
use crate::support::mem_store::MemStore;
use crate::support::world::{HOUR, settings};

/// Calls a second, of Jumio's two services.
const ACCOUNT: f64 = 20.0;
const RETRIEVAL: f64 = 50.0;
const RESERVE: f64 = 0.4;

type TheVault = Arc<Vault<MemStore, HttpJumio>>;

struct World {
    sim: Running,
    remote: Remote,
    vault: TheVault,
    _ledger_dir: tempfile::TempDir,
}

impl World {
    async fn new(rates: Rates) -> Self {
        let sim = Simulator::start(Options::default()).await.unwrap();
        let remote = Remote::new(sim.url(), sim.client_id(), sim.client_secret());
        let base = || url::Url::parse(sim.url()).unwrap();
        let secret = ClientSecret::new(sim.client_secret().to_owned());
        let id = sim.client_id().to_owned();
        let jumio = HttpJumio::new(Settings {
            auth_url: base(),
            account_url: base(),
            api_url: base(),
            retrieval_url: base(),
            simulator: true,
            rates,
            ..Settings::for_region(Region::Amer1, id, secret, "ExampleBank test/1.0".to_owned())
        });
        let now = Timestamp::now();
        let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, now).unwrap();
        let (_ledger_dir, ledger) = fresh_ledger(&keyring);
        let (store, keyring) = (MemStore::default(), Arc::new(keyring));
        let open = Vault::open(store, jumio.unwrap(), keyring, ledger, settings(), |_| ());
        let vault = Arc::new(open.await.unwrap());
        Self { sim, remote, vault, _ledger_dir }
    }

    /// Onboards and enrolls `count` accounts.
    async fn enroll(&self, count: usize) -> Vec<AccountId> {
        let how = json!({ "count": count, "workflow_key": "10011", "facemap_size": 2_000 });
        let made = self.remote.post("onboardings", &how).await.unwrap();
        let mut accounts = Vec::new();
        for one in made["onboardings"].as_array().unwrap() {
            let id = |key: &str| one[key].as_str().unwrap().to_owned();
            let account = id("account_id").parse().unwrap();
            let execution = id("workflow_execution_id").parse().unwrap();
            let request = Enroll { account, execution, completed: None };
            self.vault.enroll(request, Timestamp::now()).await.unwrap();
            accounts.push(account);
        }
        accounts
    }

    async fn start(&self, account: AccountId) -> Result<(), Arc<VaultError>> {
        let update = AccountUpdate {
            customer_internal_reference: "login".to_owned(),
            ..AccountUpdate::default()
        };
        let request = StartAuthentication { account, update, supersede: true };
        let now = Timestamp::now();
        let id = RequestId::generate();
        self.vault.start_authentication("backend", id, request, now).await.map(drop)
    }

    /// The journal's requests after `since`: method, path and status.
    async fn journal(&self, since: u64) -> Vec<(u64, String, String, u64)> {
        let journal = self.remote.get(&format!("journal?since={since}")).await.unwrap();
        let entries = journal.as_array().or_else(|| journal["entries"].as_array());
        let entry = |entry: &Value| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            let status = entry["status"].as_u64().unwrap_or_default();
            (entry["sequence"].as_u64().unwrap(), text("method"), text("path"), status)
        };
        entries.expect("a journal").iter().map(entry).collect()
    }

    /// The simulator enforces the same rates, with a second's calls of tolerance for what bunches up
    /// on the way.
    async fn enforce(&self) {
        let rate = |rate: f64| json!({ "per_second": rate, "burst": rate });
        let limits = json!({ "rate_limits": {
            "enabled": true,
            "token": rate(100.0),
            "account": rate(ACCOUNT),
            "retrieval": rate(RETRIEVAL),
        } });
        let url = format!("{}/__sim/tenant", self.sim.url());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.patch(url).body(limits.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_saturated_sweep_leaves_authentications_their_budget() {
    let rates = Rates {
        token: None,
        account: Some(ACCOUNT),
        retrieval: Some(RETRIEVAL),
        reserve_for_authentication: RESERVE,
        ..Rates::default()
    };
    let world = World::new(rates).await;
    let known = world.enroll(8).await;
    for account in &known {
        world.vault.capture(*account, Timestamp::now()).await.unwrap();
    }
    world.enroll(400).await;
    world.enforce().await;
    let before = world.journal(0).await.last().unwrap().0;

    let began = Instant::now();
    let plan = world.vault.sweep_plan(10_000 * HOUR, None);
    let (sweep, _) = world.vault.start_sweep(plan, Timestamp::now());
    // Nine tenths of the account budget, evenly, for three seconds: every one must be granted. A slow
    // machine asks later, never more often.
    let every = Duration::from_secs_f64(1.0 / (0.9 * ACCOUNT));
    let asked = (3.0 * 0.9 * ACCOUNT) as usize;
    let mut timer = tokio::time::interval(every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0..asked {
        timer.tick().await;
        let started = world.start(known[n % known.len()]).await;
        assert!(started.is_ok(), "start {n} of {asked}: {started:?}");
    }
    let running = world.vault.sweep_ended(sweep.id, Duration::ZERO).await.unwrap();
    world.vault.cancel_sweep(sweep.id).await.unwrap();
    let spent = began.elapsed();

    let journal = world.journal(before).await;
    let jumio = |entry: &&(u64, String, String, u64)| !entry.2.starts_with("/__sim");
    let entries: Vec<_> = journal.iter().filter(jumio).collect();
    let throttled = entries.iter().filter(|entry| entry.3 == 429).count();
    assert_eq!(throttled, 0, "our own budget keeps us below Jumio's limits");
    let granted = entries.iter().filter(|e| e.1 == "PUT" && e.3 == 200).count();
    assert_eq!(granted, asked);
    let retrieved = entries.iter().filter(|e| e.1 == "GET").count() as f64;
    let lane = RETRIEVAL * (1.0 - RESERVE);
    let most = lane * spent.as_secs_f64() + lane / 5.0 + 1.0;
    assert!(retrieved <= most, "captures used the reserve: {retrieved} calls, {most} allowed");
    assert_eq!(running.state, SweepState::Running, "the sweep was to be busy all the time");
    assert!(running.report.captured > 0, "and it was at work: {:?}", running.report);
    world.sim.stop().await;
}

#[tokio::test]
async fn over_budget_a_caller_is_told_at_once_when_to_come_back() {
    let rates = Rates { token: None, account: Some(0.01), ..Rates::default() };
    let world = World::new(rates).await;
    let known = world.enroll(2).await;
    for account in &known {
        world.vault.capture(*account, Timestamp::now()).await.unwrap();
    }
    world.start(known[0]).await.unwrap();

    let asked = Instant::now();
    let refused = world.start(known[1]).await.unwrap_err();
    let VaultError::JumioThrottled { retry_after: Some(wait), .. } = &*refused else {
        panic!("{refused:?}")
    };
    assert!(*wait > Duration::from_secs(60), "{wait:?}");
    assert!(asked.elapsed() < Duration::from_secs(30), "it did not wait for its turn");
    world.sim.stop().await;
}
