//! The table of exit codes, each raised once, and the line that says what to do next.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::process::{Ran, fmvault, run};
use crate::support::site::Site;

fn failed(ran: &Ran, code: i32, next: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.next().contains(next), "want a next step with {next:?}: {ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert_eq!(ran.stdout, "", "nothing but results goes to standard output");
}

#[tokio::test]
async fn usage_is_2_and_nothing_else_is() {
    for arguments in [
        &["nonsense"][..],
        &["status", "--wrong"],
        &["enrollment", "register", "x"],
        &["enrollment", "list", "--state", "sleeping"],
        &["keys", "init", "--set", "no-equals-sign"],
        &["--format", "yaml", "status"],
        &["demo", "--port", "99999"],
    ] {
        let ran = run(&mut fmvault(arguments)).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.stderr.contains("error"), "{arguments:?}: {ran:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["keys", "init", "--help"]] {
        let ran = run(&mut fmvault(arguments)).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn without_a_server_it_is_10() {
    let site = Site::start(&[]).await;
    let unknown = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    for arguments in [
        &["status"][..],
        &["keys", "list"],
        &["enrollment", "list"],
        &["enrollment", "get", unknown],
        &["auth", "start", unknown, "--reference", "x"],
    ] {
        failed(&site.run(arguments).await, 10, "fmvault server");
    }
    let socket = site.path("nowhere.sock").display().to_string();
    let ran = run(&mut fmvault(&["status", "--socket", &socket])).await;
    failed(&ran, 10, "--socket");
    assert!(ran.stderr.contains(&socket), "{ran:?}");

    // The same, for programs: one JSON document on standard error.
    let ran = run(&mut fmvault(&["status", "--json", "--socket", &socket])).await;
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((ran.code, &error["exit_code"]), (Some(10), &json!(10)));
    assert!(error["error"]["next"].as_str().unwrap().contains("fmvault server"), "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains(&socket), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_3() {
    let site = Site::start(&[("jumio.retention", "a while")]).await;
    for arguments in [&["config", "check"][..], &["server"], &["keys", "init"], &["status"]] {
        let ran = site.run(arguments).await;
        failed(&ran, 3, "config init");
        assert!(ran.stderr.contains("jumio.retention"), "{ran:?}");
    }
}

/// What a running vault refuses, as exit codes.
#[tokio::test]
async fn what_the_vault_says_becomes_an_exit_code() {
    let site = Site::start(&[("capture.max_facemap_bytes", "4KiB")]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({ "facemap_size": 1000 })).await;
    let (account, execution) = (person.account.as_str(), person.execution.as_str());
    let unknown = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    let start = ["auth", "start", account, "--reference", "login-1"];

    failed(&site.run(&["enrollment", "get", unknown]).await, 4, "enrollment list");
    failed(&site.run(&start).await, 4, "enrollment list");
    failed(&site.run(&["enrollment", "get", "17"]).await, 2, "fix");
    failed(&site.run(&["enrollment", "erase", account, "--confirm", unknown]).await, 2, account);
    site.run(&["status"]).await.ok();

    let register =
        ["enrollment", "register", account, "--workflow-execution", execution, "--wait", "10s"];
    site.run(&register).await.ok();

    // Jumio is down (9), talks nonsense (1), refuses for good (7).
    let put = |action| json!({ "method": "PUT", "action": action });
    site.fault(put(json!({ "status": 503 }))).await;
    failed(&site.run(&start).await, 9, "try again");
    site.fault(put(json!({ "status": 200, "body": "<html>" }))).await;
    failed(&site.run(&start).await, 1, "fmvault status");
    site.fault(put(json!({ "status": 422 }))).await;
    failed(&site.run(&start).await, 7, "fmvault status");
    let outcome = put(json!({ "drop_answer": true }));
    site.fault(outcome).await;
    let ran = site.run(&start).await;
    assert!(ran.stderr.contains("JUMIO_OUTCOME_UNKNOWN"), "{ran:?}");

    // Somebody's authentication runs already: 7, until it is superseded.
    site.run(&start).await.ok();
    let ran = site.run(&start).await;
    failed(&ran, 7, "fmvault");
    assert!(ran.stderr.contains("AUTHENTICATION_IN_PROGRESS"), "{ran:?}");
    site.run(&[&start[..], &["--supersede"]].concat()).await.ok();

    // Blocked is worth a look: 3, and so is the vault that has it.
    let blocked = site.onboard(json!({ "download_allowed": false })).await;
    let ran = site
        .run(&[
            "enrollment",
            "register",
            &blocked.account,
            "--workflow-execution",
            &blocked.execution,
            "--wait",
            "10s",
        ])
        .await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("FACEMAP_DOWNLOAD_NOT_ENABLED"), "{ran:?}");
    let ran = site.run(&["status"]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("Next: fmvault enrollment list --state blocked"), "{ran:?}");

    let ended = server.stop(Signal::TERM).await.1;
    assert_eq!(ended.code(), Some(0));
    failed(&site.run(&["status"]).await, 10, "fmvault server");
}

/// Ctrl-C while a command waits. What it asked for is under way all the same.
#[tokio::test]
async fn ctrl_c_is_130() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    site.fault(
        json!({ "method": "GET", "path": "/workflow-executions/", "action": { "delay": "60s" } }),
    )
    .await;
    let arguments =
        ["enrollment", "register", &person.account, "--workflow-execution", &person.execution];
    let mut waiting = site.command(&[&arguments[..], &["--wait", "60s"]].concat());
    let child = waiting.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    // Once the vault knows the account, the command waits for the facemap.
    while site.run(&["enrollment", "get", &person.account]).await.code == Some(4) {}

    kill_process(id, Signal::INT).unwrap();

    let ended = child.wait_with_output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{told}");
    assert!(told.starts_with("error: interrupted\nNext: "), "{told}");
    server.kill().await;
}
