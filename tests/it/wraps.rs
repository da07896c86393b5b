//! How much each key has wrapped: a crash never makes it look like less, and much of it is told.

use facemap_vault::crypto::Keyring;
use facemap_vault::model::RowKey;
use facemap_vault::vault::RotationPlan;

use crate::support::world::{HOUR, START, World, facemap};

/// So much too high a crash may make a count.
const AHEAD: u64 = 1 << 16;

fn counts(world: &World) -> Vec<u64> {
    world.vault.keys(world.now).iter().map(|key| key.wraps).collect()
}

async fn captured(world: &World, accounts: std::ops::RangeInclusive<u8>) {
    for n in accounts {
        world.captured(n, &facemap(n, 100)).await;
    }
}

/// Wraps so often under the key of the first row.
fn wrap(ring: &Keyring, times: u64) {
    let row = RowKey([0; 32]);
    let record = ring.seal_empty(row, &empty_draft(), b"").unwrap();
    for _ in 1..times {
        ring.rewrap(row, &record).unwrap();
    }
}

#[tokio::test]
async fn after_a_crash_no_key_seems_to_have_wrapped_less_than_it_has() {
    let mut world = World::rotating().await;
    captured(&world, 1..=6).await;
    let made = counts(&world);
    // How they fall on the keys, the random index key decides.
    assert!((12..100).contains(&made.iter().sum::<u64>()), "exact while it runs: {made:?}");
    world.crash().await;
    let known = counts(&world);
    for (known, made) in known.iter().zip(&made) {
        assert!((*made..=made + AHEAD).contains(known), "{known} for {made}");
    }

    // Beyond what was reserved: before one of these is written, more is.
    wrap(&world.vault.keyring(), 2 * AHEAD);
    captured(&world, 7..=12).await;
    let made = counts(&world);
    world.crash().await;
    let known = counts(&world);
    assert!(known.iter().zip(&made).all(|(known, made)| known >= made), "{known:?} for {made:?}");
}

#[tokio::test]
async fn after_a_clean_stop_the_counts_are_exact() {
    let mut world = World::rotating().await;
    captured(&world, 1..=6).await;
    for _ in 0..3 {
        world.vault.settle_wraps().await.unwrap();
        let made = counts(&world);
        world.crash().await;
        assert_eq!(counts(&world), made);
        // What is wrapped after the stop began is not forgotten either.
        world.vault.settle_wraps().await.unwrap();
        captured(&world, 7..=12).await;
        let made = counts(&world);
        world.crash().await;
        assert!(counts(&world).iter().zip(&made).all(|(known, made)| known >= made));
    }
}

/// Who still holds the ring that was in force before is counted as well.
#[tokio::test]
async fn a_replaced_ring_counts_on_with_the_one_in_force() {
    let world = World::rotating().await;
    let held = world.vault.keyring();
    world.vault.change_keys(Keyring::resaved).await.unwrap();
    let before = counts(&world);
    wrap(&held, 3);
    wrap(&world.vault.keyring(), 2);
    assert_eq!(counts(&world)[0], before[0] + 5);
}

/// For a vault that loses its store, the keyring knows it as well, in large steps.
#[tokio::test]
async fn a_count_that_has_grown_much_is_written_to_the_keyring() {
    let world = World::rotating().await;
    let ring = world.vault.keyring();
    wrap(&ring, 1);
    world.vault.look_after_keys(world.now).await.unwrap();
    assert_eq!(world.vault.keyring().sequence(), ring.sequence(), "not for one");
    ring.count_on_at(|_| 1 << 24);
    world.vault.look_after_keys(world.now).await.unwrap();
    let saved = world.vault.keyring().wraps_saved();
    assert!(saved.values().all(|&count| count == 1 << 24), "{saved:?}");
}

#[tokio::test]
async fn a_key_that_is_old_or_worn_is_to_be_rotated() {
    let mut world = World::rotating().await;
    let due = |world: &World| world.vault.keys(world.now).iter().filter(|k| k.rotation_due).count();
    assert_eq!(due(&world), 0);
    world.wait(90 * 24 * HOUR);
    assert_eq!(due(&world), 0);
    world.wait(HOUR);
    assert_eq!(due(&world), 2);
    world.rotate(RotationPlan::ROTATE).await;
    assert_eq!(due(&world), 0);
    let worn = |ring: &Keyring| ring.with_wraps(|kek| Keyring::WRAPS_WARN * u64::from(kek.bucket));
    world.vault.change_keys(worn).await.unwrap();
    assert_eq!(due(&world), 1);
}

fn empty_draft() -> facemap_vault::crypto::Draft {
    let at = START;
    facemap_vault::crypto::Draft {
        legal_hold: false,
        generation: 0,
        sequence: 1,
        created: at,
        completed: None,
        due: None,
    }
}
