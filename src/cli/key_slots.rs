//! `fmvault keys slot` and `keys passphrase`: who can open the keyring. They work on its files, whether
//! the vault runs or not; a running one goes on.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::{Config, SecretRef};
use crate::crypto::{
    KdfCost, KeyFile, KeySlot, NewSlot, RecoveryKey, SlotError, SlotKind, SlotLock, SlotsChange,
};
use crate::model::Timestamp;
use crate::serve::{Found, Unlocked, find, unlock_with, write_secret};
use crate::unlock::{Place, Source};

use super::Session;
use super::exit::{Exit, Failure};
use super::json::text;
use super::key_failure::{home_failure, slot_failure, unlock_failure};
use super::key_source::{self, Cost, Unlock};

/// `fmvault keys slot`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Slot {
    /// Who can open the keyring. Needs no secret
    List,
    /// Add a way in
    Add {
        /// What shall open it: passphrase, key-file:file:/PATH (written if it is not there), recovery,
        /// program:/PATH or pkcs11:URI; for a passphrase also passphrase:PLACE
        source: String,
        /// What to call it
        #[arg(long, default_value = "")]
        label: String,
        /// Write a new recovery key into this new file instead of showing it
        #[arg(long, value_name = "FILE")]
        recovery_file: Option<PathBuf>,
        #[command(flatten)]
        cost: Cost,
        #[command(flatten)]
        unlock: Unlock,
    },
    /// Remove a way in; never the last one
    Remove {
        /// Its number, as `keys slot list` shows it
        slot: u16,
        /// Really: what opened the slot no longer opens the keyring
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        unlock: Unlock,
    },
    /// Open the keyring with a source, check every key in it, and change nothing
    Test {
        /// Which; else the one that [keys] names
        source: Option<String>,
    },
}

/// `fmvault keys passphrase`.
#[derive(Debug, clap::Args)]
pub(super) struct Passphrase {
    /// Where the new one is: file:/path, cred:NAME, stdin or fd:NUMBER; else it is asked for
    #[arg(long, value_name = "PLACE", default_value = "ask")]
    new: String,
    /// The slot whose passphrase to change; else the one that the current passphrase opens
    #[arg(long)]
    slot: Option<u16>,
    #[command(flatten)]
    cost: Cost,
    #[command(flatten)]
    unlock: Unlock,
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Slot) -> Result<Exit, Failure> {
    let config = super::config::load(session)?.config;
    match command {
        Slot::List => list(session, &config),
        Slot::Add { source, label, recovery_file, cost, unlock } => {
            let new = New { source, label, recovery_file, cost: cost.checked()? };
            add(session, &config, new, &unlock).await
        }
        Slot::Remove { slot, confirm, unlock } => {
            remove(session, &config, slot, confirm, &unlock).await
        }
        Slot::Test { source } => test(session, &config, source.as_deref()).await,
    }
}

/// A slot to be added.
struct New {
    source: String,
    label: String,
    recovery_file: Option<PathBuf>,
    cost: KdfCost,
}

fn list(session: &Session, config: &Config) -> Result<Exit, Failure> {
    let Found { keyring, .. } = find(config).map_err(|error| super::server::failure(&error))?;
    let items: Vec<Value> = keyring.slots().iter().map(item).collect();
    let columns = ["SLOT", "KIND", "LABEL", "CREATED", "FINGERPRINT", "ARGON2ID"];
    session.output.rows(&items, &columns, |item| {
        ["slot", "kind", "label", "create_time", "fingerprint", "argon2id"]
            .map(|key| text(item, key))
            .to_vec()
    });
    Ok(Exit::Done)
}

fn item(slot: &KeySlot) -> Value {
    let argon2id = match slot.lock() {
        SlotLock::Passphrase { cost, .. } => {
            let KdfCost { memory_kib, passes, lanes } = cost;
            Some(format!("{} MiB, {passes} passes, {lanes} lanes", memory_kib / 1024))
        }
        SlotLock::KeyFile { .. }
        | SlotLock::Recovery { .. }
        | SlotLock::Program { .. }
        | SlotLock::Token { .. } => None,
    };
    // A keyring of the first format does not say when.
    let created = (slot.created().as_millis() > 0).then(|| slot.created().to_string());
    json!({
        "slot": slot.id(),
        "kind": slot.lock().kind().word(),
        "label": slot.label(),
        "create_time": created,
        "fingerprint": slot.lock().fingerprint().map(hex::encode),
        "argon2id": argon2id,
    })
}

