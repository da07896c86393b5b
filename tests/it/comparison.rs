//! At the start the store is compared with the audit trail: what was acknowledged and is gone is noticed,
//! whatever became of the store, and what only the trail missed is noted.

use std::sync::Arc;

use facemap_vault::audit::{Event, Step};
use facemap_vault::model::State;
use facemap_vault::store::{BodyChange, Change, Expect, Store};
use facemap_vault::vault::{RolledBack, Vault, VaultError};

use crate::support::mem_store::{Failure, MemStore};
use crate::support::rng::Rng;
use crate::support::wobbly::Wobbly;
use crate::support::world::{HOUR, TestVault, World, account, facemap, settings};

/// The store as it is now, apart.
async fn copy(world: &World) -> Wobbly<MemStore> {
    let to = Wobbly::<MemStore>::default();
    for scanned in world.store.records(None, 1000).await.unwrap() {
        copy_row(&world.store, &to, scanned.row).await;
    }
    to
}

/// Puts one row of `from` into `to`, as it is.
async fn copy_row(from: &impl Store, to: &impl Store, row: facemap_vault::model::RowKey) {
    let (record, body) = from.record_with_body(row).await.unwrap().unwrap();
    let found = to.record(row).await.unwrap();
    let expect = found.map_or(Expect::Absent, |found| Expect::Revision(found.revision()));
    let body = body.map_or(BodyChange::Remove, BodyChange::Set);
    to.commit(Change { row, expect, record, body }).await.unwrap();
}

async fn opened(world: &World, store: Wobbly<MemStore>) -> Result<TestVault, VaultError> {
    let (keyring, ledger) = (Arc::clone(&world.keyring), Arc::clone(&world.ledger));
    Vault::open(store, world.jumio.clone(), keyring, ledger, settings(), |_| ()).await
}

/// What is missing from `store`, by account number, if the start is refused for that.
async fn missing(world: &World, store: Wobbly<MemStore>) -> RolledBack {
    match opened(world, store).await {
        Err(VaultError::RolledBack(what)) => *what,
        Err(error) => panic!("{error}"),
        Ok(_) => RolledBack::default(),
    }
}

/// The events of the trail, without calls.
fn events(world: &World) -> Vec<Event> {
    let mut events = Vec::new();
    world
        .ledger
        .trail()
        .walk(0, |step| {
            if let Step::Record(_, record) = step {
                events.push(record.entry.event);
            }
            true
        })
        .unwrap();
    events
}

#[tokio::test]
async fn every_change_has_its_record_and_so_has_every_facemap_in_the_clear() {
    let world = World::new().await;
    let execution = world.onboard(1, &facemap(1, 500));
    world.enroll(1, execution).await.unwrap();
    world.capture(1).await.unwrap();
    world.vault.check_authentication(&crate::support::world::start(1), world.now).await.unwrap();
    let id = facemap_vault::model::RequestId::generate();
    world.start(id, crate::support::world::start(1)).await.unwrap();
    world.erase(1).await.unwrap();
    world.onboard(2, &facemap(2, 500));
    let execution = facemap_vault::model::WorkflowExecutionId::generate();
    world.enroll(2, execution).await.unwrap();
    world.vault.close(account(2), "gone", world.now).await.unwrap();
    world.vault.retry(account(2)).await.unwrap();

    let want = [
        Event::SegmentBegins,
        Event::VaultMade,
        Event::Registered,
        Event::FacemapOpened,
        Event::Captured,
        Event::FacemapOpened,
        Event::FacemapOpened,
        Event::FacemapUploaded,
        Event::Erased,
        Event::Registered,
        Event::Closed,
        Event::Reopened,
    ];
    assert_eq!(events(&world), want);
}

#[tokio::test]
async fn a_store_that_was_set_back_is_refused_with_a_list_and_an_erased_face_does_not_return() {
    let world = World::new().await;
    world.captured(1, &facemap(1, 500)).await;
    world.captured(2, &facemap(2, 500)).await;
    let before = copy(&world).await;
    assert!(missing(&world, copy(&world).await).await.is_empty(), "as it is");

    world.erase(1).await.unwrap();
    world.captured(3, &facemap(3, 500)).await;
    let what = missing(&world, before.clone()).await;
    let text = what.to_string();
    assert!(text.contains("of 2 enrollments"), "{text}");
    assert!(text.contains("enrollment.erase") && text.contains("facemap.capture"), "{text}");
    for n in [1, 3] {
        let hash = hex::encode(&world.keyring.row_key(account(n)).0[..16]);
        assert!(text.contains(&hash), "{text}");
        assert!(!text.contains(&account(n).hyphenated()), "no clear id: {text}");
    }
    let stored: Vec<_> = what.missing.iter().map(|missing| missing.stored.is_some()).collect();
    assert_eq!(stored, [true, false], "one is older, one is not there");
    // An empty store in the place of the old one.
    assert_eq!(missing(&world, Wobbly::default()).await.missing.len(), 3);
}

