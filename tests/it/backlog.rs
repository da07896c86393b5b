//! `fmvault enrollment register --from`, `retry` and `close` with the real binary: killed half-way,
//! fed by a pipe, given rows that are wrong.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use facemap_vault::sim::{Options, Remote, Running, Simulator};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

const CLIENT: (&str, &str) = ("client-backlog", "secret-backlog");

/// A simulator, a running vault, and a directory for both.
struct Bench {
    dir: TempDir,
    server: Child,
    remote: Remote,
    _sim: Running,
}

impl Bench {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            client_id: Some(CLIENT.0.to_owned()),
            client_secret: Some(CLIENT.1.to_owned()),
            ..Options::default()
        };
        let sim = Simulator::start(options).await.unwrap();
        let mut secret = fs::OpenOptions::new();
        let mut secret =
            secret.write(true).create(true).mode(0o600).open(dir.path().join("secret")).unwrap();
        secret.write_all(CLIENT.1.as_bytes()).unwrap();
        fs::write(dir.path().join("fmvault.toml"), settings(dir.path(), sim.url())).unwrap();
        let made = command(&dir, &["keys", "init"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let server = serve(&dir);
        let remote = Remote::new(sim.url(), CLIENT.0, CLIENT.1);
        Self { dir, server, remote, _sim: sim }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command that prints JSON; its exit code and what it printed.
    fn run(&self, arguments: &[&str]) -> (i32, Value) {
        told(command(&self.dir, &[arguments, &["--json"]].concat()).output().unwrap())
    }

    /// Registers a file of the directory.
    fn register(&self, name: &str, more: &[&str]) -> (i32, Value) {
        let path = self.path(name);
        let from = ["enrollment", "register", "--from", path.to_str().unwrap()];
        self.run(&[&from, more].concat())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.server.id()).unwrap()).unwrap()
    }

    /// The accounts of all enrollments.
    fn listed(&self) -> Vec<String> {
        let (code, items) = self.run(&["enrollment", "list", "--limit", "1000000"]);
        assert_eq!(code, 0);
        let items = items.as_array().unwrap().iter();
        items.map(|item| item["account_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn onboard(&self, body: Value) -> (String, String) {
        let made = self.remote.post("onboardings", &body).await.unwrap();
        let made = &made["onboardings"][0];
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        (text("account_id"), text("workflow_execution_id"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

fn settings(dir: &std::path::Path, url: &str) -> String {
    let path = |name: &str| dir.join(name).display().to_string();
    let jumio: String = ["auth_url", "account_url", "api_url", "retrieval_url"]
        .map(|key| format!("jumio.{key} = \"{url}\"\n"))
        .concat();
    format!(
        "mode = \"simulator\"\njumio.client_id = \"{}\"\njumio.client_secret = \"file:{}\"\n\
         jumio.user_agent = \"ExampleBank test/1.0\"\njumio.retention = \"30d\"\n{jumio}\
         store.path = \"{}\"\naudit.dir = \"{}\"\naudit.write_timeout = \"60s\"\nkeys.keyring = \"{}\"\nkeys.key_file = \"file:{}\"\n\
         listen.public.address = \"127.0.0.1:0\"\nlisten.http.address = \"127.0.0.1:0\"\n\
         listen.admin.socket = \"{}\"\nsweep.interval = \"1h\"\nsweep.horizon = \"1d\"\n\
         capture.critical = \"1h\"\ncapture.warning = \"2h\"\n",
        CLIENT.0,
        path("secret"),
        path("store"),
        path("audit"),
        path("keyring"),
        path("root-key"),
        path("admin.sock"),
    )
}

fn command(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmvault"));
    command.args(arguments).arg("--config").arg(dir.path().join("fmvault.toml"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A running vault, once it says that it listens.
fn serve(dir: &TempDir) -> Child {
    let log = fs::File::create(dir.path().join("server.log")).unwrap();
    let mut server =
        command(dir, &["server", "--json"]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let log = fs::read_to_string(dir.path().join("server.log")).unwrap();
    assert!(line.contains("admin"), "{line} {log}");
    server
}

fn told(output: Output) -> (i32, Value) {
    let code = output.status.code().unwrap_or_else(|| panic!("killed: {output:?}"));
    (code, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

/// Number `n` as a UUID of the kind `k`.
fn uuid(k: u8, n: usize) -> String {
    format!("{k:08x}-0000-4000-8000-{n:012x}")
}

fn csv(n: usize) -> String {
    format!("{},{}", uuid(1, n), uuid(2, n))
}

/// 60,000 rows as a spreadsheet writes them, some of them wrong: the text, the accounts in it, how many
/// rows repeat another one, and the lines that are wrong.
fn backlog() -> (String, BTreeSet<String>, u64, Vec<usize>) {
    let mut text = "\u{feff}account_id,workflow_execution_id,completed_time\r\n".to_owned();
    let (mut accounts, mut repeated, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for n in 0..60_000 {
        let row = match n % 100 {
            17 => format!("{}x,{},", uuid(1, n), uuid(2, n)),
            18 => format!("\"{},{}", uuid(1, n), uuid(2, n)),
            19 => format!("{},{},tomorrow", uuid(1, n), uuid(2, n)),
            20 if n == 9_920 => "y".repeat(200_000),
            50 => format!("{},", csv(n - 1)),
            51 => format!("\"{}\",\"{}\",", uuid(1, n), uuid(2, n)),
            _ => format!("{},", csv(n)),
        };
        match n % 100 {
            17..=19 => wrong.push(n + 2),
            20 if n == 9_920 => wrong.push(n + 2),
            50 => repeated += 1,
            _ => drop(accounts.insert(uuid(1, n))),
        }
        text.push_str(&row);
        text.push_str("\r\n");
    }
    (text, accounts, repeated, wrong)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_and_nothing_is_lost() {
    let bench = Bench::start().await;
    let (text, accounts, repeated, wrong) = backlog();
    fs::write(bench.path("users.csv"), text).unwrap();
    let progress = bench.path("users.csv.progress");

    let path = bench.path("users.csv");
    let from = ["enrollment", "register", "--from", path.to_str().unwrap(), "--quiet"];
    let mut first = command(&bench.dir, &from).stdout(Stdio::null()).spawn().unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    while !progress.exists() {
        assert!(Instant::now() < give_up, "the first page is not answered");
        assert_eq!(first.try_wait().unwrap(), None, "it ended before it could be killed");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(progress.exists(), "killed half-way");
    assert!(bench.listed().len() < accounts.len(), "killed half-way");

    let (code, summary) = bench.register("users.csv", &[]);

    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(code, 8, "{summary}");
    assert_eq!(summary["complete"], true);
    assert!(number("resumed_after_line") >= 1_000, "{summary}");
    assert_eq!(number("rows"), 60_000);
    assert_eq!(number("rejected"), wrong.len() as u64);
    // What was on its way when it was killed: four pages of 1,000 rows.
    let again = number("known") - repeated;
    assert!(again <= 4_000, "{again} rows were sent twice");
    assert_eq!(number("registered") + again, accounts.len() as u64);
    let listed = bench.listed();
    assert_eq!(listed.len(), accounts.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), accounts);
    assert!(!progress.exists(), "done");
    let rejects = fs::read_to_string(bench.path("users.csv.rejected")).unwrap();
    let lines: Vec<usize> =
        rejects.lines().map(|line| line.split('\t').next().unwrap().parse().unwrap()).collect();
    assert_eq!(lines, wrong);
    assert!(rejects.lines().any(|line| line.ends_with(&format!(
        "{}x,{},",
        uuid(1, 17),
        uuid(2, 17)
    ))));

    let (code, summary) = bench.register("users.csv", &[]);
    let counts = ["registered", "rejected", "resumed_after_line"].map(|key| summary[key].clone());
    assert_eq!((code, counts), (8, [json!(0), json!(wrong.len()), json!(0)]), "all known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_read_and_its_rejects_are_told() {
    let bench = Bench::start().await;
    let object = |n: usize| json!({ "account_id": uuid(1, n), "workflow_execution_id": uuid(2, n), "name": "Ada" });
    let table = [
        (format!("{}\n{}\n", object(1), object(2)), 0, [2, 0, 0], ""),
        (format!("{}\n{{\n{}", object(2), object(3)), 8, [1, 1, 1], "2\t"),
        (String::new(), 0, [0, 0, 0], ""),
    ];
    for (input, code, counts, complaint) in table {
        let from = ["enrollment", "register", "--from", "-", "--input-format", "jsonl", "--json"];
        let mut child = command(&bench.dir, &from)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        let (ended, summary) = told(output);
        let seen = ["registered", "known", "rejected"].map(|key| summary[key].as_i64().unwrap());
        assert_eq!((ended, seen), (code, counts), "{input}: {stderr}");
        assert!(stderr.starts_with(complaint), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_calls_are_told_apart_and_a_busy_vault_can_be_tried_again() {
    let bench = Bench::start().await;
    fs::write(bench.path("users.csv"), csv(1)).unwrap();
    fs::write(bench.path("users.txt"), csv(1)).unwrap();
    let (account, execution) = (uuid(1, 1), uuid(2, 1));
    let input = bench.path("users.csv").display().to_string();
    let text = bench.path("users.txt").display().to_string();
    let register = ["enrollment", "register"];
    let table: [(&[&str], i32); 9] = [
        (&[], 2),
        (&[&account], 2),
        (&[&account, "--from", &input], 2),
        (&["--workflow-execution", &execution, "--from", &input], 2),
        (&[&account, "--workflow-execution", &execution, "--restart"], 2),
        (&["--from", &text], 2),
        (&["--from", &input, "--rejects", &input], 2),
        (&["--from", "/nowhere/users.csv"], 2),
        (&["--from", &input, "--socket", "/nowhere/admin.sock"], 10),
    ];
    for (arguments, want) in table {
        assert_eq!(bench.run(&[&register, arguments].concat()).0, want, "{arguments:?}");
    }
    assert_eq!(bench.listed(), Vec::<String>::new());

    kill_process(bench.pid(), Signal::STOP).unwrap();
    let (code, summary) = bench.register("users.csv", &["--timeout", "500ms"]);
    kill_process(bench.pid(), Signal::CONT).unwrap();
    assert_eq!((code, &summary["complete"]), (8, &json!(false)), "{summary}");
    assert_eq!(bench.register("users.csv", &[]).0, 0);
    assert_eq!(bench.register("users.txt", &["--input-format", "csv"]).1["known"], 1);
    assert_eq!(bench.listed(), [account]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_ones_are_tried_again_or_closed() {
    let bench = Bench::start().await;
    let (account, execution) = bench.onboard(json!({ "download_allowed": false })).await;
    let name = ["enrollment", "register", &account, "--workflow-execution", &execution];
    let registered = bench.run(&[&name[..], &["--wait", "20s"]].concat());
    assert_eq!(registered.0, 3, "{registered:?}");
    let why = "FACEMAP_DOWNLOAD_NOT_ENABLED";

    let retried = bench.run(&["enrollment", "retry", "--reason", why]);
    assert_eq!(retried, (0, json!({ "reason": why, "reopened": 1 })));
    assert_eq!(bench.run(&["enrollment", "retry", "--reason", "JUMIO_TIMEOUT"]).0, 2);
    let (code, enrollment) = bench.run(&["enrollment", "retry", &account]);
    assert_eq!((code, &enrollment["state"]), (3, &json!("BLOCKED")), "nothing has changed");
    assert_eq!(bench.run(&["status"]).0, 3, "somebody must look");

    let close = |reason: &str| bench.run(&["enrollment", "close", &account, "--reason", reason]);
    assert_eq!(close(" ").0, 2);
    assert_eq!(close(&"x".repeat(201)).0, 2);
    assert_eq!(close("a\nb").0, 2);
    let (code, enrollment) = close("tenant of a test");
    assert_eq!((code, &enrollment["state"]), (0, &json!("CLOSED")));
    let (code, status) = bench.run(&["status"]);
    let counts = ["blocked", "closed"].map(|key| status["enrollments"][key].clone());
    assert_eq!((code, counts), (0, [json!(0), json!(1)]));
    let (_, list) = bench.run(&["enrollment", "list", "--state", "closed"]);
    assert_eq!(list[0]["close_reason"], "tenant of a test");

    let (stored, execution) = bench.onboard(json!({})).await;
    let name = ["enrollment", "register", &stored, "--workflow-execution", &execution];
    assert_eq!(bench.run(&[&name[..], &["--wait", "20s"]].concat()).0, 0);
    let close = ["enrollment", "close", &stored, "--reason", "x", "--json"];
    let refused = command(&bench.dir, &close).output().unwrap();
    let why: Value = serde_json::from_slice(&refused.stderr).unwrap();
    let reason = why["error"]["reason"].as_str();
    assert_eq!((refused.status.code(), reason), (Some(7), Some("FACEMAP_CAPTURED")));
    crate::catalogue::raised::note("FACEMAP_CAPTURED");
    assert_eq!(bench.run(&["enrollment", "retry", &stored]).1["state"], "ACTIVE");
    assert_eq!(bench.run(&["enrollment", "retry", &uuid(1, 9)]).0, 4);
}
