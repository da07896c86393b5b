//! Slots and passphrases change while the vault runs and while it does not, and no record is touched.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::support::process::Ran;
use crate::support::site::{Site, write_private};
use crate::support::snapshot::snapshot;

use super::refused;

const OLD: &[u8] = b"correct horse battery staple five\n";
const NEW: &[u8] = b"seven golden vaults of the west\n";

/// A site with a passphrase, whose vault is made.
async fn site() -> Site {
    let passphrase = [("keys.key_file", ""), ("keys.passphrase", "file:{dir}passphrase")];
    let site = Site::start(&passphrase).await;
    write_private(&site.path("passphrase"), OLD);
    write_private(&site.path("new"), NEW);
    site.keys_init().await;
    site
}

fn file(site: &Site, name: &str) -> String {
    format!("file:{}", site.path(name).display())
}

/// Both files of the keyring.
fn keyring(site: &Site) -> [Vec<u8>; 2] {
    ["keyring/keyring.0", "keyring/keyring.1"].map(|name| fs::read(site.path(name)).unwrap())
}

#[tokio::test]
async fn a_passphrase_changes_while_the_vault_runs() {
    let site = site().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let register =
        ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
    site.run(&[&register[..], &["--wait", "10s"]].concat()).await.ok();

    let new = file(&site, "new");
    let costs = ["--memory", "32", "--passes", "4", "--lanes", "2"];
    let change = ["keys", "passphrase", "--new", &new];
    site.run(&[&change[..], &costs].concat()).await.ok();
    let slots = site.run(&["keys", "slot", "list", "--json"]).await.json();
    assert_eq!(slots[0]["argon2id"], "32 MiB, 4 passes, 2 lanes");
    assert_eq!(slots.as_array().unwrap().len(), 2, "the recovery key stays");
    refused(&site.run(&["keys", "slot", "test"]).await, "wrong passphrase");
    site.run(&["keys", "slot", "test", &format!("passphrase:{new}")]).await.ok();

    // The running vault goes on, and so does the next one, with the new passphrase.
    site.run(&["auth", "start", &person.account, "--reference", "login-1"]).await.ok();
    server.stop(Signal::TERM).await;
    refused(&site.run(&["server"]).await, "wrong passphrase");
    fs::copy(site.path("new"), site.path("passphrase")).unwrap();
    let _server = site.serve(&[]).await;
    site.run(&["auth", "start", &person.account, "--reference", "login-2"]).await.ok();
}

#[tokio::test]
async fn a_passphrase_changes_without_the_store_being_touched() {
    let site = site().await;
    let before = snapshot(&site.path("store"));
    let new = file(&site, "new");
    site.run(&["keys", "passphrase", "--new", &new]).await.ok();
    assert!(before == snapshot(&site.path("store")));
}