#[tokio::test]
async fn one_older_version_of_one_record_is_found_among_many() {
    let mut rng = Rng::new(5);
    for round in 0..60 {
        let world = World::new().await;
        let mut older = Vec::new();
        for n in 1..=6 {
            let execution = world.onboard(n, &facemap(n, 100));
            world.enroll(n, execution).await.unwrap();
            older.push(copy(&world).await);
            world.capture(n).await.unwrap();
            older.push(copy(&world).await);
            if rng.one_in(2) {
                world.erase(n).await.unwrap();
            }
        }
        let now = copy(&world).await;
        let n = 1 + rng.below(6) as u8;
        let row = world.keyring.row_key(account(n));
        let version = &older[2 * (usize::from(n) - 1) + rng.below(2)];
        let same = version.record(row).await.unwrap() == now.record(row).await.unwrap();
        copy_row(version, &now, row).await;
        let what = missing(&world, now).await;
        let rows: Vec<_> = what.missing.iter().map(|missing| missing.row).collect();
        assert_eq!(rows, if same { vec![] } else { vec![row] }, "round {round}, account {n}");
    }
}

/// The process died after the store's commit and before the record; nobody was told anything.
#[tokio::test]
async fn a_change_that_the_trail_missed_is_noted_once() {
    let mut world = World::new().await;
    world.captured(1, &facemap(1, 500)).await;
    world.captured(2, &facemap(2, 500)).await;
    let row = world.keyring.row_key(account(2));
    let known = world.store.record(row).await.unwrap();
    world.wait(HOUR);
    let execution = world.onboard(2, &facemap(3, 500));
    // The commit happens, and its answer is lost for good: so it gets no record.
    world.store.inner.fail_next(9, Failure::AnswerLostDone);
    let _ = world.enroll(2, execution).await;
    world.store.inner.fail_next(0, Failure::AnswerLostDone);
    assert_ne!(world.store.record(row).await.unwrap(), known, "it happened");

    let noted = |world: &World| events(world).iter().filter(|e| **e == Event::Noted).count();
    let before = noted(&world);
    assert!(missing(&world, world.store.clone()).await.is_empty());
    let after = noted(&world);
    assert!(missing(&world, world.store.clone()).await.is_empty());
    assert_eq!(noted(&world), after, "once");
    assert!(after <= before + 1);
}

#[tokio::test]
async fn recovering_captures_anew_what_jumio_still_has_and_erases_again_what_was_erased() {
    let mut world = World::new().await;
    let first = facemap(1, 500);
    world.captured(1, &first).await;
    world.captured(2, &facemap(2, 500)).await;
    let execution = world.onboard(4, &facemap(4, 700));
    let before = copy(&world).await;
    // Lost: an erasure, a capture, an enrollment, and a newer face of a known account.
    world.erase(2).await.unwrap();
    world.captured(3, &facemap(3, 600)).await;
    world.enroll(4, execution).await.unwrap();
    let deadline = world.enrollment(4).await.due();
    world.wait(HOUR);
    let newer = facemap(5, 650);
    let execution = world.onboard(1, &newer);
    world.enroll(1, execution).await.unwrap();
    world.capture(1).await.unwrap();
    let lost = world.vault.enrollment(account(1)).await.unwrap().record.header.generation;
    let sequence = world.ledger.store_sequence();

    let (keyring, ledger) = (Arc::clone(&world.keyring), Arc::clone(&world.ledger));
    let open = Vault::open_as_it_is(
        before.clone(),
        world.jumio.clone(),
        keyring,
        ledger,
        settings(),
        |_| (),
    );
    let (vault, what) = open.await.unwrap();
    assert_eq!(what.missing.len(), 4, "{what}");
    let recovered = vault.recover(&what).await.unwrap();
    assert_eq!((recovered.pending, recovered.erased, recovered.unknown), (3, 1, 0));

    world.store = before;
    world.crash().await;
    assert!(world.ledger.store_sequence() > sequence);
    assert!(matches!(world.enrollment(2).await.onboarding.state, State::Erased { .. }));
    assert_eq!(world.served(2).await, None);
    assert_eq!(world.served(1).await.as_deref(), Some(&first[..]), "the older one goes on serving");
    assert_eq!(world.enrollment(4).await.due(), deadline);
    world.vault.sweep(world.now, 10_000 * HOUR).await.unwrap();
    assert_eq!(world.served(1).await, Some(newer));
    assert_eq!(world.served(3).await, Some(facemap(3, 600)));
    assert_eq!(world.served(4).await, Some(facemap(4, 700)));
    assert_eq!(world.served(2).await, None, "an erasure is not undone");
    let generation = world.vault.enrollment(account(1)).await.unwrap().record.header.generation;
    assert!(generation >= lost, "{generation} after {lost}");
    assert!(missing(&world, world.store.clone()).await.is_empty());
}
