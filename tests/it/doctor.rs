//! `fmvault doctor` finds what is wrong with a tenant, and says what to do.

use serde_json::{Value, json};

use crate::support::caller;
use crate::support::served::Served;
use crate::support::site::Person;

/// What doctor found: its exit code and its checks.
struct Found {
    exit: i32,
    checks: Vec<Value>,
}

impl Found {
    async fn of(vault: &Served, arguments: &[&str]) -> Self {
        let arguments = [&["--json", "doctor"], arguments].concat();
        let ran = vault.run(&arguments).await;
        let checks = ran.json()["checks"].as_array().unwrap().clone();
        Self { exit: ran.code.unwrap(), checks }
    }

    async fn with_account(vault: &Served, person: &Person) -> Self {
        Self::of(vault, &["--online", "--account", &person.account]).await
    }

    /// Asserts that the check whose name begins with `name` ended so, and what it says then.
    fn expect(&self, name: &str, outcome: &str) -> String {
        let is_it = |check: &&Value| check["name"].as_str().unwrap().starts_with(name);
        let check = self.checks.iter().find(is_it);
        let check = check.unwrap_or_else(|| panic!("no {name} in {:#?}", self.checks));
        assert_eq!(check["outcome"], outcome, "{check}");
        format!("{} {}", check["detail"].as_str().unwrap(), check["next"].as_str().unwrap())
    }

    /// Asserts that nothing failed but what begins with `names`.
    fn expect_failed(&self, names: &[&str]) {
        let failed = self.checks.iter().filter(|check| check["outcome"] == "fail");
        let failed: Vec<_> = failed.map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(failed.len(), names.len(), "{failed:?}");
        for (got, want) in failed.iter().zip(names) {
            assert!(got.starts_with(want), "{failed:?}");
        }
        assert_eq!(self.exit, if names.is_empty() { 0 } else { 3 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_vault_has_no_failure() {
    let vault = Served::start(&[]).await;
    let alice = vault.captured(json!({})).await;

    let offline = Found::of(&vault, &[]).await;
    offline.expect_failed(&[]);
    for name in ["configuration", "client secret", "root key", "keyring", "clock", "vault"] {
        offline.expect(name, "ok");
    }
    let process = std::process::id().to_string();
    assert!(offline.expect("store", "ok").contains(&process), "who has the lock");
    offline.expect("Jumio", "skip");

    let online = Found::with_account(&vault, &alice).await;
    online.expect_failed(&[]);
    online.expect("Jumio access token", "ok");
    online.expect("permission to retrieve", "ok");
    online.expect("clock", "ok");
    online.expect("authentication workflow", "skip");
    online.expect("facemap download", "ok");
    assert!(online.expect("retention", "note").contains("30 days"));

    let text = vault.run(&["doctor", "--online"]).await;
    let text = text.ok();
    for row in ["memory of the keys", "core dumps", "view of its memory", "swap"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(text.contains("[ ok ]   Jumio access token") && text.contains("[skip]   facemap"));
    let journal = vault.remote.get("journal?since=0").await.unwrap().to_string();
    assert_eq!(journal.matches("/parts/FACEMAP").count(), 1, "only the capture downloads");
    vault.stop().await;
}

/// Each kind of blocked: what Jumio is like, and what to say to it.
#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_a_capture_is_found_with_its_sentence() {
    type Row =
        (&'static str, Value, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let none: &[(&str, &str)] = &[];
    let table: [Row; 4] = [
        (
            "download switched off",
            json!({ "download_allowed": false }),
            none,
            "fail",
            "Please enable 'Allow download of facemap' for our tenant.",
        ),
        (
            "newest liveness",
            json!({ "liveness_type": "JUMIO_STANDARD" }),
            none,
            "fail",
            "Please switch our onboarding workflow to a liveness type",
        ),
        ("rejected", json!({ "decision": "REJECTED" }), none, "warn", "if the person was rejected"),
        (
            "longer than our limit",
            json!({ "facemap_size": 200_000 }),
            &[("capture.max_facemap_bytes", "64KiB")],
            "fail",
            "raise capture.max_facemap_bytes",
        ),
    ];
    for (what, person, settings, outcome, sentence) in table {
        let vault = Served::start(settings).await;
        let person = vault.onboard(person).await;
        // A person who was not accepted is refused, and remembered all the same.
        let _ = vault.enroll(&person).await;

        let found = Found::with_account(&vault, &person).await;
        for check in ["facemap download", "blocked captures"] {
            let text = found.expect(check, outcome);
            assert!(text.contains(sentence), "{what}: {check}: {text}");
        }
        found.expect("permission to retrieve", "ok");
        assert_eq!(found.exit, if outcome == "fail" { 3 } else { 0 }, "{what}");
        vault.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_apart_and_the_region_is_named() {
    let vault = Served::start(&[("jumio.client_id", "nobody-knows-me")]).await;
    let found = Found::of(&vault, &["--online"]).await;
    found.expect_failed(&["Jumio access token"]);
    let text = found.expect("Jumio access token", "fail");
    assert!(text.contains("another region than") && text.contains("jumio.region"), "{text}");
    vault.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_found() {
    let vault = Served::start(&[]).await;
    vault.spoil("GET", "/workflow-executions/", json!({ "status": 403 })).await;
    let found = Found::of(&vault, &["--online"]).await;
    found.expect_failed(&["permission to retrieve"]);
    found.expect("Jumio access token", "ok");
    let text = found.expect("permission to retrieve", "fail");
    assert!(text.contains("403") && text.contains("Retrieve & delete"), "{text}");
    vault.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_the_workflow_is_found_once_it_was_used() {
    let vault = Served::start(&[]).await;
    let alice = vault.captured(json!({})).await;
    vault.tenant(json!({ "on_premises_keys": ["10072"] })).await;
    vault.start_refused(&alice.account).await;

    let found = Found::of(&vault, &["--online"]).await;
    found.expect_failed(&["authentication workflow 10071"]);
    let text = found.expect("authentication workflow", "fail");
    assert!(text.contains("Please enable workflow 10071"), "{text}");

    vault.tenant(json!({ "on_premises_keys": ["10071"] })).await;
    let request = caller::start(&alice.account);
    vault.caller.clone().start_authentication(request).await.unwrap();
    Found::of(&vault, &["--online"]).await.expect("authentication workflow", "ok");
    vault.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_vault_the_rest_is_checked_all_the_same() {
    let vault = Served::start(&[]).await;
    let other = ["--socket", "/nonexistent/admin.sock"];
    let found = Found::of(&vault, &other).await;
    found.expect_failed(&["vault"]);
    found.expect("keyring", "ok");
    assert!(found.expect("vault", "fail").contains("fmvault server"));
    vault.stop().await;
}
