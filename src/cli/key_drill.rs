//! `fmvault keys recovery drill`: proves on copies that the recovery key recovers.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::crypto::{Provider, Selected, select};
use crate::serve::StartError;
use crate::store::keyring_file::KeyringFiles;
use crate::store::{Identity, Options, RocksStore};
use crate::unlock::Source;
use crate::vault::{Drilled, drill};

use super::Session;
use super::exit::{Exit, Failure};
use super::key_source;

/// `fmvault keys recovery`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Recovery {
    /// Open copies of store and keyring with the recovery key alone, and check every record. Changes
    /// nothing in them
    Drill(Drill),
}

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Drill {
    /// A copy of the store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// A copy of the keyring
    #[arg(long, value_name = "DIR")]
    keyring: PathBuf,
    /// Where the recovery key is: file:/path, stdin or fd:NUMBER; else it is asked for
    #[arg(long, value_name = "PLACE", default_value = "ask")]
    recovery: String,
}

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    Recovery::Drill(command): Recovery,
) -> Result<Exit, Failure> {
    let failure = |error: StartError| super::server::failure(&error);
    // Nobody is asked for a key before it is clear that there is something to open with it.
    is_there("store", &command.store, "CURRENT")?;
    is_there("keyring", &command.keyring, "")?;
    let provider = Provider::default();
    let files = KeyringFiles::open(&command.keyring).map_err(|error| failure(error.into()))?;
    let [zero, one] = files.read().map_err(|error| failure(error.into()))?;
    let selected =
        select(zero.as_deref(), one.as_deref()).map_err(|error| failure(error.into()))?;
    let Selected { keyring, other_damaged, .. } = selected;
    let place = key_source::place(session, &command.recovery, "recovery key", false)?;
    let opened = Source::Recovery(place).open(&keyring, provider).await;
    let opened = opened.map_err(|error| failure(error.into()))?;
    let ring = keyring.unlock(&opened.root, provider).map_err(|error| failure(error.into()))?;

    let identity = Identity { vault_id: ring.vault(), mode: ring.mode() };
    let store = RocksStore::open_copy(&command.store, identity, &Options::default())
        .map_err(|error| failure(error.into()))?;
    let progress = |records: u64| {
        if session.output.shows_progress() {
            session.output.note(&format!("{records} records read"));
        }
    };
    let drilled = drill(&store, &ring, progress).await.map_err(|error| failure(error.into()))?;
    let passed = drilled.passed() && !other_damaged;
    report(session, &drilled, ring.keks().count(), opened.slot, other_damaged);
    Ok(if passed { Exit::Done } else { Exit::Attention })
}

/// Whether a copy was named: its directory, and in it `member`.
fn is_there(what: &str, dir: &Path, member: &str) -> Result<(), Failure> {
    if dir.join(member).exists() {
        return Ok(());
    }
    let message = format!("there is no copy of a {what} in {}", dir.display());
    let next = format!("copy the vault's {what} there, or name the right directory with --{what}");
    Err(Failure::new(Exit::NotFound, message, next))
}

fn report(session: &Session, drilled: &Drilled, keys: usize, slot: u16, other_damaged: bool) {
    let Drilled { records, opened, damaged, facemaps, facemaps_whole, missing, sequence_behind } =
        drilled;
    let passed = drilled.passed() && !other_damaged;
    let items: Vec<_> = missing
        .0
        .iter()
        .map(|(kek, records)| json!({ "bucket": kek.bucket, "epoch": kek.epoch, "records": records }))
        .collect();
    let json = json!({
        "passed": passed,
        "slot": slot,
        "keys": keys,
        "keyring_file_damaged": other_damaged,
        "records": records,
        "records_opened": opened,
        "records_damaged": damaged,
        "facemaps": facemaps,
        "facemaps_whole": facemaps_whole,
        "missing_keys": items,
        "store_behind_keyring": sequence_behind,
    });
    session.output.value(&json, || {
        let mut lines = vec![
            format!("recovery slot {slot} opens the keyring; all {keys} keys in it are well"),
            format!("{opened} of {records} records open"),
            format!("{facemaps_whole} of {facemaps} facemaps are whole and open with their keys"),
        ];
        if other_damaged {
            lines.push("one of the two keyring files in this copy is damaged".to_owned());
        }
        if *damaged > 0 {
            lines.push(format!("{damaged} records are damaged"));
        }
        if !missing.0.is_empty() {
            lines.push(format!("{missing}; this keyring is older than the store"));
        }
        if *sequence_behind {
            lines
                .push("the store is older than the keyring: copy both at the same time".to_owned());
        }
        lines.push(match passed {
            true => "PASSED: with this keyring and the recovery key, everything can be recovered"
                .to_owned(),
            false => "FAILED: this copy would not recover everything".to_owned(),
        });
        lines.push("Nothing in the copies was changed.".to_owned());
        lines.join("\n")
    });
}
