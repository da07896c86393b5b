//! `fmvault keys restore`: goes on with an older copy of the keyring, when the newer one is lost.

use serde_json::json;

use crate::serve::{Unlocked, accept_older, unlock_with};

use super::Session;
use super::exit::{Exit, Failure};
use super::key_source::Unlock;

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// Really: passphrases and key files that were removed since then open the keyring again
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    unlock: Unlock,
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Restore) -> Result<Exit, Failure> {
    let config = super::config::load(session)?.config;
    if !command.confirm {
        let message = "what was removed from the keyring since this copy was made opens it again";
        return Err(Failure::new(Exit::Usage, message, "repeat it with --confirm"));
    }
    let source = command.unlock.source(session, &config)?;
    let unlocked = unlock_with(&config, &source).await;
    let Unlocked { keyring, .. } = unlocked.map_err(|error| super::server::failure(&error))?;
    accept_older(&config, &keyring).map_err(|error| super::server::failure(&error))?;
    let sequence = keyring.sequence();
    session.output.value(&json!({ "sequence": sequence }), || {
        format!(
            "the keyring of change number {sequence} is the vault's now; it has the keys of every \
             record\nNext: fmvault keys slot list, then fmvault server"
        )
    });
    Ok(Exit::Done)
}
