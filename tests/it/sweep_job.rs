//! Sweeps that are started, watched and cancelled; and the deadline that never moves later.

use std::time::Duration;

use facemap_vault::jumio::{ExecutionStatus, JumioError};
use facemap_vault::model::{LastError, State, SweepId, Timestamp};
use facemap_vault::vault::{Enroll, SweepPlan, SweepState, VaultError};

use crate::support::fake_jumio::Call;
use crate::support::rng::Rng;
use crate::support::world::{HOUR, RETENTION, World, account, facemap};

const LONG: Duration = Duration::from_secs(60);

async fn pending(world: &World, accounts: std::ops::RangeInclusive<u8>) {
    for n in accounts {
        let completed = world.now.minus(HOUR * u32::from(n));
        let execution = world.jumio.onboard(account(n), completed, &facemap(n, 300));
        let request = Enroll { account: account(n), execution, completed: Some(completed) };
        world.vault.enroll(request, world.now).await.unwrap();
    }
}

fn plan(world: &World) -> SweepPlan {
    world.vault.sweep_plan(2 * RETENTION, None)
}

#[tokio::test]
async fn a_sweep_captures_what_is_due_and_is_remembered() {
    let world = World::new().await;
    pending(&world, 1..=9).await;
    let (sweep, fresh) = world.vault.start_sweep(plan(&world), world.now);
    assert!(fresh);
    assert_eq!((sweep.state, sweep.due_total), (SweepState::Running, 9));

    let ended = world.vault.sweep_ended(sweep.id, LONG).await.unwrap();
    assert_eq!((ended.state, ended.report.captured), (SweepState::Succeeded, 9));
    assert_eq!((ended.estimated_end(world.now), ended.gave_up), (None, None));
    assert!(ended.ended >= Some(ended.started));
    assert_eq!(world.vault.sweeps(), [ended]);

    let nobody = world.vault.sweep_ended(SweepId::generate(), LONG).await;
    assert!(matches!(nobody, Err(VaultError::SweepNotFound)));
}

#[tokio::test]
async fn one_runs_at_a_time_and_can_be_cancelled() {
    let world = World::new().await;
    pending(&world, 1..=40).await;
    world.jumio.hold(Call::Download);
    let (first, _) = world.vault.start_sweep(plan(&world), world.now);
    world.jumio.arrived(Call::Download, 16).await;
    let (again, fresh) = world.vault.start_sweep(plan(&world), world.now);
    assert_eq!((again.id, fresh), (first.id, false));

    let cancelled = world.vault.cancel_sweep(first.id).await.unwrap();
    assert_eq!(cancelled.state, SweepState::Cancelled);
    assert_eq!((cancelled.report.captured, cancelled.report.remaining), (0, 40));
    assert_eq!(world.vault.cancel_sweep(first.id).await.unwrap(), cancelled, "ended is ended");

    world.jumio.release(Call::Download);
    let (second, fresh) = world.vault.start_sweep(plan(&world), world.now);
    assert!(fresh);
    let ended = world.vault.sweep_ended(second.id, LONG).await.unwrap();
    assert_eq!((ended.state, ended.report.captured), (SweepState::Succeeded, 40));
    for n in 1..=40 {
        assert_eq!(world.served(n).await, Some(facemap(n, 300)), "account {n}");
    }
}

#[tokio::test]
async fn the_limit_leaves_the_rest_for_the_next_one() {
    let world = World::new().await;
    pending(&world, 1..=9).await;
    let plan = world.vault.sweep_plan(2 * RETENTION, Some(4));
    let (sweep, _) = world.vault.start_sweep(plan, world.now);
    let ended = world.vault.sweep_ended(sweep.id, LONG).await.unwrap();
    assert_eq!((ended.state, ended.report.captured), (SweepState::Incomplete, 4));
    assert_eq!(ended.report.remaining, 5);
    for n in 6..=9 {
        assert_eq!(
            world.enrollment(n).await.onboarding.state,
            State::Captured,
            "the oldest were nearest: {n}"
        );
    }
}

#[tokio::test]
async fn a_refusal_of_the_whole_tenant_is_not_repeated_for_every_account() {
    let world = World::new().await;
    pending(&world, 1..=200).await;
    world.jumio.fail_next(Call::Onboarding, 1000, JumioError::CredentialsRejected);
    let plan = SweepPlan { in_flight_max: 1, ..plan(&world) };
    let (sweep, _) = world.vault.start_sweep(plan, world.now);
    let ended = world.vault.sweep_ended(sweep.id, LONG).await.unwrap();
    assert_eq!(ended.state, SweepState::Incomplete);
    assert_eq!(ended.gave_up, Some(LastError::CredentialsRejected));
    assert_eq!((world.jumio.calls(Call::Onboarding), ended.report.remaining), (3, 200));
}

