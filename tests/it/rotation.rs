//! Keys are rotated while the vault serves, and what was promised of it holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use facemap_vault::crypto::KekState;
use facemap_vault::model::{RowKey, SealedBody, SealedRecord, State};
use facemap_vault::store::{BodyChange, Change, Expect, NoteName, Store as _};
use facemap_vault::vault::{
    KeyState, KeysError, RewrapState, RewrapStep, RewrapTrouble, RotationPlan, VaultError,
};

use crate::support::rotating::{assert_opens, assert_rotated};
use crate::support::world::{HOUR, World, account, facemap};

/// Captured, pending, and erased accounts.
async fn peopled() -> World {
    let world = World::rotating().await;
    for n in 1..=12 {
        world.captured(n, &facemap(n, 300 + usize::from(n))).await;
    }
    for n in 13..=20 {
        let execution = world.onboard(n, &facemap(n, 100));
        world.enroll(n, execution).await.unwrap();
    }
    for n in [1, 13] {
        world.erase(n).await.unwrap();
    }
    world
}

async fn records(world: &World) -> HashMap<RowKey, SealedRecord> {
    let page = world.store.records(None, 1_000).await.unwrap();
    page.into_iter().map(|scanned| (scanned.row, scanned.record.unwrap())).collect()
}

#[tokio::test]
async fn a_rotation_brings_all_under_new_keys_and_destroys_the_old_ones() {
    let mut world = peopled().await;
    let (before, old) = (records(&world).await, Arc::clone(&world.keyring));
    let ended = world.rotate(RotationPlan::ROTATE).await;
    assert_eq!((ended.state, ended.why), (RewrapState::Succeeded, None));
    assert_eq!((ended.rewrapped, ended.verified, ended.retired), (20, 20, 2));

    assert_rotated(&world.store, &world.keyring).await;
    assert_eq!(world.keyring.tombstones().len(), 2);
    for (row, after) in records(&world).await {
        let before = &before[&row];
        assert_ne!(after.header.kek, before.header.kek);
        assert_ne!(after.revision(), before.revision());
        let (now, then) = (&after.header, &before.header);
        assert_eq!((now.generation, now.sequence), (then.generation, then.sequence));
        assert!(world.keyring.open_attributes(row, before).is_err(), "the old key is gone");
        assert!(old.open_attributes(row, before).is_ok(), "it was the old key");
    }
    assert_eq!(world.served(5).await, Some(facemap(5, 305)));
    assert_eq!(world.served(1).await, None, "erased stays erased");
    assert_eq!(world.vault.census(), world.recount().await);
    assert_eq!(world.store.note(NoteName::Rotation).await.unwrap(), None);
    // And once more, after a restart.
    world.crash().await;
    assert_eq!(world.rotate(RotationPlan::ROTATE).await.state, RewrapState::Succeeded);
    assert_rotated(&world.store, &world.keyring).await;
}

#[tokio::test]
async fn one_bucket_rotates_alone() {
    let mut world = peopled().await;
    let before = records(&world).await;
    let plan = RotationPlan { bucket: Some(1), ..RotationPlan::ROTATE };
    let ended = world.rotate(plan).await;
    assert_eq!((ended.state, ended.retired), (RewrapState::Succeeded, 1));
    let epochs: Vec<_> = world.keyring.keks().map(|info| info.kek.epoch).collect();
    assert_eq!(epochs, [1, 2]);
    for (row, after) in records(&world).await {
        let same = after == before[&row];
        assert_eq!(same, world.keyring.bucket_of(row) == 0);
    }
    assert_rotated(&world.store, &world.keyring).await;
}

#[tokio::test]
async fn sealing_anew_gives_every_facemap_another_key_and_body() {
    let mut world = peopled().await;
    let row = world.keyring.row_key(account(5));
    let (before, old_body) = world.store.record_with_body(row).await.unwrap().unwrap();
    let plan = RotationPlan { seal_anew: true, ..RotationPlan::ROTATE };
    assert_eq!(world.rotate(plan).await.state, RewrapState::Succeeded);
    let (after, new_body) = world.store.record_with_body(row).await.unwrap().unwrap();
    assert_eq!(after.header.generation, before.header.generation + 1);
    assert_ne!(after.header.record_id, before.header.record_id);
    assert_ne!(old_body, new_body);
    assert!(world.keyring.open_facemap(row, &after, old_body.unwrap()).is_err());
    for n in 2..=12 {
        assert_eq!(world.served(n).await, Some(facemap(n, 300 + usize::from(n))));
    }
    assert_rotated(&world.store, &world.keyring).await;
    assert_eq!(world.vault.census(), world.recount().await);
}

