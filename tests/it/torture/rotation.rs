//! Servers killed in the middle of a rotation of keys, under load: at each of its twelve steps and at random
//! moments. The next start goes on by itself, until no record names an old key and the old keys are gone.

use std::time::Duration;

use facemap_vault::proto::admin::v1::key_service_client::KeyServiceClient;
use facemap_vault::proto::admin::v1::key_version::State as KeyState;
use facemap_vault::proto::admin::v1::rewrap::State;
use facemap_vault::proto::admin::v1::{
    GetRewrapRequest, KeyVersion, ListKeyVersionsRequest, RotateKekRequest,
};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

use super::ground::{ground, onboard};
use super::journal::Shared;
use super::kills::{check, finish};
use super::load;
use super::report::Row;
use super::server::{Begun, Server, begin};
use crate::support::caller::try_connect_socket;
use crate::support::rng::Rng;
use crate::support::site::Site;

/// Steps of a rotation, as its log counts them.
const STEPS: usize = 12;
/// Most milliseconds between the start of a rotation and a random kill: about as long as one takes here.
const LIFE: usize = 250;
/// Longest wait for a step, or for a rotation that goes on.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills `random` times at random, and `rounds` times at each step.
pub(super) async fn rotations(random: usize, rounds: usize, rng: &mut Rng) -> Vec<Row> {
    let site = ground().await;
    let journal = Shared::default();
    let mut rows =
        [Row::new("SIGKILL in a rotation, random"), Row::new("SIGKILL in a rotation, at a step")];
    let mut points: Vec<Option<usize>> = vec![None; random];
    points.extend((1..=STEPS).cycle().take(STEPS * rounds).map(Some));
    while !points.is_empty() {
        let point = points.swap_remove(rng.below(points.len()));
        let (ended, violations) = one(&site, point, &journal, rng).await;
        let failed = !violations.is_empty();
        rows[usize::from(point.is_some())].add(ended, violations);
        if failed {
            return rows.into();
        }
    }
    let mut last = Row::new("after all rotations, everything");
    let mut violations = match begin(site.dir.path(), None).await {
        Begun::Ready(server) => {
            let violations = goes_on(&site).await;
            server.kill().await;
            violations
        }
        Begun::Over(over) => vec![format!("it does not start: {}", over.said())],
    };
    violations.extend(finish(&site, &journal, random + rounds * STEPS, rng).await);
    last.add("all kept", violations);
    let [random, placed] = rows;
    vec![random, placed, last]
}

/// One life: what an earlier one left goes on to its end; then another rotation, load, and death.
async fn one(
    site: &Site,
    point: Option<usize>,
    journal: &Shared,
    rng: &mut Rng,
) -> (&'static str, Vec<String>) {
    let people = onboard(site, rng, 6).await;
    let server = match begin(site.dir.path(), None).await {
        Begun::Ready(server) => server,
        Begun::Over(over) => return ("", vec![format!("it does not start: {}", over.said())]),
    };
    let mut violations = goes_on(site).await;
    violations.extend(check(site, &server, journal, rng, 2).await);
    let load = load::begin(site, &server, journal, people, rng).await;
    // A quarter gives the facemaps new keys as well.
    let request = RotateKekRequest { seal_anew: rng.one_in(4), ..Default::default() };
    let before = point.map(|step| server.times_at_step(step));
    let mut keys = KeyServiceClient::new(admin(site).await);
    if let Err(status) = keys.rotate_kek(request).await {
        violations.push(format!("no rotation: {status}"));
    }
    let ended = match point {
        None => {
            sleep(Duration::from_millis(rng.below(LIFE) as u64)).await;
            "killed under load"
        }
        Some(step) => {
            if !comes(&server, step, before.unwrap_or_default()).await {
                violations.push(format!("step {step} never came"));
            }
            "killed at the step"
        }
    };
    let over = server.kill().await;
    load.end().await;
    violations.extend(over.violation());
    violations.extend(journal.now().accused().iter().cloned());
    (ended, violations)
}

/// An open rotation goes on without being asked, and leaves nothing under an old key.
pub(super) async fn goes_on(site: &Site) -> Vec<String> {
    let mut keys = KeyServiceClient::new(admin(site).await);
    let begun = Instant::now();
    loop {
        let newest = keys.get_rewrap(GetRewrapRequest::default()).await;
        // There is none if the last one came to its end, or never to its beginning.
        let Ok(newest) = newest else { break };
        match newest.into_inner().rewrap.unwrap() {
            rewrap if rewrap.state() == State::Succeeded => break,
            rewrap if rewrap.state() != State::Running => {
                return vec![format!("a rotation does not go on: {rewrap:?}")];
            }
            rewrap if begun.elapsed() > PATIENCE => {
                return vec![format!("a rotation does not end: {rewrap:?}")];
            }
            _ => sleep(Duration::from_millis(2)).await,
        }
    }
    let listed = keys.list_key_versions(ListKeyVersionsRequest {}).await.unwrap().into_inner();
    let is_left =
        |key: &&KeyVersion| ![KeyState::Primary, KeyState::Retired].contains(&key.state());
    listed.key_versions.iter().filter(is_left).map(|key| format!("left: {key:?}")).collect()
}

pub(super) async fn admin(site: &Site) -> Channel {
    try_connect_socket(&site.path("admin.sock")).await.expect("the server is ready")
}

/// Whether the step comes once more than `before`.
async fn comes(server: &Server, step: usize, before: usize) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if server.times_at_step(step) > before {
            return true;
        }
        sleep(Duration::from_micros(300)).await;
    }
    false
}
