//! Enrollments in pages, and the tokens that lead from one to the next.

use std::collections::BTreeSet;

use facemap_vault::crypto::{Keyring, Provider};
use facemap_vault::model::{AccountId, Mode, RowKey, State, Timestamp};
use facemap_vault::store::Due;
use facemap_vault::vault::{Cursor, Enroll, ListFilter, Loaded, VaultError};

use crate::support::world::{HOUR, RETENTION, START, World, account, facemap};

const ALL: ListFilter = ListFilter { pending: true, settled: true, capture_by_before: None };

/// Accounts 1 to 9 are pending, three with each of three deadlines; 10 to 13 are captured, 14 is
/// erased.
async fn crowd() -> World {
    let world = World::new().await;
    for n in 1..=9 {
        let completed = world.now.minus(HOUR * u32::from(n % 3));
        let execution = world.jumio.onboard(account(n), completed, &facemap(n, 100));
        let request = Enroll { account: account(n), execution, completed: Some(completed) };
        world.vault.enroll(request, world.now).await.unwrap();
    }
    for n in 10..=14 {
        world.captured(n, &facemap(n, 100)).await;
    }
    world.erase(14).await.unwrap();
    world
}

/// All pages of at most `limit`, by way of tokens.
async fn pages(
    world: &World,
    filter: ListFilter,
    keep: impl Fn(&Loaded) -> bool,
    limit: usize,
) -> Vec<Loaded> {
    let (mut all, mut from) = (Vec::new(), None);
    for _ in 0..100 {
        let page = world.vault.list(filter, &keep, from, limit).await.unwrap();
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        let Some(next) = page.next else { return all };
        let token = world.vault.page_token(next, b"me").unwrap();
        from = Some(world.vault.cursor(&token, b"me").unwrap());
    }
    panic!("the list does not end");
}

fn accounts(loaded: &[Loaded]) -> Vec<AccountId> {
    loaded.iter().map(|loaded| loaded.enrollment.account).collect()
}

#[tokio::test]
async fn pages_of_any_size_give_the_whole_list_once_and_in_order() {
    let world = crowd().await;
    let whole = accounts(&pages(&world, ALL, |_| true, 1_000).await);
    assert_eq!(whole.len(), 14);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 14);
    for limit in 1..=15 {
        let listed = pages(&world, ALL, |_| true, limit).await;
        assert_eq!(accounts(&listed), whole, "in pages of {limit}");
        let dues: Vec<_> = listed[..9].iter().map(|loaded| loaded.enrollment.due()).collect();
        assert!(dues.is_sorted() && dues.iter().all(Option::is_some), "in pages of {limit}");
    }
}

#[tokio::test]
async fn a_filter_gives_what_it_says() {
    let world = crowd().await;
    let before = |hours| Some(START.plus(RETENTION).minus(HOUR * hours));
    let filter =
        |pending, settled, capture_by_before| ListFilter { pending, settled, capture_by_before };
    let table = [
        ("all", filter(true, true, None), 14),
        ("pending", filter(true, false, None), 9),
        ("settled", filter(false, true, None), 5),
        ("none", filter(false, false, None), 0),
        ("due before the latest deadline", filter(true, true, before(0)), 6),
        ("due before the middle one", filter(true, false, before(1)), 3),
        ("due before the first one", filter(true, true, before(2)), 0),
    ];
    for (what, filter, want) in table {
        assert_eq!(pages(&world, filter, |_| true, 2).await.len(), want, "{what}");
    }
    let erased = |l: &Loaded| matches!(l.enrollment.onboarding.state, State::Erased { .. });
    assert_eq!(accounts(&pages(&world, ALL, erased, 1).await), [account(14)]);
}

#[tokio::test]
async fn a_token_is_bound_to_its_list_and_cannot_be_made() {
    let world = crowd().await;
    let due = Due { at: Timestamp::from_millis(7), row: RowKey([8; 32]) };
    let cursors = [
        Cursor::Pending(None),
        Cursor::Pending(Some(due)),
        Cursor::Settled(None),
        Cursor::Settled(Some(RowKey([9; 32]))),
    ];
    let refused = |token: &[u8], binding: &[u8]| {
        matches!(world.vault.cursor(token, binding), Err(VaultError::PageTokenInvalid))
    };
    let other = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, START).unwrap();
    for cursor in cursors {
        let token = world.vault.page_token(cursor, b"caller|filter").unwrap();
        assert_eq!(world.vault.cursor(&token, b"caller|filter").unwrap(), cursor);
        for binding in [&b"other|filter"[..], b"caller|filter2", b"", b"caller|filte"] {
            assert!(refused(&token, binding), "{cursor:?} bound to {binding:?}");
        }
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 1;
            assert!(refused(&forged, b"caller|filter"), "{cursor:?} with byte {at} altered");
            assert!(refused(&token[..at], b"caller|filter"), "{cursor:?} cut at {at}");
        }
        let content = world.keyring.open_token("page-token", &token).unwrap();
        let foreign = other.seal_token("page-token", &content).unwrap();
        assert!(refused(&foreign, b"caller|filter"), "{cursor:?} by another vault");
        let purpose = world.keyring.seal_token("another purpose", &content).unwrap();
        assert!(refused(&purpose, b"caller|filter"), "{cursor:?} for another purpose");
    }
}

#[tokio::test]
async fn a_token_outlives_a_restart() {
    let mut world = crowd().await;
    let first = world.vault.list(ALL, |_| true, None, 5).await.unwrap();
    let token = world.vault.page_token(first.next.unwrap(), b"me").unwrap();
    world.crash().await;
    let from = world.vault.cursor(&token, b"me").unwrap();
    let rest = world.vault.list(ALL, |_| true, Some(from), 100).await.unwrap();
    assert_eq!(first.items.len() + rest.items.len(), 14);
}
