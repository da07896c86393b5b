//! Callbacks as the simulator sends them, and what they bring about.

use std::time::Duration;

use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::proto::v1::ingest_callback_response::Outcome;
use serde_json::json;

use super::{PATIENCE, Run, World, callback};

#[tokio::test]
async fn a_callback_captures_what_was_not_there_yet() {
    let world = World::start().await;
    world.control("PATCH", "tenant", json!({ "intermediate_callbacks": true })).await;
    let run = world.open_onboarding().await;
    assert_eq!(world.enroll(&run).await, State::Pending);
    assert_eq!(world.looks(&run.execution).await, 0, "nobody looks without a callback");

    world.journey(&run).await;
    world.until(&run.account, State::Active).await;

    assert_eq!(world.looks(&run.execution).await, 1, "the intermediate callbacks cost no look");
    let sent = world.control("GET", "callbacks", json!({})).await;
    let answers: Vec<_> = sent.as_array().unwrap().iter().map(|sent| &sent["answer"]).collect();
    assert!(answers.len() >= 2 && answers.iter().all(|answer| **answer == 200), "{sent}");
    world.stop().await;
}

#[tokio::test]
async fn the_end_of_an_authentication_frees_the_account() {
    let world = World::start().await;
    let run = world.captured().await;
    let login = world.authenticate(&run.account).await.unwrap();
    let refused = world.authenticate(&run.account).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);

    world.journey(&login).await;
    let freed = async {
        loop {
            match world.authenticate(&run.account).await {
                Ok(next) => return next,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let next = tokio::time::timeout(PATIENCE, freed).await.unwrap();

    assert!(next != login);
    assert_eq!(world.looks(&login.execution).await, 1);
    let again = callback(&login, "PROCESSED", "2026-10-19T11:34:19.803Z");
    assert_eq!(world.hear(&again).await, Outcome::Ignored, "it is over");
    let early = callback(&next, "PROCESSED", "2026-10-19T11:34:19.803Z");
    assert_eq!(world.hear(&early).await, Outcome::Ignored, "Jumio says it is not over");
    assert_eq!(world.looks(&next.execution).await, 1);
    world.stop().await;
}

/// The answer by RPC tells what became of it.
#[tokio::test]
async fn duplicates_and_steps_back_have_no_effect() {
    let world = World::start().await;
    let run = world.captured().await;
    let login = world.authenticate(&run.account).await.unwrap();
    // The simulator's own callbacks would come between.
    world.control("PATCH", "tenant", json!({ "callback_url": null })).await;
    world.journey(&login).await;
    for (run, first) in [(&run, Outcome::Duplicate), (&login, Outcome::AuthenticationUpdated)] {
        let processed = callback(run, "PROCESSED", "2026-10-19T11:34:19.803Z");
        assert_eq!(world.hear(&processed).await, first);
        for _ in 0..100 {
            assert_eq!(world.hear(&processed).await, Outcome::Duplicate);
        }
        for status in ["TOKEN_EXPIRED", "ACQUIRED", "SESSION_EXPIRED", "PROCESSED", "NONSENSE"] {
            let later = callback(run, status, "2026-10-19T11:40:00.000Z");
            assert_eq!(world.hear(&later).await, Outcome::Ignored, "{status}");
        }
        assert_eq!(world.hear(&processed).await, Outcome::Duplicate);
        assert_eq!(world.looks(&run.execution).await, 1);
    }
    assert_eq!(world.state(&run.account).await, Some(State::Active));
    world.stop().await;
}

#[tokio::test]
async fn an_early_callback_makes_nothing_and_costs_nothing() {
    let world = World::start_with(&[("capture.immediate", "true")]).await;
    let run = world.onboard().await;
    let early = callback(&run, "PROCESSED", "2026-10-19T11:34:19.803Z");
    assert_eq!(world.hear(&early).await, Outcome::Ignored);
    assert_eq!(world.post(&early).await, 200);
    assert_eq!(world.hear(&early).await, Outcome::Ignored, "nothing of it was remembered");
    assert_eq!(world.state(&run.account).await, None);
    assert!(world.requests().await.is_empty());

    world.enroll(&run).await;
    world.until(&run.account, State::Active).await;

    assert_eq!(world.hear(&early).await, Outcome::Ignored, "there is nothing left to look at");
    assert_eq!(world.hear(&early).await, Outcome::Duplicate);
    assert_eq!(world.enrollments().await.len(), 1);
    assert_eq!(world.looks(&run.execution).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn without_callbacks_nothing_is_missed() {
    let world = World::start_with(&[("capture.immediate", "true")]).await;
    world.control("PATCH", "tenant", json!({ "callback_url": null })).await;
    let run = world.onboard().await;
    world.enroll(&run).await;
    world.until(&run.account, State::Active).await;
    let sent = world.control("GET", "callbacks", json!({})).await;
    assert_eq!(sent, json!([]));
    world.stop().await;
}

#[tokio::test]
async fn erased_stays_erased_and_looks_like_unknown() {
    let world = World::start().await;
    let run = world.captured().await;
    world.erase(&run.account).await;
    let before = world.requests().await.len();
    let newer = Run { execution: super::id(), ..run.clone() };
    let stranger = Run { account: super::id(), execution: super::id() };
    for run in [&run, &newer, &stranger] {
        for sent_at in ["2026-10-19T11:34:19.803Z", "2026-10-19T11:40:00.000Z"] {
            for _ in 0..2 {
                let said = world.hear(&callback(run, "PROCESSED", sent_at)).await;
                assert_eq!(said, Outcome::Ignored);
            }
        }
    }
    assert_eq!(world.requests().await.len(), before);
    assert_eq!(world.state(&run.account).await, Some(State::Erased));
    world.stop().await;
}

/// A look that Jumio answered with an error is spent: the sweep goes on from there.
#[tokio::test]
async fn a_look_that_fails_is_no_error_of_the_sender() {
    let world = World::start().await;
    let run = world.onboard().await;
    world.enroll(&run).await;
    let fault = json!({ "path": run.execution, "times": 100, "action": { "status": 500 } });
    world.control("POST", "faults", fault).await;
    let first = callback(&run, "PROCESSED", "2026-10-19T11:34:19.803Z");
    assert_eq!(world.hear(&first).await, Outcome::Ignored);
    let looks = world.looks(&run.execution).await;
    let second = callback(&run, "PROCESSED", "2026-10-19T11:34:20.803Z");
    assert_eq!(world.hear(&second).await, Outcome::Ignored, "too soon for another look");
    assert_eq!(world.looks(&run.execution).await, looks);
    assert_ne!(world.state(&run.account).await, Some(State::Active));
    world.stop().await;
}
