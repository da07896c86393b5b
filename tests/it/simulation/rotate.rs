//! Keys are rotated, records are rewrapped, and keys that no record names any more are dropped.

use std::collections::HashSet;
use std::sync::Arc;

use facemap_vault::crypto::KekState;
use facemap_vault::model::KekRef;
use facemap_vault::store::{BodyChange, Change, Expect, Store as _};

use crate::support::world::World;

/// A restart with a rotated keyring. If the store fails, old records stay under their old keys.
pub(super) async fn rotate(world: &mut World) {
    let mut ring = world.keyring.rotated(&[0, 1], world.now).unwrap();
    for scanned in world.store.records(None, 1_000).await.unwrap() {
        let old = scanned.record.unwrap();
        let record = ring.rewrap(scanned.row, &old).unwrap();
        let expect = Expect::Revision(old.revision());
        let change = Change { row: scanned.row, expect, record, body: BodyChange::Keep };
        // As the store wants: the old record opens as well.
        let _ = world.store.commit(change).await;
    }
    let mut named = HashSet::new();
    for scanned in world.store.records(None, 1_000).await.unwrap() {
        named.insert(scanned.record.unwrap().header.kek);
    }
    let idle = |kek: &&KekRef| !named.contains(*kek);
    let retiring = ring.keks().filter(|info| info.state == KekState::Retiring);
    let retiring: Vec<KekRef> = retiring.map(|info| info.kek).collect();
    for kek in retiring.iter().filter(idle) {
        ring = ring.without(kek, world.now, 0, 0).unwrap();
    }
    world.keyring = Arc::new(ring);
    world.crash().await;
}