/// Puts `record` and `body` where account `n` is, whatever is there.
async fn put(world: &World, n: u8, record: SealedRecord, body: BodyChange) {
    let row = world.keyring.row_key(account(n));
    let found = world.store.record(row).await.unwrap().unwrap();
    let expect = Expect::Revision(found.revision());
    world.store.commit(Change { row, expect, record, body }).await.unwrap();
}

#[tokio::test]
async fn a_record_that_does_not_open_keeps_the_old_keys_alive() {
    let mut world = peopled().await;
    let row = world.keyring.row_key(account(7));
    let good = world.store.record(row).await.unwrap().unwrap();
    let mut bad = good.clone();
    *bad.sealed.last_mut().unwrap() ^= 1;
    bad.sealed[0] ^= 1;
    put(&world, 7, bad.clone(), BodyChange::Keep).await;

    let ended = world.rotate(RotationPlan::ROTATE).await;
    assert_eq!(ended.state, RewrapState::Incomplete);
    assert_eq!((ended.why, ended.damaged), (Some(RewrapTrouble::Damaged), 1));
    assert!(world.keyring.kek(&good.header.kek).is_some(), "its key is kept");
    let again = world.vault.start_rotation(RotationPlan::ROTATE, world.now);
    match again {
        Err(VaultError::Keys(KeysError::RewrapInProgress { id })) => assert_eq!(id, ended.id),
        other => panic!("{other:?}"),
    }

    // It is brought back, and the rotation goes on, here after a restart.
    put(&world, 7, good, BodyChange::Keep).await;
    world.crash().await;
    let resumed = world.vault.resume_rotation(world.now).await.unwrap().unwrap();
    assert_eq!(resumed.id, ended.id);
    let ended = world.vault.rotation_ended(None, Duration::MAX).await.unwrap();
    assert_eq!(ended.state, RewrapState::Succeeded);
    assert_rotated(&world.store, &world.vault.keyring()).await;
}

/// Nobody has a copy of it: an operator gives it up, the rotation ends, and the person enrolls again.
#[tokio::test]
async fn a_record_that_does_not_open_can_be_given_up() {
    let mut world = peopled().await;
    let row = world.keyring.row_key(account(7));
    let mut bad = world.store.record(row).await.unwrap().unwrap();
    bad.sealed[0] ^= 1;
    let generation = bad.header.generation;
    put(&world, 7, bad, BodyChange::Keep).await;
    world.crash().await;
    assert_eq!(world.vault.census().damaged, 1);
    assert_eq!(world.rotate(RotationPlan::ROTATE).await.why, Some(RewrapTrouble::Damaged));

    let refused = world.vault.erase(account(7), world.now).await;
    assert!(
        matches!(refused, Err(VaultError::Unreadable { .. })),
        "a caller is told of the damage"
    );
    let erased = world.vault.erase_whatever(account(7), world.now).await.unwrap();
    assert!(matches!(erased.enrollment.onboarding.state, State::Erased { .. }));
    assert!(erased.record.header.generation > generation);
    assert_eq!(world.vault.census(), world.recount().await);
    assert_eq!(world.rotate(RotationPlan::REWRAP).await.state, RewrapState::Succeeded);

    // The trail knows of it: this start compares the two.
    world.crash().await;
    assert_eq!(world.served(7).await, None);
    world.wait(HOUR);
    world.captured(7, &facemap(7, 200)).await;
    assert_eq!(world.served(7).await, Some(facemap(7, 200)));
}

