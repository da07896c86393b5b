//! An account is enrolled: what is asked for, what serves meanwhile, and what never comes back.

use facemap_vault::vault::Enroll;

use crate::support::mem_store::Failure::{AnswerLostDone, AnswerLostUndone, Unavailable};
use crate::support::tale::Step::{
    Capture, Crash, Enroll as EnrollStep, EnrollLate, Erase, Forget, HideCompletion, NoDownload,
    Onboard, StoreFails, Sweep, Wait, Wipe,
};
use crate::support::tale::{Step, tale, word};
use crate::support::world::{HOUR, RETENTION, START, World, account, facemap};

/// Beyond every deadline.
const LONG: u32 = 40 * 24;

#[tokio::test]
async fn the_newest_onboarding_is_captured_and_an_older_one_serves_until_then() {
    let a = [Onboard('a'), EnrollStep('a'), Capture];
    let b = [Wait(1), Onboard('b'), EnrollStep('b')];
    let table: [(&str, &[&[Step]], &str); 19] = [
        ("a new enrollment is pending", &[&a[..2]], "pending a, serves nothing"),
        ("and is captured", &[&a], "captured a, serves a"),
        ("enrolling again changes nothing", &[&a, &[EnrollStep('a')]], "captured a, serves a"),
        ("nor does it while pending", &[&a[..2], &[EnrollStep('a')]], "pending a, serves nothing"),
        ("the older one serves until the newer one is here", &[&a, &b], "pending b, serves a"),
        ("then the newer one serves", &[&a, &b, &[Capture]], "captured b, serves b"),
        (
            "enrolling the one that serves changes nothing",
            &[&a, &b, &[EnrollStep('a')]],
            "pending b, serves a",
        ),
        (
            "the older one serves if the newer one is blocked",
            &[&a, &b, &[NoDownload('b'), Capture]],
            "blocked b, serves a",
        ),
        (
            "the older one serves if the newer one is lost",
            &[&a, &b, &[Wipe('b'), Capture]],
            "lost b, serves a",
        ),
        ("a sweep captures the newer one", &[&a, &b, &[Sweep(LONG)]], "captured b, serves b"),
        (
            "an older one is not captured over a newer one",
            &[&a[..1], &b, &[Capture, EnrollStep('a'), Capture]],
            "captured b, serves b",
        ),
        (
            "an older one is not captured if the caller says so",
            &[&a[..1], &b, &[Capture, EnrollLate('a', 0), Capture]],
            "captured b, serves b",
        ),
        (
            "an older one does not push a pending newer one aside",
            &[&a[..1], &[Wait(1), Onboard('b'), EnrollLate('b', 0), EnrollLate('a', 0)]],
            "pending b, serves nothing",
        ),
        (
            "an older one comes to its turn if the newer one is blocked",
            &[
                &a[..1],
                &[Wait(1), Onboard('b'), EnrollLate('b', 0), NoDownload('b'), Capture],
                &[EnrollLate('a', 0), Capture],
            ],
            "captured a, serves a",
        ),
        (
            "a completion in the future is not believed",
            &[&a[..1], &[EnrollLate('a', 10 * 365 * 24), Wait(LONG), Forget('a'), Capture]],
            "lost a, serves nothing",
        ),
        (
            "a newer one comes before the older one was captured",
            &[&a[..2], &b, &[Capture]],
            "captured b, serves b",
        ),
        ("a crash forgets nothing", &[&a, &b, &[Crash]], "pending b, serves a"),
        (
            "one of unknown age does not replace what serves",
            &[&a, &b, &[HideCompletion('b'), Capture]],
            "pending b, serves a",
        ),
        ("nobody enrolled it", &[&a[..1]], "NotEnrolled"),
    ];
    for (what, steps, want) in table {
        assert_eq!(tale(&steps.concat()).await, want, "{what}");
    }
}

#[tokio::test]
async fn what_was_erased_comes_back_by_a_newer_onboarding_only() {
    let erased = [Onboard('a'), EnrollStep('a'), Capture, Wait(1), Erase];
    let renewed = [Wait(1), Onboard('b'), EnrollStep('b'), Capture];
    let old = [Onboard('o'), Wait(1)];
    let table: [(&str, &[&[Step]], &str); 9] = [
        (
            "the same one is not captured again",
            &[&erased, &[EnrollStep('a'), Capture]],
            "erased a, serves nothing",
        ),
        (
            "an older one is refused if the caller says so",
            &[&old, &erased, &[EnrollLate('o', 0), Capture]],
            "erased a, serves nothing (Erased)",
        ),
        (
            "an older one ends erased if only Jumio knows",
            &[&old, &erased, &[EnrollStep('o'), Capture]],
            "erased o, serves nothing",
        ),
        (
            "and still does after a crash",
            &[&old, &erased, &[EnrollStep('o'), Crash, Capture]],
            "erased o, serves nothing",
        ),
        (
            "one of unknown age is not captured",
            &[&old, &erased, &[HideCompletion('o'), EnrollStep('o'), Capture]],
            "pending o, serves nothing",
        ),
        ("a newer one is captured", &[&erased, &renewed], "captured b, serves b"),
        (
            "an older one does not harm the newer one",
            &[&old, &erased, &renewed, &[EnrollStep('o'), Capture]],
            "captured b, serves b",
        ),
        (
            "which can be erased after that",
            &[&old, &erased, &renewed, &[EnrollStep('o'), Capture, Erase]],
            "erased b, serves nothing",
        ),
        (
            "and an older one does not harm a pending newer one that can be erased",
            &[&old, &erased, &renewed[..3], &[EnrollStep('o'), Erase]],
            "erased o, serves nothing",
        ),
    ];
    for (what, steps, want) in table {
        assert_eq!(tale(&steps.concat()).await, want, "{what}");
    }
}

