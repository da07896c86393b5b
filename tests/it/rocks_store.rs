//! What [`RocksStore`] promises beyond the contract: whose store it is, and what is on its disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use facemap_vault::model::{Mode, Timestamp, VaultId};
use facemap_vault::store::{BodyChange, Identity, OpenError, Options, RocksStore, Store};

use crate::store_contract::all_due;
use crate::support::rocks::{IDENTITY, listing, open, raw, rocks_store, small};
use crate::support::sealed::{at, body, create, create_with_body, record, replace, row};

#[tokio::test]
async fn reopening_gives_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = rocks_store(dir.path());
    let records: Vec<_> = (0..40).map(|n| record(Some(100 + n), 5000)).collect();
    for round in 0..4 {
        for number in round * 10..round * 10 + 10 {
            let change = create_with_body(number, &records[usize::from(number)]);
            store.commit(change).await.unwrap();
        }
        match round % 2 {
            0 => store.close().await.unwrap(),
            _ => drop(store),
        }
        store = open(&path).unwrap();
        for number in 0..round * 10 + 10 {
            let want = (records[usize::from(number)].clone(), Some(body(number, 5000)));
            assert_eq!(store.record_with_body(row(number)).await.unwrap(), Some(want));
        }
    }
    assert_eq!(all_due(&store, at(u64::MAX)).await.len(), 40);
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.records, report.bodies, report.due), (40, 40, 40));
    assert!(store.size().await.unwrap() > 40 * 5000);
}

#[tokio::test]
async fn a_second_open_is_refused_and_names_this_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let before = Timestamp::now().minus(Duration::from_millis(1));
    let store = rocks_store(dir.path());
    let files = listing(&path);
    for second in [open(&path), RocksStore::open(&path, IDENTITY, &Options::default())] {
        let error = second.map(drop).unwrap_err();
        let text = error.to_string();
        let OpenError::Locked { pid, since, .. } = error else { panic!("{error:?}") };
        assert_eq!(pid, Some(std::process::id()));
        let since = since.unwrap();
        assert!(since >= before && since <= Timestamp::now(), "{since}");
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains("`fmvault status`"), "{text}");
    }
    assert_eq!(listing(&path), files, "the second changed something");
    store.commit(create(1, &record(None, 0))).await.unwrap();
    store.close().await.unwrap();
    drop(open(&path).unwrap());
}

#[test]
fn what_a_killed_process_left_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    drop(rocks_store(dir.path()));
    fs::write(path.join("owner"), "1 2026-03-02T09:15:52.903Z\n").unwrap();
    drop(open(&path).unwrap());
    assert!(!path.join("owner").exists());
}

/// What is special, what happens to a good store first and under which identity it is opened then,
/// the error, and a part of its text.
type Refusal = (&'static str, fn(&Path) -> Identity, fn(&OpenError) -> bool, &'static str);

#[test]
fn only_the_right_store_is_opened() {
    let table: [Refusal; 5] = [
        (
            "another vault",
            |_| Identity { vault_id: VaultId([8; 16]), ..IDENTITY },
            |e| matches!(e, OpenError::OtherVault { .. }),
            "another vault",
        ),
        (
            "a simulator's store in production",
            |_| Identity { mode: Mode::Production, ..IDENTITY },
            |e| matches!(e, OpenError::OtherMode { .. }),
            "created for mode simulator, not production",
        ),
        (
            "a production store in the simulator",
            |path| {
                fs::remove_dir_all(path).unwrap();
                let identity = Identity { mode: Mode::Production, ..IDENTITY };
                drop(RocksStore::create(path, identity, &small()).unwrap());
                IDENTITY
            },
            |e| matches!(e, OpenError::OtherMode { .. }),
            "created for mode production, not simulator",
        ),
        (
            "a newer format",
            |path| write_identity(path, &[&[0, 2][..], &[1; 30]].concat()),
            |e| matches!(e, OpenError::Newer { format: 2, .. }),
            "format 2",
        ),
        (
            "an identity with a byte too many",
            |path| write_identity(path, &[&[0, 1, 2][..], &[9; 17]].concat()),
            |e| matches!(e, OpenError::Damaged { .. }),
            "identity",
        ),
    ];
    assert_refused(&table);
}

#[test]
fn only_a_whole_and_private_store_is_opened() {
    let table: [Refusal; 4] = [
        (
            "a creation that was interrupted",
            |path| {
                raw(path).delete(b"identity").unwrap();
                IDENTITY
            },
            |e| matches!(e, OpenError::Unfinished { .. }),
            "remove the directory",
        ),
        (
            "nothing",
            |path| {
                fs::remove_dir_all(path).unwrap();
                IDENTITY
            },
            |e| matches!(e, OpenError::Missing { .. }),
            "fmvault keys init",
        ),
        (
            "a directory others may read",
            |path| {
                fs::set_permissions(path, Permissions::from_mode(0o750)).unwrap();
                IDENTITY
            },
            |e| matches!(e, OpenError::Exposed { mode: 0o750, .. }),
            "run `chmod 700 /",
        ),
        (
            "a manifest that is cut short",
            |path| {
                for file in listing(path).iter().filter(|file| file.contains("MANIFEST")) {
                    fs::write(path.join(file), [0; 100]).unwrap();
                }
                IDENTITY
            },
            |e| matches!(e, OpenError::Damaged { .. }),
            "damaged",
        ),
    ];
    assert_refused(&table);
}

fn assert_refused(table: &[Refusal]) {
    for &(what, before, want, text) in table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        drop(rocks_store(dir.path()));
        let identity = before(&path);
        let error = RocksStore::open(&path, identity, &small()).map(drop).unwrap_err();
        assert!(want(&error), "{what}: {error:?}");
        assert!(error.to_string().contains(text), "{what}: {error}");
    }
}

#[test]
fn a_store_is_created_in_an_empty_place_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    drop(rocks_store(dir.path()));
    let again = RocksStore::create(&path, IDENTITY, &small()).map(drop).unwrap_err();
    assert!(matches!(again, OpenError::Exists { .. }), "{again:?}");
    drop(open(&path).unwrap());

    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let shared = dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
    let exposed = RocksStore::create(&shared, IDENTITY, &small()).map(drop).unwrap_err();
    assert!(matches!(exposed, OpenError::Exposed { mode: 0o755, .. }), "{exposed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_keep_the_store_consistent() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(rocks_store(dir.path()));
    let writers: Vec<_> = (0..16)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut old = record(Some(1), 5000);
                store.commit(create_with_body(number, &old)).await.unwrap();
                for round in 0..20 {
                    let new = record(Some(round), 5000 + round as usize);
                    let set = BodyChange::Set(body(number, 5000 + round as usize));
                    store.commit(replace(number, &old, &new, set)).await.unwrap();
                    old = new;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let report = store.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.records, report.bodies, report.due), (16, 16, 16));
}

fn write_identity(path: &Path, bytes: &[u8]) -> Identity {
    raw(path).put(b"identity", bytes).unwrap();
    IDENTITY
}