#[tokio::test]
async fn the_look_at_all_records_is_no_faster_than_was_said() {
    let mut world = peopled().await;
    let began = std::time::Instant::now();
    let plan = RotationPlan { rate: Some(40), ..RotationPlan::ROTATE };
    assert_eq!(world.rotate(plan).await.state, RewrapState::Succeeded);
    // Twenty records are wrapped, and then looked at: half a second each.
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_body_under_another_key_keeps_the_old_keys_alive() {
    let mut world = peopled().await;
    let row = world.keyring.row_key(account(7));
    let (record, body) = world.store.record_with_body(row).await.unwrap().unwrap();
    let mut bytes = body.unwrap().0.to_vec();
    bytes[30] ^= 1;
    let anew = world.keyring.rewrap(row, &record).unwrap();
    put(&world, 7, anew, BodyChange::Set(SealedBody(bytes.into()))).await;
    let ended = world.rotate(RotationPlan::ROTATE).await;
    assert_eq!((ended.state, ended.damaged), (RewrapState::Incomplete, 1));
    assert!(world.keyring.keks().any(|info| info.state == KekState::Retiring));
}

#[tokio::test]
async fn a_cancelled_rotation_leaves_both_keys_and_can_be_finished_later() {
    let mut world = peopled().await;
    let slow = RotationPlan { rate: Some(10), ..RotationPlan::ROTATE };
    let rewrap = world.vault.start_rotation(slow, world.now).unwrap();
    let busy = world.vault.start_rotation(RotationPlan::REWRAP, world.now);
    assert!(matches!(busy, Err(VaultError::Keys(KeysError::RewrapInProgress { .. }))));
    while world.vault.newest_rotation().unwrap().rewrapped < 2 {
        tokio::task::yield_now().await;
    }
    let cancelled = world.vault.cancel_rotation(Some(rewrap.id), world.now).await.unwrap();
    assert_eq!(cancelled.state, RewrapState::Cancelled);
    let late = world.vault.cancel_rotation(None, world.now).await;
    assert!(matches!(late, Err(VaultError::Keys(KeysError::PastCancelling))));
    world.crash().await;
    assert_eq!(world.keyring.keks().count(), 4, "two old, two new");
    assert!(world.vault.resume_rotation(world.now).await.unwrap().is_none(), "forgotten");
    assert_opens(&world.store, &world.keyring).await;

    let old: Vec<_> = world.vault.keys(world.now);
    let old = old.iter().filter(|key| key.state == KeyState::Retiring);
    let left: u64 = old.map(|key| key.records).sum();
    let ended = world.rotate(RotationPlan::REWRAP).await;
    assert_eq!((ended.state, ended.rewrapped), (RewrapState::Succeeded, left));
    assert_rotated(&world.store, &world.keyring).await;
}

#[tokio::test]
async fn a_version_is_retired_only_once_no_record_names_it() {
    let mut world = peopled().await;
    let kept = RotationPlan { rewrap: false, ..RotationPlan::ROTATE };
    assert_eq!(world.rotate(kept).await.state, RewrapState::Succeeded);
    let named = |world: &World| world.vault.keys(world.now)[0].records;
    let count = named(&world);
    assert!(count > 0);
    for (bucket, epoch) in [(0, 1), (0, 2)] {
        let refused = world.vault.retire_key(bucket, epoch, world.now);
        assert!(matches!(refused, Err(VaultError::Keys(KeysError::VersionInUse { records }))
            if records == if epoch == 1 { count } else { 0 }));
    }
    let unknown = world.vault.retire_key(0, 9, world.now);
    assert!(matches!(unknown, Err(VaultError::Keys(KeysError::VersionNotFound))));

    // Each account changes, and so comes under the new key by itself.
    for n in 1..=20 {
        world.now = world.now.plus(HOUR);
        let execution = world.onboard(n, &facemap(n, 50));
        world.enroll(n, execution).await.unwrap();
    }
    assert_eq!(named(&world), 0);
    world.vault.retire_key(0, 1, world.now).unwrap();
    let ended = world.vault.rotation_ended(None, Duration::MAX).await.unwrap();
    assert_eq!((ended.state, ended.retired), (RewrapState::Succeeded, 1));
    let keys = world.vault.keys(world.now);
    let left: Vec<_> = keys.iter().map(|key| (key.kek.bucket, key.kek.epoch)).collect();
    assert_eq!(left, [(0, 2), (1, 1), (1, 2)], "the other bucket's old key is untouched");
    assert_eq!(world.vault.retired_keys().len(), 1);
}

#[tokio::test]
async fn nobody_who_may_wrap_under_the_old_key_is_overtaken() {
    let mut world = peopled().await;
    world.crash().await;
    let held = world.vault.keyring();
    world.vault.start_rotation(RotationPlan::ROTATE, world.now).unwrap();
    let newest = || world.vault.newest_rotation().unwrap();
    while newest().step != RewrapStep::Wait {
        tokio::task::yield_now().await;
    }
    // Somebody who sealed before the rotation, and writes only now.
    let row = held.row_key(account(9));
    let old = world.store.record(row).await.unwrap().unwrap();
    let late = world.vault.keyring().open_attributes(row, &old).unwrap();
    let mut record = held.seal_empty(row, &draft(&old), &late).unwrap();
    record.header.sequence = old.header.sequence;
    let expect = Expect::Revision(old.revision());
    let change = Change { row, expect, record, body: BodyChange::Remove };
    world.store.commit(change).await.unwrap();
    assert_eq!(newest().state, RewrapState::Running);
    drop(held);

    let ended = world.vault.rotation_ended(None, Duration::MAX).await.unwrap();
    assert_eq!(ended.state, RewrapState::Succeeded);
    assert_rotated(&world.store, &world.vault.keyring()).await;
}

fn draft(old: &SealedRecord) -> facemap_vault::crypto::Draft {
    facemap_vault::crypto::Draft {
        legal_hold: false,
        generation: old.header.generation,
        sequence: old.header.sequence,
        created: old.header.created,
        completed: old.header.completed,
        due: old.header.due,
    }
}