#[tokio::test]
async fn a_failing_store_loses_nothing_that_was_acknowledged() {
    let a = [Onboard('a'), EnrollStep('a')];
    let table: [(&str, &[Step], &str); 8] = [
        (
            "nothing was acknowledged",
            &[Onboard('a'), StoreFails(1, Unavailable), EnrollStep('a')],
            "NotEnrolled",
        ),
        (
            "asked again",
            &[Onboard('a'), StoreFails(1, Unavailable), EnrollStep('a'), EnrollStep('a')],
            "pending a, serves nothing (Store)",
        ),
        (
            "the answer was lost and it is done",
            &[Onboard('a'), StoreFails(1, AnswerLostDone), EnrollStep('a')],
            "pending a, serves nothing",
        ),
        (
            "the answer was lost and it is not done",
            &[Onboard('a'), StoreFails(1, AnswerLostUndone), EnrollStep('a')],
            "pending a, serves nothing",
        ),
        (
            "every answer is lost",
            &[Onboard('a'), StoreFails(100, AnswerLostUndone), EnrollStep('a')],
            "NotEnrolled",
        ),
        (
            "the store could not take the facemap",
            &[a[0], a[1], StoreFails(1, Unavailable), Capture],
            "pending a, serves nothing (Store)",
        ),
        (
            "and takes it at the next attempt",
            &[a[0], a[1], StoreFails(1, Unavailable), Capture, Sweep(LONG)],
            "captured a, serves a (Store)",
        ),
        (
            "the answer was lost and the facemap is there",
            &[a[0], a[1], StoreFails(1, AnswerLostDone), Capture],
            "captured a, serves a",
        ),
    ];
    for (what, steps, want) in table {
        assert_eq!(tale(steps).await, want, "{what}");
    }
}

#[tokio::test]
async fn the_deadline_counts_from_the_completion_and_never_moves_back() {
    // What the caller says, in hours before now; when the deadline is, in hours before now plus the
    // retention; then the same after Jumio told it was completed 5 hours ago.
    let table = [
        ("the caller does not know", None, 0, 5),
        ("the caller knows", Some(5), 5, 5),
        ("the caller is wrong on the late side", Some(1), 1, 5),
        ("the caller is wrong on the early side", Some(9), 9, 9),
    ];
    for (what, said, at_first, at_last) in table {
        let world = World::new().await;
        let ago = |hours| world.now.minus(HOUR * hours);
        let execution = world.jumio.onboard(account(1), ago(5), &facemap(1, 300));
        world.jumio.change(account(1), execution, |onboarded| {
            onboarded.details.status = facemap_vault::vault::ExecutionStatus::Acquired
        });
        let request = Enroll { account: account(1), execution, completed: said.map(ago) };
        let enrolled = world.vault.enroll(request, world.now).await.unwrap().enrollment;
        let tried = world.capture(1).await.unwrap().enrollment;

        assert_eq!(enrolled.due(), Some(ago(at_first).plus(RETENTION)), "{what}");
        assert_eq!(tried.due(), Some(ago(at_last).plus(RETENTION)), "{what}: after Jumio told");
    }
}

#[tokio::test]
async fn two_who_enroll_at_once_both_succeed() {
    for seed in 0..50 {
        let world = World::new().await;
        world.store.wobble.begin(seed);
        let (a, b) = (world.onboard(1, &facemap(1, 300)), world.onboard(1, &facemap(2, 300)));
        let (first, second) = tokio::join!(world.enroll(1, a), world.enroll(1, b));
        let state = world.enrollment(1).await.onboarding;

        assert!(first.is_ok() && second.is_ok(), "seed {seed}: {first:?} {second:?}");
        assert_eq!(word(state.state), "pending", "seed {seed}");
        assert_eq!(world.vault.census().pending_total(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn what_is_written_is_counted_even_if_the_caller_goes_away() {
    for seed in 0..100 {
        let world = World::new().await;
        let execution = world.onboard(1, &facemap(1, 300));
        world.store.wobble.begin(seed);
        let vault = std::sync::Arc::clone(&world.vault);
        let request = Enroll { account: account(1), execution, completed: None };
        let caller = tokio::spawn(async move { vault.enroll(request, START).await.map(drop) });
        for _ in 0..seed % 20 {
            tokio::task::yield_now().await;
        }
        caller.abort();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.vault.census(), world.recount().await, "seed {seed}");
    }
}
