//! Processes killed while they change the keyring, before each single operation on its two files: also
//! between the first and the second. What is left opens, whether the change came to count or not, and can
//! be changed again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use facemap_vault::proto::admin::v1::RotateKekRequest;
use facemap_vault::proto::admin::v1::key_service_client::KeyServiceClient;
use serde_json::json;
use tempfile::TempDir;

use super::ground::{Copy, ground};
use super::rotation::{admin, goes_on};
use super::server::{Begun, Server, begin};
use super::shim::Shim;
use crate::support::process::{Ran, fmvault, run};
use crate::support::site::Site;

/// What a rule is about.
const FILES: &str = "*/keyring/*";
/// Longest wait for a death that must come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Changes of the keyring in a rotation: pending keys, primary keys, old keys gone. Each writes two files.
const WRITES: usize = 2 * 3;

fn both(dir: &Path) -> [Vec<u8>; 2] {
    [0, 1].map(|file| fs::read(dir.join(format!("keyring/keyring.{file}"))).unwrap_or_default())
}

async fn command(dir: &Path, arguments: &[&str]) -> Ran {
    run(fmvault(arguments).arg("--config").arg(dir.join("fmvault.toml"))).await
}

/// Runs `change` on a copy and kills it before its operation number `nth` on the keyring. How it ended,
/// and how many of the two files it had replaced.
async fn killed(site: &Site, change: &[&str], nth: usize) -> (Copy, Ran, usize) {
    let (copy, beside) = (Copy::of(site, site.dir.path()), TempDir::new().unwrap());
    let before = both(&copy.path());
    let shim = Shim::new(beside.path(), &[copy.path().join("keyring")]);
    shim.tell(&[format!("kill any {FILES} {nth}")]);
    let mut command = fmvault(change);
    command.arg("--config").arg(copy.path().join("fmvault.toml"));
    shim.under(&mut command);
    let ran = run(&mut command).await;
    let after = both(&copy.path());
    let replaced = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    (copy, ran, replaced)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_ways_in_that_is_killed_anywhere_leaves_a_keyring_that_opens() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    site.run(&["server", "--check"]).await.ok();
    let add = ["keys", "slot", "add", "recovery"];
    // The one that is left gets a new root key: then the two files are under different ones.
    let remove = ["keys", "slot", "remove", "2", "--confirm"];
    for change in [&add[..], &remove] {
        let mut seen = [0; 3];
        for nth in 1.. {
            let (copy, ran, replaced) = killed(&site, change, nth).await;
            if ran.code == Some(0) {
                break;
            }
            assert_eq!(ran.code, None, "{nth}: {ran:?}");
            seen[replaced] += 1;
            let dir = copy.path();
            command(&dir, &["keys", "slot", "test"]).await.ok();
            if replaced == 1 {
                command(&dir, &["server", "--check"]).await.ok();
            }
            let again = command(&dir, change).await;
            let gone_already = change == remove && again.code == Some(4);
            assert!(again.code == Some(0) || gone_already, "{nth}: {again:?}");
            command(&dir, &["keys", "slot", "test"]).await.ok();
        }
        assert!(seen.iter().all(|&times| times > 0), "before, between and after: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_before_each_file_of_the_keyring_goes_on() {
    let (site, beside) = (ground().await, TempDir::new().unwrap());
    let mut accounts = Vec::new();
    for nth in 1..=WRITES {
        let shim = Shim::new(beside.path(), &[site.path("keyring")]);
        let server = ready(&site, Some(&shim)).await;
        let person = site.onboard(json!({ "facemap_size": 1000 })).await;
        let register =
            ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
        site.run(&[&register[..], &["--wait", "10s"]].concat()).await.ok();
        accounts.push(person.account);

        let before = both(site.dir.path());
        shim.tell(&[format!("kill rename {FILES} {nth}")]);
        let mut keys = KeyServiceClient::new(admin(&site).await);
        // Its answer may come before its death, or not.
        let _ = keys.rotate_kek(RotateKekRequest::default()).await;
        let (by_itself, over) = server.wait_or_kill(PATIENCE).await;
        assert!(by_itself && over.was_killed(), "{nth}: {}", over.said());
        if nth == 2 {
            let after = both(site.dir.path());
            let replaced = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert_eq!(replaced, 1, "between the first and the second file");
        }

        let server = ready(&site, None).await;
        assert_eq!(goes_on(&site).await, Vec::<String>::new(), "{nth}");
        for account in &accounts {
            site.run(&["auth", "start", account, "--reference", "login-1", "--dry-run"]).await.ok();
        }
        assert_eq!(server.stop().await.violation(), None);
    }
}

async fn ready(site: &Site, shim: Option<&Shim>) -> Server {
    match begin(site.dir.path(), shim).await {
        Begun::Ready(server) => server,
        Begun::Over(over) => panic!("it does not start: {}", over.said()),
    }
}
