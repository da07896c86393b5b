//! `fmvault keys`: the keyring, its keys, and who can open it.

use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::proto::admin::v1::key_version::State;
use crate::proto::admin::v1::{KeyVersion, ListKeyVersionsRequest};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};
use super::keys_rotate;
use super::{key_drill, key_init, key_restore, key_slots};

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    /// Make a new keyring and an empty store where the settings say. Never over an existing store
    Init(key_init::Init),
    /// All key versions: age, fingerprint, and how many records each wraps
    List,
    /// New keys: every record is brought under them, and the old ones are destroyed. Safe to interrupt
    Rotate(keys_rotate::Rotate),
    /// Only the second half of a rotation; goes on with one that ended early
    Rewrap(keys_rotate::RewrapKeys),
    /// Destroy one old key version that no record names
    Retire(keys_rotate::Retire),
    /// Who can open the keyring: passphrases, key files, recovery keys, programs, tokens
    #[command(subcommand)]
    Slot(key_slots::Slot),
    /// Change a passphrase. Touches no record, and goes while the vault runs
    Passphrase(key_slots::Passphrase),
    /// The recovery key
    #[command(subcommand)]
    Recovery(key_drill::Recovery),
    /// Take an older copy of the keyring for the vault's, because the newer one is lost
    Restore(key_restore::Restore),
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Keys) -> Result<Exit, Failure> {
    match command {
        Keys::Init(command) => key_init::run(session, command).await,
        Keys::List => list(session).await,
        Keys::Rotate(command) => keys_rotate::rotate(session, command).await,
        Keys::Rewrap(command) => keys_rotate::rewrap(session, command).await,
        Keys::Retire(command) => keys_rotate::retire(session, command).await,
        Keys::Slot(command) => key_slots::run(session, command).await,
        Keys::Passphrase(command) => key_slots::passphrase(session, command).await,
        Keys::Recovery(command) => key_drill::run(session, command).await,
        Keys::Restore(command) => key_restore::run(session, command).await,
    }
}

async fn list(session: &Session) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let request = client.request(ListKeyVersionsRequest {});
    let answer = client.keys().list_key_versions(request).await?.into_inner();
    let items: Vec<Value> = answer.key_versions.iter().map(item).collect();
    let columns = [
        "VERSION",
        "BUCKET",
        "STATE",
        "AGE",
        "FINGERPRINT",
        "RECORDS",
        "WRAPS",
        "MAY BE DESTROYED",
    ];
    let now = Timestamp::now();
    session.output.rows(&items, &columns, |item| {
        let shown =
            ["version", "bucket", "state", "age", "fingerprint", "record_count", "wrap_count"];
        let mut row: Vec<_> = shown.map(|key| text(item, key)).to_vec();
        if let Some(age) = row.get_mut(3) {
            *age = age_of(&text(item, "create_time"), now);
        }
        row.push(text(item, "earliest_retire_time"));
        row
    });
    let due = answer.key_versions.iter().filter(|key| key.rotation_due).count();
    if due > 0 {
        session.output.note(&format!("{due} versions are due: fmvault keys rotate"));
        return Ok(Exit::Attention);
    }
    Ok(Exit::Done)
}

fn item(key: &KeyVersion) -> Value {
    let state = State::try_from(key.state).unwrap_or_default();
    json!({
        "version": key.version,
        "bucket": key.bucket,
        "state": state.as_str_name().trim_start_matches("STATE_"),
        "create_time": time(key.create_time.as_ref()),
        "fingerprint": key.fingerprint,
        "record_count": key.record_count,
        "wrap_count": key.wrap_count,
        "earliest_retire_time": time(key.earliest_retire_time.as_ref()),
        "retire_time": time(key.retire_time.as_ref()),
        "rotation_due": key.rotation_due,
    })
}

/// How long ago that was, in whole days from the first day on.
fn age_of(created: &str, now: Timestamp) -> String {
    let Some(created) = Timestamp::parse(created) else { return "-".to_owned() };
    let age = now.since(created).as_secs();
    match age / 86_400 {
        0 => humantime::format_duration(std::time::Duration::from_secs(age)).to_string(),
        days => format!("{days}d"),
    }
}
