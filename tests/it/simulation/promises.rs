//! What must hold after every step, one function for each promise.

use facemap_vault::model::{State, Timestamp};
use facemap_vault::store::{Due, Store as _};
use facemap_vault::vault::{Loaded, Started};

use super::{Requested, Simulation};
use crate::support::world::{RETENTION, World, account};

/// Checks all of them.
pub(super) async fn check(sim: &mut Simulation) {
    for n in 1..=super::ACCOUNTS {
        an_acknowledged_enrollment_is_never_lost(sim, n).await;
        let Ok(loaded) = sim.world.vault.enrollment(account(n)).await else { continue };
        let served = sim.world.served(n).await;
        a_captured_facemap_opens_to_exactly_jumios_bytes(sim, n, &loaded, served.as_deref());
        what_serves_is_never_older_than_what_served(sim, n, &loaded);
        erased_stays_erased(sim, n, &loaded, served.as_deref());
        what_jumio_yielded_is_captured(sim, n, &loaded);
        a_facemap_is_lost_only_once_jumio_may_delete_it(sim, n, &loaded);
    }
    jumio_only_received_what_it_served(&sim.world, &sim.what);
    the_census_equals_a_recount(&sim.world, &sim.what).await;
    the_due_index_agrees_with_the_records(sim).await;
}

async fn an_acknowledged_enrollment_is_never_lost(sim: &mut Simulation, n: u8) {
    let what = format!("{}: account {n}", sim.what);
    let notes = sim.accounts.get_mut(&n).unwrap();
    let loaded = match sim.world.vault.enrollment(account(n)).await {
        Ok(loaded) => loaded,
        Err(error) => return assert!(!notes.enrolled, "{what}: {error:?}"),
    };
    let Some(wanted) = notes.wanted else { return };
    let newest = &loaded.enrollment.onboarding;
    let serves = super::serves(&loaded).map(|serving| notes.completed(serving));
    if serves.is_some_and(|completed| completed >= notes.completed(wanted)) {
        notes.wanted = None;
        return;
    }
    assert!(newest.execution == wanted, "{what}: nobody captures what was acknowledged");
    match newest.state {
        State::Pending { .. } => {}
        State::Blocked { .. } | State::Lost { .. } => notes.wanted = None,
        State::Captured | State::Erased { .. } => panic!("{what}: {:?}", newest.state),
    }
}

fn a_captured_facemap_opens_to_exactly_jumios_bytes(
    sim: &Simulation,
    n: u8,
    loaded: &Loaded,
    served: Option<&[u8]>,
) {
    let want =
        super::serves(loaded).map(|execution| &sim.accounts[&n].onboarded(execution).bytes[..]);
    assert!(served == want, "{}: account {n} serves other bytes", sim.what);
}

fn what_serves_is_never_older_than_what_served(sim: &mut Simulation, n: u8, loaded: &Loaded) {
    let notes = sim.accounts.get_mut(&n).unwrap();
    let serving = super::serves(loaded);
    if let Some(before) = notes.serving {
        let now = serving.map(|execution| notes.completed(execution));
        assert!(now >= Some(notes.completed(before)), "{}: account {n}", sim.what);
    }
    notes.serving = serving;
}

fn erased_stays_erased(sim: &Simulation, n: u8, loaded: &Loaded, served: Option<&[u8]>) {
    let notes = &sim.accounts[&n];
    let Some(erased_at) = notes.erased_at else { return };
    assert!(loaded.enrollment.erased_at == Some(erased_at), "{}: account {n}", sim.what);
    if let Some(execution) = super::serves(loaded) {
        let newer = notes.completed(execution) > erased_at;
        assert!(newer, "{}: account {n} came back", sim.what);
    }
    let is_erased = matches!(loaded.enrollment.onboarding.state, State::Erased { .. });
    assert!(!is_erased || served.is_none(), "{}: account {n} is erased and serves", sim.what);
}

/// Whatever Jumio handed over in this step serves now, unless the store failed.
fn what_jumio_yielded_is_captured(sim: &mut Simulation, n: u8, loaded: &Loaded) {
    let notes = sim.accounts.get_mut(&n).unwrap();
    let serves = super::serves(loaded);
    for onboarded in &mut notes.onboardings {
        let mut served = 0;
        sim.world.jumio.change(account(n), onboarded.execution, |o| served = o.served);
        if served > onboarded.served && sim.store_fails_for == 0 {
            assert_eq!(serves, Some(onboarded.execution), "{}: account {n}", sim.what);
        }
        onboarded.served = served;
    }
}

/// A 404 before the deadline is "not yet".
fn a_facemap_is_lost_only_once_jumio_may_delete_it(sim: &Simulation, n: u8, loaded: &Loaded) {
    let newest = &loaded.enrollment.onboarding;
    if !matches!(newest.state, State::Lost { .. }) {
        return;
    }
    let mut deleted = false;
    sim.world.jumio.change(account(n), newest.execution, |o| {
        deleted = o.forgotten || o.details.deleted.is_some()
    });
    let deadline = sim.accounts[&n].completed(newest.execution).plus(RETENTION);
    assert!(deleted || sim.world.now >= deadline, "{}: account {n} is given up early", sim.what);
}

fn jumio_only_received_what_it_served(world: &World, what: &str) {
    assert_eq!(world.jumio.complaints(), Vec::<String>::new(), "{what}");
}

async fn the_census_equals_a_recount(world: &World, what: &str) {
    assert_eq!(world.vault.census(), world.recount().await, "{what}");
}

async fn the_due_index_agrees_with_the_records(sim: &Simulation) {
    let Simulation { world, what, .. } = sim;
    let mut want = Vec::new();
    for n in 1..=super::ACCOUNTS {
        let Ok(loaded) = world.vault.enrollment(account(n)).await else { continue };
        let (due, row) = (loaded.enrollment.due(), world.keyring.row_key(account(n)));
        assert_eq!(loaded.record.header.due, due, "{what}: account {n}");
        want.extend(due.map(|at| Due { at, row }));
    }
    want.sort();
    let end = Timestamp::from_millis(u64::MAX);
    assert_eq!(world.store.due(None, end, 1_000).await.unwrap(), want, "{what}");
}

/// Called where a token was handed out.
pub(super) fn no_token_without_a_complete_upload(world: &World, started: &Started, what: &str) {
    let uploads = world.jumio.uploads();
    let complete = uploads.iter().any(|upload| upload.execution == started.execution);
    assert!(complete, "{what}: a token of {} and no upload", started.execution);
}

/// Called where a request was answered. Every upload that failed allows one execution more, since
/// the one before is an orphan and known as such.
pub(super) fn one_request_id_opens_one_execution(world: &World, requested: &Requested, what: &str) {
    let reference = requested.id.hyphenated();
    let updates = world.jumio.updates();
    let opened = updates.iter().filter(|u| u.update.customer_internal_reference == reference);
    let opened = opened.count();
    assert!(opened <= requested.allowed, "{what}: {opened} of {}", requested.allowed);
}
