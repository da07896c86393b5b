//! Callbacks, enrollment and erasure in any order end in one record.

use facemap_vault::model::{State, WorkflowExecutionId};
use facemap_vault::vault::{Callback, ExecutionStatus, Heard, VaultError};

use crate::support::fake_jumio::Call;
use crate::support::rng::Rng;
use crate::support::world::{HOUR, RETENTION, World, account, facemap};

const STATUSES: [Option<ExecutionStatus>; 7] = [
    Some(ExecutionStatus::Initiated),
    Some(ExecutionStatus::AcquisitionStarted),
    Some(ExecutionStatus::Acquired),
    Some(ExecutionStatus::Processed),
    Some(ExecutionStatus::SessionExpired),
    Some(ExecutionStatus::TokenExpired),
    None,
];

#[derive(Clone, Copy)]
enum Event {
    Enroll,
    Erase,
    Callback(Callback),
}

#[tokio::test]
async fn a_thousand_orders_end_in_one_record() {
    let mut captured_by_callback = 0;
    for seed in 0..1_000 {
        let mut rng = Rng::new(seed);
        let world = World::new().await;
        let execution = world.onboard(1, &facemap(1, 100));
        let mut heard = Vec::new();
        let mut left = events(&mut rng, &world, execution);
        while !left.is_empty() {
            match left.swap_remove(rng.below(left.len())) {
                Event::Enroll => drop(world.enroll(1, execution).await.unwrap()),
                Event::Erase => match world.erase(1).await {
                    Ok(_) | Err(VaultError::NotEnrolled(_)) => {}
                    Err(error) => panic!("seed {seed}: {error}"),
                },
                Event::Callback(callback) => {
                    heard.push(world.vault.hear(&callback, world.now).await.unwrap());
                }
            }
        }
        let updates = heard.iter().filter(|heard| **heard == Heard::EnrollmentUpdated).count();
        captured_by_callback += updates;
        assert_eq!(
            world.jumio.calls(Call::Onboarding),
            updates,
            "seed {seed}: one look, one effect"
        );
        assert!(updates <= 1, "seed {seed}");

        world.vault.sweep(world.now, RETENTION + HOUR).await.unwrap();

        let census = world.recount().await;
        assert_eq!(census.captured + census.erased, 1, "seed {seed}");
        let is_captured = census.captured == 1;
        assert_eq!(world.served(1).await.is_some(), is_captured, "seed {seed}");
        let state = world.enrollment(1).await.onboarding.state;
        assert_eq!(matches!(state, State::Captured), is_captured, "seed {seed}");
        assert!(world.jumio.downloads().len() <= 1, "seed {seed}");
    }
    assert!((100..1_000).contains(&captured_by_callback), "{captured_by_callback}");
}

/// One enrollment, sometimes an erasure, and each callback up to twice; sometimes none at all.
fn events(rng: &mut Rng, world: &World, execution: WorkflowExecutionId) -> Vec<Event> {
    let mut events = vec![Event::Enroll];
    if rng.one_in(3) {
        events.push(Event::Erase);
    }
    if rng.one_in(10) {
        return events;
    }
    for status in STATUSES {
        for sent_at in [None, Some(world.now), Some(world.now.plus(HOUR))] {
            let callback = Callback { account: account(1), execution, status, sent_at };
            events.extend(vec![Event::Callback(callback); rng.below(3)]);
        }
    }
    events
}
