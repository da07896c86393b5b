//! Capturing, durably, against the same two downloads followed by one synced write of the same bytes
//! into a RocksDB of the same settings.

use std::path::Path;
use std::sync::Arc;

use facemap_vault::jumio::HttpJumio;
use facemap_vault::model::Timestamp;
use reqwest::Client;
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, Options, WriteOptions};
use serde_json::Value;

use crate::load::{Round, Until, round};
use crate::report::Report;
use crate::simulator::{Bare, Onboarded, Simulator};
use crate::stats::{Paired, Spread};
use crate::world::{self, TheVault};
use crate::{CALLERS, SIZES, Scale};

/// The share of the bare loop's throughput that we want.
const GOAL: f64 = 0.7;

/// Measures all sizes and numbers of callers.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Arc<Simulator>) {
    for (name, len) in SIZES {
        let bench = Bench::new(simulator).await;
        for callers in CALLERS {
            let count = scale.pick(32, if len > 256 << 10 { 128 } else { 256 });
            let (mut same, mut pooled) = (Vec::new(), Vec::new());
            for _ in 0..scale.pick(3, 5) {
                simulator.reset().await;
                let ours = bench.ours(simulator, callers, count, len).await;
                let fresh = bench.bare.fresh.clone();
                let floor = bench.floor(simulator, callers, count, len, fresh).await;
                same.push((ours, floor));
                let again = bench.bare.pooled.clone();
                let floor = bench.floor(simulator, callers, count, len, again).await;
                pooled.push((ours.rate, floor.rate));
            }
            let what = format!("capture {name}, {callers} callers");
            let floor = ("the same downloads and a synced write", Some(GOAL));
            crate::start::show(report, "capture", &what, &same, floor);
            let what = format!("capture {name}, {callers} callers, one connection for all");
            let floor = ("that with downloads over kept connections", None);
            report.rate("capture", &what, "/s", Paired::of(&pooled), floor);
        }
    }
    let (bench, count) = (Bench::new(simulator).await, 32);
    let before = world::trail_syncs();
    bench.ours(simulator, 1, count, 64 << 10).await;
    // One was for enrolling them all.
    let syncs = (world::trail_syncs() - before - 1) as f64 / count as f64;
    let what = "syncs of the audit trail for a capture, 1 caller";
    report.figure("capture", what, "", Spread::of(vec![syncs]));
}

struct Bench {
    vault: Arc<TheVault<HttpJumio>>,
    bare: Bare,
    db: Arc<DB>,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new(simulator: &Arc<Simulator>) -> Self {
        let dir = world::folder();
        let keyring = world::keyring();
        let store = world::create(dir.path(), &keyring);
        let vault = world::open(dir.path(), store, simulator.jumio(), keyring).await;
        let db = Arc::new(database(&dir.path().join("floor")));
        Self { vault, bare: simulator.bare().await, db, _dir: dir }
    }

    async fn ours(&self, simulator: &Simulator, callers: usize, count: usize, len: usize) -> Round {
        let accounts = simulator.onboard(count, len).await;
        world::enroll(&self.vault, &accounts).await;
        let (vault, accounts) = (Arc::clone(&self.vault), Arc::new(accounts));
        round(callers, Until::Calls(count), move |n| {
            let (vault, one) = (Arc::clone(&vault), accounts[n]);
            async move {
                let captured = vault.capture(one.account, Timestamp::now()).await.unwrap();
                assert!(captured.enrollment.facemap.is_some());
            }
        })
        .await
    }

    async fn floor(
        &self,
        simulator: &Simulator,
        callers: usize,
        count: usize,
        len: usize,
        downloads: Client,
    ) -> Round {
        let accounts = Arc::new(simulator.onboard(count, len).await);
        let (bare, db) = (self.bare.clone(), Arc::clone(&self.db));
        round(callers, Until::Calls(count), move |n| {
            let (bare, db, one) = (bare.clone(), Arc::clone(&db), accounts[n]);
            let downloads = downloads.clone();
            async move {
                let facemap = download(&bare, &downloads, one).await;
                let key = *one.account.as_bytes();
                let written = tokio::task::spawn_blocking(move || {
                    let mut synced = WriteOptions::default();
                    synced.set_sync(true);
                    db.put_cf_opt(db.cf_handle("body").unwrap(), key, &facemap, &synced)
                });
                written.await.unwrap().unwrap();
            }
        })
        .await
    }
}

async fn download(bare: &Bare, downloads: &Client, one: Onboarded) -> bytes::Bytes {
    let (account, execution) = (one.account.hyphenated(), one.execution.hyphenated());
    let path = format!("{}/api/v1/accounts/{account}/workflow-executions/{execution}", bare.url);
    let answer = bare.pooled.get(path).bearer_auth(&bare.token).send().await.unwrap();
    let details: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let credentials = details["credentials"].as_array().unwrap();
    let facemap = credentials.iter().find(|one| one["category"] == "FACEMAP").unwrap();
    let parts = facemap["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["classifier"] == "FACEMAP").unwrap();
    let request = downloads.get(part["href"].as_str().unwrap()).bearer_auth(&bare.token);
    request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap()
}

/// A database with the settings that matter for large values, as the store sets them.
fn database(path: &Path) -> DB {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(64 << 20));
    let mut body = Options::default();
    body.set_block_based_table_factory(&blocks);
    body.set_write_buffer_size(64 << 20);
    body.set_max_write_buffer_number(3);
    body.set_enable_blob_files(true);
    body.set_min_blob_size(4 << 10);
    let mut engine = Options::default();
    engine.create_if_missing(true);
    engine.create_missing_column_families(true);
    engine.set_bytes_per_sync(1 << 20);
    engine.set_max_background_jobs(2);
    DB::open_cf_descriptors(&engine, path, [ColumnFamilyDescriptor::new("body", body)]).unwrap()
}
