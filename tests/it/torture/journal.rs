//! What the vault has acknowledged, written down outside of it, and when: the time is how much the shim
//! had recorded. What was acknowledged at `t` must be there after a power cut at `t` or later.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fmt, fs};

use facemap_vault::grpc::HEAD_METADATA;
use facemap_vault::proto::v1::Enrollment;
use facemap_vault::proto::v1::enrollment::State;
use tonic::metadata::MetadataMap;

use crate::support::rng::Rng;
use crate::support::site::Person;

/// What one account was promised, and since when.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    pub(super) sha256: String,
    enrolled: u64,
    /// It was once reported ACTIVE.
    active: Option<u64>,
    /// Its erasure was asked for; from then on it may be gone.
    erasing: Option<u64>,
    /// Its erasure was acknowledged.
    erased: Option<u64>,
}

/// The promises so far, by account, and what was seen to be wrong meanwhile.
#[derive(Debug, Clone, Default)]
pub(super) struct Journal {
    promises: BTreeMap<String, Promise>,
    /// The heads of the audit trail that came with answers, each as the bytes that it shows.
    heads: Vec<(u64, Vec<u8>)>,
    accused: Vec<String>,
}

/// The journal that all tasks write into.
#[derive(Clone, Default)]
pub(super) struct Shared {
    journal: Arc<Mutex<Journal>>,
    trace: Option<PathBuf>,
}

impl Shared {
    /// A journal that takes its time from the record in `trace`.
    pub(super) fn timed_by(trace: &Path) -> Self {
        Self { trace: Some(trace.to_owned()), ..Self::default() }
    }

    pub(super) fn now(&self) -> Journal {
        self.journal.lock().unwrap().clone()
    }

    /// The vault answered that `person` is enrolled.
    pub(super) fn enrolled(&self, person: &Person, seen: &Enrollment) {
        let time = self.time();
        let mut journal = self.journal.lock().unwrap();
        let promise = journal.promises.entry(person.account.clone()).or_insert_with(|| Promise {
            sha256: person.sha256.clone(),
            enrolled: time,
            active: None,
            erasing: None,
            erased: None,
        });
        if seen.state() == State::Active {
            promise.active.get_or_insert(time);
        }
    }

    /// An answer came with the head of the audit trail: so its record must be there.
    pub(super) fn heard(&self, metadata: &MetadataMap) {
        let head = metadata.get(HEAD_METADATA).and_then(|head| head.to_str().ok());
        let mac = head.and_then(|head| hex::decode(head.split_once(':')?.1).ok());
        match mac {
            Some(mac) => self.journal.lock().unwrap().heads.push((self.time(), mac)),
            None => self.accuse(format!("an answer without a head: {metadata:?}")),
        }
    }

    /// The vault listed these.
    pub(super) fn seen(&self, listed: &[Enrollment]) {
        let time = self.time();
        let mut journal = self.journal.lock().unwrap();
        for enrollment in listed.iter().filter(|e| e.state() == State::Active) {
            if let Some(promise) = journal.promises.get_mut(&enrollment.account_id) {
                promise.active.get_or_insert(time);
            }
        }
    }

    /// An account to erase, if there is one that nobody is erasing.
    pub(super) fn to_erase(&self, rng: &mut Rng) -> Option<String> {
        let time = self.time();
        let mut journal = self.journal.lock().unwrap();
        let free: Vec<_> = journal.serving().map(|(account, _)| account.clone()).collect();
        if free.is_empty() {
            return None;
        }
        let account = rng.pick(&free);
        journal.promises.get_mut(&account)?.erasing = Some(time);
        Some(account)
    }

    /// The vault answered that `account` is erased.
    pub(super) fn erased(&self, account: &str) {
        let time = self.time();
        let mut journal = self.journal.lock().unwrap();
        journal.promises.get_mut(account).unwrap().erased = Some(time);
    }

    /// Something was seen that must never be.
    pub(super) fn accuse(&self, what: String) {
        self.journal.lock().unwrap().accused.push(what);
    }

    fn time(&self) -> u64 {
        self.trace.as_ref().map_or(0, |trace| fs::metadata(trace).map_or(0, |found| found.len()))
    }
}

/// What a promise allows an account to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Pending, or captured already.
    Enrolled,
    Active,
    /// Its erasure may have happened.
    ActiveOrErased,
    Erased,
}

impl Promise {
    pub(super) fn due(&self) -> Due {
        match (self.active, self.erasing, self.erased) {
            (_, _, Some(_)) => Due::Erased,
            (_, Some(_), None) => Due::ActiveOrErased,
            (Some(_), None, None) => Due::Active,
            (None, None, None) => Due::Enrolled,
        }
    }
}

