//! `fmvault server`: run the vault.

use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::grpc::catalogue::reason_name;
use crate::model::Timestamp;
use crate::serve::{Running, Stamps, StartError, start, start_logging};

use super::Session;
use super::exit::{Exit, Failure};

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Server {
    /// Open everything, then stop: for tests of a configuration
    #[arg(long)]
    check: bool,
}

/// Runs the vault until SIGTERM or SIGINT.
pub(super) async fn run(session: &Session, command: Server) -> Result<Exit, Failure> {
    let loaded = super::config::load(session)?;
    start_logging(loaded.config.log, session.global.verbose);
    for warning in &loaded.warnings {
        tracing::warn!(setting = %warning.message, "{}", warning.fix);
    }
    let begun = Timestamp::now();
    let progress = |read: u64| {
        // Over a second, say so: a large store is read once at every start.
        if Timestamp::now().since(begun).as_secs() >= 1 {
            tracing::info!(records = read, "reading the store");
        }
    };
    let mut stop = StopSignals::listen()?;
    let running = tokio::select! {
        started = start(&loaded.config, progress) => started.map_err(|error| failure(&error))?,
        // Reading a large store takes its time, and nothing was promised yet.
        () = stop.wait() => return Ok(Exit::Done),
    };
    if command.check {
        running.stop().await;
        session.output.value(&json!({ "ok": true }), || "everything opens".to_owned());
        return Ok(Exit::Done);
    }
    // Before saying that anything is ready: whoever reads that may send it at once.
    let mut reload = Reload::listen(session)?;
    ready(session, &running);
    loop {
        tokio::select! {
            () = stop.wait() => break,
            () = reload.wait() => {
                let read = super::config::load(session).map(|loaded| loaded.config);
                running.reload(read.map_err(|failure| failure.message)).await;
            }
        }
    }
    tracing::info!("stopping");
    running.stop().await;
    Ok(Exit::Done)
}

/// Says where the vault listens: one line, for people or for programs.
fn ready(session: &Session, running: &Running) {
    let admin = running.admin.display().to_string();
    let json = json!({
        "grpc": running.grpc.to_string(),
        "admin": admin,
        "http": running.http.to_string(),
        "callback": running.callback.map(|address| address.to_string()),
    });
    let callback = running.callback.map(|address| format!(", callback {address}"));
    session.output.ready(&json, || {
        let callback = callback.unwrap_or_default();
        format!("serving: grpc {}, admin {admin}, http {}{callback}", running.grpc, running.http)
    });
}

/// What makes the settings be read again: SIGHUP, or a change of their file.
struct Reload {
    hangup: Signal,
    file: Stamps,
}

/// How often the file of settings is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Reload {
    fn listen(session: &Session) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::unexpected(format!("no signals: {error}"));
        let hangup = signal(SignalKind::hangup()).map_err(failed)?;
        Ok(Self { hangup, file: Stamps::of(session.global.config.iter().cloned().collect()) })
    }

    async fn wait(&mut self) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.file.changed() {
                return;
            }
        }
    }
}

/// SIGTERM and SIGINT, from the moment they are listened for. Listen before saying that anything is
/// ready: whoever reads that may ask to stop at once, and until then a signal ends the process where
/// it stands.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// A file grew over a limit: an error of that write, for whoever listens, and else the end.
    _too_large: Signal,
}

/// SIGXFSZ, as Linux numbers it on all machines the vault runs on.
const FILE_TOO_LARGE: i32 = 25;

impl StopSignals {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// If signals cannot be received.
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::unexpected(format!("no signals: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            _too_large: signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(failed)?,
        })
    }

    /// Returns at the next of them, also if it has come already.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A start that failed, for the command line: the chain of causes, and what to do next.
pub(super) fn failure(error: &StartError) -> Failure {
    let exit = match error {
        error if error.is_sealed() => Exit::Sealed,
        error if error.is_conflict() => Exit::Conflict,
        _ => Exit::Attention,
    };
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    let mut message = texts.join(": ");
    let reason = error.reason().map(reason_name);
    if let Some(reason) = reason {
        message = format!("{message} ({reason})");
    }
    Failure { reason: reason.map(str::to_owned), ..Failure::new(exit, message, error.next()) }
}
