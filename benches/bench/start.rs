//! Starting an authentication, against the two HTTPS calls that it consists of: the same client library,
//! the same bytes, and no vault. The vault is a library in this process; the simulator is another one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use facemap_vault::audit::Ledger;
use facemap_vault::jumio::{AccountUpdate, HttpJumio};
use facemap_vault::model::{RequestId, Timestamp};
use facemap_vault::vault::StartAuthentication;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::load::{Round, Until, round};
use crate::report::Report;
use crate::simulator::{Bare, Onboarded, Simulator};
use crate::stats::{Paired, Spread};
use crate::world::{self, TheVault};
use crate::{CALLERS, SIZES, Scale};

/// The share of the bare calls' throughput that we want at 16 callers.
const GOAL: f64 = 0.7;
/// Enrolled accounts; callers go through them in turn.
pub const ACCOUNTS: usize = 64;

/// Measures all sizes and numbers of callers.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Arc<Simulator>) {
    for (name, len) in SIZES {
        let bench = Bench::new(simulator, len).await;
        for callers in CALLERS {
            let time =
                Until::Elapsed(scale.pick(Duration::from_millis(400), Duration::from_secs(2)));
            let mut rounds = Vec::new();
            for _ in 0..scale.pick(3, 7) {
                rounds.push((bench.ours(callers, time).await, bench.bare(callers, time).await));
            }
            let what = format!("start {name}, {callers} callers");
            let goal = (callers == 16).then_some(GOAL);
            show(report, "start", &what, &rounds, ("the two bare HTTPS calls", goal));
        }
    }
    let (bench, count) = (Bench::new(simulator, 64 << 10).await, 64);
    let before = world::trail_syncs();
    bench.ours(1, Until::Calls(count)).await;
    let syncs = (world::trail_syncs() - before) as f64 / count as f64;
    let what = "syncs of the audit trail for a start, 1 caller";
    report.figure("start", what, "", Spread::of(vec![syncs]));
}

/// Rate, added latency and added processor time of what was measured in turn.
pub fn show(
    report: &mut Report,
    group: &str,
    what: &str,
    rounds: &[(Round, Round)],
    floor: (&str, Option<f64>),
) {
    let rates: Vec<_> = rounds.iter().map(|(ours, bare)| (ours.rate, bare.rate)).collect();
    report.rate(group, what, "/s", Paired::of(&rates), floor);
    let added = |part: fn(&Round) -> f64| {
        Spread::of(rounds.iter().map(|(ours, bare)| part(ours) - part(bare)).collect())
    };
    let latency = added(|round| round.latency.median);
    report.figure(group, &format!("{what}: added latency, median"), "ms", latency);
    report.figure(group, &format!("{what}: added processor time"), "ms", added(|round| round.cpu));
}

/// Enrolls and captures `accounts`.
pub async fn capture(vault: &TheVault<HttpJumio>, accounts: &[Onboarded]) {
    world::enroll(vault, accounts).await;
    for one in accounts {
        let captured = vault.capture(one.account, Timestamp::now()).await.unwrap();
        assert!(captured.enrollment.facemap.is_some());
    }
}

/// Starts one authentication.
pub async fn start(vault: &Arc<TheVault<HttpJumio>>, one: Onboarded) {
    let request = StartAuthentication {
        account: one.account,
        update: AccountUpdate {
            customer_internal_reference: "bench".to_owned(),
            ..AccountUpdate::default()
        },
        supersede: true,
    };
    let id = RequestId::generate();
    vault.start_authentication("bench", id, request, Timestamp::now()).await.unwrap();
}

/// One size of facemaps.
pub struct Bench {
    vault: Arc<TheVault<HttpJumio>>,
    bare: Bare,
    accounts: Arc<Vec<Onboarded>>,
    facemap: Bytes,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// Captured accounts with facemaps of `len` bytes.
    pub async fn new(simulator: &Arc<Simulator>, len: usize) -> Self {
        simulator.reset().await;
        let accounts = simulator.onboard(ACCOUNTS, len).await;
        let dir = world::folder();
        let trail = dir.path().join("audit");
        Self::over(simulator, accounts, len, dir, &trail).await
    }

    /// A vault in `dir` that has captured `accounts`, with its audit trail in `trail`.
    pub async fn over(
        simulator: &Arc<Simulator>,
        accounts: Vec<Onboarded>,
        len: usize,
        dir: tempfile::TempDir,
        trail: &Path,
    ) -> Self {
        let keyring = world::keyring();
        let store = world::create(dir.path(), &keyring);
        let vault = world::open_with_trail(trail, store, simulator.jumio(), keyring).await;
        capture(&vault, &accounts).await;
        let bare = simulator.bare().await;
        let facemap = Bytes::from(vec![7; len]);
        Self { vault, bare, accounts: Arc::new(accounts), facemap, _dir: dir }
    }

    /// The vault's audit trail.
    pub fn ledger(&self) -> &Ledger {
        self.vault.ledger()
    }

    /// A round of the vault.
    pub async fn ours(&self, callers: usize, until: Until) -> Round {
        let (vault, accounts) = (Arc::clone(&self.vault), Arc::clone(&self.accounts));
        round(callers, until, move |n| {
            let (vault, one) = (Arc::clone(&vault), accounts[n % ACCOUNTS]);
            async move { start(&vault, one).await }
        })
        .await
    }

    /// A round of the two calls alone.
    pub async fn bare(&self, callers: usize, until: Until) -> Round {
        let (bare, accounts) = (self.bare.clone(), Arc::clone(&self.accounts));
        let facemap = self.facemap.clone();
        round(callers, until, move |n| {
            let (bare, account) = (bare.clone(), accounts[n % ACCOUNTS].account.hyphenated());
            let facemap = facemap.clone();
            async move {
                let body = json!({
                    "customerInternalReference": "bench",
                    "workflowDefinition": { "key": 10071 },
                });
                let request = bare
                    .pooled
                    .put(format!("{}/api/v1/accounts/{account}", bare.url))
                    .bearer_auth(&bare.token)
                    .header("content-type", "application/json")
                    .body(body.to_string());
                let answer = request.send().await.unwrap().error_for_status().unwrap();
                let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
                let credentials = answer["workflowExecution"]["credentials"].as_array().unwrap();
                let api =
                    credentials.iter().map(|one| &one["api"]).find(|api| api.is_object()).unwrap();
                let len = facemap.len() as u64;
                let part = Part::stream_with_length(facemap, len).file_name("facemap.bin");
                let request = bare
                    .pooled
                    .post(api["parts"]["facemap"].as_str().unwrap())
                    .bearer_auth(api["token"].as_str().unwrap())
                    .multipart(Form::new().part("file", part));
                let answer = request.send().await.unwrap().error_for_status().unwrap();
                answer.bytes().await.unwrap();
            }
        })
        .await
    }
}
