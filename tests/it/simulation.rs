//! Random actions, faults, crashes; what we promise is checked after every one.
//!
//! Everything follows from a seed, and a failure names it: `FMVAULT_SEED=… cargo test simulation`
//! lives through it again.

mod action;
mod interleave;
mod notes;
mod promises;
mod rotate;

use std::collections::BTreeMap;

use facemap_vault::model::{RequestId, State, WorkflowExecutionId};
use facemap_vault::store::StoreError;
use facemap_vault::vault::{Enroll, Loaded, VaultError};

use crate::support::fake_jumio::Call;
use crate::support::rng::Rng;
use crate::support::world::{HOUR, World, account, facemap, start};
use action::Action;
use notes::{Notes, Onboarded, Requested, Total};

const ACCOUNTS: u8 = 5;

#[tokio::test]
async fn nothing_promised_is_ever_broken() {
    let mut total = Total::default();
    for seed in seeds(1..=8) {
        total.add(live(seed, 1_000).await);
    }
    assert!(total.tokens > 100 && total.captures > 100 && total.erasures > 100, "{total:?}");
}

/// A hundred thousand steps.
#[tokio::test]
#[ignore = "takes a minute: cargo test --release simulation -- --ignored"]
async fn nothing_promised_is_ever_broken_for_long() {
    for seed in seeds(100..=199) {
        live(seed, 1_000).await;
    }
}

/// The seed of the environment alone, or those given.
fn seeds(given: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    match std::env::var("FMVAULT_SEED") {
        Ok(seed) => vec![seed.parse().expect("FMVAULT_SEED is a number")],
        Err(_) => given.collect(),
    }
}

async fn live(seed: u64, steps: usize) -> Total {
    let mut sim = Simulation::new(seed).await;
    for step in 0..steps {
        let action = Action::random(&mut sim.rng);
        sim.what = format!("seed {seed}, step {step}, after {action:?}");
        sim.act(action).await;
        promises::check(&mut sim).await;
    }
    sim.total
}

