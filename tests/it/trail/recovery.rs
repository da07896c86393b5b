//! A store that was set back under a real vault: refused, listed, recovered.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use crate::support::caller::{Caller, connect, connect_socket, enroll, start};
use crate::support::site::Site;
use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;

fn copy_dir(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_store_that_was_set_back_does_not_start_until_it_is_recovered() {
    let site = Site::start(&[("sweep.interval", "1s")]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let erased = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&erased, 20)).await.unwrap();
    server.stop(Signal::TERM).await;
    copy_dir(&site.path("store"), &site.path("older"));

    let server = site.serve(&[]).await;
    let captured = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&captured, 20)).await.unwrap();
    let name = format!("enrollments/{}", erased.account);
    let admin = connect_socket(Path::new(server.told("admin"))).await;
    let erase = EraseEnrollmentRequest { name };
    EnrollmentAdminServiceClient::new(admin).erase_enrollment(erase).await.unwrap();
    server.stop(Signal::TERM).await;
    copy_dir(&site.path("older"), &site.path("store"));

    let refused = site.run(&["server", "--check"]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("STORE_ROLLED_BACK"), "{refused:?}");
    crate::catalogue::raised::note("STORE_ROLLED_BACK");
    assert!(refused.stderr.contains("of 2 enrollments"), "{refused:?}");
    assert!(refused.stderr.contains("enrollment.erase"), "{refused:?}");
    assert!(refused.next().contains("fmvault store recover"), "{refused:?}");
    assert!(!refused.stderr.contains(&erased.account), "no clear id");

    let shown = site.run(&["store", "recover"]).await;
    assert_eq!(shown.code, Some(3), "{shown:?}");
    assert!(shown.stdout.contains("nothing was changed"), "{shown:?}");
    let recovered = site.run(&["--yes", "store", "recover", "--json"]).await;
    recovered.ok();
    let told = recovered.json();
    assert_eq!((&told["pending"], &told["erased"]), (&json!(1), &json!(1)), "{told}");
    assert_eq!(site.run(&["store", "recover"]).await.code, Some(0), "nothing is left to do");

    let server = site.serve(&[]).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&captured, 20)).await.unwrap();
    caller.start_authentication(start(&captured.account)).await.expect("captured anew");
    let gone = caller.start_authentication(start(&erased.account)).await.unwrap_err();
    assert!(gone.message().contains("erased"), "{gone:?}");
    assert_eq!(site.run(&["audit", "verify"]).await.code, Some(0));
    server.stop(Signal::TERM).await;
}

#[tokio::test]
async fn a_trail_that_is_gone_stops_the_start_until_that_is_accepted() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&person, 20)).await.unwrap();
    server.stop(Signal::TERM).await;
    fs::remove_dir_all(site.path("audit")).unwrap();
    let refused = site.run(&["server", "--check"]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("there is no audit trail"), "{refused:?}");
    site.run(&["--yes", "store", "recover"]).await.ok();
    site.run(&["server", "--check"]).await.ok();
    let dir = site.path("audit");
    let verified = site.run(&["audit", "verify", dir.to_str().unwrap()]).await;
    assert!(verified.ok().contains("damage-accepted"), "{verified:?}");
}

/// The newest log of the store that has anything in it.
fn log_of(store: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
    let mut logs: Vec<_> = logs.filter(|log| fs::metadata(log).unwrap().len() > 0).collect();
    logs.sort();
    logs.pop().expect("what was acknowledged is in the log")
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The log of the store is damaged in the middle, where acknowledged changes are.
#[tokio::test]
async fn damage_to_what_was_acknowledged_is_listed_and_accepted_only_with_a_record() {
    let site = Site::start(&[("sweep.interval", "1s")]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    let mut people = Vec::new();
    for _ in 0..4 {
        let person = site.onboard(json!({})).await;
        caller.create_enrollment(enroll(&person, 20)).await.unwrap();
        people.push(person);
    }
    server.kill().await;
    let log = log_of(&site.path("store"));
    let len = fs::metadata(&log).unwrap().len();
    flip(&log, usize::try_from(len / 2).unwrap());

    let refused = site.run(&["server", "--check"]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("STORE_ROLLED_BACK"), "{refused:?}");
    let listed = refused.stderr.matches("account ").count();
    assert!((1..=3).contains(&listed), "some, and not all: {refused:?}");
    assert!(refused.next().contains("fmvault store recover"), "{refused:?}");
    let shown = site.run(&["store", "recover"]).await;
    assert_eq!(shown.code, Some(3), "{shown:?}");
    assert!(shown.stdout.contains("the end of the store's log is damaged"), "{shown:?}");
    assert_eq!(
        site.run(&["server", "--check"]).await.code,
        Some(7),
        "nothing was accepted by that"
    );
    let recovered = site.run(&["--yes", "store", "recover", "--json"]).await;
    recovered.ok();
    assert_eq!(recovered.json()["pending"], listed, "{recovered:?}");

    let server = site.serve(&[]).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    for person in &people {
        caller.create_enrollment(enroll(person, 20)).await.unwrap();
        caller.start_authentication(start(&person.account)).await.expect("kept or captured anew");
    }
    let dropped = ["audit", "query", "--action", "store.", "--json"];
    let dropped = site.run(&dropped).await.json();
    assert_eq!(dropped.as_array().map(Vec::len), Some(1), "{dropped}");
    assert_eq!(dropped[0]["detail"], "accepted", "{dropped}");
    let again = ["audit", "query", "--action", "enrollment.recover", "--json"];
    assert_eq!(site.run(&again).await.json().as_array().map(Vec::len), Some(listed));
    assert_eq!(site.run(&["audit", "verify"]).await.code, Some(0));
    server.stop(Signal::TERM).await;
}

/// The same where nobody was told of anything: the start goes on by itself, and records it.
#[tokio::test]
async fn damage_to_what_nobody_was_told_of_is_dropped_with_a_record() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    server.kill().await;
    // What a start writes down of its keyring is no acknowledged change.
    let log = log_of(&site.path("store"));
    flip(&log, usize::try_from(fs::metadata(&log).unwrap().len()).unwrap() / 2);
    let server = site.serve(&[]).await;
    let dropped = ["audit", "query", "--action", "store.", "--json"];
    let dropped = site.run(&dropped).await.json();
    assert_eq!(dropped[0]["detail"], "unacknowledged", "{dropped}");
    server.stop(Signal::TERM).await;
}