#[tokio::test]
async fn what_cannot_be_changed_changes_nothing() {
    let site = site().await;
    write_private(&site.path("short"), b"too short\n");
    let (new, short) = (file(&site, "new"), file(&site, "short"));
    let wrong = format!("passphrase:{new}");
    let before = keyring(&site);
    let table: [(&[&str], i32, &str); 14] = [
        (&["keys", "passphrase", "--new", &short], 2, "16 characters or 5 words"),
        (&["keys", "passphrase", "--new", &new, "--memory", "18"], 2, "too weak"),
        (&["keys", "passphrase", "--new", &new, "--memory", "4097"], 2, "too costly"),
        (&["keys", "passphrase", "--new", &new, "--passes", "1"], 2, "too weak"),
        (&["keys", "passphrase", "--new", &new, "--slot", "2"], 2, "not with a passphrase"),
        (&["keys", "passphrase", "--new", &new, "--slot", "9"], 4, "no slot 9"),
        (&["keys", "passphrase", "--new", &new, "--unlock", &wrong], 6, "wrong passphrase"),
        (&["keys", "passphrase"], 2, "nobody can be asked"),
        (&["keys", "passphrase", "--new", "seven golden vaults"], 2, "not the secret"),
        (&["keys", "passphrase", "--new", "env:SECRET"], 2, "does not come from the environment"),
        (&["keys", "slot", "remove", "9", "--confirm"], 4, "no slot 9"),
        (&["keys", "slot", "remove", "2"], 2, "no longer open"),
        (&["keys", "slot", "add", "passphrase:hunter2hunter2hunter2"], 2, "not the secret"),
        (&["keys", "slot", "add", "banana:file:/x"], 2, "names no source"),
    ];
    for (arguments, code, what) in table {
        let ran = site.run(arguments).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(what), "{arguments:?}: want {what:?} in {ran:?}");
        assert!(!ran.next().is_empty());
        for secret in ["golden", "hunter2", "too short"] {
            assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{ran:?}");
        }
        assert!(before == keyring(&site), "{arguments:?}");
    }
    site.run(&["keys", "slot", "remove", "2", "--confirm"]).await.ok();
    let ran = site.run(&["keys", "slot", "remove", "1", "--confirm"]).await;
    assert_eq!(ran.code, Some(7), "{ran:?}");
    assert!(ran.stderr.contains("is the last"), "{ran:?}");
}

/// The text between the words before and after a shown recovery key.
fn shown(ran: &Ran) -> String {
    let lines: Vec<_> = ran.ok().lines().filter(|line| line.contains("fmvr 1")).collect();
    assert_eq!(lines.len(), 1, "{ran:?}");
    lines[0].trim().to_owned()
}

#[tokio::test]
async fn a_recovery_key_is_shown_once_or_written_and_opens_the_keyring() {
    let passphrase = [("keys.key_file", ""), ("keys.passphrase", "file:{dir}passphrase")];
    let site = Site::start(&passphrase).await;
    write_private(&site.path("passphrase"), OLD);
    let made = site.run(&["keys", "init"]).await;
    assert!(made.ok().contains("keep it away from this machine"), "{made:?}");
    write_private(&site.path("typed"), shown(&made).to_uppercase().as_bytes());
    let test = |name: &str| format!("recovery:{}", file(&site, name));
    site.run(&["keys", "slot", "test", &test("typed")]).await.ok();

    let added = site.run(&["keys", "slot", "add", "recovery"]).await;
    assert_ne!(shown(&added), shown(&made));
    let path = site.path("written").display().to_string();
    let written = ["keys", "slot", "add", "recovery", "--recovery-file", &path, "--json"];
    let written = site.run(&written).await;
    written.ok();
    assert_eq!(
        (&written.json()["slot"], &written.json()["recovery_key"]),
        (&json!(4), &json!(null))
    );
    let tested = site.run(&["keys", "slot", "test", &test("written"), "--json"]).await;
    assert_eq!(tested.json()["slot"], 4);

    let mut mistyped = shown(&made);
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == 'q' { 'p' } else { 'q' });
    write_private(&site.path("mistyped"), mistyped.as_bytes());
    refused(&site.run(&["keys", "slot", "test", &test("mistyped")]).await, "no recovery key");
    let before = keyring(&site);
    let again = ["keys", "slot", "add", "recovery", "--recovery-file", &path];
    assert_ne!(site.run(&again).await.code, Some(0), "never over a file that is there");
    assert!(before == keyring(&site));
}

#[tokio::test]
async fn a_keyring_without_a_recovery_key_is_possible_and_warned_of() {
    let site = Site::start(&[]).await;
    let made = site.run(&["keys", "init", "--no-recovery", "--json"]).await;
    made.ok();
    assert_eq!(made.json()["recovery_key"], json!(null));
    assert!(made.stderr.contains("one way in"), "{made:?}");
    assert_eq!(
        site.run(&["keys", "slot", "list", "--json"]).await.json().as_array().unwrap().len(),
        1
    );
}
