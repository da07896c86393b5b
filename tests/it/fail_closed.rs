//! A start that finds anything wrong with the keyring says what, ends with 6, and writes nothing.

use std::fs;

use facemap_vault::crypto::{KeyFile, Keyring, KeyringChangeError, Provider, SlotSecret, select};
use facemap_vault::model::Timestamp;
use facemap_vault::store::keyring_file::KeyringFiles;
use facemap_vault::vault::KeyringHome;
use rustix::process::Signal;
use serde_json::json;

use crate::support::process::Ran;
use crate::support::site::{Site, write_private};
use crate::support::snapshot::{copy, snapshot};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn path(site: &Site, number: u8) -> std::path::PathBuf {
    site.path(&format!("keyring/keyring.{number}"))
}

/// Does to both files what `spoil` does to one.
fn spoil_both(site: &Site, spoil: impl Fn(&mut Vec<u8>)) {
    for number in [0, 1] {
        let mut bytes = fs::read(path(site, number)).unwrap();
        spoil(&mut bytes);
        fs::write(path(site, number), bytes).unwrap();
    }
}

/// What an attacker would do after altering a file: make its last checksum right again.
fn checksum_made_right(bytes: &mut [u8]) {
    let (content, digest) = bytes.split_last_chunk_mut::<32>().unwrap();
    *digest = Provider::RustCrypto.sha256(content);
}

/// Changes the keys as a rotation does, while no vault runs.
pub(crate) fn change(
    site: &Site,
    change: impl Fn(&Keyring) -> Result<Keyring, KeyringChangeError>,
) {
    let files = KeyringFiles::open(site.path("keyring")).unwrap();
    let [zero, one] = files.read().unwrap();
    let keyring = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let key_file = KeyFile::new(&fs::read(site.path("root-key")).unwrap()).unwrap();
    let opened = keyring.open_slot(&SlotSecret::KeyFile(key_file), Provider::AwsLc).unwrap();
    KeyringHome::new(files, opened, Provider::AwsLc).change(change).unwrap();
}

fn rotate_all(site: &Site) {
    let buckets: Vec<u16> = (0..16).collect();
    change(site, |ring| ring.rotated(&buckets, NOW));
}

/// A start is refused with `code` and a reason, and nothing in the site's directory has changed.
async fn refused(site: &Site, code: i32, reason: &str) -> Ran {
    let before = snapshot(site.dir.path());
    let ran = site.run(&["server"]).await;
    assert_eq!(ran.code, Some(code), "want {reason:?}: {ran:?}");
    assert!(ran.stderr.contains(reason), "want {reason:?}: {ran:?}");
    assert!(!ran.next().is_empty());
    // The word of the catalogue, which stands at the end of what happened.
    let (_, name) = ran.stderr.lines().next().unwrap().rsplit_once('(').expect("it has a word");
    crate::catalogue::raised::note(name.trim_end_matches(')'));
    assert!(before == snapshot(site.dir.path()), "{reason}: something was written");
    ran
}

type Spoil = fn(&Site);

/// Each cause and its own reason.
const CAUSES: &[(&str, Spoil, &str)] = &[
    (
        "the keyring is gone",
        |site| fs::remove_dir_all(site.path("keyring")).unwrap(),
        "but no keyring in",
    ),
    (
        "both files are gone",
        |site| [0, 1].iter().for_each(|n| fs::remove_file(path(site, *n)).unwrap()),
        "but no keyring in",
    ),
    (
        "both files are damaged",
        |site| spoil_both(site, |bytes| bytes[100] ^= 1),
        "the keyring is damaged",
    ),
    (
        "both files are cut",
        |site| spoil_both(site, |bytes| bytes.truncate(90)),
        "the keyring is damaged",
    ),
    (
        "written by a newer program",
        |site| {
            spoil_both(site, |bytes| {
                bytes[4] = 3;
                checksum_made_right(bytes);
            });
        },
        "format version 3: a newer program is needed",
    ),
    (
        "a slot of a kind that only a newer program knows",
        |site| {
            spoil_both(site, |bytes| {
                bytes[33] = 9;
                checksum_made_right(bytes);
            });
        },
        "key slot kind 9: a newer program is needed",
    ),
    (
        "altered, with right checksums",
        |site| {
            spoil_both(site, |bytes| {
                let at = bytes.len() - 40;
                bytes[at] ^= 1;
                checksum_made_right(bytes);
            });
        },
        "does not open with its own root key: the file was altered",
    ),
    (
        "a key file of another vault",
        |site| {
            fs::remove_file(site.path("root-key")).unwrap();
            write_private(&site.path("root-key"), &[1, 2].repeat(16));
        },
        "locked with a key file of fingerprint",
    ),
    (
        "two copies of different age",
        |site| {
            let old = fs::read(path(site, 0)).unwrap();
            rotate_all(site);
            rotate_all(site);
            fs::write(path(site, 0), old).unwrap();
        },
        "more than one change apart",
    ),
    (
        "an older copy after a rotation, which no record needed",
        |site| {
            copy(&site.path("keyring"), &site.path("older"));
            rotate_all(site);
        },
        // The vault is started in between; see the test.
        "is an older copy",
    ),
];

#[tokio::test]
async fn every_cause_has_its_own_reason_and_nothing_is_written() {
    for (what, spoil, reason) in CAUSES {
        let site = Site::start(&[]).await;
        site.keys_init().await;
        site.run(&["server", "--check"]).await.ok();
        spoil(&site);
        if site.path("older").exists() {
            site.run(&["server", "--check"]).await.ok();
            fs::remove_dir_all(site.path("keyring")).unwrap();
            fs::rename(site.path("older"), site.path("keyring")).unwrap();
        }
        let ran = refused(&site, 6, reason).await;
        assert!(ran.stdout.is_empty(), "{what}: it must not have got ready");
    }
}

