//! What each command prints: JSON with the documented keys, and plain text for pipes.

use serde_json::{Value, json};

use crate::support::process::{fmvault, run};
use crate::support::site::Site;

const ENROLLMENT: [&str; 16] = [
    "account_id",
    "capture_by_time",
    "captured_time",
    "close_reason",
    "close_time",
    "completed_time",
    "create_time",
    "etag",
    "facemap_size_bytes",
    "key_version",
    "last_error_reason",
    "liveness_type",
    "name",
    "risk",
    "state",
    "workflow_execution_id",
];
const AUTHENTICATION: [&str; 9] = [
    "account_id",
    "create_time",
    "customer_internal_reference",
    "decision",
    "decision_label",
    "expire_time",
    "name",
    "state",
    "workflow_execution_id",
];

/// The keys of an object, in order.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn commands_about_the_vault_print_the_documented_json() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let _server = site.serve(&[]).await;
    let person = site.onboard(json!({ "facemap_size": 1000 })).await;
    let account = person.account.as_str();

    let register = ["enroll", "register", account, "--workflow-execution", &person.execution];
    let checked = site.run(&[&register[..], &["--dry-run", "--json"]].concat()).await.json();
    assert_eq!(keys(&checked), ENROLLMENT, "an alias, and a check without effect");
    assert_eq!(site.run(&["enrollment", "get", account]).await.code, Some(4));

    let made = site.run(&[&register[..], &["--wait", "10s", "--json"]].concat()).await;
    made.ok();
    assert_eq!(keys(&made.json()), ENROLLMENT);
    assert_eq!((&made.json()["state"], &made.json()["risk"]), (&json!("ACTIVE"), &json!("NONE")));
    assert_eq!(made.json()["facemap_size_bytes"], 1000);
    let found = site.run(&["enrollment", "get", account, "--json"]).await;
    assert_eq!(found.json(), made.json());
    let listed = site.run(&["enrollment", "list", "--json"]).await;
    assert_eq!(listed.json(), json!([made.json()]));
    let lines = site.run(&["enrollment", "list", "--format", "jsonl"]).await;
    assert_eq!(lines.ok(), format!("{}\n", made.json()));
    let none = site.run(&["enrollment", "list", "--state", "lost,blocked", "--json"]).await;
    assert_eq!(none.json(), json!([]));

    let start = ["auth", "start", account, "--reference", "login-1"];
    let checked = site.run(&[&start[..], &["-n", "--json"]].concat()).await;
    assert_eq!(checked.json(), json!({ "valid": true }));
    let started = site.run(&[&start[..], &["--json"]].concat()).await.json();
    assert_eq!(keys(&started), ["authentication", "client_session"]);
    assert_eq!(keys(&started["authentication"]), AUTHENTICATION);
    assert_eq!(keys(&started["client_session"]), ["datacenter", "sdk_token", "web_href"]);
    assert_eq!(started["authentication"]["state"], "READY");
    let execution = started["authentication"]["workflow_execution_id"].as_str().unwrap();
    assert_eq!(site.uploads(execution).await, std::slice::from_ref(&person.sha256));
    site.remote.post(&format!("executions/{execution}/journey"), &json!({})).await.unwrap();
    let name = started["authentication"]["name"].as_str().unwrap();
    let ended = site.run(&["auth", "get", name, "--wait", "10s", "--json"]).await;
    ended.ok();
    assert_eq!(keys(&ended.json()), AUTHENTICATION);
    assert_eq!(ended.json()["state"], "PROCESSED");

    let listed = site.run(&["keys", "list", "--json"]).await.json();
    let versions = listed.as_array().unwrap();
    assert_eq!(versions.len(), 16, "one for each bucket");
    let documented = [
        "bucket",
        "create_time",
        "earliest_retire_time",
        "fingerprint",
        "record_count",
        "retire_time",
        "rotation_due",
        "state",
        "version",
        "wrap_count",
    ];
    assert!(versions.iter().all(|version| keys(version) == documented), "{listed}");
    let records: i64 = versions.iter().map(|v| v["record_count"].as_i64().unwrap()).sum();
    assert_eq!(records, 1);

    let status = site.run(&["status", "--json"]).await;
    status.ok();
    let status = status.json();
    for key in [
        "version",
        "mode",
        "state",
        "uptime_seconds",
        "store_size_bytes",
        "store_format",
        "jumio_region",
        "next_capture_by_time",
        "orphaned_executions",
        "keys",
        "attention",
    ] {
        assert!(status.get(key).is_some(), "{key} is missing in {status}");
    }
    assert_eq!((&status["mode"], &status["state"]), (&json!("SIMULATOR"), &json!("SERVING")));
    assert_eq!(
        keys(&status["enrollments"]),
        ["active", "blocked", "closed", "damaged", "erased", "lost", "pending"]
    );
    assert_eq!(keys(&status["risks"]), ["critical", "overdue", "warning"]);
    assert_eq!((&status["enrollments"]["active"], &status["attention"]), (&json!(1), &json!([])));

    let erase = ["enrollment", "erase", account, "--confirm", account, "--json"];
    let erased = site.run(&erase).await.json();
    assert_eq!((keys(&erased), &erased["state"]), (ENROLLMENT.to_vec(), &json!("ERASED")));
}

