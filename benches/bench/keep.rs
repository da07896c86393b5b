//! Putting facemaps into the store and fetching them again, without a network: sealed and synced, read and
//! opened. Beside it the same through PostgreSQL with pgcrypto, if it is installed.

use std::sync::Arc;
use std::time::Duration;

use facemap_vault::crypto::{Draft, Keyring};
use facemap_vault::model::{AccountId, Facemap, Timestamp};
use facemap_vault::store::{BodyChange, Change, Expect, RocksStore, Store as _};
use zeroize::Zeroizing;

use crate::load::{Round, Until, round};
use crate::postgres::Postgres;
use crate::report::Report;
use crate::stats::{Paired, Spread};
use crate::{SIZES, Scale, process, world};

const CALLERS: usize = 16;
/// Facemaps of each size; fetches go through them in turn.
const COUNT: usize = 256;

/// Measures all sizes.
pub async fn run(report: &mut Report, scale: &Scale) {
    let time = Until::Elapsed(scale.pick(Duration::from_millis(500), Duration::from_secs(2)));
    for (name, len) in SIZES {
        let kept = Kept::new(len);
        let postgres = Postgres::start(len);
        let (mut put, mut fetched) = (Vec::new(), Vec::new());
        for _ in 0..scale.pick(3, 7) {
            let theirs = |what: fn(&Postgres, f64) -> f64| {
                let seconds = scale.pick(1.0, 2.0);
                postgres.as_ref().map_or(f64::NAN, |postgres| what(postgres, seconds))
            };
            put.push((kept.put(COUNT).await.rate, theirs(Postgres::put)));
            fetched.push((kept.fetch(time).await.rate, theirs(Postgres::fetch)));
        }
        let (what_put, what_fetch) = (format!("put {name}, synced"), format!("fetch {name}"));
        match postgres {
            Ok(_) => {
                let floor = ("PostgreSQL with pgcrypto", None);
                report.rate("keep", &what_put, "/s", Paired::of(&put), floor);
                report.rate("keep", &what_fetch, "/s", Paired::of(&fetched), floor);
            }
            Err(why) => {
                report.skip(&why);
                let ours = |rounds: &[(f64, f64)]| Spread::of(rounds.iter().map(|r| r.0).collect());
                report.figure("keep", &what_put, "/s", ours(&put));
                report.figure("keep", &what_fetch, "/s", ours(&fetched));
            }
        }
        kept.disk(report, name, len);
    }
}

/// A store with facemaps of one length.
struct Kept {
    store: Arc<RocksStore>,
    keyring: Arc<Keyring>,
    facemap: Arc<Vec<u8>>,
    dir: tempfile::TempDir,
    written: u64,
    puts: std::sync::atomic::AtomicUsize,
}

impl Kept {
    fn new(len: usize) -> Self {
        let (dir, keyring) = (world::folder(), world::keyring());
        let store = Arc::new(world::create(dir.path(), &keyring));
        let facemap = Arc::new(vec![7; len]);
        Self { store, keyring, facemap, dir, written: process::written(), puts: 0.into() }
    }

    /// Seals and stores `count` more.
    async fn put(&self, count: usize) -> Round {
        let first = self.puts.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        let (store, keyring) = (Arc::clone(&self.store), Arc::clone(&self.keyring));
        let facemap = Arc::clone(&self.facemap);
        round(CALLERS, Until::Calls(count), move |n| {
            let (store, change) = (Arc::clone(&store), change(&keyring, first + n, &facemap));
            async move { store.commit(change).await.unwrap() }
        })
        .await
    }

    /// Reads and opens those of the first round.
    async fn fetch(&self, until: Until) -> Round {
        let (store, keyring) = (Arc::clone(&self.store), Arc::clone(&self.keyring));
        round(CALLERS, until, move |n| {
            let (store, keyring) = (Arc::clone(&store), Arc::clone(&keyring));
            async move {
                let row = keyring.row_key(account(n % COUNT));
                let (record, body) = store.record_with_body(row).await.unwrap().unwrap();
                keyring.open_facemap(row, &record, body.unwrap()).unwrap();
            }
        })
        .await
    }

    /// What is on disk once everything is in its final files, and what was written on the way.
    fn disk(self, report: &mut Report, name: &str, len: usize) {
        let facemaps = (self.puts.into_inner() * len) as f64;
        let store = Arc::into_inner(self.store).unwrap();
        tokio::task::block_in_place(|| drop(store));
        let files = std::fs::read_dir(self.dir.path().join("store")).unwrap();
        let on_disk: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        let written = process::written() - self.written;
        let once = |value: f64| Spread::of(vec![value]);
        let what = format!("bytes on disk for each byte, {name}");
        report.figure("disk", &what, "", once(on_disk as f64 / facemaps));
        let what = format!("bytes written for each byte, {name}");
        report.figure("disk", &what, "", once(written as f64 / facemaps));
    }
}

fn account(n: usize) -> AccountId {
    AccountId::from_bytes((n as u128).to_be_bytes())
}

fn change(keyring: &Keyring, n: usize, facemap: &[u8]) -> Change {
    let row = keyring.row_key(account(n));
    let now = Timestamp::now();
    let draft = Draft {
        legal_hold: false,
        generation: 1,
        sequence: n as u64 + 1,
        created: now,
        completed: Some(now),
        due: None,
    };
    let facemap = Facemap::new(Zeroizing::new(facemap.to_vec())).unwrap();
    let (record, body) = keyring.seal_facemap(row, &draft, &facemap, &[0; 160]).unwrap();
    Change { row, expect: Expect::Absent, record, body: BodyChange::Set(body) }
}
