//! `fmvault store`: what is done to a store while no vault runs.

use serde_json::json;

use crate::serve::recover;

use super::Session;
use super::exit::{Exit, Failure};
use super::server::failure;

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Store {
    /// Make good what a store that was set back does not have; shows what it would do unless --yes is
    /// given
    Recover,
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Store) -> Result<Exit, Failure> {
    let Store::Recover = command;
    let loaded = super::config::load(session)?;
    let really = session.global.yes;
    let recovery = recover(&loaded.config, really).await.map_err(|error| failure(&error))?;
    let missing = recovery.rolled_back.missing.len();
    let done = recovery.recovered;
    let json = json!({
        "missing": missing,
        "unnamed": recovery.rolled_back.unnamed,
        "damaged_trail": recovery.damaged_trail,
        "damaged_log": recovery.damaged_log,
        "pending": done.map(|done| done.pending),
        "erased": done.map(|done| done.erased),
        "unknown": done.map(|done| done.unknown),
    });
    session.output.value(&json, || {
        let mut lines = Vec::new();
        if recovery.damaged_trail {
            lines.push("the audit trail is damaged or gone".to_owned());
        }
        if let Some(damage) = &recovery.damaged_log {
            lines.push(format!("the end of the store's log is damaged: {damage}"));
        }
        if recovery.rolled_back.is_empty() {
            lines.push("the store has all that the audit trail knows of".to_owned());
        } else {
            lines.push(recovery.rolled_back.to_string());
        }
        lines.push(match done {
            None if recovery.rolled_back.is_empty() && !recovery.damaged_trail => {
                "nothing to do".to_owned()
            }
            None => "nothing was changed. Next: fmvault --yes store recover".to_owned(),
            Some(done) => format!(
                "{} are pending again, {} erased again, {} unknown. Next: fmvault server; the sweep \
                 captures what Jumio still has",
                done.pending, done.erased, done.unknown
            ),
        });
        lines.join("\n")
    });
    let left = done.is_none() && (missing > 0 || recovery.damaged_trail);
    Ok(if left { Exit::Attention } else { Exit::Done })
}
