//! What nobody tries any more: closed by an operator, tried again, and registered by the thousand.

use facemap_vault::model::{Blocked, State};
use facemap_vault::vault::{Enroll, Registered, VaultError};

use crate::support::mem_store::Failure;
use crate::support::tale::{kind, word};
use crate::support::world::{HOUR, RETENTION, START, World, account, facemap};

/// Account 1 in the state of this name, its onboarding completed at the beginning.
async fn world(state: &str) -> World {
    let mut world = World::new().await;
    if state == "nobody" {
        return world;
    }
    let execution = world.onboard(1, &facemap(1, 300));
    world.enroll(1, execution).await.unwrap();
    world.wait(HOUR);
    let change = |change: fn(&mut crate::support::fake_jumio::Onboarded)| {
        world.jumio.change(account(1), execution, change);
    };
    match state {
        "pending" => return world,
        "blocked" => change(|o| o.details.facemaps[0].downloadable = false),
        "lost" => change(|o| o.delete(START)),
        "captured" | "erased" => {}
        other => panic!("no such state: {other}"),
    }
    world.capture(1).await.unwrap();
    if state == "erased" {
        world.erase(1).await.unwrap();
    }
    assert_eq!(word(world.enrollment(1).await.onboarding.state), state);
    world
}

/// State, whether closed, and counts, in words.
async fn told(world: &World) -> String {
    let enrollment = world.enrollment(1).await;
    let census = world.vault.census();
    assert_eq!(census, world.recount().await, "what is counted is what is stored");
    let closed = enrollment.closed.map(|closed| format!(", closed: {}", closed.reason));
    format!(
        "{}{}; open {}+{}+{}, closed {}, due {}",
        word(enrollment.onboarding.state),
        closed.unwrap_or_default(),
        census.pending_total(),
        census.blocked_total(),
        census.lost,
        census.closed,
        world.vault.enrollment(account(1)).await.unwrap().record.header.due.is_some(),
    )
}

#[tokio::test]
async fn what_can_be_closed_is_closed_and_retry_opens_it_again() {
    let table = [
        ("nobody", Err("NotEnrolled"), Err("NotEnrolled")),
        (
            "pending",
            Ok("pending, closed: gone; open 0+0+0, closed 1, due false"),
            Ok("pending; open 1+0+0, closed 0, due true"),
        ),
        (
            "blocked",
            Ok("blocked, closed: gone; open 0+0+0, closed 1, due false"),
            Ok("pending; open 1+0+0, closed 0, due true"),
        ),
        (
            "lost",
            Ok("lost, closed: gone; open 0+0+0, closed 1, due false"),
            Ok("pending; open 1+0+0, closed 0, due true"),
        ),
        ("captured", Err("Captured"), Ok("captured; open 0+0+0, closed 0, due false")),
        ("erased", Err("Erased"), Err("Erased")),
    ];
    for (state, closed, reopened) in table {
        let mut world = world(state).await;
        let result = world.vault.close(account(1), "gone", world.now).await;
        match closed {
            Ok(want) => assert_eq!((told(&world).await, result.is_ok()), (want.to_owned(), true)),
            Err(want) => assert_eq!(kind(&result.unwrap_err()), want, "{state}"),
        }
        world.crash().await;
        let result = world.vault.retry(account(1)).await;
        match reopened {
            Ok(want) => assert_eq!((told(&world).await, result.is_ok()), (want.to_owned(), true)),
            Err(want) => assert_eq!(kind(&result.unwrap_err()), want, "{state}"),
        }
    }
}

#[tokio::test]
async fn nobody_tries_a_closed_one_and_a_newer_onboarding_starts_open() {
    for state in ["pending", "blocked", "lost"] {
        let mut world = world(state).await;
        world.vault.close(account(1), "gone", world.now).await.unwrap();
        let calls = world.jumio.calls(crate::support::fake_jumio::Call::Onboarding);

        world.capture(1).await.unwrap();
        world.vault.sweep(world.now, RETENTION * 2).await.unwrap();
        let same = world.enrollment(1).await.onboarding.execution;
        world.enroll(1, same).await.unwrap();

        assert_eq!(world.jumio.calls(crate::support::fake_jumio::Call::Onboarding), calls);
        assert!(world.enrollment(1).await.closed.is_some(), "{state}");

        world.wait(HOUR);
        let newer = world.onboard(1, &facemap(2, 300));
        world.enroll(1, newer).await.unwrap();
        assert_eq!(world.enrollment(1).await.closed, None, "{state}");
        assert_eq!(word(world.capture(1).await.unwrap().enrollment.onboarding.state), "captured");
    }
}

#[tokio::test]
async fn closing_again_replaces_the_reason_and_erasing_ends_it() {
    let mut world = world("lost").await;
    world.vault.close(account(1), "first", world.now).await.unwrap();
    let first = world.enrollment(1).await.closed.unwrap();
    world.wait(HOUR);
    world.vault.close(account(1), "first", world.now).await.unwrap();
    assert_eq!(world.enrollment(1).await.closed.unwrap(), first);
    world.vault.close(account(1), "second", world.now).await.unwrap();
    let second = world.enrollment(1).await.closed.unwrap();
    assert_eq!((second.reason.as_str(), second.at), ("second", world.now));
    world.erase(1).await.unwrap();
    assert_eq!(told(&world).await, "erased; open 0+0+0, closed 0, due false");
}

