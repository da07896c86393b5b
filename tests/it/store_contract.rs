//! What every [`Store`] promises, asked of each of them.

mod rotation;

use std::collections::BTreeSet;
use std::sync::Arc;

use facemap_vault::model::{RowKey, Timestamp};
use facemap_vault::store::{
    Applied, BATCH_MAX, BodyChange, Change, Due, Scanned, Store, StoreError,
};
use tokio::sync::Barrier;

use crate::support::mem_store::MemStore;
use crate::support::rocks::rocks_store;
use crate::support::sealed::{at, body, create, create_with_body, record, replace, row};

#[tokio::test(flavor = "multi_thread")]
async fn rocks_store_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    contract(|| {
        number += 1;
        rocks_store(&dir.path().join(number.to_string()))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mem_store_keeps_the_contract() {
    contract(MemStore::default).await;
}

/// Each part starts with an empty store.
async fn contract<S: Store>(mut make: impl FnMut() -> S) {
    a_row_must_be_as_expected(&make()).await;
    a_conflict_leaves_everything(&make()).await;
    a_body_is_kept_set_and_removed(&make()).await;
    a_promised_body_must_be_there(&make()).await;
    the_due_index_follows_the_record(&make()).await;
    due_pages_resume_among_equal_times(&make()).await;
    record_pages_resume(&make()).await;
    a_batch_tells_for_each_change(&make()).await;
    a_batch_has_a_limit(&make()).await;
    the_identical_change_can_be_repeated(&make()).await;
    one_of_many_writers_wins(make()).await;
    rotation::contract(make).await;
}

async fn a_row_must_be_as_expected(store: &impl Store) {
    let (first, second, other) = (record(None, 0), record(None, 0), record(None, 0));
    assert_eq!(store.record(row(1)).await.unwrap(), None);
    conflict(store, replace(1, &other, &second, BodyChange::Keep)).await;
    assert_eq!(store.record(row(1)).await.unwrap(), None);
    store.commit(create(1, &first)).await.unwrap();
    assert_eq!(store.record(row(1)).await.unwrap(), Some(first.clone()));
    conflict(store, create(1, &second)).await;
    conflict(store, replace(1, &other, &second, BodyChange::Keep)).await;

    store.commit(replace(1, &first, &second, BodyChange::Keep)).await.unwrap();
    assert_eq!(store.record(row(1)).await.unwrap(), Some(second.clone()));
    conflict(store, replace(1, &first, &other, BodyChange::Keep)).await;
    assert_eq!(store.record(row(2)).await.unwrap(), None);
}

async fn a_conflict_leaves_everything(store: &impl Store) {
    let old = record(Some(10), 5000);
    store.commit(create_with_body(1, &old)).await.unwrap();
    let change = Change {
        body: BodyChange::Set(body(2, 6000)),
        ..replace(1, &record(None, 0), &record(Some(20), 6000), BodyChange::Keep)
    };
    conflict(store, change).await;
    let stored = store.record_with_body(row(1)).await.unwrap();
    assert_eq!(stored, Some((old, Some(body(1, 5000)))));
    assert_eq!(all_due(store, at(100)).await, [due(10, 1)]);
}

async fn a_body_is_kept_set_and_removed(store: &impl Store) {
    // Both sides of the length from which RocksDB stores values apart.
    for (number, len) in [(1, 1), (2, 4095), (3, 4096), (4, 300_000)] {
        let pending = record(None, 0);
        let captured = record(None, len);
        let kept = record(None, len);
        let replaced = record(None, len + 1);
        let erased = record(None, 0);
        let set = BodyChange::Set;

        store.commit(create(number, &pending)).await.unwrap();
        assert_eq!(body_len(store, number).await, None);
        let change = replace(number, &pending, &captured, set(body(1, len)));
        store.commit(change).await.unwrap();
        assert_eq!(body_len(store, number).await, Some(len));
        store.commit(replace(number, &captured, &kept, BodyChange::Keep)).await.unwrap();
        let stored = store.record_with_body(row(number)).await.unwrap();
        assert_eq!(stored, Some((kept.clone(), Some(body(1, len)))));
        let change = replace(number, &kept, &replaced, set(body(2, len + 1)));
        store.commit(change).await.unwrap();
        let stored = store.record_with_body(row(number)).await.unwrap();
        assert_eq!(stored, Some((replaced.clone(), Some(body(2, len + 1)))));
        store.commit(replace(number, &replaced, &erased, BodyChange::Remove)).await.unwrap();
        assert_eq!(body_len(store, number).await, None);
    }
    assert_eq!(store.record_with_body(row(9)).await.unwrap(), None);
    assert!(store.size().await.unwrap() > 0);
}

async fn a_promised_body_must_be_there(store: &impl Store) {
    store.commit(create(1, &record(None, 5))).await.unwrap();
    let short = Change { body: BodyChange::Set(body(0, 4)), ..create(2, &record(None, 5)) };
    store.commit(short).await.unwrap();
    for number in [1, 2] {
        match store.record_with_body(row(number)).await {
            Err(StoreError::Corrupt { row: named, .. }) => assert_eq!(named, row(number)),
            other => panic!("row {number}: {other:?}"),
        }
        assert!(store.record(row(number)).await.unwrap().is_some(), "row {number}");
    }
}

async fn the_due_index_follows_the_record(store: &impl Store) {
    let table = [None, Some(5), Some(5), Some(9), Some(2), None, None, Some(7)];
    let mut old = record(table[0], 0);
    store.commit(create(1, &old)).await.unwrap();
    for when in table {
        let new = record(when, 0);
        store.commit(replace(1, &old, &new, BodyChange::Keep)).await.unwrap();
        let want: Vec<Due> = when.map(|when| due(when, 1)).into_iter().collect();
        assert_eq!(all_due(store, at(u64::MAX)).await, want, "{when:?}");
        old = new;
    }
}

async fn due_pages_resume_among_equal_times(store: &impl Store) {
    let mut want = BTreeSet::new();
    for number in 0..30 {
        let when = [300, 2, 2, 70_000, 300][usize::from(number) % 5];
        store.commit(create(number, &record(Some(when), 0))).await.unwrap();
        want.insert(due(when, number));
    }
    for before in [0, 2, 3, 300, 301, 70_000, u64::MAX] {
        let want: Vec<Due> = want.iter().copied().filter(|due| due.at < at(before)).collect();
        assert_eq!(all_due(store, at(before)).await, want, "before {before}");
    }
    assert_eq!(store.due(None, at(u64::MAX), 0).await.unwrap(), []);
    // An entry that is gone is still a place to go on from, and the end comes after any place.
    let gone = Due { at: at(300), row: RowKey([3; 32]) };
    let next = store.due(Some(gone), at(u64::MAX), 1).await.unwrap();
    assert_eq!(next, [due(300, 4)]);
    assert_eq!(store.due(Some(gone), at(300), 9).await.unwrap(), []);
}

async fn record_pages_resume(store: &impl Store) {
    let records: Vec<_> = (0..20).map(|_| record(None, 0)).collect();
    for number in [7, 3, 19, 0, 11, 12, 2] {
        store.commit(create(number, &records[usize::from(number)])).await.unwrap();
    }
    for limit in [1, 2, 7, 100] {
        let found: Vec<_> = all_records(store, limit)
            .await
            .into_iter()
            .map(|scanned| (scanned.row, scanned.record.unwrap()))
            .collect();
        let want: Vec<_> = [0, 2, 3, 7, 11, 12, 19]
            .map(|number| (row(number), records[usize::from(number)].clone()))
            .into();
        assert_eq!(found, want, "pages of {limit}");
    }
    let after_missing = store.records(Some(row(4)), 1).await.unwrap();
    assert_eq!(after_missing[0].row, row(7));
}

async fn a_batch_tells_for_each_change(store: &impl Store) {
    let (old, new) = (record(Some(1), 0), record(Some(2), 9));
    let (created, repeated) = (record(Some(3), 0), record(None, 0));
    store.commit(create(1, &old)).await.unwrap();
    store.commit(create(2, &old)).await.unwrap();
    store.commit(create(5, &repeated)).await.unwrap();

    let set = BodyChange::Set(body(1, 9));
    let applied = store
        .commit_batch(vec![
            create(4, &created),
            create(2, &created),
            replace(1, &old, &new, set),
            replace(3, &old, &new, BodyChange::Keep),
            create(5, &repeated),
            create(4, &record(None, 0)),
        ])
        .await
        .unwrap();
    let (yes, conflict) = (Applied::Yes, Applied::Conflict);
    assert_eq!(applied, [yes, conflict, yes, conflict, yes, conflict]);
    let stored = store.record_with_body(row(1)).await.unwrap();
    assert_eq!(stored, Some((new, Some(body(1, 9)))));
    assert_eq!(store.record(row(2)).await.unwrap(), Some(old));
    assert_eq!(store.record(row(3)).await.unwrap(), None);
    assert_eq!(store.record(row(4)).await.unwrap(), Some(created));
    assert_eq!(all_due(store, at(100)).await, [due(1, 2), due(2, 1), due(3, 4)]);
    assert_eq!(store.commit_batch(vec![]).await.unwrap(), []);
}

async fn a_batch_has_a_limit(store: &impl Store) {
    let change = |number: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        Change { row: RowKey(key), ..create(0, &record(Some(1), 0)) }
    };
    let most = store.commit_batch((0..BATCH_MAX).map(change).collect()).await.unwrap();
    assert_eq!(most, vec![Applied::Yes; BATCH_MAX]);
    let more = store.commit_batch((0..=BATCH_MAX).map(change).collect()).await;
    assert!(matches!(more, Err(StoreError::Unavailable(_))), "{more:?}");
    assert_eq!(store.records(None, 10_000).await.unwrap().len(), BATCH_MAX);
}

async fn the_identical_change_can_be_repeated(store: &impl Store) {
    let (old, new) = (record(Some(1), 10), record(Some(2), 20));
    let first = create_with_body(1, &old);
    let second = replace(1, &old, &new, BodyChange::Set(body(2, 20)));
    for change in [first.clone(), first.clone(), second.clone(), second] {
        store.commit(change).await.unwrap();
    }
    conflict(store, first).await;
    assert_eq!(body_len(store, 1).await, Some(20));
    assert_eq!(all_due(store, at(100)).await, [due(2, 1)]);
}

async fn one_of_many_writers_wins(store: impl Store) {
    const WRITERS: usize = 16;
    let store = Arc::new(store);
    let mut old = record(Some(0), 0);
    store.commit(create(1, &old)).await.unwrap();
    for round in 1..=10 {
        let start = Arc::new(Barrier::new(WRITERS));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (store, start) = (Arc::clone(&store), Arc::clone(&start));
                let new = record(Some(round), 0);
                let change = replace(1, &old, &new, BodyChange::Keep);
                tokio::spawn(async move {
                    start.wait().await;
                    (new, store.commit(change).await)
                })
            })
            .collect();
        let mut won = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                (new, Ok(())) => won.push(new),
                (_, Err(StoreError::Conflict)) => {}
                (_, Err(error)) => panic!("{error}"),
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(store.record(row(1)).await.unwrap().as_ref(), Some(&won[0]));
        assert_eq!(all_due(&*store, at(100)).await, [due(round, 1)]);
        old = won.remove(0);
    }
}

fn due(when: u64, number: u8) -> Due {
    Due { at: at(when), row: row(number) }
}

async fn conflict(store: &impl Store, change: Change) {
    match store.commit(change).await {
        Err(StoreError::Conflict) => {}
        other => panic!("not a conflict: {other:?}"),
    }
}

async fn body_len(store: &impl Store, number: u8) -> Option<usize> {
    let (_, body) = store.record_with_body(row(number)).await.unwrap().unwrap();
    body.map(|body| body.0.len())
}

/// Everything due, in pages of three.
pub(crate) async fn all_due(store: &impl Store, before: Timestamp) -> Vec<Due> {
    let mut all: Vec<Due> = Vec::new();
    loop {
        let page = store.due(all.last().copied(), before, 3).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Every record, in pages of `limit`.
pub(crate) async fn all_records(store: &impl Store, limit: usize) -> Vec<Scanned> {
    let mut all: Vec<Scanned> = Vec::new();
    loop {
        let page = store.records(all.last().map(|last| last.row), limit).await.unwrap();
        if page.is_empty() {
            return all;
        }
        assert!(page.len() <= limit);
        all.extend(page);
    }
}
