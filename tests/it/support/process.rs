//! The real binary: commands that end, and servers that are stopped or killed.

use std::fs::File;
use std::io::Read as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::site::Site;

/// How long anything that is not measured may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output of a command that must have succeeded.
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.stdout
    }

    /// Standard output as JSON, whatever the exit code.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The line of standard error that says what to do next.
    pub(crate) fn next(&self) -> &str {
        let last = self.stderr.trim_end().lines().last().unwrap_or_default();
        last.strip_prefix("Next: ").unwrap_or_else(|| panic!("no next step: {self:?}"))
    }
}

/// The binary with `arguments`, an environment of its own, and nothing on standard input.
pub(crate) fn fmvault(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmvault"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) async fn run(command: &mut Command) -> Ran {
    let ended = timeout(PATIENCE, command.output()).await.expect("the command ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}

impl Site {
    /// A command with the site's settings file.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = fmvault(arguments);
        command.arg("--config").arg(self.settings_file());
        command
    }

    /// Runs a command with the site's settings file.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments)).await
    }

    /// Makes the keyring and the store.
    pub(crate) async fn keys_init(&self) {
        self.run(&["keys", "init"]).await.ok();
    }

    /// A running server, once it says that it is ready. Its log is the file `server.log`.
    pub(crate) async fn serve(&self, arguments: &[&str]) -> Process {
        let arguments = [&["server", "--format", "json"], arguments].concat();
        let log = File::options().append(true).create(true).open(self.path("server.log")).unwrap();
        Process::start(self.command(&arguments).stderr(log)).await
    }

    /// What the servers of this site have logged so far.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        File::open(self.path("server.log")).unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

/// A running process that has said it is ready. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said, as JSON.
    pub(crate) ready: Value,
}

impl Process {
    /// Starts `command` and reads its first line.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(PATIENCE, stdout.read_line(&mut line)).await.expect("it gets ready").unwrap();
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no JSON in its first line {line:?}: {error}"));
        Self { child, stdout, ready }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// A text of the ready line.
    pub(crate) fn told(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.ready))
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.stdout.read_line(&mut line)).await.expect("it prints").unwrap();
        line
    }

    /// Asks it to stop, and waits; what it printed besides the ready line, and how it ended.
    pub(crate) async fn stop(mut self, signal: Signal) -> (String, ExitStatus) {
        let id = self.child.id().expect("it runs");
        kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), signal).unwrap();
        let mut rest = String::new();
        let read = async { while self.stdout.read_line(&mut rest).await.unwrap() > 0 {} };
        timeout(PATIENCE, read).await.expect("it ends");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        (rest, status)
    }

    /// Kills it, without a chance to tidy up.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