/// A world, and our own notes of what was acknowledged in it.
struct Simulation {
    world: World,
    rng: Rng,
    accounts: BTreeMap<u8, Notes>,
    requests: Vec<Requested>,
    total: Total,
    /// The store may fail until then, in steps.
    store_fails_for: usize,
    what: String,
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        Self {
            world: World::rotating().await,
            rng: Rng::new(seed),
            accounts: (1..=ACCOUNTS).map(|n| (n, Notes::default())).collect(),
            requests: Vec::new(),
            total: Total::default(),
            store_fails_for: 0,
            what: String::new(),
        }
    }

    async fn act(&mut self, action: Action) {
        self.store_fails_for = self.store_fails_for.saturating_sub(1);
        if self.store_fails_for == 0 {
            self.world.store.inner.fail_next(0, crate::support::mem_store::Failure::Unavailable);
        }
        match action {
            Action::Onboard(n) => self.onboard(n),
            Action::Enroll(n) => self.enroll(n).await,
            Action::Capture(n) => self.capture(n).await,
            Action::Start(n) => self.start(n).await,
            Action::StartAgain => self.start_again().await,
            Action::End(decision) => self.end(decision).await,
            Action::Wait(hours) => self.world.wait(HOUR * hours),
            Action::Sweep(hours) => self.sweep(hours).await,
            Action::Erase(n) => self.erase(n).await,
            Action::Rotate => {
                self.requests.clear();
                rotate::rotate(&mut self.world).await;
            }
            Action::JumioFails(call, count, error) => {
                self.world.jumio.fail_next(call, count, error);
            }
            Action::JumioDeletes(n) => self.jumio_deletes(n),
            Action::JumioHesitates(n) => self.change_newest(n, |o| o.not_yet = 2),
            Action::JumioRefuses(n) => self.change_newest(n, |o| {
                o.details.facemaps.iter_mut().for_each(|part| part.downloadable = false);
            }),
            Action::StoreFails(count, how) => {
                self.store_fails_for = 4;
                self.world.store.inner.fail_next(count, how);
            }
            Action::Crash => {
                // Memory is gone, and with it what a request id stands for.
                self.requests.clear();
                self.world.crash().await;
            }
        }
    }

    fn onboard(&mut self, n: u8) {
        self.world.wait(HOUR / 60);
        let len = 1 + self.rng.below(2_000);
        let bytes = facemap(self.rng.next() as u8, len);
        let execution = self.world.onboard(n, &bytes);
        let completed = self.world.now;
        let notes = self.accounts.get_mut(&n).unwrap();
        notes.onboardings.push(Onboarded { execution, completed, bytes, served: 0 });
    }

    /// Mostly the newest onboarding, sometimes an older one; mostly with the time of completion.
    async fn enroll(&mut self, n: u8) {
        let notes = &self.accounts[&n];
        let Some(newest) = notes.onboardings.last() else { return };
        let chosen = match self.rng.one_in(3) {
            true => &notes.onboardings[self.rng.below(notes.onboardings.len())],
            false => newest,
        };
        // Without that time an older one cannot be told from a newer one before Jumio is asked, so
        // nobody says nothing about a second onboarding while a first one is wanted.
        let tells = notes.wanted.is_some() || self.rng.one_in(2);
        let (execution, completed) = (chosen.execution, chosen.completed);
        let request =
            Enroll { account: account(n), execution, completed: tells.then_some(completed) };
        let result = self.world.vault.enroll(request, self.world.now).await;
        let notes = self.accounts.get_mut(&n).unwrap();
        match result {
            Ok(loaded) => {
                notes.enrolled = true;
                let newest = &loaded.enrollment.onboarding;
                let is_pending = matches!(newest.state, State::Pending { .. });
                let newer = |wanted| notes.completed(wanted) > completed;
                // Told of an age that it never had the chance to refuse, it will end erased.
                let too_old = notes.erased_at.is_some_and(|at| completed <= at);
                // Of an age that the vault does not know, it may be pushed aside.
                let stands = is_pending && newest.completed.is_some() && !too_old;
                if stands && !notes.wanted.is_some_and(newer) {
                    notes.wanted = Some(loaded.enrollment.onboarding.execution);
                }
            }
            Err(VaultError::Erased) => {
                assert!(notes.erased_at.is_some_and(|at| completed <= at), "{}", self.what);
            }
            Err(error) => self.store_failed(&error),
        }
    }

    async fn capture(&mut self, n: u8) {
        let before = self.serving(n);
        match self.world.capture(n).await {
            Ok(loaded) => self.total.captures += usize::from(serves(&loaded) != before),
            Err(VaultError::NotEnrolled(_)) => {
                assert!(!self.accounts[&n].enrolled, "{}", self.what)
            }
            Err(error) => self.store_failed(&error),
        }
    }

    async fn sweep(&mut self, hours: u32) {
        let report = self.world.vault.sweep(self.world.now, HOUR * hours).await.unwrap();
        assert!(report.failed == 0 || self.store_fails_for > 0, "{}: {report:?}", self.what);
        self.total.captures += usize::try_from(report.captured).unwrap();
    }

    async fn erase(&mut self, n: u8) {
        match self.world.erase(n).await {
            Ok(loaded) => {
                self.total.erasures += 1;
                let notes = self.accounts.get_mut(&n).unwrap();
                notes.erased_at = loaded.enrollment.erased_at;
                notes.wanted = None;
                notes.serving = None;
            }
            Err(VaultError::NotEnrolled(_)) => {
                assert!(!self.accounts[&n].enrolled, "{}", self.what)
            }
            Err(error) => self.store_failed(&error),
        }
    }

    async fn start(&mut self, n: u8) {
        let id = RequestId::generate();
        let mut request = start(n);
        request.supersede = self.rng.one_in(2);
        request.update.customer_internal_reference = id.hyphenated();
        let begun = self.world.now;
        self.requests.push(Requested { id, request, begun, allowed: 1 });
        self.send(self.requests.len() - 1).await;
    }

    async fn start_again(&mut self) {
        // After that the tokens have ended, and the same id may open another execution.
        let young = |r: &Requested| self.world.now < r.begun.plus(crate::support::world::LIFETIME);
        self.requests.retain(young);
        if !self.requests.is_empty() {
            let at = self.rng.below(self.requests.len());
            self.send(at).await;
        }
    }

    async fn send(&mut self, at: usize) {
        let requested = &mut self.requests[at];
        let (id, request) = (requested.id, requested.request.clone());
        match self.world.vault.start_authentication("backend", id, request, self.world.now).await {
            Ok(started) => {
                self.total.tokens += 1;
                promises::no_token_without_a_complete_upload(&self.world, &started, &self.what);
            }
            Err(error) => {
                if matches!(*error, VaultError::UploadInterrupted(_)) {
                    requested.allowed += 1;
                }
            }
        }
        promises::one_request_id_opens_one_execution(&self.world, requested, &self.what);
    }

    async fn end(&mut self, decision: facemap_vault::vault::DecisionType) {
        let updates = self.world.jumio.updates();
        let Some(update) = updates.last() else { return };
        self.world.jumio.end(update.execution, decision);
        let wait = std::time::Duration::ZERO;
        // Jumio may fail as an earlier action wished; then nobody learns how it ended.
        let _ = self.world.vault.authentication(update.account, update.execution, wait).await;
    }

    fn jumio_deletes(&mut self, n: u8) {
        let now = self.world.now;
        let forgets = self.rng.one_in(2);
        self.change_newest(n, |onboarded| match forgets {
            true => onboarded.forgotten = true,
            false => onboarded.delete(now),
        });
    }

    fn change_newest(
        &self,
        n: u8,
        change: impl FnOnce(&mut crate::support::fake_jumio::Onboarded),
    ) {
        if let Some(newest) = self.accounts[&n].onboardings.last() {
            self.world.jumio.change(account(n), newest.execution, change);
        }
    }

    /// Only a store that we asked to fail may fail.
    fn store_failed(&self, error: &VaultError) {
        let as_asked =
            matches!(error, VaultError::Store(StoreError::Unavailable(_) | StoreError::Ambiguous));
        assert!(as_asked && self.store_fails_for > 0, "{}: {error:?}", self.what);
    }

    fn serving(&self, n: u8) -> Option<WorkflowExecutionId> {
        self.accounts[&n].serving
    }
}

fn serves(loaded: &Loaded) -> Option<WorkflowExecutionId> {
    loaded.enrollment.facemap.as_ref().map(|facemap| facemap.execution)
}
