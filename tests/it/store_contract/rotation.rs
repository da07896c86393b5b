//! What a rotation of keys needs of a store.

use std::fs;
use std::path::Path;

use facemap_vault::model::SealedRecord;
use facemap_vault::store::{Applied, BodyChange, Note, NoteName, Store, StoreError};

use crate::support::rocks::{open, rocks_store};
use crate::support::sealed::{body, create, create_with_body, record, replace, row};

pub(super) async fn contract<S: Store>(mut make: impl FnMut() -> S) {
    a_note_goes_with_its_batch(&make()).await;
    prefixes_are_of_the_rows_asked_for(&make()).await;
    nothing_current_is_dropped(&make()).await;
}

async fn a_note_goes_with_its_batch(store: &impl Store) {
    let note = |content: Option<&[u8]>| Note {
        name: NoteName::Rotation,
        content: content.map(<[u8]>::to_vec),
    };
    let read = async || store.note(NoteName::Rotation).await.unwrap();
    assert_eq!(read().await, None);
    let (old, new) = (record(None, 0), record(None, 0));
    let applied = store.commit_noted(vec![create(1, &old)], note(Some(b"here"))).await.unwrap();
    assert_eq!(applied, [Applied::Yes]);
    assert_eq!(read().await.as_deref(), Some(&b"here"[..]));

    // Each row for itself; the note whatever became of them.
    let changes = vec![create(1, &new), create(2, &new)];
    let applied = store.commit_noted(changes, note(Some(b"there"))).await.unwrap();
    assert_eq!(applied, [Applied::Conflict, Applied::Yes]);
    assert_eq!(read().await.as_deref(), Some(&b"there"[..]));

    assert_eq!(store.commit_noted(Vec::new(), note(None)).await.unwrap(), []);
    assert_eq!(read().await, None);
    assert_eq!(store.records(None, 10).await.unwrap().len(), 2, "a note is no record");
}

async fn prefixes_are_of_the_rows_asked_for(store: &impl Store) {
    for (number, len) in [(1, 56), (3, 55), (5, 30_000), (6, 57), (9, 5_000)] {
        store.commit(create_with_body(number, &record(None, len))).await.unwrap();
    }
    store.commit(create(4, &record(None, 0))).await.unwrap();
    let rows = [1, 2, 3, 4, 5, 8, 9, 10].map(row).to_vec();
    let found = store.body_prefixes(rows).await.unwrap();
    let want = [Some(1), None, None, None, Some(5), None, Some(9), None];
    assert_eq!(found, want.map(|byte| byte.map(|byte| [byte; 56])));
    assert_eq!(store.body_prefixes(Vec::new()).await.unwrap(), []);
}

async fn nothing_current_is_dropped(store: &impl Store) {
    let (old, new) = (record(Some(7), 5_000), record(Some(8), 6_000));
    store.commit(create_with_body(1, &old)).await.unwrap();
    store.commit(replace(1, &old, &new, BodyChange::Set(body(2, 6_000)))).await.unwrap();
    store.commit(create(2, &record(None, 0))).await.unwrap();
    store.drop_replaced().await.unwrap();
    let stored = store.record_with_body(row(1)).await.unwrap();
    assert_eq!(stored, Some((new, Some(body(2, 6_000)))));
    assert_eq!(store.records(None, 10).await.unwrap().len(), 2);
}

/// What wraps a key is told from everything else by its salt.
fn files_with(record: &SealedRecord, path: &Path) -> Vec<String> {
    let salt = record.revision().0;
    let mut names = Vec::new();
    for file in fs::read_dir(path).unwrap() {
        let file = file.unwrap();
        let bytes = fs::read(file.path()).unwrap();
        if bytes.windows(salt.len()).any(|window| window == salt) {
            names.push(file.file_name().into_string().unwrap());
        }
    }
    names
}

/// Bodies of lower rows look like what the tests' records are filled with.
const FIRST: u8 = 10;

#[tokio::test]
async fn replaced_records_are_in_no_file_of_rocksdb() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let olds: Vec<_> = (0..200).map(|_| record(Some(3), 5_000)).collect();
    let news: Vec<_> = (0..200).map(|_| record(Some(3), 5_000)).collect();
    {
        let store = rocks_store(dir.path());
        for (number, old) in (FIRST..).zip(&olds) {
            store.commit(create_with_body(number, old)).await.unwrap();
        }
        store.close().await.unwrap();
    }
    // Old files as well as an old log.
    let store = open(&path).unwrap();
    for (number, (old, new)) in (FIRST..).zip(olds.iter().zip(&news)) {
        store.commit(replace(number, old, new, BodyChange::Keep)).await.unwrap();
    }
    assert!(!files_with(&olds[100], &path).is_empty(), "the search finds what is there");
    store.drop_replaced().await.unwrap();
    for (old, new) in olds.iter().zip(&news) {
        assert_eq!(files_with(old, &path), Vec::<String>::new());
        assert_eq!(files_with(new, &path).len(), 1);
    }
    for number in FIRST..FIRST + 200 {
        let read: Result<_, StoreError> = store.record_with_body(row(number)).await;
        assert_eq!(read.unwrap().unwrap().1, Some(body(number, 5_000)));
    }
}
