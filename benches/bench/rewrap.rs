//! Rotating keys: how fast records come under new keys, against rewriting as many rows of the same size
//! through RocksDB without any cryptography; what starting an authentication feels of it, over TLS to the
//! simulator in another process; and that it takes no more memory for more records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facemap_vault::jumio::HttpJumio;
use facemap_vault::model::Timestamp;
use facemap_vault::store::BATCH_MAX;
use facemap_vault::vault::{RewrapState, RewrapStep, RotationPlan};
use rocksdb::{DB, DBCompressionType, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::Scale;
use crate::growth;
use crate::report::Report;
use crate::simulator::{Onboarded, Simulator};
use crate::start::{self, ACCOUNTS};
use crate::stats::{Paired, Spread};
use crate::world::{self, TheVault};

/// The share of the bare rewriting's rate that we want.
const GOAL: f64 = 0.6;
/// Length of a record of a pending enrollment in bytes: what is rewritten.
const ROW_LEN: usize = 420;
/// Callers who start authentications meanwhile, each pausing after every call.
const CALLERS: usize = 4;
/// The size of their facemaps.
const LEN: usize = 256 << 10;
const PAUSE: Duration = Duration::from_millis(5);
/// How often we look where a rotation is.
const LOOK: Duration = Duration::from_millis(2);

/// Measures both.
pub async fn run(report: &mut Report, scale: &Scale, simulator: &Simulator) {
    let count: u64 = scale.pick(100_000, 1_000_000);
    let (dir, keyring) = (world::folder(), world::keyring());
    let store = world::create(dir.path(), &keyring);
    let vault = world::open_at_home(dir.path(), store, simulator.jumio(), keyring).await;
    growth::fill(&vault, count).await;
    simulator.reset().await;
    let accounts: Arc<[Onboarded]> = simulator.onboard(ACCOUNTS, LEN).await.into();
    start::capture(&vault, &accounts).await;
    let bare = Bare::new(count);

    let mut rates = Vec::new();
    for _ in 0..3 {
        rates.push((rotate(&vault).await, bare.rewrite()));
    }
    let what = format!("rewrap of {count} records");
    let floor = ("rewriting as many rows through RocksDB", Some(GOAL));
    report.rate("keys", &what, "/s", Paired::of(&rates), floor);

    let calls = scale.pick(200, 500);
    let mut slowest = Vec::new();
    for _ in 0..scale.pick(3, 5) {
        let quiet = p99(&vault, &accounts, calls).await;
        let rotation = vault.start_rotation(RotationPlan::ROTATE, Timestamp::now()).unwrap();
        until(&vault, |step| step == RewrapStep::Rewrap).await;
        let busy = p99(&vault, &accounts, calls).await;
        let during = vault.newest_rotation().unwrap();
        assert_eq!(during.step, RewrapStep::Rewrap, "more records are needed: {during:?}");
        vault.rotation_ended(Some(rotation.id), Duration::MAX).await.unwrap();
        slowest.push((quiet, busy));
    }
    let of = |part: fn(&(f64, f64)) -> f64| Spread::of(slowest.iter().map(part).collect());
    report.figure("keys", "start, p99 without a rotation", "ms", of(|pair| pair.0));
    report.figure("keys", "start, p99 during a rewrap", "ms", of(|pair| pair.1));
    report.figure("keys", "start, p99 during it, as a share", "", of(|pair| pair.1 / pair.0));
}

/// Records a second, from the first page to the last, both durable.
async fn rotate(vault: &Arc<TheVault<HttpJumio>>) -> f64 {
    let rotation = vault.start_rotation(RotationPlan::ROTATE, Timestamp::now()).unwrap();
    until(vault, |step| step != RewrapStep::Keys).await;
    let began = Instant::now();
    until(vault, |step| step != RewrapStep::Keys && step != RewrapStep::Rewrap).await;
    let took = began.elapsed();
    let ended = vault.rotation_ended(Some(rotation.id), Duration::MAX).await.unwrap();
    assert_eq!(ended.state, RewrapState::Succeeded, "{ended:?}");
    ended.rewrapped as f64 / took.as_secs_f64()
}

async fn until(vault: &TheVault<HttpJumio>, there: impl Fn(RewrapStep) -> bool) {
    loop {
        let rotation = vault.newest_rotation().unwrap();
        if there(rotation.step) || rotation.state != RewrapState::Running {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Milliseconds that 99 of 100 starts stay within.
async fn p99(vault: &Arc<TheVault<HttpJumio>>, accounts: &Arc<[Onboarded]>, calls: usize) -> f64 {
    let callers = (0..CALLERS).map(|caller| {
        let (vault, accounts) = (Arc::clone(vault), Arc::clone(accounts));
        tokio::spawn(async move {
            let mut times = Vec::new();
            for n in 0..calls {
                let one = accounts[(n * CALLERS + caller) % ACCOUNTS];
                let began = Instant::now();
                start::start(&vault, one).await;
                times.push(began.elapsed().as_secs_f64() * 1e3);
                tokio::time::sleep(PAUSE).await;
            }
            times
        })
    });
    let mut times = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        times.append(&mut caller.await.unwrap());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// As many rows of the same size, and nothing but RocksDB.
struct Bare {
    db: DB,
    _dir: tempfile::TempDir,
}

impl Bare {
    fn new(count: u64) -> Self {
        let dir = world::folder();
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::None);
        options.set_max_background_jobs(2);
        let bare = Self { db: DB::open(&options, dir.path()).unwrap(), _dir: dir };
        // Spread over all keys, as row keys are.
        let keys = (0..count).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let keys: Vec<_> = keys.map(|head| [head; 4].concat()).collect();
        for page in keys.chunks(BATCH_MAX) {
            bare.write(page.iter().map(|key| (key.clone(), vec![1; ROW_LEN])));
        }
        bare
    }

    /// Rows a second: read, and written with as many other bytes, batch by batch, each batch synced.
    fn rewrite(&self) -> f64 {
        let (began, mut rows) = (Instant::now(), 0_u64);
        let mut page = Vec::with_capacity(BATCH_MAX);
        for row in self.db.iterator(IteratorMode::Start) {
            let (key, value) = row.unwrap();
            page.push((key.to_vec(), vec![value[0].wrapping_add(1); value.len()]));
            rows += 1;
            if page.len() == BATCH_MAX {
                self.write(page.drain(..));
            }
        }
        self.write(page.into_iter());
        rows as f64 / began.elapsed().as_secs_f64()
    }

    fn write(&self, rows: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut batch = WriteBatch::default();
        rows.for_each(|(key, value)| batch.put(key, value));
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        self.db.write_opt(batch, &synced).unwrap();
    }
}