#[tokio::test]
async fn a_retried_deadline_is_never_later_than_it_was() {
    for completed in [Some(START), None] {
        let mut world = World::new().await;
        let execution = world.onboard(1, &facemap(1, 300));
        let request = Enroll { account: account(1), execution, completed };
        let State::Pending { capture_by: before, .. } =
            world.vault.enroll(request, world.now).await.unwrap().enrollment.onboarding.state
        else {
            panic!("not pending")
        };
        world.wait(HOUR * 5);
        world.jumio.change(account(1), execution, |o| o.details.facemaps[0].downloadable = false);
        world.capture(1).await.unwrap();

        world.wait(HOUR * 5);
        world.vault.retry(account(1)).await.unwrap();

        let State::Pending { capture_by, attempts, last_error } =
            world.enrollment(1).await.onboarding.state
        else {
            panic!("not pending")
        };
        assert!(capture_by <= before, "{completed:?}");
        assert_eq!((attempts, last_error), (0, None));
    }
}

#[tokio::test]
async fn a_whole_reason_is_tried_again_and_nothing_else() {
    let world = World::new().await;
    let mut executions = Vec::new();
    for n in 1..=6 {
        executions.push(world.onboard(n, &facemap(n, 300)));
        world.enroll(n, executions[usize::from(n) - 1]).await.unwrap();
    }
    let change = |n: u8, change: fn(&mut crate::support::fake_jumio::Onboarded)| {
        world.jumio.change(account(n), executions[usize::from(n) - 1], change);
    };
    for n in [1, 2, 3] {
        change(n, |o| o.details.facemaps[0].downloadable = false);
    }
    change(4, |o| o.details.workflow_key = "2".to_owned());
    change(5, |o| o.delete(START));
    for n in 1..=6 {
        world.capture(n).await.unwrap();
    }
    world.vault.close(account(3), "gone", world.now).await.unwrap();

    let why = Blocked::DownloadNotEnabled;
    let reopened = world.vault.retry_blocked(why, None).await.unwrap();

    assert_eq!(reopened.count, 2);
    let mut words = Vec::new();
    for n in 1..=6 {
        words.push(word(world.enrollment(n).await.onboarding.state));
    }
    assert_eq!(words, ["pending", "pending", "blocked", "blocked", "lost", "captured"]);
    assert_eq!(world.vault.census(), world.recount().await);
    let again = world.vault.retry_blocked(why, reopened.next).await.unwrap();
    assert_eq!((again.count, again.next), (0, None));
}

#[tokio::test]
async fn a_page_of_requests_is_answered_one_by_one() {
    let mut world = world("erased").await;
    let known = world.onboard(2, &facemap(2, 300));
    world.enroll(2, known).await.unwrap();
    world.wait(HOUR);
    let newer = world.onboard(2, &facemap(3, 300));
    let fresh = world.onboard(3, &facemap(4, 300));
    let erased = world.enrollment(1).await.onboarding.execution;
    let request = |n, execution, completed| Enroll { account: account(n), execution, completed };
    let requests = vec![
        request(2, known, None),
        request(3, fresh, None),
        request(3, fresh, None),
        request(1, facemap_vault::model::WorkflowExecutionId::generate(), Some(START)),
        request(2, newer, None),
        request(1, erased, None),
    ];

    let answers = world.vault.enroll_many(requests, world.now).await.unwrap();

    let answers: Vec<_> = answers.iter().map(|a| a.as_ref().map_err(kind)).collect();
    let erased = "Erased".to_owned();
    assert_eq!(
        answers,
        [
            Ok(&Registered::Known),
            Ok(&Registered::New),
            Ok(&Registered::Known),
            Err(erased),
            Ok(&Registered::New),
            Ok(&Registered::Known),
        ]
    );
    assert_eq!(world.vault.census(), world.recount().await);
    assert_eq!(world.enrollment(2).await.onboarding.execution, newer);
    assert_eq!(word(world.capture(3).await.unwrap().enrollment.onboarding.state), "captured");
}

/// A page that the store did not take, or of which nobody knows, can be repeated.
#[tokio::test]
async fn a_page_that_failed_is_repeated() {
    let table = [
        (Failure::Unavailable, false),
        (Failure::AnswerLostUndone, true),
        (Failure::AnswerLostDone, true),
    ];
    for (failure, succeeds) in table {
        let world = World::new().await;
        let page: Vec<_> = (1..=5)
            .map(|n| {
                let execution = world.onboard(n, &facemap(n, 300));
                Enroll { account: account(n), execution, completed: None }
            })
            .collect();
        world.store.inner.fail_next(1, failure);
        let first = world.vault.enroll_many(page.clone(), world.now).await;
        assert_eq!(first.is_ok(), succeeds, "{failure:?}");
        let second = world.vault.enroll_many(page, world.now).await.unwrap();
        let known = second.iter().filter(|a| matches!(a, Ok(Registered::Known))).count();
        assert_eq!(known == 5, succeeds, "{failure:?}");
        assert_eq!(world.vault.census(), world.recount().await, "{failure:?}");
        assert_eq!(world.vault.census().pending_total(), 5);
    }
}

#[tokio::test]
async fn a_closed_one_says_onboard_again() {
    let world = world("pending").await;
    world.vault.close(account(1), "gone", world.now).await.unwrap();
    let start = crate::support::world::start(1);
    let error = world.vault.check_authentication(&start, world.now).await.unwrap_err();
    assert!(matches!(error, VaultError::Lost), "{error:?}");
}
