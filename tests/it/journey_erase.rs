//! An account is erased: a tombstone stays, and nothing brings the facemap back.

use std::sync::Arc;

use facemap_vault::model::{RequestId, State};
use facemap_vault::store::Store as _;
use facemap_vault::vault::VaultError;

use crate::support::fake_jumio::Call;
use crate::support::mem_store::Failure::{AnswerLostDone, AnswerLostUndone, Unavailable};
use crate::support::tale::Step::{
    Capture, Crash, Enroll, Erase, NoDownload, Onboard, StoreFails, Sweep, Wait, Wipe,
};
use crate::support::tale::{Step, kind, tale};
use crate::support::world::{HOUR, World, account, facemap, start};

/// What was started with the facemap is not handed out again, not even to who started it.
#[tokio::test]
async fn an_erasure_ends_what_was_started() {
    let world = World::new().await;
    world.captured(1, &facemap(1, 300)).await;
    let id = RequestId::generate();
    let started = world.start(id, start(1)).await.unwrap();
    let again = world.start(id, start(1)).await.unwrap();
    assert_eq!(again.execution, started.execution, "before the erasure it is replayed");

    world.erase(1).await.unwrap();

    for id in [id, RequestId::generate()] {
        let refused = world.start(id, start(1)).await.unwrap_err();
        assert!(matches!(*refused, VaultError::Erased), "{refused:?}");
    }
}

#[tokio::test]
async fn whatever_there_was_nothing_is_left() {
    let a = [Onboard('a'), Enroll('a')];
    let b = [Wait(1), Onboard('b'), Enroll('b')];
    let table: [(&str, &[&[Step]], &str); 12] = [
        ("never enrolled", &[&a[..1], &[Erase]], "NotEnrolled"),
        ("pending", &[&a, &[Erase]], "erased a, serves nothing"),
        ("blocked", &[&a, &[NoDownload('a'), Capture, Erase]], "erased a, serves nothing"),
        ("lost", &[&a, &[Wipe('a'), Capture, Erase]], "erased a, serves nothing"),
        ("captured", &[&a, &[Capture, Erase]], "erased a, serves nothing"),
        (
            "captured, and a newer one pending",
            &[&a, &[Capture], &b, &[Erase]],
            "erased b, serves nothing",
        ),
        (
            "a sweep leaves it so",
            &[&a, &[Capture, Erase, Sweep(9_999)]],
            "erased a, serves nothing",
        ),
        ("a crash leaves it so", &[&a, &[Capture, Erase, Crash]], "erased a, serves nothing"),
        (
            "the store was down",
            &[&a, &[Capture, StoreFails(1, Unavailable), Erase]],
            "captured a, serves a (Store)",
        ),
        (
            "the answer was lost and it is done",
            &[&a, &[Capture, StoreFails(1, AnswerLostDone), Erase]],
            "erased a, serves nothing",
        ),
        (
            "the answer was lost and it is not done",
            &[&a, &[Capture, StoreFails(1, AnswerLostUndone), Erase]],
            "erased a, serves nothing",
        ),
        ("an attempt after it", &[&a, &[Erase, Capture]], "erased a, serves nothing"),
    ];
    for (what, steps, want) in table {
        assert_eq!(tale(&steps.concat()).await, want, "{what}");
    }
}

#[tokio::test]
async fn erasing_twice_gives_the_first_tombstone() {
    let mut world = World::new().await;
    world.captured(1, &facemap(1, 300)).await;
    let first = world.erase(1).await.unwrap();
    world.wait(HOUR);
    let second = world.erase(1).await.unwrap();

    assert_eq!(first.enrollment, second.enrollment);
    assert_eq!(first.record.revision(), second.record.revision());
    assert_eq!(first.enrollment.facemap, None);
    assert_eq!(first.enrollment.due(), None);
    assert_eq!(
        first.enrollment.onboarding.state,
        State::Erased { erased_at: world.now.minus(HOUR) }
    );
}

#[tokio::test]
async fn body_and_wrapped_key_are_gone_from_the_store() {
    let world = World::new().await;
    world.captured(1, &facemap(1, 90_000)).await;
    let row = world.keyring.row_key(account(1));
    let (before, body) = world.store.record_with_body(row).await.unwrap().unwrap();
    let full = world.store.size().await.unwrap();
    world.erase(1).await.unwrap();
    let (after, none) = world.store.record_with_body(row).await.unwrap().unwrap();

    assert_eq!(none.map(|body| body.0.len()), None);
    assert!(world.store.size().await.unwrap() < full - 90_000, "the body is gone");
    assert!(
        world.keyring.open_facemap(row, &after, body.unwrap()).is_err(),
        "the tombstone opens no body that somebody kept"
    );
    assert!(after.header.generation >= before.header.generation);
}

/// The capture has downloaded, or is about to, when the erasure comes.
#[tokio::test]
async fn a_capture_under_way_does_not_bring_it_back() {
    for call in [Call::Onboarding, Call::Download] {
        let world = World::new().await;
        let execution = world.onboard(1, &facemap(1, 300));
        world.enroll(1, execution).await.unwrap();
        world.jumio.hold(call);
        let erasure = async {
            world.jumio.arrived(call, 1).await;
            let erased = world.erase(1).await;
            world.jumio.release(call);
            erased
        };
        let (captured, erased) = tokio::join!(world.capture(1), erasure);

        assert_eq!(captured.unwrap().enrollment, erased.unwrap().enrollment, "during {call:?}");
        assert_eq!(world.served(1).await, None, "during {call:?}");
        assert_eq!(world.vault.census(), world.recount().await, "during {call:?}");
    }
}

#[tokio::test]
async fn an_authentication_after_the_erasure_finds_nothing() {
    let world = World::new().await;
    world.captured(1, &facemap(1, 300)).await;
    world.jumio.hold(Call::Upload);
    let (vault, now) = (Arc::clone(&world.vault), world.now);
    let running = tokio::spawn(async move {
        vault.start_authentication("backend", RequestId::generate(), start(1), now).await
    });
    world.jumio.arrived(Call::Upload, 1).await;
    world.erase(1).await.unwrap();
    let mut later = start(1);
    later.supersede = true;
    let refused = world.start(RequestId::generate(), later).await.unwrap_err();
    world.jumio.release(Call::Upload);

    assert_eq!(kind(&refused), "Erased");
    assert!(running.await.unwrap().is_ok(), "what was under way may end");
    assert_eq!(world.jumio.uploads().len(), 1);
}
