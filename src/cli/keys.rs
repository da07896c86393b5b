//! `fmvault keys`: the keyring, its keys, and who can open it.

use serde_json::{Value, json};

use crate::proto::admin::v1::key_version::State;
use crate::proto::admin::v1::{KeyVersion, ListKeyVersionsRequest};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};
use super::{key_drill, key_init, key_restore, key_slots};

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    /// Make a new keyring and an empty store where the settings say. Never over an existing store
    Init(key_init::Init),
    /// All key versions: age, fingerprint, and how many records each wraps
    List,
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
    let columns = ["VERSION", "BUCKET", "STATE", "CREATED", "FINGERPRINT", "RECORDS"];
    session.output.rows(&items, &columns, |item| {
        ["version", "bucket", "state", "create_time", "fingerprint", "record_count"]
            .map(|key| text(item, key))
            .to_vec()
    });
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
    })
}
