//! `fmvault keys init`, and every way in which a keyring, a store and a secret do not belong together.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use crate::support::pki::Authority;
use crate::support::process::Ran;
use crate::support::secured::{TLS, write_certificates};
use crate::support::site::{Site, write_private};

/// Every file below the site's directory with its content, but for the server's log.
fn snapshot(site: &Site) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![site.dir.path().to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

fn refused(ran: &Ran, code: i32, what: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.stderr.contains(what), "want {what:?}: {ran:?}");
    assert!(!ran.next().is_empty());
}

#[tokio::test]
async fn a_vault_is_made_once() {
    let site = Site::start(&[]).await;
    let ran = site.run(&["server"]).await;
    refused(&ran, 6, "not initialised");
    assert_eq!(ran.next(), "fmvault keys init");

    let made = site.run(&["keys", "init", "--json"]).await;
    made.ok();
    assert_eq!(made.json()["made_keyring"], true);
    assert_eq!(made.json()["made_key_file"], true);

    let before = snapshot(&site);
    let ran = site.run(&["keys", "init"]).await;
    refused(&ran, 7, "there is a vault already");
    assert_eq!(ran.next(), "fmvault server");
    assert!(before == snapshot(&site), "nothing was changed");
    site.run(&["server", "--check"]).await.ok();

    for (name, others) in [("keyring", 0o077), ("store", 0o077), ("root-key", 0o377)] {
        let mode = fs::metadata(site.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & others, 0, "{name} has mode {mode:o}");
    }
}

/// Wherever the first try was interrupted, the second finishes it and makes no second keyring.
#[tokio::test]
async fn an_interrupted_init_goes_on() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let keyring = fs::read(site.path("keyring/keyring.1")).unwrap();
    let resumed = |ran: Ran| {
        ran.ok();
        assert_eq!(ran.json()["made_keyring"], false, "{ran:?}");
    };

    fs::remove_dir_all(site.path("store")).unwrap();
    resumed(site.run(&["keys", "init", "--json"]).await);
    site.run(&["server", "--check"]).await.ok();

    // Before the second of the two files, and after the empty directory of the store.
    fs::remove_dir_all(site.path("store")).unwrap();
    fs::DirBuilder::new().mode(0o700).create(site.path("store")).unwrap();
    fs::remove_file(site.path("keyring/keyring.1")).unwrap();
    resumed(site.run(&["keys", "init", "--json"]).await);
    site.run(&["server", "--check"]).await.ok();

    // Before anything but the key file and a directory for the keyring, with a file not yet named.
    fs::remove_dir_all(site.path("store")).unwrap();
    fs::remove_dir_all(site.path("audit")).unwrap();
    fs::remove_dir_all(site.path("keyring")).unwrap();
    fs::DirBuilder::new().mode(0o700).create(site.path("keyring")).unwrap();
    fs::write(site.path("keyring/.keyring.DVldcD"), b"").unwrap();
    let ran = site.run(&["keys", "init", "--json"]).await;
    ran.ok();
    assert_eq!(
        (&ran.json()["made_keyring"], &ran.json()["made_key_file"]),
        (&true.into(), &false.into())
    );
    site.run(&["server", "--check"]).await.ok();
    assert_ne!(fs::read(site.path("keyring/keyring.1")).unwrap(), keyring, "another keyring");
}

/// A store whose keyring is gone must never get a new one: it could not be opened with it.
#[tokio::test]
async fn a_store_without_its_keyring_is_refused() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    fs::rename(site.path("keyring"), site.path("elsewhere")).unwrap();
    let before = snapshot(&site);
    refused(&site.run(&["keys", "init"]).await, 6, "no keyring");
    refused(&site.run(&["server"]).await, 6, "no keyring");
    assert!(before == snapshot(&site), "nothing was changed");

    fs::rename(site.path("elsewhere"), site.path("keyring")).unwrap();
    site.run(&["server", "--check"]).await.ok();
}

#[tokio::test]
async fn a_wrong_secret_opens_nothing_and_changes_nothing() {
    let site =
        Site::start(&[("keys.key_file", ""), ("keys.passphrase", "file:{dir}/passphrase")]).await;
    write_private(&site.path("passphrase"), b"correct horse battery staple five\n");
    site.keys_init().await;
    site.run(&["server", "--check"]).await.ok();

    fs::remove_file(site.path("passphrase")).unwrap();
    write_private(&site.path("passphrase"), b"correct horse battery stable five\n");
    let before = snapshot(&site);
    for arguments in [&["server"][..], &["server", "--check"]] {
        let ran = site.run(arguments).await;
        refused(&ran, 6, "passphrase");
        assert!(!ran.stderr.contains("stable") && !ran.stderr.contains("staple"), "{ran:?}");
    }
    assert!(before == snapshot(&site), "nothing was written");

    fs::remove_file(site.path("passphrase")).unwrap();
    refused(&site.run(&["server"]).await, 6, "passphrase");
}

#[tokio::test]
async fn a_key_file_of_others_is_refused() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let key = site.path("root-key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&site.run(&["server"]).await, 6, "root-key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    refused(&site.run(&["server"]).await, 6, "key file");
    fs::write(&key, [7; 31]).unwrap();
    refused(&site.run(&["server"]).await, 6, "32");
}

#[tokio::test]
async fn a_keyring_that_others_can_read_says_what_to_do() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    fs::set_permissions(site.path("keyring"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = site.run(&["server"]).await;
    refused(&ran, 6, "run `chmod 700 ");
    assert_eq!(ran.next(), "do what the message says");
}

/// Real and simulated facemaps never meet: not by the keyring, and not by the store alone.
#[tokio::test]
async fn a_vault_of_the_other_mode_is_refused() {
    let urls = ["auth_url", "account_url", "api_url", "retrieval_url"];
    let production = |site: &Site| {
        let text = fs::read_to_string(site.settings_file()).unwrap();
        let real = text.replace("\"simulator\"", "\"production\"");
        let kept: Vec<_> =
            real.lines().filter(|line| !urls.iter().any(|url| line.contains(url))).collect();
        fs::write(site.settings_file(), kept.join("\n")).unwrap();
        text
    };
    let authority = Authority::root("callers' root");
    let simulated = Site::start(&TLS).await;
    simulated.keys_init().await;
    production(&simulated);
    refused(&simulated.run(&["server"]).await, 6, "mode simulator");

    let real = Site::start(&TLS).await;
    write_certificates(&real, &authority);
    let text = production(&real);
    real.keys_init().await;
    real.run(&["server", "--check"]).await.ok();
    fs::write(real.settings_file(), text).unwrap();
    refused(&real.run(&["server"]).await, 6, "mode production");

    // Another vault's store beside this keyring, of the other mode and of the same.
    let third = Site::start(&[]).await;
    third.keys_init().await;
    for (site, code, what) in [(&real, 7, "mode production"), (&third, 6, "another vault")] {
        let other = Site::start(&[]).await;
        other.keys_init().await;
        fs::remove_dir_all(other.path("store")).unwrap();
        fs::rename(site.path("store"), other.path("store")).unwrap();
        refused(&other.run(&["server"]).await, code, what);
    }
}
