//! A [`RocksStore`] on a disk that lies, is cut short, or is full.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;

use facemap_vault::model::{HeaderError, SealedRecord};
use facemap_vault::store::{
    BodyChange, Change, Expect, Finding, OpenError, Options, RocksStore, Store, StoreError, Wrong,
};

use crate::store_contract::all_records;
use crate::support::rocks::{IDENTITY, listing, open, raw, rocks_store, small};
use crate::support::sealed::{body, create, create_with_body, record, replace, row};

#[tokio::test]
async fn damage_is_named_and_hides_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = rocks_store(dir.path());
    for number in 1..=6 {
        store.commit(create_with_body(number, &record(Some(10), 5000))).await.unwrap();
    }
    store.close().await.unwrap();
    {
        let db = raw(&path);
        let put = |name: &str, key: &[u8], value: &[u8]| {
            db.put_cf(db.cf_handle(name).unwrap(), key, value).unwrap();
        };
        put("meta", &row(2).0, b"nonsense");
        put("body", &row(3).0, &[0; 4999 - 56]);
        db.delete_cf(db.cf_handle("body").unwrap(), row(4).0).unwrap();
        put("body", &row(7).0, &[0; 10]);
        put("prefix", &row(8).0, &[0; 56]);
        put("due", &[&11u64.to_be_bytes()[..], &row(5).0].concat(), &[]);
        put("due", b"short", &[]);
        let due_6 = [&10u64.to_be_bytes()[..], &row(6).0].concat();
        db.delete_cf(db.cf_handle("due").unwrap(), due_6).unwrap();
    }

    let store = open(&path).unwrap();
    let records = all_records(&store, 2).await;
    assert_eq!(records.len(), 6);
    for scanned in records {
        let damaged = scanned.row == row(2);
        assert_eq!(scanned.record.err(), damaged.then_some(HeaderError::NotARecord));
    }
    for number in 1..=6 {
        let named = match store.record_with_body(row(number)).await {
            Ok(_) => None,
            Err(StoreError::Corrupt { row, .. }) => Some(row),
            Err(other) => panic!("row {number}: {other:?}"),
        };
        assert_eq!(named, (2..=4).contains(&number).then_some(row(number)));
    }
    // Nothing is written over a row that cannot be read.
    let over = store.commit(create(2, &record(None, 0))).await;
    assert!(matches!(over, Err(StoreError::Corrupt { .. })), "{over:?}");

    let report = store.verify().await.unwrap();
    let found: Vec<_> =
        report.findings.iter().map(|&Finding { row, wrong }| (row, wrong)).collect();
    let want = [
        (row(2), Wrong::RecordDamaged),
        (row(3), Wrong::BodyLength),
        (row(4), Wrong::BodyMissing),
        (row(6), Wrong::DueMissing),
        (row(5), Wrong::DueOrphaned),
        (row(0), Wrong::KeyUnknown),
        (row(7), Wrong::BodyOrphaned),
        (row(8), Wrong::BodyOrphaned),
    ];
    assert_eq!(found, want);
    assert_eq!(report.wrong, 8);

    // But by who knows that it is damaged; and nothing else is taken for damage.
    let tombstone = record(None, 0);
    let given_up = |number| Change {
        expect: Expect::Damaged,
        body: BodyChange::Remove,
        ..create(number, &tombstone)
    };
    assert!(matches!(store.commit(given_up(1)).await, Err(StoreError::Conflict)));
    assert!(matches!(store.commit(given_up(9)).await, Err(StoreError::Conflict)));
    store.commit(given_up(2)).await.unwrap();
    assert_eq!(store.record(row(2)).await.unwrap(), Some(tombstone.clone()));
}

#[tokio::test]
async fn a_flipped_bit_in_a_body_costs_that_body_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = rocks_store(dir.path());
    for number in 1..=3 {
        store.commit(create_with_body(number, &record(None, 50_000))).await.unwrap();
    }
    store.close().await.unwrap();
    let blob = listing(&path).into_iter().find(|file| file.ends_with(".blob")).unwrap();
    let mut bytes = fs::read(path.join(&blob)).unwrap();
    let second = bytes.windows(100).position(|window| window == [2; 100]).unwrap();
    bytes[second + 25_000] ^= 1;
    fs::write(path.join(&blob), bytes).unwrap();

    let store = open(&path).unwrap();
    for number in 1..=3 {
        match store.record_with_body(row(number)).await {
            Ok(Some((_, Some(found)))) if number != 2 => assert_eq!(found, body(number, 50_000)),
            Err(StoreError::Corrupt { row: named, .. }) if number == 2 => assert_eq!(named, row(2)),
            other => panic!("row {number}: {other:?}"),
        }
    }
    let report = store.verify().await.unwrap();
    assert!(report.findings.contains(&Finding { row: row(2), wrong: Wrong::BodyDamaged }));
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_changes_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let old = record(Some(5), 100);
    let store = rocks_store(dir.path());
    store.commit(create_with_body(1, &old)).await.unwrap();
    store.close().await.unwrap();

    let full = Options { free_min: u64::MAX, ..small() };
    let store = RocksStore::open(&path, IDENTITY, &full).unwrap();
    let change = replace(1, &old, &record(None, 0), BodyChange::Remove);
    for _ in 0..2 {
        let refused = store.commit(change.clone()).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    }
    assert!(matches!(store.check_writable().await, Err(StoreError::Full)));
    let stored = store.record_with_body(row(1)).await.unwrap();
    assert_eq!(stored, Some((old, Some(body(1, 100)))));
    drop(store);
    let store = open(&path).unwrap();
    store.check_writable().await.unwrap();
    store.commit(change).await.unwrap();
}

