//! Whoever knows the secret, or the RPC, can make the vault ask Jumio a little, and nothing else.

use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::proto::v1::ingest_callback_response::Outcome;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::{Run, World, callback, id};

/// Half of them by RPC, half over HTTP.
const FORGED: usize = 10_000;
/// How many are on their way at once.
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_forged_callbacks_change_nothing() {
    let world = World::start().await;
    let captured = world.captured().await;
    let erased = world.captured().await;
    world.erase(&erased.account).await;
    let pending = world.open_onboarding().await;
    world.enroll(&pending).await;
    let login = world.authenticate(&captured.account).await.unwrap();
    let known = [&captured, &erased, &pending, &login];
    let strangers = [
        Run { account: captured.account.clone(), execution: id() },
        Run { account: erased.account.clone(), execution: id() },
        Run { account: id(), execution: captured.execution.clone() },
        Run { account: pending.account.clone(), execution: login.execution.clone() },
    ];
    let (before, asked) = (world.enrollments().await, world.requests().await);

    let forged = |n: usize| -> Value {
        let run = match n % 3 {
            0 => known[n / 3 % known.len()].clone(),
            1 => strangers[n / 3 % strangers.len()].clone(),
            _ => Run { account: id(), execution: id() },
        };
        let status = ["PROCESSED", "TOKEN_EXPIRED", "SESSION_EXPIRED", "X"][n % 4];
        callback(
            &run,
            status,
            &format!("2026-10-19T11:{:02}:{:02}.{:03}Z", n % 60, n % 59, n % 997),
        )
    };
    let by_rpc = stream::iter(0..FORGED / 2).map(|n| world.try_hear(body(&forged(n)), "6.6.6.6"));
    let heard: Vec<_> = by_rpc.buffer_unordered(AT_ONCE).collect().await;
    for heard in heard {
        assert!(matches!(heard.unwrap(), Outcome::Ignored | Outcome::Duplicate));
    }
    let (world_, forged) = (&world, &forged);
    let by_http =
        stream::iter(FORGED / 2..FORGED).map(|n| async move { world_.post(&forged(n)).await });
    let statuses: Vec<_> = by_http.buffer_unordered(AT_ONCE).collect().await;
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));

    // Follows all of them through the same queue.
    let last = world.onboard().await;
    world.enroll(&last).await;
    while world.post(&callback(&last, "PROCESSED", "2026-10-19T12:00:00.000Z")).await != 200 {}
    world.until(&last.account, State::Active).await;

    assert_eq!(world.looks(&captured.execution).await, 1, "its own capture");
    assert_eq!(world.looks(&erased.execution).await, 1, "its own capture");
    assert_eq!(world.looks(&pending.execution).await, 1, "one for all that were forged");
    assert_eq!(world.looks(&login.execution).await, 1, "one for all that were forged");
    let after = world.requests().await;
    let others = after.iter().skip(asked.len()).filter(|path| !path.contains(&last.account));
    assert_eq!(others.count(), 2, "nothing else was asked of Jumio: {after:?}");

    let is_last = |e: &super::v1::Enrollment| e.account_id == last.account;
    let mut after = world.enrollments().await;
    after.retain(|enrollment| !is_last(enrollment));
    let plain = |mut all: Vec<super::v1::Enrollment>| {
        all.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        // The one look at the pending one is on record; all else is as it was.
        for one in all.iter_mut().filter(|one| one.account_id == pending.account) {
            assert!([State::Pending, State::Retrying].contains(&one.state()));
            *one = super::v1::Enrollment::default();
        }
        all
    };
    assert_eq!(plain(after), plain(before));
    let running = world.authenticate(&captured.account).await.unwrap_err();
    assert_eq!(running.code(), tonic::Code::Aborted, "the authentication still runs");
    world.stop().await;
}

fn body(callback: &Value) -> Vec<u8> {
    callback.to_string().into_bytes()
}