#[tokio::test]
async fn a_list_longer_than_a_page_is_whole_and_its_limit_is_kept() {
    let site = Site::start(&[("capture.immediate", "false")]).await;
    site.keys_init().await;
    let _server = site.serve(&[]).await;
    for person in site.onboard_many(json!({ "count": 5, "facemap_size": 100 })).await {
        let (account, execution) = (&person.account, &person.execution);
        site.run(&["enroll", "register", account, "--workflow-execution", execution]).await.ok();
    }
    let all = site.run(&["enrollment", "list", "--json"]).await.json();
    assert_eq!(all.as_array().unwrap().len(), 5);
    let some = site.run(&["enrollment", "list", "--limit", "3", "--json"]).await.json();
    assert_eq!(some.as_array().unwrap()[..], all.as_array().unwrap()[..3]);
    let pending = site.run(&["enrollment", "list", "--state", "pending", "--risk", "none"]).await;
    assert_eq!(pending.ok().lines().count(), 5);
    let soon = ["enrollment", "list", "--capture-by-before", "7d", "--json"];
    assert_eq!(site.run(&soon).await.json(), json!([]), "they have 30 days");
}

#[tokio::test]
async fn commands_without_a_vault_print_the_documented_json() {
    let site = Site::start(&[]).await;
    let made = site.run(&["keys", "init", "--json"]).await.json();
    assert_eq!(
        keys(&made),
        ["keyring", "made_key_file", "made_keyring", "recovery_file", "recovery_key", "store"]
    );
    let checked = site.run(&["server", "--check", "--json", "--quiet"]).await;
    assert_eq!(checked.json(), json!({ "ok": true }));

    let checked = site.run(&["config", "check", "--json"]).await.json();
    assert_eq!(checked, json!({ "problems": 0, "warnings": checked["warnings"] }));
    let file = site.settings_file().display().to_string();
    let named = run(&mut fmvault(&["config", "check", &file, "--json"])).await;
    assert_eq!(named.json(), checked);

    let set = ["config", "show", "--origin", "--json", "--set", "capture.warning=13d"];
    let mut command = site.command(&set);
    let shown = run(command.env("FMVAULT__CAPTURE__CRITICAL", "3d")).await.json();
    let value = |key: &str| {
        let rows = shown.as_array().unwrap();
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no {key}"));
        assert_eq!(keys(row), ["key", "origin", "value"]);
        (row["value"].to_string(), row["origin"].to_string())
    };
    assert!(value("capture.warning").0.contains("13d"), "{:?}", value("capture.warning"));
    assert!(value("capture.critical").1.contains("FMVAULT__CAPTURE__CRITICAL"));
    assert!(value("jumio.user_agent").1.contains("fmvault.toml"));
    assert!(value("sweep.horizon").1.contains("default"));
    assert!(!shown.to_string().contains(crate::support::site::CLIENT_SECRET));

    let explained = run(&mut fmvault(&["config", "explain", "jumio.retention", "--json"])).await;
    assert_eq!(keys(&explained.json()), ["default", "key", "required", "text", "written"]);
    let ran = run(&mut fmvault(&["config", "explain", "jumio.nothing"])).await;
    assert_eq!((ran.code, ran.next()), (Some(4), "fmvault config init prints them all"));

    let version = run(&mut fmvault(&["version", "--json"])).await.json();
    assert_eq!(version, json!({ "version": env!("CARGO_PKG_VERSION") }));
    let built = run(&mut fmvault(&["version", "--build-info", "--json"])).await.json();
    let documented = ["minimum_rust", "providers", "sealing", "store_format", "target", "version"];
    assert_eq!(keys(&built), documented);
}

/// What `config init` prints is accepted by `config check`, once the secrets it names are there.
#[tokio::test]
async fn the_settings_we_give_away_are_accepted() {
    for profile in ["dev", "production"] {
        let dir = tempfile::tempdir().unwrap();
        let printed = run(&mut fmvault(&["config", "init", "--profile", profile])).await;
        let file = dir.path().join("fmvault.toml");
        std::fs::write(&file, printed.ok()).unwrap();
        let checked = run(&mut fmvault(&["config", "check", &file.display().to_string()])).await;
        assert!(checked.ok().starts_with("no problems"), "{profile}: {checked:?}");
        let json = run(&mut fmvault(&["config", "init", "--profile", profile, "--json"])).await;
        assert_eq!(json.json()["toml"].as_str().unwrap().trim_end(), printed.ok().trim_end());
    }
}