impl Due {
    pub(super) fn allows(self, state: State) -> bool {
        match self {
            Self::Erased => state == State::Erased,
            Self::ActiveOrErased => [State::Erased, State::Active].contains(&state),
            Self::Active => state == State::Active,
            Self::Enrolled => ![State::Erased, State::Lost, State::Blocked].contains(&state),
        }
    }
}

impl Journal {
    /// The journal as it was at `time`.
    pub(super) fn at(&self, time: u64) -> Self {
        let before = |then: Option<u64>| then.filter(|then| *then <= time);
        let known = self.promises.iter().filter(|(_, promise)| promise.enrolled <= time);
        let promises = known
            .map(|(account, promise)| {
                let active = before(promise.active);
                let (erasing, erased) = (before(promise.erasing), before(promise.erased));
                (account.clone(), Promise { active, erasing, erased, ..promise.clone() })
            })
            .collect();
        let heads = self.heads.iter().filter(|(then, _)| *then <= time).cloned().collect();
        Self { promises, heads, accused: Vec::new() }
    }

    /// The last few heads that were given out.
    pub(super) fn heads(&self) -> impl Iterator<Item = &[u8]> {
        self.heads.iter().rev().take(3).map(|(_, mac)| mac.as_slice())
    }

    /// When something was acknowledged, in order.
    pub(super) fn moments(&self) -> Vec<u64> {
        let of = |promise: &Promise| {
            [Some(promise.enrolled), promise.active, promise.erased].into_iter().flatten()
        };
        let mut moments: Vec<_> = self.promises.values().flat_map(of).collect();
        moments.sort_unstable();
        moments
    }

    /// Every account with its promise.
    pub(super) fn promises(&self) -> impl Iterator<Item = (&String, &Promise)> {
        self.promises.iter()
    }

    /// What was wrong while it was written.
    pub(super) fn accused(&self) -> &[String] {
        &self.accused
    }

    /// Where `listed` breaks a promise.
    pub(super) fn complaints(&self, listed: &[Enrollment]) -> Vec<String> {
        let found: HashMap<_, _> = listed.iter().map(|e| (e.account_id.as_str(), e)).collect();
        let broken = |(account, promise): (&String, &Promise)| {
            let Some(seen) = found.get(account.as_str()) else {
                return Some(format!("{account} was acknowledged and is gone"));
            };
            let state = seen.state();
            (!promise.due().allows(state))
                .then(|| format!("{account} is {state:?}, promised: {promise:?}"))
        };
        self.promises.iter().filter_map(broken).collect()
    }

    /// At most `count` accounts that must serve, with the hash of what they must upload.
    pub(super) fn sample(&self, rng: &mut Rng, count: usize) -> Vec<(String, String)> {
        let mut serving: Vec<_> = self
            .serving()
            .map(|(account, promise)| (account.clone(), promise.sha256.clone()))
            .collect();
        while serving.len() > count {
            serving.swap_remove(rng.below(serving.len()));
        }
        serving
    }

    fn serving(&self) -> impl Iterator<Item = (&String, &Promise)> {
        self.promises.iter().filter(|(_, promise)| promise.due() == Due::Active)
    }

    pub(super) fn enrolled(&self) -> usize {
        self.promises.len()
    }

    pub(super) fn active(&self) -> usize {
        self.serving().count()
    }

    fn erased(&self) -> usize {
        self.promises.values().filter(|promise| promise.erased.is_some()).count()
    }

    /// Whether enough happened in so many rounds to prove anything.
    pub(super) fn is_telling(&self, rounds: usize) -> bool {
        self.enrolled() > rounds && self.active() > rounds / 2 && self.erased() > rounds / 10
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (enrolled, active, erased) = (self.enrolled(), self.active(), self.erased());
        write!(f, "{enrolled} enrolled, {active} active, {erased} erased")
    }
}

/// A check that cannot fail proves nothing.
#[test]
fn broken_promises_are_noticed() {
    let journal = Shared::default();
    let person =
        |n: u8| Person { account: n.to_string(), execution: String::new(), sha256: String::new() };
    let seen = |n: u8, state: State| Enrollment {
        account_id: n.to_string(),
        state: state.into(),
        ..Enrollment::default()
    };
    journal.enrolled(&person(1), &seen(1, State::Pending));
    journal.enrolled(&person(2), &seen(2, State::Active));
    let whole = [seen(1, State::Capturing), seen(2, State::Active)];
    assert_eq!(journal.now().complaints(&whole).len(), 0);
    assert_eq!(journal.now().complaints(&whole[1..]).len(), 1, "gone");
    let pending = [seen(1, State::Active), seen(2, State::Pending)];
    assert_eq!(journal.now().complaints(&pending).len(), 1, "no longer active");
    assert_eq!(journal.to_erase(&mut Rng::new(1)).as_deref(), Some("2"));
    journal.erased("2");
    assert_eq!(journal.now().complaints(&whole).len(), 1, "back again");
}
