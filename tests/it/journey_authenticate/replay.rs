//! The same request again, another request meanwhile, and a caller that goes away.

use std::sync::Arc;
use std::time::Duration;

use facemap_vault::jumio::JumioError;
use facemap_vault::model::RequestId;
use facemap_vault::vault::{DecisionType, StartAuthentication};

use super::{kind_of, ready};
use crate::support::fake_jumio::Call;
use crate::support::world::{LIFETIME, account, start};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_hundred_equal_requests_open_one_execution_and_get_one_answer() {
    let world = ready().await;
    world.store.wobble.begin(7);
    world.jumio.wobble.begin(8);
    let id = RequestId::generate();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (vault, now) = (Arc::clone(&world.vault), world.now);
            tokio::spawn(async move {
                vault.start_authentication("backend", id, start(1), now).await.unwrap()
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.push(task.await.unwrap().sdk_token.expose().to_owned());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all answers are equal");
    assert_eq!(world.jumio.calls(Call::Update), 1);
    assert_eq!(world.jumio.calls(Call::Upload), 1);
}

#[tokio::test]
async fn an_answer_is_replayed_until_its_tokens_end() {
    let mut world = ready().await;
    let id = RequestId::generate();
    let first = world.start(id, start(1)).await.unwrap();
    world.wait(LIFETIME - SECOND);
    let replayed = world.start(id, start(1)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &replayed));

    // Over, the id does not open another execution unseen; another id does.
    world.wait(SECOND);
    assert_eq!(kind_of(world.start(id, start(1)).await), "SessionOver");
    let anew = world.start(RequestId::generate(), start(1)).await.unwrap();
    assert_ne!(first.execution, anew.execution);
    world.wait(LIFETIME - SECOND);
    assert_eq!(kind_of(world.start(id, start(1)).await), "SessionOver");
    assert_eq!(world.jumio.calls(Call::Update), 2);
}

#[tokio::test]
async fn the_tokens_end_when_jumio_says() {
    let mut world = ready().await;
    world.jumio.tokens_end(world.now.plus(10 * SECOND));
    let id = RequestId::generate();
    let first = world.start(id, start(1)).await.unwrap();
    assert_eq!(first.expires, world.now.plus(10 * SECOND));
    world.wait(10 * SECOND);
    assert_eq!(kind_of(world.start(RequestId::generate(), start(1)).await), "started");
}

#[tokio::test]
async fn an_unknown_outcome_is_replayed_as_long_as_its_tokens_could_live() {
    let mut world = ready().await;
    world.jumio.fail_next(Call::Update, 1, JumioError::OutcomeUnknown { what: "x" });
    let id = RequestId::generate();
    for _ in 0..3 {
        assert_eq!(kind_of(world.start(id, start(1)).await), "JumioOutcomeUnknown");
        world.wait(LIFETIME / 3);
    }
    assert_eq!(world.jumio.updates().len(), 1);
    assert_eq!(kind_of(world.start(id, start(1)).await), "started");
}

#[tokio::test]
async fn a_request_id_belongs_to_its_caller_and_its_request() {
    let world = ready().await;
    let id = RequestId::generate();
    let first = world.start(id, start(1)).await.unwrap();

    let superseding = StartAuthentication { supersede: true, ..start(1) };
    let second = world.vault.start_authentication("other", id, superseding, world.now).await;
    assert_ne!(second.unwrap().execution, first.execution, "another caller's is another request");

    let mut changed = start(1);
    changed.update.customer_internal_reference = "another".to_owned();
    let same_id = [("another reference", changed), ("another account", start(2))];
    for (what, request) in same_id {
        assert_eq!(kind_of(world.start(id, request).await), "RequestIdReused", "{what}");
    }
    assert_eq!(world.jumio.updates().len(), 2);
}

#[tokio::test]
async fn a_running_authentication_is_in_the_way_until_it_ends() {
    let superseding = StartAuthentication { supersede: true, ..start(1) };
    for (what, want) in [
        ("nothing happens", "AlreadyStarted"),
        ("it is superseded", "started"),
        ("it ends and somebody looks", "started"),
        ("it ends and nobody looks", "AlreadyStarted"),
        ("its tokens end", "started"),
        ("the process restarts", "started"),
    ] {
        let mut world = ready().await;
        let first = world.start(RequestId::generate(), start(1)).await.unwrap();
        let mut second = start(1);
        match what {
            "it is superseded" => second = superseding.clone(),
            "it ends and somebody looks" => {
                world.jumio.end(first.execution, DecisionType::Passed);
                let look = world.vault.authentication(account(1), first.execution, Duration::ZERO);
                look.await.unwrap();
            }
            "it ends and nobody looks" => world.jumio.end(first.execution, DecisionType::Passed),
            "its tokens end" => world.wait(LIFETIME),
            "the process restarts" => world.crash().await,
            _ => {}
        }
        assert_eq!(kind_of(world.start(RequestId::generate(), second).await), want, "{what}");
    }
}

#[tokio::test]
async fn what_is_still_being_prepared_is_in_the_way_too() {
    let world = ready().await;
    world.jumio.hold(Call::Update);
    let (vault, now) = (Arc::clone(&world.vault), world.now);
    let first = tokio::spawn(async move {
        vault.start_authentication("backend", RequestId::generate(), start(1), now).await
    });
    world.jumio.arrived(Call::Update, 1).await;
    assert_eq!(kind_of(world.start(RequestId::generate(), start(1)).await), "AlreadyStarted");
    world.jumio.release(Call::Update);
    assert_eq!(kind_of(first.await.unwrap()), "started");
}

#[tokio::test]
async fn a_superseding_start_that_fails_leaves_the_running_one_in_its_place() {
    let world = ready().await;
    let first = world.start(RequestId::generate(), start(1)).await.unwrap();
    world.jumio.fail_next(Call::Update, 1, JumioError::Unavailable { what: "x" });
    let superseding = StartAuthentication { supersede: true, ..start(1) };
    assert_eq!(kind_of(world.start(RequestId::generate(), superseding).await), "JumioUnavailable");

    assert_eq!(kind_of(world.start(RequestId::generate(), start(1)).await), "AlreadyStarted");
    let look = world.vault.authentication(account(1), first.execution, Duration::ZERO);
    assert_eq!(look.await.unwrap().expires, Some(first.expires));
}

#[tokio::test]
async fn the_work_goes_on_when_the_caller_leaves() {
    for call in [Call::Update, Call::Upload] {
        let world = ready().await;
        world.jumio.hold(call);
        let id = RequestId::generate();
        tokio::select! {
            _ = world.start(id, start(1)) => panic!("the call is held"),
            () = world.jumio.arrived(call, 1) => {}
        }
        world.jumio.release(call);
        let found = world.start(id, start(1)).await.unwrap();

        assert_eq!(world.jumio.updates().len(), 1, "left during {call:?}");
        assert_eq!(world.jumio.uploads()[0].execution, found.execution, "left during {call:?}");
    }
}
