//! The real binary on a terminal: what is asked, what is shown, and what Ctrl-C does.

use std::process::Stdio;
use std::time::Duration;

use facemap_vault::proto::admin::v1::key_service_client::KeyServiceClient;
use facemap_vault::proto::admin::v1::rewrap::State;
use facemap_vault::proto::admin::v1::{CancelRewrapRequest, GetRewrapRequest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::caller::connect_socket;
use crate::support::site::Site;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const CTRL_C: &str = "\u{3}";
const PASSPHRASE: &str = "seven golden vaults under one green hill";
const ANOTHER: &str = "nine silver doors behind two blue rivers";

/// A program on a pseudo-terminal, which `script` makes: everybody has it.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    seen: String,
    tty: String,
}

impl Terminal {
    /// Runs a shell's command line.
    async fn run(line: &str) -> Self {
        let mut command = Command::new("script");
        let line = format!("tty; {line}");
        command.args(["--quiet", "--flush", "--return", "--command", &line, "/dev/null"]);
        command.env_clear().env("TERM", "xterm").env("PATH", "/usr/bin:/bin").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("script, of Debian's bsdutils");
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut terminal = Self { child, keys, screen, seen: String::new(), tty: String::new() };
        terminal.tty = terminal.shows(&["\r\n"]).await;
        terminal
    }

    /// Waits until all of `texts` have been seen since the last time, in this order; what came before the
    /// last of them.
    async fn shows(&mut self, texts: &[&str]) -> String {
        let (mut bytes, mut before) = ([0; 4096], String::new());
        for text in texts {
            while !self.seen.contains(text) {
                let read = timeout(PATIENCE, self.screen.read(&mut bytes)).await;
                let len =
                    read.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen)).unwrap();
                assert!(len > 0, "it ended without {text:?}: {:?}", self.seen);
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..len]));
            }
            let at = self.seen.find(text).unwrap();
            before = self.seen[..at].to_owned();
            self.seen.drain(..at + text.len());
        }
        before
    }

    /// Waits until a secret is asked for by `prompt`, and what is typed is not shown.
    async fn asks(&mut self, prompt: &str) {
        self.shows(&[prompt]).await;
        while is_on("echo", &self.settings()) {
            tokio::task::yield_now().await;
        }
    }

    /// How the terminal is set, in the words of `stty`.
    fn settings(&self) -> String {
        let mut stty = std::process::Command::new("stty");
        let told = stty.args(["--file", &self.tty, "--all"]).output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    }

    async fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).await.unwrap();
        self.keys.flush().await.unwrap();
    }

    /// What it still showed, and its exit code.
    async fn ended(mut self) -> (String, Option<i32>) {
        let mut rest = Vec::new();
        timeout(PATIENCE, self.screen.read_to_end(&mut rest)).await.expect("it ends").unwrap();
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        (self.seen, status.code())
    }
}

/// The command line of `fmvault` with the site's settings.
fn line(site: &Site, arguments: &str) -> String {
    let (binary, settings) = (env!("CARGO_BIN_EXE_fmvault"), site.settings_file());
    format!("'{binary}' {arguments} --config '{}'", settings.display())
}

#[tokio::test]
async fn a_passphrase_is_asked_for_twice_and_never_shown() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let cheap = "--memory 19 --passes 2 --lanes 1";
    let mut add = Terminal::run(&line(&site, &format!("keys slot add passphrase {cheap}"))).await;
    add.asks("New passphrase: ").await;
    add.types(&format!("{PASSPHRASE}\n")).await;
    add.asks("The same passphrase again: ").await;
    add.types(&format!("{PASSPHRASE}\n")).await;
    let (shown, code) = add.ended().await;
    assert!(code == Some(0) && shown.contains("slot 3 added"), "{code:?} {shown:?}");
    assert!(!shown.contains("golden"), "{shown:?}");

    let change = format!("keys passphrase --unlock passphrase:ask {cheap}");
    let mut change = Terminal::run(&line(&site, &change)).await;
    change.asks("passphrase: ").await;
    change.types(&format!("{PASSPHRASE}\n")).await;
    change.asks("New passphrase: ").await;
    change.types(&format!("{ANOTHER}\n")).await;
    change.asks("The same passphrase again: ").await;
    change.types("something else altogether, twice\n").await;
    let (shown, code) = change.ended().await;
    assert!(code == Some(2) && shown.contains("they differ"), "{code:?} {shown:?}");
    assert!(!shown.contains("golden") && !shown.contains("silver"), "{shown:?}");

    let mut test = Terminal::run(&line(&site, "keys slot test passphrase")).await;
    test.asks("passphrase: ").await;
    test.types(&format!("{PASSPHRASE}\n")).await;
    let (shown, code) = test.ended().await;
    assert!(code == Some(0) && shown.contains("slot 3 opens"), "{code:?} {shown:?}");
}

