//! Keys are rotated, and the process dies at the end of it or in the middle.

use std::time::Duration;

use facemap_vault::vault::{KeysError, RewrapState, RotationPlan, VaultError};

use crate::support::rotating::assert_rotated;
use crate::support::world::World;

/// A rotation, a restart, and what the restart goes on with. If the store fails, the old keys are kept.
pub(super) async fn rotate(world: &mut World) {
    let seal_anew = world.now.as_millis().is_multiple_of(3);
    let plan = RotationPlan { seal_anew, ..RotationPlan::ROTATE };
    match world.vault.start_rotation(plan, world.now) {
        Ok(_) => {}
        Err(VaultError::Keys(KeysError::RewrapInProgress { .. })) => {
            world.vault.start_rotation(RotationPlan::REWRAP, world.now).unwrap();
        }
        Err(error) => panic!("{error}"),
    }
    let ended = world.vault.rotation_ended(None, Duration::MAX).await.unwrap();
    if ended.state == RewrapState::Succeeded {
        assert_rotated(&world.store, &world.vault.keyring()).await;
    }
    world.crash().await;
    if world.vault.resume_rotation(world.now).await.unwrap().is_some() {
        world.vault.rotation_ended(None, Duration::MAX).await.unwrap();
    }
}
