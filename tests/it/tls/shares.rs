//! Two callers, one of whom asks for all it can: the other one's share of what Jumio takes is still there,
//! and facemaps are still captured. The simulator's journal tells in which order calls came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::proto::v1::{GetAuthenticationRequest, StartAuthenticationRequest};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::caller::{self, Caller, Told};
use crate::support::secured::{BACKEND, Secured};
use crate::support::site::Person;

const FLOOD: &str = "spiffe://bank/flood";
/// How many of the flood's calls are under way at all times.
const AT_ONCE: usize = 20;
const LOGINS: usize = 6;
/// Calls of the flood that may come before one of the other's: one that is being made, one whose turn it
/// was, one that slips in before the other has asked. Without shares it would be all that are under way.
const BEFORE_MAX: usize = 3;

/// A vault that knows both, and may call Jumio ten times a second.
async fn two_callers() -> Secured {
    let flood = format!(
        r#"{{ san = "{FLOOD}", permissions = ["read", "authenticate"], calls_per_second = 200, calls_at_once = 200 }}"#
    );
    let slow =
        [("jumio.limits.account_per_second", "10"), ("jumio.limits.retrieval_per_second", "10")];
    Secured::start(&flood, &slow).await
}

/// How the calls of the flood ended, once `over`.
async fn ended(over: &AtomicBool, tasks: JoinSet<Vec<String>>) -> Vec<String> {
    over.store(true, Ordering::Relaxed);
    tasks.join_all().await.concat()
}

fn login(account: &str) -> StartAuthenticationRequest {
    // Superseding, so that an account may log in again and again.
    StartAuthenticationRequest { on_in_progress: 2, ..caller::start(account) }
}

/// Begins calls of the flood: `make` makes one and tells how it ended, again and again until `over`.
fn flood<F>(
    secured: &Secured,
    over: &Arc<AtomicBool>,
    make: impl Fn(Caller, usize) -> F + Send + Clone + 'static,
) -> JoinSet<Vec<String>>
where
    F: Future<Output = String> + Send,
{
    let caller = secured.caller(FLOOD);
    let one = |n: usize| {
        let (caller, over, make) = (caller.clone(), Arc::clone(over), make.clone());
        async move {
            let mut told = Vec::new();
            while !over.load(Ordering::Relaxed) {
                told.push(make(caller.clone(), n).await);
            }
            told
        }
    };
    (0..AT_ONCE).map(one).collect()
}

fn how<T>(answer: Result<T, tonic::Status>) -> String {
    answer.err().map_or_else(|| "OK".to_owned(), |status| Told::by(&status).reason)
}

/// The accounts of all updates at Jumio after `since`, and the last number.
async fn updates(secured: &Secured, since: u64) -> (Vec<String>, u64) {
    let journal = secured.site.remote.get(&format!("journal?since={since}")).await.unwrap();
    let entries = journal["entries"].as_array().unwrap();
    let last = entries.last().map_or(since, |entry| entry["sequence"].as_u64().unwrap());
    let put = |entry: &&Value| entry["method"] == "PUT";
    let path = |entry: &Value| entry["path"].as_str().unwrap().to_owned();
    (entries.iter().filter(put).map(path).collect(), last)
}

async fn captured(secured: &Secured, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for _ in 0..count {
        people.push(secured.captured().await);
    }
    people
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_leaves_another_caller_its_share() {
    let secured = two_callers().await;
    let mine = secured.captured().await;
    let theirs = Arc::new(captured(&secured, AT_ONCE).await);
    let over = Arc::new(AtomicBool::new(false));
    let tasks = flood(&secured, &over, move |mut caller, n| {
        let request = login(&theirs[n].account);
        async move { how(caller.start_authentication(request).await) }
    });
    let mut backend = secured.caller(BACKEND);
    let begun = updates(&secured, 0).await.1;
    // Until the flood has all that it can get.
    let mut since = begun;
    while updates(&secured, begun).await.0.len() < AT_ONCE {
        tokio::task::yield_now().await;
    }
    let mut before = Vec::new();
    for _ in 0..LOGINS {
        since = updates(&secured, since).await.1;
        let started = backend.start_authentication(login(&mine.account)).await;
        started.expect("there is a share for everybody");
        let (updates, _) = updates(&secured, since).await;
        let own = updates.iter().position(|path| path.contains(&mine.account));
        before.push(own.expect("it was at Jumio"));
    }
    // A person who was onboarded meanwhile is captured all the same.
    let person = secured.captured().await;
    assert!(backend.start_authentication(login(&person.account)).await.is_ok());

    let told = ended(&over, tasks).await;
    let most = told.iter().filter(|how| ["OK", "JUMIO_RATE_LIMITED"].contains(&how.as_str()));
    assert!(told.iter().any(|how| how == "OK") && most.count() > LOGINS, "{told:?}");
    let sum: usize = before.iter().sum();
    assert!(sum <= LOGINS * BEFORE_MAX, "calls of the flood before each login: {before:?}");
    secured.vault.stop().await;
}

/// Asking how a login ended costs a call as well; captures go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_looks_does_not_keep_facemaps_from_being_captured() {
    let secured = two_callers().await;
    let person = secured.captured().await;
    let started = secured.caller(FLOOD).start_authentication(login(&person.account)).await;
    let name = started.unwrap().into_inner().authentication.unwrap().name;
    let over = Arc::new(AtomicBool::new(false));
    let tasks = flood(&secured, &over, move |mut caller, _| {
        let request = GetAuthenticationRequest { name: name.clone(), wait: None };
        async move { how(caller.get_authentication(request).await) }
    });
    let mut backend = secured.caller(BACKEND);
    for n in 0..3 {
        let person = secured.site.onboard(json!({})).await;
        let made = backend.create_enrollment(caller::enroll(&person, 20)).await.unwrap();
        let state = made.into_inner().enrollment.unwrap().state();
        assert_eq!(state, State::Active, "capture {n}");
    }
    let told = ended(&over, tasks).await;
    assert!(told.iter().any(|how| how == "OK"), "{told:?}");
    secured.vault.stop().await;
}
