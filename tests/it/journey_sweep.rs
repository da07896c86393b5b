//! One pass over what is due.

use facemap_vault::jumio::JumioError;
use facemap_vault::model::{SealedRecord, State};
use facemap_vault::store::{BodyChange, Change, Expect, Store as _};
use facemap_vault::vault::{DecisionType, SweepReport};

use crate::support::fake_jumio::Call;
use crate::support::mem_store::Failure;
use crate::support::world::{HOUR, RETENTION, World, account, facemap};

/// Enrolls account `n`, whose onboarding was completed so many hours ago.
async fn pending(world: &World, n: u8, hours_ago: u32) {
    let completed = world.now.minus(HOUR * hours_ago);
    let execution = world.jumio.onboard(account(n), completed, &facemap(n, 300));
    let request =
        facemap_vault::vault::Enroll { account: account(n), execution, completed: Some(completed) };
    world.vault.enroll(request, world.now).await.unwrap();
}

#[tokio::test]
async fn the_nearest_deadline_comes_first() {
    let world = World::new().await;
    for (n, hours_ago) in [(1, 10), (2, 30), (3, 1), (4, 20), (5, 30)] {
        pending(&world, n, hours_ago).await;
    }
    let report = world.vault.sweep(world.now, RETENTION).await.unwrap();

    assert_eq!(report, SweepReport { captured: 5, ..SweepReport::default() });
    let order = world.jumio.downloads();
    assert_eq!(order[2..], [account(4), account(1), account(3)]);
    for n in 1..=5 {
        assert_eq!(world.served(n).await, Some(facemap(n, 300)), "account {n}");
    }
}

#[tokio::test]
async fn what_is_beyond_the_horizon_waits() {
    let world = World::new().await;
    pending(&world, 1, 24 * 29).await;
    pending(&world, 2, 24 * 10).await;
    let report = world.vault.sweep(world.now, 48 * HOUR).await.unwrap();
    assert_eq!(report, SweepReport { captured: 1, ..SweepReport::default() });
    assert_eq!(world.jumio.downloads(), [account(1)]);

    let report = world.vault.sweep(world.now, 48 * HOUR).await.unwrap();
    assert_eq!(report, SweepReport::default(), "nothing is done twice");
}

#[tokio::test]
async fn every_end_is_counted_once() {
    let mut world = World::new().await;
    for n in 1..=5 {
        pending(&world, n, 1).await;
    }
    for n in 1..=5 {
        let execution = world.enrollment(n).await.onboarding.execution;
        let now = world.now;
        world.jumio.change(account(n), execution, |onboarded| match n {
            1 => {}
            2 => onboarded.details.decision = Some(DecisionType::Rejected),
            3 => onboarded.delete(now),
            4 => onboarded.not_yet = 1,
            _ => onboarded.forgotten = true,
        });
    }
    let sweep = |now| world.vault.sweep(now, 2 * RETENTION);
    let first = sweep(world.now).await.unwrap();
    let want = SweepReport { captured: 1, blocked: 1, lost: 1, remaining: 2, erased: 0, failed: 0 };
    assert_eq!(first, want);

    let late = world.now.plus(RETENTION);
    let second = sweep(late).await.unwrap();
    let want = SweepReport { captured: 1, lost: 1, ..SweepReport::default() };
    assert_eq!(second, want, "what Jumio has at last, and what it will never have again");
    world.wait(RETENTION);
    assert_eq!(world.vault.census(), world.recount().await);
    assert!(matches!(world.enrollment(5).await.onboarding.state, State::Lost { .. }));
}

#[tokio::test]
async fn one_that_fails_does_not_keep_the_others() {
    let world = World::new().await;
    for n in 1..=4 {
        pending(&world, n, 10 - u32::from(n)).await;
    }
    damage(&world, 2).await;
    world.jumio.fail_next(Call::Onboarding, 1, JumioError::Unavailable { what: "x" });
    let report = world.vault.sweep(world.now, RETENTION).await.unwrap();
    let want = SweepReport { remaining: 1, failed: 1, captured: 2, ..SweepReport::default() };
    assert_eq!(report, want);

    world.store.inner.fail_next(1, Failure::Unavailable);
    let report = world.vault.sweep(world.now, RETENTION).await.unwrap();
    assert_eq!(report, SweepReport { failed: 2, ..SweepReport::default() });
    let report = world.vault.sweep(world.now, RETENTION).await.unwrap();
    assert_eq!(report, SweepReport { failed: 1, captured: 1, ..SweepReport::default() });
}

#[tokio::test]
async fn a_sweep_goes_through_many_pages() {
    let world = World::new().await;
    for n in 0..=255 {
        pending(&world, n, 1).await;
    }
    // Two accounts numbered beyond one byte make a second page.
    for n in [256_u16, 257] {
        let mut bytes = [9; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        let account = facemap_vault::model::AccountId::from_bytes(bytes);
        let execution = world.jumio.onboard(account, world.now, &facemap(1, 300));
        let request = facemap_vault::vault::Enroll { account, execution, completed: None };
        world.vault.enroll(request, world.now).await.unwrap();
    }
    let report = world.vault.sweep(world.now, 2 * RETENTION).await.unwrap();
    assert_eq!(report, SweepReport { captured: 258, ..SweepReport::default() });
}

/// Makes the record of account `n` one that does not open.
async fn damage(world: &World, n: u8) {
    let row = world.keyring.row_key(account(n));
    let old = world.store.record(row).await.unwrap().unwrap();
    let expect = Expect::Revision(old.revision());
    let mut sealed = old.sealed.clone();
    *sealed.last_mut().unwrap() ^= 1;
    let record = SealedRecord { sealed, ..old };
    world.store.commit(Change { row, expect, record, body: BodyChange::Keep }).await.unwrap();
}
