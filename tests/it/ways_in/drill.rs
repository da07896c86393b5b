//! `fmvault keys recovery drill`: on copies, by the recovery key alone, changing nothing.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::process::{Ran, fmvault, run};
use crate::support::site::{Site, write_private};
use crate::support::snapshot::{copy, snapshot};

/// A vault with three captured facemaps and a pending one, stopped; and its recovery key.
async fn vault() -> Site {
    let site = Site::start(&[]).await;
    let file = site.path("recovery").display().to_string();
    site.run(&["keys", "init", "--recovery-file", &file]).await.ok();
    let server = site.serve(&[]).await;
    for _ in 0..3 {
        let person = site.onboard(json!({})).await;
        let register =
            ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
        site.run(&[&register[..], &["--wait", "10s"]].concat()).await.ok();
    }
    server.stop(Signal::TERM).await;
    site
}

/// The drill as somebody elsewhere runs it: two directories and a recovery key, no settings.
async fn drill(dir: &Path, recovery: &Path) -> Ran {
    let path = |path: PathBuf| path.display().to_string();
    let (store, keyring) = (path(dir.join("store")), path(dir.join("keyring")));
    let recovery = format!("file:{}", recovery.display());
    let arguments = ["keys", "recovery", "drill", "--store", &store, "--keyring", &keyring];
    run(&mut fmvault(&[&arguments[..], &["--recovery", &recovery, "--json"]].concat())).await
}

fn copied(site: &Site) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&site.path("store"), &dir.path().join("store"));
    copy(&site.path("keyring"), &dir.path().join("keyring"));
    dir
}

#[tokio::test]
async fn a_drill_opens_everything_by_the_recovery_key_and_changes_nothing() {
    let site = vault().await;
    let dir = copied(&site);
    let before = snapshot(dir.path());
    let ran = drill(dir.path(), &site.path("recovery")).await;
    ran.ok();
    let found = ran.json();
    let whole = json!({
        "passed": true,
        "slot": 2,
        "keys": 16,
        "keyring_file_damaged": false,
        "records": 3,
        "records_opened": 3,
        "records_damaged": 0,
        "facemaps": 3,
        "facemaps_whole": 3,
        "missing_keys": [],
        "store_behind_keyring": false,
    });
    assert_eq!(found, whole);
    assert!(before == snapshot(dir.path()), "something in the copies was changed");

    let wrong = site.path("other-recovery");
    write_private(&wrong, facemap_vault::crypto::RecoveryKey::fresh().unwrap().text().as_bytes());
    let ran = drill(dir.path(), &wrong).await;
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert!(ran.stderr.contains("locked with a recovery key of fingerprint"), "{ran:?}");
    assert!(before == snapshot(dir.path()));
}

/// A drill that could not fail would prove nothing.
#[tokio::test]
async fn a_drill_fails_on_damage_on_a_lost_store_file_and_on_a_store_in_use() {
    let site = vault().await;
    let failed = |ran: Ran| -> Value {
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_eq!(ran.json()["passed"], false);
        ran.json()
    };
    let dir = copied(&site);
    fs::write(dir.path().join("keyring/keyring.0"), b"torn").unwrap();
    assert_eq!(
        failed(drill(dir.path(), &site.path("recovery")).await)["keyring_file_damaged"],
        true
    );

    // One bit of every blob file and log, so that one facemap at least is not what it was.
    let dir = copied(&site);
    let mut spoiled = 0;
    for entry in fs::read_dir(dir.path().join("store")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == "blob") {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
            spoiled += 1;
        }
    }
    assert!(spoiled > 0, "facemaps are in blob files");
    let found = failed(drill(dir.path(), &site.path("recovery")).await);
    assert!(found["facemaps_whole"].as_u64() < found["facemaps"].as_u64(), "{found}");

    let _server = site.serve(&[]).await;
    let in_use = drill(site.dir.path(), &site.path("recovery")).await;
    assert_eq!(in_use.code, Some(7), "{in_use:?}");
    assert!(in_use.stderr.contains("is in use"), "{in_use:?}");
}
