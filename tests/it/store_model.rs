//! Random changes on each [`Store`], compared after every one with the plainest model there is.

use std::collections::{BTreeMap, BTreeSet};

use facemap_vault::model::{SealedBody, SealedRecord};
use facemap_vault::store::{Applied, BodyChange, Change, Due, Expect, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::store_contract::{all_due, all_records};
use crate::support::mem_store::{Failure, MemStore};
use crate::support::rocks::rocks_store;
use crate::support::sealed::{at, body, create, record, replace, row};

const ROWS: u8 = 5;

/// One change, in few enough words that random ones meet.
#[derive(Debug, Clone)]
struct Step {
    row: u8,
    expect: Expected,
    due: Option<u64>,
    body: NextBody,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    /// What the row is.
    Right,
    Absent,
    /// What the row never was.
    Wrong,
}

#[derive(Debug, Clone, Copy)]
enum NextBody {
    Keep,
    Set(usize),
    Remove,
}

/// What a store should hold.
type Model = BTreeMap<u8, (SealedRecord, Option<SealedBody>)>;

fn step() -> impl Strategy<Value = Step> {
    let expect = prop_oneof![
        6 => Just(Expected::Right),
        1 => Just(Expected::Absent),
        1 => Just(Expected::Wrong),
    ];
    let body = prop_oneof![
        Just(NextBody::Keep),
        Just(NextBody::Remove),
        prop_oneof![1usize..40, 4090usize..4100].prop_map(NextBody::Set),
    ];
    // Neighbours in the order of bytes as well as of numbers.
    let due = prop::option::of(prop::sample::select(vec![1, 2, 255, 256, 65_536]));
    (0..ROWS, expect, due, body).prop_map(|(row, expect, due, body)| Step {
        row,
        expect,
        due,
        body,
    })
}

/// Each inner list is one batch; those of one change go through `commit`.
fn batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(step(), 1..4), 1..12)
}

#[test]
fn rocks_store_agrees_with_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    agree(60, || {
        number += 1;
        rocks_store(&dir.path().join(number.to_string()))
    });
}

#[test]
fn mem_store_agrees_with_the_model() {
    agree(1000, MemStore::default);
}

fn agree<S: Store>(cases: u32, make: impl FnMut() -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let make = std::cell::RefCell::new(make);
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    runner
        .run(&batches(), |batches| {
            let store = (make.borrow_mut())();
            runtime.block_on(run(&store, batches));
            Ok(())
        })
        .unwrap();
}

async fn run(store: &impl Store, batches: Vec<Vec<Step>>) {
    let mut model = Model::new();
    for batch in batches {
        let mut named = BTreeSet::new();
        let mut want = Vec::new();
        let mut changes = Vec::new();
        let mut next = model.clone();
        for step in batch {
            let change = change(&model, &step);
            let found = model.get(&step.row);
            let first = named.insert(step.row);
            let applies = first && matches(change.expect, found.map(|(record, _)| record));
            want.push(if applies { Applied::Yes } else { Applied::Conflict });
            if applies {
                next.insert(step.row, after(found, &change));
            }
            changes.push(change);
        }
        commit(store, changes, &want).await;
        model = next;
        compare(store, &model).await;
    }
}

fn change(model: &Model, step: &Step) -> Change {
    let found = model.get(&step.row).map(|(record, _)| record);
    let (len, body) = match step.body {
        NextBody::Keep => {
            (found.map_or(0, |found| found.header.body_len as usize), BodyChange::Keep)
        }
        NextBody::Set(len) => (len, BodyChange::Set(body(step.row, len))),
        NextBody::Remove => (0, BodyChange::Remove),
    };
    let next = record(step.due, len);
    match (step.expect, found) {
        (Expected::Right, Some(found)) => replace(step.row, found, &next, body),
        (Expected::Right, None) | (Expected::Absent, _) => {
            Change { body, ..create(step.row, &next) }
        }
        (Expected::Wrong, _) => replace(step.row, &record(None, 0), &next, body),
    }
}

fn matches(expect: Expect, found: Option<&SealedRecord>) -> bool {
    match expect {
        Expect::Absent => found.is_none(),
        Expect::Damaged => false,
        Expect::Revision(revision) => found.is_some_and(|found| found.revision() == revision),
    }
}

fn after(
    found: Option<&(SealedRecord, Option<SealedBody>)>,
    change: &Change,
) -> (SealedRecord, Option<SealedBody>) {
    let body = match &change.body {
        BodyChange::Keep => found.and_then(|(_, body)| body.clone()),
        BodyChange::Set(body) => Some(body.clone()),
        BodyChange::Remove => None,
    };
    (change.record.clone(), body)
}

async fn commit(store: &impl Store, mut changes: Vec<Change>, want: &[Applied]) {
    if changes.len() > 1 {
        assert_eq!(store.commit_batch(changes).await.unwrap(), want);
        return;
    }
    match (store.commit(changes.remove(0)).await, want) {
        (Ok(()), [Applied::Yes]) | (Err(StoreError::Conflict), [Applied::Conflict]) => {}
        (other, want) => panic!("{other:?}, not {want:?}"),
    }
}

async fn compare(store: &impl Store, model: &Model) {
    for number in 0..ROWS {
        let stored = store.record_with_body(row(number)).await.unwrap();
        assert_eq!(stored.as_ref(), model.get(&number), "row {number}");
    }
    let records = all_records(store, 2).await;
    let rows: Vec<_> = records.iter().map(|scanned| scanned.row).collect();
    assert_eq!(rows, model.keys().map(|&number| row(number)).collect::<Vec<_>>());

    let due = |(&number, (record, _)): (&u8, &(SealedRecord, _))| {
        record.header.due.map(|at| Due { at, row: row(number) })
    };
    let want: BTreeSet<Due> = model.iter().filter_map(due).collect();
    assert_eq!(all_due(store, at(u64::MAX)).await, want.into_iter().collect::<Vec<_>>());
}

/// The failures of [`MemStore`] are those of a distant engine.
#[tokio::test]
async fn mem_store_fails_as_asked_and_keeps_its_rows_over_a_restart() {
    let store = MemStore::default();
    let (old, new) = (record(None, 0), record(None, 0));
    store.fail_next(2, Failure::Unavailable);
    for _ in 0..2 {
        let refused = store.commit(create(1, &old)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    store.commit(create(1, &old)).await.unwrap();
    let restarted = store.clone();
    drop(store);
    for (how, want) in [(Failure::AnswerLostUndone, &old), (Failure::AnswerLostDone, &new)] {
        restarted.fail_next(1, how);
        let lost = restarted.commit(replace(1, &old, &new, BodyChange::Keep)).await;
        assert!(matches!(lost, Err(StoreError::Ambiguous)), "{lost:?}");
        assert_eq!(restarted.record(row(1)).await.unwrap().as_ref(), Some(want), "{how:?}");
    }
}