async fn add(
    session: &Session,
    config: &Config,
    new: New,
    unlock: &Unlock,
) -> Result<Exit, Failure> {
    let fresh = new.source == SlotKind::Recovery.word();
    let unlocked = open(session, config, unlock).await?;
    let (slot, recovery) = if fresh {
        let key = RecoveryKey::fresh().map_err(|error| slot_failure(&error.into()))?;
        if let Some(path) = &new.recovery_file {
            write_recovery(path, &key)?;
        }
        (NewSlot::recovery(&key), Some(key))
    } else {
        let source = key_source::parse(session, &new.source, true)?;
        write_missing_key_file(&source)?;
        let made = source.new_slot(new.cost).await;
        (made.map_err(unlock_failure)?, None)
    };
    let label = match new.label.as_str() {
        "" if fresh => "recovery",
        label => label,
    };
    let now = Timestamp::now();
    let id = change(unlocked, |slots| slots.add(&slot, label, now))?;
    let shown = recovery.filter(|_| new.recovery_file.is_none()).map(|key| key.text());
    let json = json!({ "slot": id, "recovery_key": shown.as_deref() });
    session.output.value(&json, || match &shown {
        Some(key) => format!("slot {id} added\n{}", recovery_text(key)),
        None => format!("slot {id} added\nNext: fmvault keys slot test, with what opens it"),
    });
    Ok(Exit::Done)
}

async fn remove(
    session: &Session,
    config: &Config,
    slot: u16,
    confirm: bool,
    unlock: &Unlock,
) -> Result<Exit, Failure> {
    if !confirm {
        let message = format!("what opens slot {slot} would no longer open the keyring");
        return Err(Failure::new(Exit::Usage, message, "repeat it with --confirm"));
    }
    let unlocked = open(session, config, unlock).await?;
    change(unlocked, |slots| slots.remove(slot))?;
    session.output.value(&json!({ "slot": slot, "removed": true }), || {
        format!(
            "slot {slot} removed\nWhoever kept a copy of the keyring from before can still open that \
             copy with it: destroy old copies. If one may be in wrong hands, remove all slots but one, \
             which makes a new root key, and rotate the keys"
        )
    });
    Ok(Exit::Done)
}

async fn test(session: &Session, config: &Config, source: Option<&str>) -> Result<Exit, Failure> {
    let source = match source {
        Some(text) => key_source::parse(session, text, false)?,
        None => Source::from(&config.keys.root),
    };
    let unlocked = unlock_with(config, &source).await;
    let Unlocked { keyring, home } = unlocked.map_err(|error| super::server::failure(&error))?;
    let (slot, keys) = (home.opened_slot(), keyring.keks().count());
    let json = json!({ "slot": slot, "kind": source.kind().word(), "keys": keys });
    session.output.value(&json, || {
        format!("slot {slot} opens with {}; all {keys} keys in the keyring are well", source.kind())
    });
    Ok(Exit::Done)
}

/// Changes a passphrase. No record is touched, and no other slot.
pub(super) async fn passphrase(session: &Session, command: Passphrase) -> Result<Exit, Failure> {
    let config = super::config::load(session)?.config;
    let cost = command.cost.checked()?;
    let unlocked = open(session, &config, &command.unlock).await?;
    let slot = command.slot.unwrap_or_else(|| unlocked.home.opened_slot());
    let place = key_source::place(session, &command.new, "passphrase", true)?;
    let new = Source::Passphrase(place).new_slot(cost).await.map_err(unlock_failure)?;
    let now = Timestamp::now();
    change(unlocked, |slots| slots.replace_passphrase(slot, &new, now))?;
    session.output.value(&json!({ "slot": slot, "changed": true }), || {
        format!(
            "the passphrase of slot {slot} is changed; the old one opens nothing any more but older \
             copies of the keyring\nNext: put the new one where [keys] in the settings says, before \
             the next start"
        )
    });
    Ok(Exit::Done)
}

async fn open(session: &Session, config: &Config, unlock: &Unlock) -> Result<Unlocked, Failure> {
    let source = unlock.source(session, config)?;
    unlock_with(config, &source).await.map_err(|error| super::server::failure(&error))
}

fn change<T>(
    unlocked: Unlocked,
    change: impl FnOnce(&mut SlotsChange<'_>) -> Result<T, SlotError>,
) -> Result<T, Failure> {
    unlocked.home.change_slots(change).map_err(home_failure)
}

/// A key file that is named and not there is made, as `keys init` does it.
fn write_missing_key_file(source: &Source) -> Result<(), Failure> {
    let Source::KeyFile(Place::Reference(SecretRef::File(path))) = source else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    let bytes = KeyFile::fresh().map_err(|error| slot_failure(&error.into()))?;
    write_secret(path, &*bytes).map_err(|error| super::server::failure(&error))
}

/// Writes a recovery key into a new file.
pub(super) fn write_recovery(path: &std::path::Path, key: &RecoveryKey) -> Result<(), Failure> {
    let mut text = key.text();
    text.push('\n');
    write_secret(path, text.as_bytes()).map_err(|error| super::server::failure(&error))
}

/// What is said about a recovery key when it is shown, once.
pub(super) fn recovery_text(key: &str) -> String {
    format!(
        "\nRecovery key, shown this once:\n\n    {key}\n\nWrite it down or print it, and keep it away \
         from this machine and from copies of the keyring.\nWith it and a copy of the keyring, all \
         facemaps can be opened when everything else is lost.\nTry it: fmvault keys slot test recovery"
    )
}
