//! What operators do and see: every command that asks the vault, and those that open the keyring.

use std::collections::BTreeSet;

use facemap_vault::proto::DESCRIPTOR_SET;
use prost::Message as _;
use rustix::process::Signal;
use serde_json::Value;

use super::search::Pattern;
use super::{CLOSE_REASON, PASSPHRASE};
use crate::support::process::Process;
use crate::support::site::{Person, Site, write_private};

const NEW_PASSPHRASE: &str = "marker-new-passphrase heron lantern mosaic four";

/// The files that are the operators' own, and hold what must be nowhere else.
pub(super) const FILES: [&str; 5] = [
    "second-key",
    "second-recovery",
    "new-passphrase",
    "backlog.csv.progress",
    "backlog.csv.rejected",
];

/// Commands that only look, or change little.
pub(super) async fn look(site: &Site, person: &Person) -> Vec<String> {
    let mut printed = Vec::new();
    for arguments in [
        &["status"][..],
        &["keys", "list"],
        &["enrollment", "get", &person.account],
        &["enrollment", "list", "--json"],
        &["config", "show", "--origin"],
        &["config", "check"],
        &["server", "--check", "-v"],
    ] {
        printed.extend(said(site, arguments).await);
    }
    // Refused for its form.
    let refused = site.run(&["auth", "start", &person.account, "--reference", "a<b"]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    printed.extend([refused.stdout, refused.stderr]);
    printed
}

/// Sweeps, doctor, closing, erasing.
pub(super) async fn act(site: &Site, other: &Person) -> Vec<String> {
    let backlog = site.path("backlog.csv");
    let row = format!("account_id,workflow_execution_id\n{},{}\n", other.account, other.execution);
    std::fs::write(&backlog, row).unwrap();
    let backlog = backlog.display().to_string();
    let mut printed = Vec::new();
    for arguments in [
        &["enrollment", "register", "--from", &backlog][..],
        &["sweep", "run"],
        &["sweep", "run", "--no-wait"],
        &["sweep", "plan"],
        &["doctor", "--online", "--account", &other.account],
        &["enrollment", "retry", "--reason", "FACEMAP_TOO_LARGE"],
        &["enrollment", "close", &other.account, "--reason", CLOSE_REASON, "--yes"],
        &["enrollment", "erase", &other.account, "--confirm", &other.account],
        &["status", "--json"],
        &["keys", "list", "--json"],
    ] {
        printed.extend(said(site, arguments).await);
    }
    let sweeps = site.run(&["sweep", "list", "--json"]).await;
    let name = sweeps.json()[0]["name"].as_str().unwrap().to_owned();
    for command in ["get", "cancel"] {
        printed.extend(said(site, &["sweep", command, &name]).await);
    }
    printed.extend([sweeps.stdout, sweeps.stderr]);
    std::fs::remove_file(backlog).unwrap();
    printed
}

/// New keys for everything, also for facemaps; and new ways into the keyring.
pub(super) async fn keys(site: &Site) -> Vec<String> {
    let path = |name: &str| site.path(name).display().to_string();
    write_private(&site.path("new-passphrase"), NEW_PASSPHRASE.as_bytes());
    let key_file = format!("key-file:file:{}", path("second-key"));
    let new = format!("file:{}", path("new-passphrase"));
    let mut printed = Vec::new();
    for arguments in [
        &["keys", "rotate", "--dry-run"][..],
        &["keys", "rotate", "--yes"],
        &["keys", "rotate", "--reencrypt", "--yes"],
        &["keys", "rewrap"],
        &["keys", "rewrap", "get"],
        &["keys", "rewrap", "cancel"],
        &["keys", "retire", "0.1", "--confirm", "0.1"],
        &["keys", "slot", "add", &key_file, "--label", "second"],
        &["keys", "slot", "add", "recovery", "--recovery-file", &path("second-recovery")],
        &["keys", "slot", "list"],
        &["keys", "slot", "test"],
        &["keys", "slot", "remove", "2", "--confirm"],
        &["keys", "passphrase", "--new", &new],
    ] {
        printed.extend(said(site, arguments).await);
    }
    printed
}

/// What those new ways in are.
pub(super) fn canaries(site: &Site) -> Vec<Pattern> {
    let key = std::fs::read(site.path("second-key")).unwrap();
    let recovery = std::fs::read_to_string(site.path("second-recovery")).unwrap();
    vec![
        Pattern::bytes("key file", &key),
        Pattern::text("second recovery key", recovery.trim()),
        Pattern::text("new passphrase", NEW_PASSPHRASE),
        Pattern::hex("new passphrase", NEW_PASSPHRASE.as_bytes()),
        Pattern::base64("new passphrase", NEW_PASSPHRASE.as_bytes()),
        Pattern::hex("old passphrase", PASSPHRASE.as_bytes()),
    ]
}

/// The audit trail in every form in which it is shown.
pub(super) async fn audit(site: &Site, person: &Person) -> Vec<String> {
    let out = site.path("exported").display().to_string();
    let mut printed = Vec::new();
    for arguments in [
        &["audit", "query"][..],
        &["audit", "query", "--account", &person.account, "--json"],
        &["audit", "query", "--failed"],
        &["audit", "verify"],
        &["audit", "verify", "--json"],
        &["audit", "export", "--as", "ocsf"],
        &["audit", "export", "--as", "csv"],
        &["audit", "export", "--as", "ocsf", "--out", &out],
        &["audit", "hash", &person.account],
        &["audit", "hash", "--caller", "spiffe://bank/x"],
    ] {
        printed.extend(said(site, arguments).await);
    }
    let mut command = site.command(&["audit", "tail", "--since", "1h", "--json"]);
    let tail = Process::start(&mut command).await;
    printed.push(tail.ready.to_string());
    printed.push(tail.stop(Signal::INT).await.0);
    printed
}

/// Every method of ours has been called on the way, by what the audit trail says.
pub(super) async fn assert_every_rpc_was_called(site: &Site) {
    let calls = site.run(&["audit", "query", "--action", "rpc.", "--json"]).await.json();
    let action = |event: &Value| event["action"].as_str().unwrap()["rpc.".len()..].to_owned();
    let called: BTreeSet<_> = calls.as_array().unwrap().iter().map(action).collect();
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().flat_map(|file| &file.service);
    let ours: BTreeSet<_> = services
        .flat_map(|service| service.method.iter().map(|method| method.name().to_owned()))
        .collect();
    assert!(ours.len() > 20, "{ours:?}");
    let missed: Vec<_> = ours.difference(&called).collect();
    assert!(missed.is_empty(), "nobody looks for leaks in {missed:?}");
}

async fn said(site: &Site, arguments: &[&str]) -> [String; 2] {
    let ran = site.run(arguments).await;
    assert_ne!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    [ran.stdout, ran.stderr]
}
