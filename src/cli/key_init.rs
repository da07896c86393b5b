//! `fmvault keys init`: a new vault, with two ways in.

use std::path::PathBuf;

use serde_json::json;

use crate::crypto::RecoveryKey;
use crate::model::Timestamp;
use crate::serve::{StartError, initialize_with};

use super::Session;
use super::exit::{Exit, Failure};
use super::key_slots::{recovery_text, write_recovery};

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Write the recovery key into this new file instead of showing it; then move it elsewhere
    #[arg(long, value_name = "FILE")]
    recovery_file: Option<PathBuf>,
    /// Make no recovery key: if the passphrase or key file is lost, so are all facemaps
    #[arg(long, conflicts_with = "recovery_file")]
    no_recovery: bool,
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Init) -> Result<Exit, Failure> {
    let loaded = super::config::load(session)?;
    let failure = |error: StartError| super::server::failure(&error);
    let recovery = match command.no_recovery {
        true => None,
        false => Some(RecoveryKey::fresh().map_err(|error| failure(error.into()))?),
    };
    // Before the keyring is made: a keyring whose recovery key nobody has is worse than a file more.
    if let (Some(path), Some(key)) = (&command.recovery_file, &recovery) {
        write_recovery(path, key)?;
    }
    let made = initialize_with(&loaded.config, recovery.as_ref(), Timestamp::now()).await;
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            // It opens nothing, and would be in the way of the next try.
            if let Some(path) = &command.recovery_file {
                let _ = std::fs::remove_file(path);
            }
            return Err(failure(error));
        }
    };
    let shown = recovery
        .filter(|_| made.keyring && command.recovery_file.is_none())
        .map(|recovery| recovery.text());
    let keyring = loaded.config.keys.keyring.display().to_string();
    let store = loaded.config.store.path.display().to_string();
    let file = command.recovery_file.as_ref().map(|path| path.display().to_string());
    let json = json!({
        "keyring": keyring,
        "store": store,
        "made_keyring": made.keyring,
        "made_key_file": made.key_file,
        "recovery_key": shown.as_deref(),
        "recovery_file": file.as_ref().filter(|_| made.keyring),
    });
    if command.no_recovery && made.keyring {
        session.output.note(
            "warning: this keyring has one way in. If that is lost so are all facemaps. Add another: \
             fmvault keys slot add recovery",
        );
    }
    session.output.value(&json, || {
        let keyring_line = match made.keyring {
            true => format!("new keyring in {keyring}"),
            false => format!(
                "the keyring in {keyring} was there already and opens; fmvault keys slot list shows \
                 with what"
            ),
        };
        let key_file =
            if made.key_file { "\nnew key file: back it up now, apart from the rest" } else { "" };
        let recovery = match (&shown, &file) {
            (Some(key), _) => recovery_text(key),
            (None, Some(file)) if made.keyring => {
                format!("\nrecovery key in {file}: move it away from this machine now")
            }
            (None, _) => String::new(),
        };
        format!("{keyring_line}\nempty store in {store}{key_file}{recovery}\nNext: fmvault server")
    });
    if let (Some(path), false) = (&command.recovery_file, made.keyring) {
        // The keyring that was there does not open with it.
        let _ = std::fs::remove_file(path);
    }
    Ok(Exit::Done)
}
