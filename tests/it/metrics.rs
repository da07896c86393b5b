//! The metrics of a running vault are the documented ones, and the alerts ask for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use facemap_vault::proto::v1::GetAuthenticationRequest;
use serde_json::json;

use crate::support::caller;
use crate::support::served::Served;

const DOCUMENT: &str = "docs/src/reference/metrics.md";
const RULES: &str = "deploy/prometheus/rules.yml";
const RUNBOOKS: &str = "docs/src/runbooks.md";

/// Type and labels by name.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_what_is_documented() {
    let vault = Served::start(&[]).await;
    let accounts = journey(&vault).await;

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("http://{}/metrics", vault.vault.http)).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.text().await.unwrap();

    assert_eq!(exported(&text), documented(), "left: exported, right: {DOCUMENT}");
    for account in accounts {
        assert!(!text.contains(&account), "an account in a label");
    }
    for line in [
        r#"fmvault_enrollments{state="active",risk="none"} 1"#,
        r#"fmvault_enrollments_blocked{reason="download_not_enabled"} 1"#,
        r#"fmvault_captures_total{outcome="captured",reason=""} 1"#,
        r#"fmvault_captures_total{outcome="blocked",reason="download_not_enabled"} 1"#,
        r#"fmvault_authentications_started_total{outcome="started",reason=""} 1"#,
        r#"fmvault_authentications_started_total{outcome="refused",reason="download_not_enabled"} 1"#,
        r#"fmvault_authentications_finished_total{state="processed",decision="passed"} 1"#,
        r#"fmvault_jumio_requests_total{endpoint="facemap",outcome="ok"} 1"#,
        r#"fmvault_jumio_requests_total{endpoint="token",outcome="ok"} 1"#,
        "fmvault_enrollments_lost_total 0",
        "fmvault_clock_jumped 0",
        "fmvault_store_writable 1",
    ] {
        assert!(text.lines().any(|got| got == line), "{line} is not in\n{text}");
    }
    let calls = r#"rpc_server_call_duration_seconds_count{rpc_system_name="grpc",rpc_method="facemapvault.v1.FacemapVaultService/StartAuthentication",rpc_status_code="#;
    for code in [r#""OK"} 1"#, r#""FAILED_PRECONDITION"} 1"#] {
        assert!(text.contains(&format!("{calls}{code}")), "{code} is not in\n{text}");
    }
    vault.stop().await;
}

/// One who is captured, authenticates and passes, and one whose facemap may not be downloaded. Gives
/// both accounts.
async fn journey(vault: &Served) -> [String; 2] {
    let alice = vault.captured(json!({ "person": "alice" })).await;
    let bob = vault.onboard(json!({ "download_allowed": false })).await;
    vault.enroll(&bob).await.unwrap();
    vault.start_refused(&bob.account).await;
    let mut client = vault.caller.clone();
    let started = client.start_authentication(caller::start(&alice.account)).await.unwrap();
    let authentication = started.into_inner().authentication.unwrap();
    let path = format!("executions/{}/journey", authentication.workflow_execution_id);
    let body = json!({ "outcome": "complete", "person": "alice" });
    vault.remote.post(&path, &body).await.unwrap();
    // Twice: an end is counted once.
    for _ in 0..2 {
        let wait = Some(prost_types::Duration { seconds: 10, nanos: 0 });
        let request = GetAuthenticationRequest { name: authentication.name.clone(), wait };
        client.get_authentication(request).await.unwrap();
    }
    [alice.account, bob.account]
}

#[test]
fn every_alert_asks_for_exported_metrics_and_has_a_runbook() {
    let known: BTreeSet<String> = documented().into_keys().collect();
    let rules = read(RULES);
    let pattern = regex::Regex::new(r"\b(?:fmvault|rpc_server)_[a-z_]+").unwrap();
    let asked = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    for line in asked {
        for name in pattern.find_iter(line).map(|found| found.as_str()) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let exists = known.contains(name) || base.is_some_and(|base| known.contains(base));
            assert!(exists, "{RULES} asks for {name}, which is not exported");
        }
    }

    let runbooks = read(RUNBOOKS);
    // Other headings tell what to do where no metric can ask for it.
    let headings = runbooks.lines().filter_map(|line| line.strip_prefix("## "));
    let headings: Vec<&str> = headings.filter(|name| name.starts_with("Fmvault")).collect();
    let mut alerts = Vec::new();
    for block in rules.split("- alert: ").skip(1) {
        let name = block.lines().next().unwrap().trim();
        for part in ["expr: ", "severity: ", "summary: ", "description: "] {
            assert!(block.contains(part), "{name} has no {part}");
        }
        let runbook = format!("runbook: {RUNBOOKS}#{}\n", name.to_lowercase());
        assert!(block.contains(&runbook), "{name} wants {runbook}");
        alerts.push(name);
    }
    assert_eq!(alerts.len(), 25);
    assert_eq!(BTreeSet::from_iter(alerts), BTreeSet::from_iter(headings), "alerts and runbooks");
}

/// The metrics in a scrape.
fn exported(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap();
            table.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        }
    }
    let mut totals = Table::new();
    for (name, (kind, _)) in &table {
        let end = if kind == "counter" { "_total" } else { "" };
        let series: Vec<&str> = ["", "_total", "_count"]
            .iter()
            .flat_map(|end| {
                let of_it = format!("{name}{end}");
                text.lines().filter(move |line| line.split(['{', ' ']).next() == Some(&of_it))
            })
            .collect();
        assert!(!series.is_empty(), "{name} has no series: let the journey make one");
        let labels = series.iter().flat_map(|line| labels(line)).collect();
        totals.insert(format!("{name}{end}"), (kind.clone(), labels));
    }
    totals
}

/// The names of the labels in a line of a scrape.
fn labels(line: &str) -> Vec<String> {
    let pattern = regex::Regex::new(r#"([a-z_]+)=""#).unwrap();
    pattern.captures_iter(line).map(|found| found[1].to_owned()).collect()
}

/// The metrics in the documented table.
fn documented() -> Table {
    let text = read(DOCUMENT);
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next().unwrap().trim_end_matches('`').to_owned();
        let kind = cells.next().unwrap().to_owned();
        let labels = cells.next().unwrap().split(", ").filter(|label| !label.is_empty());
        (name, (kind, labels.map(str::to_owned).collect()))
    })
    .collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}
