//! The real server on a directory that may make it refuse, or under a shim that may kill it.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use super::shim::Shim;
use crate::support::process::fmvault;

/// How long a start or an end may take on a busy machine before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the log says of a panic.
const PANIC: &str = "panicked at";

/// A server that has said it is ready. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    ready: Value,
    log: PathBuf,
}

/// A server that has ended, or was ended.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) status: ExitStatus,
    /// What it logged in its life.
    pub(crate) log: String,
}

/// How a start went.
pub(crate) enum Begun {
    Ready(Server),
    Over(Over),
}

/// Starts a server with the settings in `dir`, on the files there.
pub(crate) async fn begin(dir: &Path, shim: Option<&Shim>) -> Begun {
    let log = dir.join("server.log");
    let file = File::options().write(true).create(true).truncate(true).open(&log).unwrap();
    let mut command = fmvault(&["server", "--format", "json", "--config"]);
    command.arg(dir.join("fmvault.toml")).stdout(Stdio::piped()).stderr(file);
    if let Some(shim) = shim {
        shim.under(&mut command);
    }
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
    if !matches!(read, Ok(Ok(len)) if len > 0) {
        return Begun::Over(over(child, &log, read.is_err()).await);
    }
    let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    Begun::Ready(Server { child, ready, log })
}

async fn over(mut child: Child, log: &Path, hangs: bool) -> Over {
    if hangs {
        child.start_kill().unwrap();
    }
    let status = timeout(PATIENCE, child.wait()).await.expect("a killed process ends").unwrap();
    let mut log = fs::read_to_string(log).unwrap();
    if hangs {
        log.push_str("\nit neither got ready nor ended");
    }
    Over { status, log }
}

impl Server {
    /// Where it serves callers.
    pub(crate) fn address(&self) -> &str {
        self.ready["grpc"].as_str().unwrap()
    }

    /// How many lines of its log tell of this step of a rotation.
    pub(crate) fn times_at_step(&self, step: usize) -> usize {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let step = format!("\"step\":{step},");
        log.lines().filter(|line| line.contains("\"rotation\"") && line.contains(&step)).count()
    }

    /// Kills it, unless it is dead already.
    pub(crate) async fn kill(mut self) -> Over {
        self.child.start_kill().unwrap();
        over(self.child, &self.log, false).await
    }

    /// Waits for its end for `patience`, then kills it. Whether it ended by itself.
    pub(crate) async fn wait_or_kill(mut self, patience: Duration) -> (bool, Over) {
        let ended = timeout(patience, self.child.wait()).await.is_ok();
        (ended, self.kill().await)
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(self) -> Over {
        use rustix::process::{Pid, Signal, kill_process};
        if let Some(id) = self.child.id() {
            let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
            kill_process(id, Signal::TERM).unwrap();
        }
        self.wait_or_kill(PATIENCE).await.1
    }
}

impl Over {
    /// What must never be in the life of a server, whatever was done to its disk.
    pub(crate) fn violation(&self) -> Option<String> {
        if let Some(at) = self.log.find(PANIC) {
            let said: String = self.log[at..].chars().take(300).collect();
            return Some(format!("a panic: {said}"));
        }
        match (self.status.code(), self.status.signal()) {
            (Some(1), _) => Some(format!("an unexpected error: {}", self.said())),
            (None, Some(signal)) if signal != 9 => Some(format!("it died of signal {signal}")),
            (None, _) if self.log.ends_with("nor ended") => Some(self.said()),
            _ => None,
        }
    }

    /// Whether it was killed, rather than ended by itself.
    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Its last words.
    pub(crate) fn said(&self) -> String {
        let last = self.log.trim_end().lines().rev().take(12).collect::<Vec<_>>();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
