//! What the vault has acknowledged, written down outside of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use facemap_vault::proto::v1::Enrollment;
use facemap_vault::proto::v1::enrollment::State;

use crate::support::rng::Rng;
use crate::support::site::Person;

/// What one account was promised.
#[derive(Debug, Clone)]
struct Promise {
    sha256: String,
    /// It was once reported ACTIVE.
    active: bool,
    /// Its erasure was asked for; from then on it may be gone.
    erasing: bool,
    /// Its erasure was acknowledged.
    erased: bool,
}

/// The promises so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(BTreeMap<String, Promise>);

/// The ledger that all tasks write into.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    pub(super) fn now(&self) -> Ledger {
        self.0.lock().unwrap().clone()
    }

    /// The vault answered that `person` is enrolled.
    pub(super) fn enrolled(&self, person: &Person, seen: &Enrollment) {
        let mut ledger = self.0.lock().unwrap();
        let promise = ledger.0.entry(person.account.clone()).or_insert_with(|| Promise {
            sha256: person.sha256.clone(),
            active: false,
            erasing: false,
            erased: false,
        });
        promise.active |= seen.state() == State::Active;
    }

    /// The vault listed these.
    pub(super) fn seen(&self, listed: &[Enrollment]) {
        let mut ledger = self.0.lock().unwrap();
        for enrollment in listed.iter().filter(|e| e.state() == State::Active) {
            if let Some(promise) = ledger.0.get_mut(&enrollment.account_id) {
                promise.active = true;
            }
        }
    }

    /// An account to erase, if there is one that nobody is erasing.
    pub(super) fn to_erase(&self, rng: &mut Rng) -> Option<String> {
        let mut ledger = self.0.lock().unwrap();
        let free: Vec<_> = ledger
            .0
            .iter()
            .filter(|(_, p)| p.active && !p.erasing)
            .map(|(a, _)| a.clone())
            .collect();
        if free.is_empty() {
            return None;
        }
        let account = rng.pick(&free);
        ledger.0.get_mut(&account)?.erasing = true;
        Some(account)
    }

    /// The vault answered that `account` is erased.
    pub(super) fn erased(&self, account: &str) {
        self.0.lock().unwrap().0.get_mut(account).unwrap().erased = true;
    }
}

impl Ledger {
    /// Where `listed` breaks a promise.
    pub(super) fn complaints(&self, listed: &[Enrollment]) -> Vec<String> {
        let found: HashMap<_, _> = listed.iter().map(|e| (e.account_id.as_str(), e)).collect();
        let broken = |(account, promise): (&String, &Promise)| {
            let Some(seen) = found.get(account.as_str()) else {
                return Some(format!("{account} was acknowledged and is gone"));
            };
            let state = seen.state();
            let kept = match promise {
                Promise { erased: true, .. } => state == State::Erased,
                Promise { erasing: true, .. } => [State::Erased, State::Active].contains(&state),
                Promise { active: true, .. } => state == State::Active,
                Promise { .. } => ![State::Erased, State::Lost, State::Blocked].contains(&state),
            };
            (!kept).then(|| format!("{account} is {state:?}, promised: {promise:?}"))
        };
        self.0.iter().filter_map(broken).collect()
    }

    /// At most `count` accounts that must serve, with the hash of what they must upload.
    pub(super) fn sample(&self, rng: &mut Rng, count: usize) -> Vec<(String, String)> {
        let mut serving: Vec<_> = self
            .0
            .iter()
            .filter(|(_, promise)| promise.active && !promise.erasing)
            .map(|(account, promise)| (account.clone(), promise.sha256.clone()))
            .collect();
        while serving.len() > count {
            serving.swap_remove(rng.below(serving.len()));
        }
        serving
    }

    pub(super) fn enrolled(&self) -> usize {
        self.0.len()
    }

    pub(super) fn active(&self) -> usize {
        self.0.values().filter(|promise| promise.active && !promise.erasing).count()
    }

    fn erased(&self) -> usize {
        self.0.values().filter(|promise| promise.erased).count()
    }

    /// Whether enough happened in so many rounds to prove anything.
    pub(super) fn is_telling(&self, rounds: usize) -> bool {
        self.enrolled() > rounds && self.active() > rounds / 2 && self.erased() > rounds / 10
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (enrolled, active, erased) = (self.enrolled(), self.active(), self.erased());
        write!(f, "{enrolled} enrolled, {active} active, {erased} erased")
    }
}

/// A check that cannot fail proves nothing.
#[test]
fn broken_promises_are_noticed() {
    let ledger = Shared::default();
    let person = |n: u8| Person {
        account: n.to_string(),
        execution: String::new(),
        sha256: String::new(),
        size: 0,
    };
    let seen = |n: u8, state: State| Enrollment {
        account_id: n.to_string(),
        state: state.into(),
        ..Enrollment::default()
    };
    ledger.enrolled(&person(1), &seen(1, State::Pending));
    ledger.enrolled(&person(2), &seen(2, State::Active));
    let whole = [seen(1, State::Capturing), seen(2, State::Active)];
    assert_eq!(ledger.now().complaints(&whole).len(), 0);
    assert_eq!(ledger.now().complaints(&whole[1..]).len(), 1, "gone");
    let pending = [seen(1, State::Active), seen(2, State::Pending)];
    assert_eq!(ledger.now().complaints(&pending).len(), 1, "no longer active");
    assert_eq!(ledger.to_erase(&mut Rng::new(1)).as_deref(), Some("2"));
    ledger.erased("2");
    assert_eq!(ledger.now().complaints(&whole).len(), 1, "back again");
}
