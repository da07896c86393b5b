//! What is left in the memory of the real server after its work: no facemap, no key.

mod keys;
mod limits;
mod look;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use facemap_vault::proto::v1::enrollment::State;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::caller::{Caller, connect, enroll, start};
use crate::support::process::Process;
use crate::support::rng::Rng;
use crate::support::site::{Person, Site};
use look::Memory;

/// Recognisable, and over and over in every facemap of these tests.
fn mark() -> [u8; 32] {
    Rng::new(0x5eed_fade).bytes(32).try_into().unwrap()
}

const PEOPLE: usize = 16;
const AUTHENTICATIONS: usize = 1_000;
/// How long the vault is left alone before its memory is looked at. Part of what is promised.
const IDLE: Duration = Duration::from_secs(2);
/// How long a busy machine may take for what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
async fn nothing_of_a_facemap_or_a_key_stays_in_memory() {
    let site = Site::start(&[("authentication.on_in_progress", "supersede")]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    if Memory::of(server.id()).is_none() {
        eprintln!("skipped: only root may read the memory of another process");
        return;
    }
    let caller = Caller::new(connect(server.told("grpc")).await);
    let people = onboarded(&site, &caller).await;

    it_would_be_found(&site, &server, &caller, &people[0]).await;
    authenticate(&caller, people.into()).await;
    tokio::time::sleep(IDLE).await;
    let memory = Memory::of(server.id()).unwrap();
    let doctor = site.run(&["doctor", "--json"]).await.json();

    let (_, ended) = server.stop(Signal::TERM).await;
    assert_eq!(ended.code(), Some(0));
    let is_lock = |check: &&Value| check["name"] == "memory of the keys";
    let lock = doctor["checks"].as_array().unwrap().iter().find(is_lock).unwrap()["detail"].clone();
    let says_secret = lock.as_str().unwrap().contains("secret");
    let is_closed = memory.closed.iter().any(|name| name.contains("secretmem"));
    assert_eq!(says_secret, is_closed, "doctor says {lock}, and closed are {:?}", memory.closed);

    let mut found = Vec::new();
    let mut absent = |what: &str, bytes: &[u8]| {
        found.extend(memory.find(bytes).into_iter().map(|place| format!("{what} in {place}")));
    };
    // Whatever is left of a facemap, a half of the mark is in it if it is longer than the mark.
    let mark = mark();
    absent("facemap", &mark[..16]);
    absent("facemap", &mark[16..]);
    // A half is enough to find, and survives the first words that the heap writes over what is free.
    for (what, key) in keys::keys(&site, &mark).await {
        absent(&what, &key[..16]);
        absent(&what, &key[16..]);
    }
    assert!(found.is_empty(), "{} places: {:#?}", found.len(), &found[..found.len().min(40)]);
}

/// Everybody's facemap is the mark, over and over, in different lengths, and in the vault.
async fn onboarded(site: &Site, caller: &Caller) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let facemap = mark().repeat(1_000 + 400 * number);
        let facemap = base64::prelude::BASE64_STANDARD.encode(facemap);
        let person = site.onboard(json!({ "facemap_base64": facemap })).await;
        let made = caller.clone().create_enrollment(enroll(&person, 30)).await.unwrap();
        assert_eq!(made.into_inner().enrollment.unwrap().state(), State::Active);
        people.push(person);
    }
    people
}

/// While Jumio is asked to open an execution the facemap is in memory already, and found there.
async fn it_would_be_found(site: &Site, server: &Process, caller: &Caller, person: &Person) {
    site.fault(json!({ "method": "PUT", "action": { "delay": "3s" } })).await;
    let (mut caller, request) = (caller.clone(), start(&person.account));
    let started = tokio::spawn(async move { caller.start_authentication(request).await });
    let give_up = Instant::now() + PATIENCE;
    while Memory::of(server.id()).unwrap().find(&mark()).is_empty() {
        assert!(Instant::now() < give_up && !started.is_finished(), "never seen in memory");
    }
    started.await.unwrap().unwrap();
}

/// As many authentications as promised, a few at a time.
async fn authenticate(caller: &Caller, people: Arc<[Person]>) {
    let mut lanes = JoinSet::new();
    for lane in 0..PEOPLE {
        let (mut caller, people) = (caller.clone(), Arc::clone(&people));
        lanes.spawn(async move {
            for _ in (lane..AUTHENTICATIONS).step_by(PEOPLE) {
                let started = caller.start_authentication(start(&people[lane].account)).await;
                started.unwrap();
            }
        });
    }
    while let Some(done) = lanes.join_next().await {
        done.unwrap();
    }
}