/// The newer keyring may be lost. Then the older copy is taken, once an operator says so.
#[tokio::test]
async fn an_older_keyring_is_taken_when_an_operator_says_so() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    copy(&site.path("keyring"), &site.path("older"));
    rotate_all(&site);
    site.run(&["server", "--check"]).await.ok();
    fs::remove_dir_all(site.path("keyring")).unwrap();
    fs::rename(site.path("older"), site.path("keyring")).unwrap();
    let ran = refused(&site, 6, "is an older copy").await;
    assert!(ran.next().ends_with("fmvault keys restore --confirm"), "{ran:?}");
    assert_eq!(site.run(&["keys", "restore"]).await.code, Some(2));
    refused(&site, 6, "is an older copy").await;
    site.run(&["keys", "restore", "--confirm"]).await.ok();
    site.run(&["server", "--check"]).await.ok();
}

/// Two vaults whose key file is the same, as one provisioning system might make them.
#[tokio::test]
async fn the_keyring_of_another_vault_is_refused() {
    let site = Site::start(&[]).await;
    let other = Site::start(&[]).await;
    site.keys_init().await;
    fs::copy(site.path("root-key"), other.path("root-key")).unwrap();
    other.keys_init().await;
    let bytes = |site: &Site, number| fs::read(path(site, number)).unwrap();
    let mine = bytes(&site, 1);
    fs::write(path(&site, 1), bytes(&other, 1)).unwrap();
    refused(&site, 6, "this is the keyring of vault").await;
    fs::write(path(&site, 0), bytes(&other, 0)).unwrap();
    refused(&site, 6, "belongs to another vault than the keyring").await;
    fs::write(path(&site, 0), &mine).unwrap();
    fs::write(path(&site, 1), &mine).unwrap();
    site.run(&["server", "--check"]).await.ok();
}

/// One of the two files is damaged or gone: it starts, says so, and has two again.
#[tokio::test]
async fn one_damaged_file_starts_with_an_alarm_and_is_mended() {
    for number in [0, 1] {
        for gone in [false, true] {
            let site = Site::start(&[]).await;
            site.keys_init().await;
            // A new keyring may have one file only; one that was changed has two.
            rotate_all(&site);
            match gone {
                true => fs::remove_file(path(&site, number)).unwrap(),
                false => fs::write(path(&site, number), b"torn").unwrap(),
            }
            let server = site.serve(&[]).await;
            let log = site.log();
            let alarm: Vec<_> =
                log.lines().filter(|line| line.contains("damaged or gone")).collect();
            assert_eq!(alarm.len(), 1, "{log}");
            assert!(alarm[0].contains("ERROR"), "{log}");
            assert!(alarm[0].contains(&path(&site, number).display().to_string()), "{log}");
            server.stop(Signal::TERM).await;
            let quiet = site.run(&["server", "--check"]).await;
            quiet.ok();
            assert!(!quiet.stderr.contains("damaged"), "it was written again: {quiet:?}");
        }
    }
}

/// Costs that would eat the machine are refused before anything is asked of it.
#[tokio::test]
async fn hostile_costs_are_refused_at_once() {
    let passphrase = [("keys.key_file", ""), ("keys.passphrase", "file:{dir}passphrase")];
    let site = Site::start(&passphrase).await;
    write_private(&site.path("passphrase"), b"correct horse battery staple five\n");
    site.keys_init().await;
    // Behind header, count of slots, and the slot's number, kind, time, label and salt.
    let costs_at = 31 + 2 + 1 + 8 + 1 + "primary".len() + 2 + 16;
    let original = [0, 1].map(|number| fs::read(path(&site, number)).unwrap());
    let table =
        [(0, [0xff; 4], "too costly"), (0, [0; 4], "too weak"), (4, [0xff; 4], "too costly")];
    for (field, number, reason) in table {
        spoil_both(&site, |bytes| {
            bytes[costs_at + field..][..4].copy_from_slice(&number);
            checksum_made_right(bytes);
        });
        refused(&site, 6, reason).await;
        for (number, bytes) in original.iter().enumerate() {
            fs::write(path(&site, u8::try_from(number).unwrap()), bytes).unwrap();
        }
    }
    site.run(&["server", "--check"]).await.ok();
}

/// Keys that records name are missing: which, and for how many records.
#[tokio::test]
async fn missing_keys_are_named_with_the_number_of_records() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let register =
        ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
    site.run(&[&register[..], &["--wait", "10s"]].concat()).await.ok();
    let listed = site.run(&["keys", "list", "--json"]).await.json();
    let used = listed.as_array().unwrap().iter().find(|key| key["record_count"] == 1).unwrap();
    let bucket: u16 = used["bucket"].to_string().trim_matches('"').parse().unwrap();
    server.stop(Signal::TERM).await;

    rotate_all(&site);
    site.run(&["server", "--check"]).await.ok();
    change(&site, |ring| {
        let old = ring.keks().find(|info| info.kek.bucket == bucket).unwrap().kek;
        ring.without(&old, NOW, 1, 1)
    });
    let named = format!("1 KEK is missing: bucket {bucket} epoch 1 for 1 record");
    refused(&site, 6, &named).await;
    let restore = site.run(&["keys", "restore", "--confirm"]).await;
    assert_eq!(restore.code, Some(6), "nor is it taken then: {restore:?}");
}

/// The keyring knows how far the store had come.
#[tokio::test]
async fn a_store_that_was_set_back_is_refused() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    change(&site, |ring| ring.with_min_store_sequence(9));
    refused(&site, 3, "the store was set back: its newest change has number 0").await;
}
