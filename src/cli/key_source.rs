//! What opens a key slot, as the command line names it. It names places; no secret is an argument.

use std::io::{ErrorKind, IsTerminal};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::{Config, SecretRef, TokenUri};
use crate::crypto::{KdfCost, SlotKind};
use crate::unlock::{PROGRAM_TIMEOUT, Place, PlaceError, Program, Source};

use super::Session;
use super::exit::{Exit, Failure};

/// How a source is written.
pub(super) const HOW: &str = "write passphrase:PLACE, key-file:PLACE, recovery:PLACE, program:/PATH or \
                              pkcs11:URI, where PLACE is file:/path, cred:NAME, stdin, fd:NUMBER or ask";

/// What opens the keyring for this command.
#[derive(Debug, clap::Args)]
pub(super) struct Unlock {
    /// Open the keyring with this instead of what [keys] names: passphrase:PLACE, key-file:PLACE,
    /// recovery:PLACE, program:/PATH or pkcs11:URI. PLACE is file:/path, cred:NAME, stdin, fd:NUMBER,
    /// or ask
    #[arg(long, value_name = "SOURCE")]
    unlock: Option<String>,
}

/// How costly guessing at a new passphrase is made.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Argon2id, for a passphrase")]
pub(super) struct Cost {
    /// Memory in MiB, 19 to 4096
    #[arg(long, value_name = "MIB", default_value_t = KdfCost::DEFAULT.memory_kib / 1024)]
    memory: u32,
    /// Passes over the memory, 2 to 16
    #[arg(long, value_name = "COUNT", default_value_t = KdfCost::DEFAULT.passes)]
    passes: u32,
    /// Lanes, 1 to 16
    #[arg(long, value_name = "COUNT", default_value_t = KdfCost::DEFAULT.lanes)]
    lanes: u32,
}

impl Cost {
    /// The costs, if they are between floor and ceiling.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`].
    pub(super) fn checked(&self) -> Result<KdfCost, Failure> {
        let memory_kib = self.memory.saturating_mul(1024);
        let cost = KdfCost { memory_kib, passes: self.passes, lanes: self.lanes };
        cost.check().map_err(|error| {
            Failure::new(Exit::Usage, error.to_string(), "leave the flag out: the default is sound")
        })?;
        Ok(cost)
    }
}

impl Unlock {
    /// The source that this command opens the keyring with.
    ///
    /// # Errors
    ///
    /// As [`parse`].
    pub(super) fn source(&self, session: &Session, config: &Config) -> Result<Source, Failure> {
        match &self.unlock {
            Some(text) => parse(session, text, false),
            None => Ok(Source::from(&config.keys.root)),
        }
    }
}

/// Reads a source. What has to be typed is asked for, twice if it is `new`.
///
/// # Errors
///
/// [`Exit::Usage`] if it is none, or if it had to be typed and nobody can be asked. Never repeats what
/// was given: it may be the secret itself.
pub(super) fn parse(session: &Session, text: &str, new: bool) -> Result<Source, Failure> {
    if text.starts_with("pkcs11:") {
        return token(text);
    }
    let (kind, rest) = text.split_once(':').unwrap_or((text, "ask"));
    let kind = SlotKind::ALL.into_iter().find(|known| known.word() == kind);
    let place = |kind| place(session, rest, kind, new);
    Ok(match kind {
        Some(SlotKind::Passphrase) => Source::Passphrase(place("passphrase")?),
        Some(SlotKind::KeyFile) if rest != "ask" => Source::KeyFile(place("key file")?),
        Some(SlotKind::Recovery) => Source::Recovery(place("recovery key")?),
        Some(SlotKind::Program) if rest != "ask" => {
            let command = vec![rest.to_owned()];
            Source::Program(Program { command, timeout: PROGRAM_TIMEOUT })
        }
        Some(SlotKind::KeyFile | SlotKind::Program | SlotKind::Token) | None => {
            return Err(Failure::new(Exit::Usage, "this names no source of a key", HOW));
        }
    })
}

/// Reads a token's URI.
fn token(text: &str) -> Result<Source, Failure> {
    const NEXT: &str =
        "write pkcs11:token=LABEL;object=LABEL?module-path=/PATH&pin-source=file:/PATH";
    let usage = |message| Failure::new(Exit::Usage, message, NEXT);
    let uri: TokenUri = text.parse().map_err(|error| usage(format!("a pkcs11 source {error}")))?;
    match uri.pin {
        SecretRef::Environment(_) => Err(usage(PlaceError::Environment.to_string())),
        SecretRef::File(_) | SecretRef::Credential(_) => Ok(Source::Token(uri)),
    }
}

/// Reads a place, or asks for the secret.
pub(super) fn place(
    session: &Session,
    text: &str,
    what: &str,
    new: bool,
) -> Result<Place, Failure> {
    if text != "ask" {
        return text
            .parse()
            .map_err(|error: PlaceError| Failure::new(Exit::Usage, error.to_string(), HOW));
    }
    if session.global.no_input || !std::io::stdin().is_terminal() {
        let message = format!("the {what} would have to be typed, and nobody can be asked");
        return Err(Failure::new(Exit::Usage, message, HOW));
    }
    let ask = |prompt: String| {
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        typed.map_err(|error| {
            if error.kind() == ErrorKind::Interrupted {
                return Failure::interrupted();
            }
            Failure::unexpected(format!("the terminal cannot be read: {error}"))
        })
    };
    let typed = ask(format!("{}{what}: ", if new { "New " } else { "" }))?;
    if new && *ask(format!("The same {what} again: "))? != *typed {
        return Err(Failure::new(Exit::Usage, "they differ", "try again"));
    }
    Ok(Place::Typed(Arc::new(typed)))
}
