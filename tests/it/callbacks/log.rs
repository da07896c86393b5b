//! The secret in the path is in no line of the log, whatever is asked for and however it ends.

use std::process::Stdio;

use facemap_vault::config::Config;
use facemap_vault::model::Timestamp;
use facemap_vault::{serve, sim};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::{PATIENCE, Run, SECRET, callback, id, settings};

#[tokio::test]
async fn the_secret_is_never_logged() {
    let sim = sim::Simulator::start(sim::Options::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut flags = settings(data.path(), &sim);
    flags.push(("log.level", "trace".to_owned()));
    flags.push(("listen.callback.sources", "[\"52.48.0.25\"]".to_owned()));
    flags.push(("listen.callback.trusted_proxies", "[\"127.0.0.1\"]".to_owned()));
    let config = Config::load(None, std::iter::empty(), &flags).unwrap().config;
    serve::initialize(&config, Timestamp::now()).await.unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fmvault"));
    command.args(["server", "--json", "--verbose"]).env_clear().kill_on_drop(true);
    for (key, value) in flags {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut vault = command.spawn().unwrap();
    let pid = Pid::from_raw(vault.id().unwrap().try_into().unwrap()).unwrap();
    let mut stderr = vault.stderr.take().unwrap();
    let log = tokio::spawn(async move {
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.unwrap();
        log
    });
    let mut stdout = BufReader::new(vault.stdout.take().unwrap()).lines();
    let ready = tokio::time::timeout(PATIENCE, stdout.next_line()).await.unwrap().unwrap();
    let ready: Value = serde_json::from_str(&ready.unwrap()).unwrap();

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let good = callback(&Run { account: id(), execution: id() }, "PROCESSED", "").to_string();
    let long = " ".repeat(20_000);
    let almost = format!("{SECRET}x");
    let table = [
        (SECRET, "52.48.0.25", &good, 200),
        (SECRET, "52.48.0.25", &long, 413),
        (SECRET, "52.48.0.25", &long[..9].to_owned(), 400),
        (SECRET, "6.6.6.6", &good, 403),
        (almost.as_str(), "52.48.0.25", &good, 404),
    ];
    for (secret, from, body, status) in table {
        let address = ready["callback"].as_str().unwrap();
        let request = http.post(format!("http://{address}/callback/{secret}?{secret}"));
        let request = request.header("x-forwarded-for", from).body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    kill_process(pid, Signal::TERM).unwrap();
    let status = tokio::time::timeout(PATIENCE, vault.wait()).await.unwrap().unwrap();

    let log = log.await.unwrap();
    assert!(status.success(), "{log}");
    assert!(log.contains("not on the list") && log.contains("stopping"), "{log}");
    assert!(log.contains("\"callback\""), "the one that was taken: {log}");
    assert!(!log.contains("0f1e2d3c"), "{log}");
    sim.stop().await;
}
