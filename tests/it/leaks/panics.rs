//! A panic tells where, and nothing else.

use std::process::Stdio;

use facemap_vault::config::{Log, LogFormat, LogLevel};
use facemap_vault::serve::start_logging;
use serde_json::Value;
use tokio::process::Command;

use crate::support::process::run;

const CANARY: &str = "marker-in-a-panic-3b9e7c61";

/// Run by the next test, in a process of its own: logging belongs to a whole process.
#[tokio::test]
#[ignore = "not a test by itself"]
async fn a_program_that_panics() {
    start_logging(Log { format: LogFormat::Json, level: LogLevel::Trace }, true);
    let told = std::hint::black_box(CANARY);
    let panicked = tokio::spawn(async move { panic!("it held {told}") });
    assert!(panicked.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_panic_is_one_line_without_what_it_held() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "leaks::panics::a_program_that_panics", "--ignored", "--nocapture"]);
    command.env("RUST_BACKTRACE", "full").stdin(Stdio::null()).kill_on_drop(true);
    let ran = run(&mut command).await;
    ran.ok();
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let [line] = lines[..] else { panic!("not one line: {lines:#?}") };
    let event: Value = serde_json::from_str(line).unwrap();
    assert_eq!(event["level"], "ERROR");
    let message = event["message"].as_str().unwrap();
    assert!(message.contains("panicked at") && message.contains("panics.rs:"), "{message}");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(CANARY), "{ran:?}");
}
