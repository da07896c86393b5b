//! How output looks: no colours where nobody sees them, help for every command, no decoration in
//! pipes.

use serde_json::json;

use crate::support::process::{fmvault, run};
use crate::support::site::Site;

const ESCAPE: char = '\u{1b}';

/// Every command with its subcommands, as its help lists them.
async fn commands() -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new()];
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = run(&mut fmvault(&arguments)).await;
        let list = help.ok().lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in list.take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            let is_name = line.starts_with("  ") && !line.starts_with("   ");
            if is_name && name != "help" {
                found.push([&path[..], &[name.to_owned()]].concat());
            }
        }
        next += 1;
    }
    found
}

#[tokio::test]
async fn every_command_has_help_with_the_flags_they_share() {
    let commands = commands().await;
    let named: Vec<_> = commands.iter().map(|path| path.join(" ")).collect();
    for command in [
        "demo journey",
        "server",
        "sim",
        "status",
        "config init",
        "config check",
        "config show",
        "config explain",
        "enrollment register",
        "enrollment get",
        "enrollment list",
        "enrollment erase",
        "auth start",
        "auth get",
        "keys init",
        "keys list",
        "completions",
        "version",
    ] {
        assert!(named.iter().any(|name| name == command), "{command} is not in {named:?}");
    }
    for path in commands {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("-h");
        let help = run(&mut fmvault(&arguments)).await;
        let text = help.ok();
        assert!(
            text.contains(&format!(
                "Usage: {}",
                ["fmvault"]
                    .into_iter()
                    .chain(path.iter().map(String::as_str))
                    .collect::<Vec<_>>()
                    .join(" ")
            )),
            "{text}"
        );
        for flag in [
            "--config",
            "--set",
            "--socket",
            "--format",
            "--json",
            "--timeout",
            "--quiet",
            "--verbose",
            "--no-color",
            "--no-input",
            "--yes",
            "--help",
        ] {
            assert!(text.contains(flag), "{path:?}: no {flag} in {text}");
        }
        assert!(!text.contains(ESCAPE), "{path:?}");
    }
}

#[tokio::test]
async fn global_flags_stand_before_or_after_the_command() {
    let after = run(&mut fmvault(&["version", "--json"])).await;
    let before = run(&mut fmvault(&["--json", "version"])).await;
    assert_eq!(after.ok(), before.ok());
    let by_name = run(&mut fmvault(&["version", "--format", "json"])).await;
    assert_eq!(after.ok(), by_name.ok());
    let by_environment = run(fmvault(&["version"]).env("FMVAULT_FORMAT", "json")).await;
    assert_eq!(after.ok(), by_environment.ok());
    // A flag wins over the environment.
    let flag = run(fmvault(&["version", "--format", "plain"]).env("FMVAULT_FORMAT", "json")).await;
    assert!(!flag.ok().contains('{'), "{flag:?}");
    let flag = run(fmvault(&["version", "--json"]).env("FMVAULT_FORMAT", "plain")).await;
    assert_eq!(after.ok(), flag.ok());
}

/// Forced colours show that there are some to switch off.
#[tokio::test]
async fn colours_are_only_where_somebody_sees_them() {
    let nowhere = ["status", "--socket", "/nowhere.sock"];
    let forced = run(fmvault(&nowhere).env("CLICOLOR_FORCE", "1")).await;
    assert!(forced.stderr.contains(ESCAPE), "nothing to switch off: {forced:?}");

    let piped = run(&mut fmvault(&nowhere)).await;
    assert!(!piped.stderr.contains(ESCAPE), "{piped:?}");
    let told = run(fmvault(&nowhere).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")).await;
    assert!(!told.stderr.contains(ESCAPE), "{told:?}");
    let mut command = fmvault(&["status", "--socket", "/nowhere.sock", "--no-color"]);
    let told = run(command.env("CLICOLOR_FORCE", "1")).await;
    assert!(!told.stderr.contains(ESCAPE), "{told:?}");
}

/// For pipes: one line an item, columns by tabs, nothing else.
#[tokio::test]
async fn plain_output_has_no_decoration() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let _server = site.serve(&[]).await;
    let person = site.onboard(json!({ "facemap_size": 100 })).await;
    let (account, execution) = (&person.account, &person.execution);
    let register =
        ["enrollment", "register", account, "--workflow-execution", execution, "--wait", "10s"];
    site.run(&register).await.ok();

    let plain = site.run(&["enrollment", "list"]).await;
    let columns: Vec<_> = plain.ok().trim_end().split('\t').collect();
    assert_eq!(columns.len(), 7, "{plain:?}");
    assert_eq!(columns[..4], [account.as_str(), "ACTIVE", "NONE", "-"]);
    assert_eq!(plain.ok().lines().count(), 1, "no header");

    let table = site.run(&["enrollment", "list", "--format", "table"]).await;
    let mut lines = table.ok().lines();
    assert!(lines.next().unwrap().trim_start().starts_with("ACCOUNT"), "{table:?}");
    assert!(lines.next().unwrap().contains(account.as_str()));

    for arguments in [
        &["status"][..],
        &["keys", "list"],
        &["enrollment", "get", account],
        &["enrollment", "list", "--format", "table"],
        &["config", "show"],
    ] {
        let ran = site.run(arguments).await;
        assert!(ran.ok().is_ascii(), "{ran:?}");
        assert!(!ran.stdout.contains(ESCAPE) && ran.stderr.is_empty(), "{ran:?}");
        let quiet = site.run(&[arguments, &["--quiet"]].concat()).await;
        assert_eq!(quiet.ok().lines().count(), ran.stdout.lines().count());
    }
}

#[tokio::test]
async fn completions_are_printed_for_each_shell() {
    for (shell, word) in [("bash", "complete"), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let printed = run(&mut fmvault(&["completions", shell])).await;
        assert!(printed.ok().contains(word) && printed.ok().contains("enrollment"), "{shell}");
        assert_eq!(printed.stderr, "");
    }
    assert_eq!(run(&mut fmvault(&["completions", "tcsh"])).await.code, Some(2));
}

/// A reader that has seen enough is no failure.
#[tokio::test]
async fn a_closed_pipe_is_no_failure() {
    let mut child = fmvault(&["config", "init"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
        (Some(0), "")
    );
}