/// What a crash leaves is a log. A torn end was never acknowledged; damage before the end was, and
/// must not pass for a shorter log.
#[tokio::test]
async fn damage_within_the_log_is_refused_and_a_torn_end_is_not() {
    type Damage = fn(&mut Vec<u8>);
    let table: [(&str, Damage, Option<u8>); 5] = [
        ("as it is", |_| {}, Some(6)),
        ("the last byte is missing", |log| log.truncate(log.len() - 1), Some(5)),
        ("a torn record follows", |log| log.extend_from_slice(&[1; 5]), Some(6)),
        ("a bit of the first record is flipped", |log| log[1000] ^= 1, None),
        ("a page in the middle is zeros", |log| log[9000..13_000].fill(0), None),
    ];
    for (what, damage, want) in table {
        let dir = tempfile::tempdir().unwrap();
        let store = rocks_store(dir.path());
        for number in 1..=6 {
            store.commit(create_with_body(number, &record(None, 5000))).await.unwrap();
        }
        let crashed = dir.path().join("crashed");
        DirBuilder::new().mode(0o700).create(&crashed).unwrap();
        for file in listing(&dir.path().join("store")) {
            fs::copy(dir.path().join("store").join(&file), crashed.join(&file)).unwrap();
        }
        let is_log = |file: &&String| file.ends_with(".log") && !read(&crashed, file).is_empty();
        let log = listing(&crashed).iter().find(is_log).cloned().unwrap();
        let mut bytes = read(&crashed, &log);
        assert!(bytes.len() > 30_000, "{what}: the log has {} bytes", bytes.len());
        damage(&mut bytes);
        fs::write(crashed.join(&log), bytes).unwrap();

        match (open(&crashed), want) {
            (Ok(store), Some(last)) => {
                let found = all_records(&store, 10).await;
                assert_eq!(found.len(), usize::from(last), "{what}");
                assert!(store.verify().await.unwrap().is_clean(), "{what}");
            }
            (Err(OpenError::Damaged { .. }), None) => {
                // What stands before the damage can be looked at; letting go of it waits for nothing.
                let up_to_damage = Options { up_to_damage: true, ..small() };
                let store = RocksStore::look(&crashed, IDENTITY, &up_to_damage).unwrap();
                assert!(all_records(&store, 10).await.len() < 6, "{what}");
            }
            (other, want) => panic!("{what}: {:?}, not {want:?}", other.map(drop)),
        }
    }
}

fn read(dir: &Path, file: &str) -> Vec<u8> {
    fs::read(dir.join(file)).unwrap()
}

/// Really fills a file system of its own. Needs the right to mount one.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path()) else {
        eprintln!("skipped: may not mount a tmpfs here");
        return;
    };
    // Without a reserve the engine itself runs into the end of the disk.
    let options = Options { free_min: 0, ..small() };
    let path = dir.path().join("store");
    let store = RocksStore::create(&path, IDENTITY, &options).unwrap();
    let (stored, refused) = fill(&store).await;
    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    for _ in 0..3 {
        let refused = store.commit(create(255, &record(None, 0))).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        let refused = store.check_writable().await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        assert_all_there(&store, &stored).await;
    }

    // Room is all it takes: a look finds it and opens the engine anew, under reads that go on.
    disk.resize("64m");
    let (looked, ()) = tokio::join!(store.check_writable(), assert_all_there(&store, &stored));
    looked.unwrap();
    assert_all_there(&store, &stored).await;
    assert!(store.verify().await.unwrap().is_clean());
    store.commit(create(255, &record(None, 0))).await.unwrap();
    store.close().await.unwrap();

    let store = open(&path).unwrap();
    assert_all_there(&store, &stored).await;
    assert!(store.record(row(255)).await.unwrap().is_some());
}

/// With the reserve the engine never gets there, and room is all it takes to go on.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
async fn a_nearly_full_disk_needs_no_restart() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path()) else {
        eprintln!("skipped: may not mount a tmpfs here");
        return;
    };
    let options = Options { free_min: 6 << 20, ..small() };
    let store = RocksStore::create(&dir.path().join("store"), IDENTITY, &options).unwrap();
    let (stored, refused) = fill(&store).await;
    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    assert_all_there(&store, &stored).await;
    disk.resize("64m");
    store.commit(create(255, &record(None, 0))).await.unwrap();
    store.check_writable().await.unwrap();
    assert!(store.verify().await.unwrap().is_clean());
    store.close().await.unwrap();
}

/// Commits bodies until one is refused; gives what was acknowledged and the refusal.
async fn fill(store: &RocksStore) -> (Vec<SealedRecord>, StoreError) {
    let mut stored = Vec::new();
    for number in 0..=254 {
        let next = record(Some(1), 100_000);
        match store.commit(create_with_body(number, &next)).await {
            Ok(()) => stored.push(next),
            Err(refused) => return (stored, refused),
        }
    }
    panic!("the disk never filled up");
}

async fn assert_all_there(store: &RocksStore, stored: &[SealedRecord]) {
    assert!(!stored.is_empty());
    for (number, want) in (0..).zip(stored) {
        let found = store.record_with_body(row(number)).await.unwrap();
        assert_eq!(found, Some((want.clone(), Some(body(number, 100_000)))), "row {number}");
    }
}

/// A file system of 16 MiB in memory, gone when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(dir: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs"]).arg(dir);
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self(dir))
    }

    fn resize(&self, size: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={size}")]).arg(self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily, as a failed test may still have the store open.
        let unmounted = Command::new("umount").arg("-l").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}