#[tokio::test]
async fn a_throttle_is_waited_for_and_written_once() {
    let world = World::new().await;
    pending(&world, 1..=3).await;
    let busy = JumioError::Throttled {
        retry_after: Some(Duration::from_millis(1)),
        limit: facemap_vault::jumio::Limit::Retrieval,
    };
    world.jumio.fail_next(Call::Onboarding, 8, busy);
    let plan = SweepPlan { in_flight_max: 1, ..plan(&world) };
    let (sweep, _) = world.vault.start_sweep(plan, world.now);
    world.jumio.arrived(Call::Onboarding, 5).await;
    let State::Pending { attempts, last_error, .. } = world.enrollment(3).await.onboarding.state
    else {
        panic!("not captured yet")
    };
    assert_eq!((attempts, last_error), (1, Some(LastError::RateLimited)));
    assert!(
        matches!(world.enrollment(2).await.onboarding.state, State::Pending { attempts: 0, .. }),
        "the order stays"
    );

    let ended = world.vault.sweep_ended(sweep.id, LONG).await.unwrap();
    assert_eq!((ended.state, ended.report.captured), (SweepState::Succeeded, 3));
    assert_eq!(world.jumio.calls(Call::Onboarding), 8 + 3);
}

#[tokio::test]
async fn what_was_tried_a_moment_ago_in_the_background_is_not_asked_again() {
    let mut world = World::new().await;
    // The background asks the machine's clock.
    world.now = Timestamp::now();
    let execution = world.onboard(1, &facemap(1, 300));
    world.jumio.change(account(1), execution, |onboarded| onboarded.not_yet = 1000);
    world.enroll(1, execution).await.unwrap();
    world.vault.capture_soon(account(1));
    world.jumio.arrived(Call::Onboarding, 1).await;
    let report = world.vault.sweep(world.now, 2 * RETENTION).await.unwrap();
    assert_eq!((report.remaining, report.captured), (1, 0));
    assert!(world.jumio.calls(Call::Onboarding) <= 2, "the background's own");
}

#[tokio::test]
async fn fifty_are_remembered() {
    let world = World::new().await;
    for _ in 0..55 {
        let (sweep, fresh) = world.vault.start_sweep(plan(&world), world.now);
        assert!(fresh);
        world.vault.sweep_ended(sweep.id, LONG).await.unwrap();
    }
    assert_eq!(world.vault.sweeps().len(), 50);
}

/// Whatever callers and Jumio say, in whatever order: while an onboarding is pending its deadline only
/// ever comes nearer, and it is never later than any completion we were told of allows.
#[tokio::test]
async fn a_deadline_never_moves_later() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut world = World::new().await;
        let started = world.now;
        let execution = world.onboard(1, &facemap(1, 300));
        let ago = |rng: &mut Rng, now: Timestamp| now.minus(HOUR * rng.below(2000) as u32);
        let mut told: Vec<Timestamp> = Vec::new();
        let mut last = None;
        for step in 0..30 {
            let completed = match rng.below(4) {
                0 => None,
                1 => Some(world.now.plus(HOUR * (1 + rng.below(2000) as u32))),
                _ => Some(ago(&mut rng, world.now)),
            };
            match rng.below(5) {
                0 | 1 => {
                    let request = Enroll { account: account(1), execution, completed };
                    told.extend(completed.filter(|&at| at <= world.now));
                    world.vault.enroll(request, world.now).await.unwrap();
                }
                2 => {
                    world.jumio.change(account(1), execution, |onboarded| {
                        onboarded.details.status = ExecutionStatus::Acquired;
                        onboarded.details.completed = completed;
                    });
                    if last.is_some() {
                        told.extend(completed);
                        world.capture(1).await.unwrap();
                    }
                }
                3 if last.is_some() => {
                    let error = JumioError::Unavailable { what: "as the test asked" };
                    world.jumio.fail_next(Call::Onboarding, 1, error);
                    world.capture(1).await.unwrap();
                }
                _ => world.wait(HOUR * rng.below(400) as u32),
            }
            let Ok(loaded) = world.vault.enrollment(account(1)).await else { continue };
            let State::Pending { capture_by, .. } = loaded.enrollment.onboarding.state else {
                panic!("seed {seed}, step {step}: dropped: {:?}", loaded.enrollment)
            };
            assert!(last.is_none_or(|last| capture_by <= last), "seed {seed}, step {step}: later");
            assert!(capture_by >= started.minus(2000 * HOUR), "seed {seed}, step {step}");
            for at in &told {
                assert!(capture_by <= at.plus(RETENTION), "seed {seed}, step {step}: {at}");
            }
            last = Some(capture_by);
        }
    }
}
