//! The demo: the whole story, and a world to play with that is gone at the end.

use std::error::Error as _;
use std::path::Path;
use std::time::{Duration, Instant};

use facemap_vault::sim::Remote;
use rustix::process::Signal;
use serde_json::json;

use crate::support::caller::{Caller, enroll, start};
use crate::support::pki::{Certified, channel, client};
use crate::support::process::{Process, fmvault, run};
use crate::support::site::Person;

/// What the story promises to have verified, in order.
const VERIFIED: [&str; 9] = [
    "CreateEnrollment: the vault captured it, ",
    "Jumio still has it: GET on the part answers 200",
    "Jumio has deleted it: GET on the part answers 404",
    "GetEnrollment: the vault still has it, state ACTIVE",
    "StartAuthentication: workflow 10071, the same bytes uploaded, ",
    "Alice looks into the camera: PASSED",
    "StartAuthentication: workflow 10071, the same bytes uploaded, ",
    "mallory looks into the camera: REJECTED",
    "finalize was never called: no violation in ",
];

#[tokio::test]
async fn the_story_is_told_and_every_step_is_verified() {
    let begun = Instant::now();
    let told = run(&mut fmvault(&["demo", "journey"])).await;
    let marks: Vec<_> =
        told.ok().lines().filter_map(|line| line.strip_prefix("\u{2713} ")).collect();
    assert_eq!(marks.len(), VERIFIED.len(), "{}", told.stdout);
    for (mark, want) in marks.iter().zip(VERIFIED) {
        assert!(mark.starts_with(want), "want {want:?} in {mark:?}");
    }
    assert!(told.stdout.contains("SIMULATION") && told.stdout.contains("Next: "), "{told:?}");
    assert!(!told.stdout.contains('\u{1b}'));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());

    let told = run(&mut fmvault(&["demo", "journey", "--json"])).await;
    told.ok();
    let story = told.json();
    assert_eq!(story["ok"], true);
    let steps = story["steps"].as_array().unwrap();
    assert_eq!(steps.iter().filter(|step| step["verified"] == true).count(), VERIFIED.len());
}

/// The backend of the demo, with the certificate that the demo made for it.
fn backend(demo: &Process) -> Caller {
    let dir = Path::new(demo.told("certificates"));
    let who = Certified::read(&dir.join("backend.pem"), &dir.join("backend-key.pem"));
    Caller::new(channel(demo.told("grpc"), &client(&dir.join("ca.pem"), Some(&who))))
}

#[tokio::test]
async fn the_demo_can_be_used_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = fmvault(&["demo", "--port", "0", "--grpc-port", "0", "--format", "json"]);
    let demo = Process::start(command.env("TMPDIR", temporary.path())).await;
    let remote =
        Remote::new(demo.told("simulator"), demo.told("client_id"), demo.told("client_secret"));
    let made = remote.post("onboardings", &json!({ "facemap_size": 4096 })).await.unwrap();
    let person = Person::from(&made["onboardings"][0]);
    let mut caller = backend(&demo);
    caller.create_enrollment(enroll(&person, 10)).await.unwrap();
    remote.post("clock", &json!({ "advance": "31d" })).await.unwrap();
    let started = caller.start_authentication(start(&person.account)).await.unwrap().into_inner();
    let execution = started.authentication.unwrap().workflow_execution_id;
    let seen = remote.get(&format!("executions/{execution}")).await.unwrap();
    assert_eq!(seen["uploads"][0]["sha256"], person.sha256);

    // Whoever has no certificate is not let in.
    let ca = Path::new(demo.told("certificates")).join("ca.pem");
    let mut stranger = Caller::new(channel(demo.told("grpc"), &client(&ca, None)));
    let refused = stranger.start_authentication(start(&person.account)).await.unwrap_err();
    // Not even an answer: the connection ends.
    assert!(refused.source().is_some() && refused.details().is_empty(), "{refused:?}");

    let socket = demo.told("admin").to_owned();
    let status = run(&mut fmvault(&["status", "--json", "--socket", &socket])).await;
    assert_eq!(status.json()["mode"], "SIMULATOR");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = http.get(format!("http://{}/readyz", demo.told("http"))).send().await.unwrap();
    assert_eq!(page.status(), 200);

    assert!(socket.starts_with(&temporary.path().display().to_string()), "{socket}");
    let (_, ended) = demo.stop(Signal::TERM).await;
    assert_eq!(ended.code(), Some(0));
    let left = std::fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!(left, 0, "data of the demo is left behind");
}

/// `--keep` keeps: the second demo finds what the first one captured.
#[tokio::test]
async fn a_demo_that_is_kept_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let keep = dir.path().join("kept").display().to_string();
    let arguments =
        ["demo", "--port", "0", "--grpc-port", "0", "--keep", &keep, "--format", "json"];
    let first = Process::start(&mut fmvault(&arguments)).await;
    let remote =
        Remote::new(first.told("simulator"), first.told("client_id"), first.told("client_secret"));
    let made = remote.post("onboardings", &json!({ "facemap_size": 4096 })).await.unwrap();
    let person = Person::from(&made["onboardings"][0]);
    let mut caller = backend(&first);
    caller.create_enrollment(enroll(&person, 10)).await.unwrap();
    assert_eq!(first.stop(Signal::INT).await.1.code(), Some(0));

    let second = Process::start(&mut fmvault(&arguments)).await;
    let socket = second.told("admin");
    let listed = run(&mut fmvault(&["enrollment", "list", "--json", "--socket", socket])).await;
    assert_eq!(listed.json()[0]["account_id"], person.account);
    assert_eq!(listed.json()[0]["state"], "ACTIVE");
}
