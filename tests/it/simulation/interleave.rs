//! Many things at once to one account, in many orders: an erasure wins, and what serves was verified.

use std::sync::atomic::{AtomicBool, Ordering};

use facemap_vault::model::{RequestId, State};
use facemap_vault::store::{BodyChange, Change, Expect, Store as _};

use crate::support::world::{HOUR, World, account, facemap, start};

#[tokio::test]
async fn an_erasure_wins_in_every_order() {
    for seed in super::seeds(0..=2_999) {
        orders(seed).await;
    }
}

#[tokio::test]
#[ignore = "takes half a minute: cargo test --release simulation -- --ignored"]
async fn an_erasure_wins_in_every_order_of_many() {
    for seed in super::seeds(3_000..=12_999) {
        orders(seed).await;
    }
}

/// Captured is `a`; `b` is newer and older than the erasure; `c`, in every other run, is newer than
/// the erasure and may be captured after it.
async fn orders(seed: u64) {
    let mut world = World::new().await;
    world.captured(1, &facemap(b'a', 300)).await;
    world.wait(HOUR);
    let b = world.onboard(1, &facemap(b'b', 300));
    let erased_at = world.now.plus(HOUR);
    let c = world.jumio.onboard(account(1), erased_at.plus(HOUR), &facemap(b'c', 300));
    let renews = seed % 2 == 1;
    world.store.wobble.begin(seed);
    world.jumio.wobble.begin(seed ^ 0xffff);
    let acknowledged = AtomicBool::new(false);
    let ended = AtomicBool::new(false);

    let erase = async {
        world.vault.erase(account(1), erased_at).await.unwrap();
        acknowledged.store(true, Ordering::SeqCst);
        if renews {
            world.enroll(1, c).await.unwrap();
            world.capture(1).await.unwrap();
        }
    };
    let renew = async {
        // Refused or not: it depends on who comes first.
        let _ = world.enroll(1, b).await;
        world.capture(1).await.unwrap();
    };
    let capture = async {
        for _ in 0..3 {
            world.capture(1).await.unwrap();
        }
    };
    let authenticate = async { world.start(RequestId::generate(), start(1)).await.is_ok() };
    let rewrap = async {
        for _ in 0..3 {
            rewrap(&world).await;
        }
    };
    let watch = async {
        while !ended.load(Ordering::SeqCst) {
            let gone = acknowledged.load(Ordering::SeqCst);
            let served = world.served(1).await;
            let may_serve: &[u8] = if gone { b"c" } else { b"abc" };
            let verified = |bytes: &Vec<u8>| may_serve.iter().any(|n| *bytes == facemap(*n, 300));
            assert!(served.as_ref().is_none_or(verified), "seed {seed}, erased: {gone}");
            tokio::task::yield_now().await;
        }
    };
    let all = async {
        tokio::join!(erase, renew, capture, authenticate, rewrap);
        ended.store(true, Ordering::SeqCst);
    };
    tokio::join!(all, watch);

    // What is still asked for is asked for once more, in peace.
    let left = world.capture(1).await.unwrap().enrollment;
    let served = world.served(1).await;
    assert_ne!(served, Some(facemap(b'a', 300)), "seed {seed}");
    assert_ne!(served, Some(facemap(b'b', 300)), "seed {seed}");
    assert!(renews || matches!(left.onboarding.state, State::Erased { .. }), "seed {seed}");
    assert!(left.erased_at == Some(erased_at), "seed {seed}");
    assert_eq!(world.vault.census(), world.recount().await, "seed {seed}");
}

/// What a rotation does to a record: the same facemap under a newly wrapped key.
async fn rewrap(world: &World) {
    let row = world.keyring.row_key(account(1));
    let Some(old) = world.store.record(row).await.unwrap() else { return };
    let record = world.keyring.rewrap(row, &old).unwrap();
    let expect = Expect::Revision(old.revision());
    // A conflict is left to the next pass.
    let _ = world.store.commit(Change { row, expect, record, body: BodyChange::Keep }).await;
}