fn is_on(name: &str, settings: &str) -> bool {
    settings.split_whitespace().any(|word| word == name)
}

/// Who interrupts a prompt for a secret still sees what is typed afterwards, whether the prompt notices or
/// not: the echo is off while it waits.
#[tokio::test]
async fn an_interrupted_prompt_gives_the_terminal_back() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let add = line(&site, "keys slot add passphrase");
    for typed in [true, false] {
        let tells = format!("sh -c 'echo pid $$ of it; exec \"$@\"' sh {add}");
        let mut shell = Terminal::run(&format!("trap : INT; {tells}; echo code $?; stty -a")).await;
        shell.shows(&["pid "]).await;
        let id = shell.shows(&[" of it"]).await;
        shell.asks("New passphrase: ").await;
        match typed {
            true => shell.types(CTRL_C).await,
            false => {
                let id = Pid::from_raw(id.parse().unwrap()).unwrap();
                kill_process(id, Signal::INT).unwrap();
            }
        }
        shell.shows(&["interrupted", "Next: ", "code 130"]).await;
        let (settings, _) = shell.ended().await;
        assert!(["echo", "icanon", "isig"].iter().all(|name| is_on(name, &settings)), "{settings}");
    }
    let slots = site.run(&["keys", "slot", "list", "--json"]).await.json();
    assert_eq!(slots.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_a_rotation_to_the_vault_and_says_how_to_watch_it_again() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    for _ in 0..5 {
        let person = site.onboard(json!({ "facemap_size": 100 })).await;
        let register =
            ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
        site.run(&[&register[..], &["--wait", "10s"]].concat()).await.ok();
    }
    let mut keys = KeyServiceClient::new(connect_socket(&site.path("admin.sock")).await);
    let mut newest = async || {
        let asked = keys.get_rewrap(GetRewrapRequest::default()).await.unwrap();
        asked.into_inner().rewrap.unwrap()
    };

    let mut refused = Terminal::run(&line(&site, "keys rotate")).await;
    refused.shows(&["5 records will be re-wrapped", "type rotate to go on: "]).await;
    refused.types("no\n").await;
    let (shown, code) = refused.ended().await;
    assert!(code == Some(2) && shown.contains("nothing was done"), "{code:?} {shown:?}");

    // One record a second: it is under way for a while.
    let mut rotate = Terminal::run(&line(&site, "keys rotate --rate 1/s")).await;
    rotate.shows(&["type rotate to go on: "]).await;
    rotate.types("rotate\n").await;
    rotate.shows(&["re-wrap", "/5", "/s", " left", "(Ctrl-C is safe)"]).await;
    rotate.types(CTRL_C).await;
    rotate.shows(&["interrupted; the rotation goes on in the vault"]).await;
    rotate.shows(&["Next: fmvault keys rewrap --resume"]).await;
    assert_eq!(rotate.ended().await.1, Some(130));
    let running = newest().await;
    assert_eq!(running.state(), State::Running);

    let mut resume = Terminal::run(&line(&site, "keys rewrap --resume")).await;
    resume.shows(&["/5", "/s", " left", "(Ctrl-C is safe)"]).await;
    resume.types(CTRL_C).await;
    assert_eq!(resume.ended().await.1, Some(130));
    let again = newest().await;
    assert_eq!((again.state(), &again.name), (State::Running, &running.name));

    let mut keys = KeyServiceClient::new(connect_socket(&site.path("admin.sock")).await);
    keys.cancel_rewrap(CancelRewrapRequest::default()).await.unwrap();
    server.stop(Signal::TERM).await;
}
