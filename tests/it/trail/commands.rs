//! `fmvault audit`, as an operator types it.

use std::fs;

use facemap_vault::model::AccountId;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::caller::{self, Caller, connect, enroll};
use crate::support::process::Process;
use crate::support::site::{Person, Site};

/// A site whose vault has one facemap, with the server still running.
async fn captured() -> (Site, Process, Person) {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(enroll(&person, 20)).await.unwrap();
    caller.start_authentication(caller::start(&person.account)).await.unwrap();
    (site, server, person)
}

fn actions(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_operator_asks_who_did_what_by_account_caller_and_action() {
    let (site, server, person) = captured().await;
    let hash = site.run(&["audit", "hash", &person.account]).await;
    let hash = hash.ok().trim().to_owned();
    assert_eq!(hash.len(), 32, "{hash}");

    let of_account = site.run(&["audit", "query", "--account", &person.account, "--json"]).await;
    let events = of_account.json();
    let want = [
        "enrollment.register",
        "facemap.decrypt",
        "facemap.capture",
        "rpc.CreateEnrollment",
        "facemap.decrypt",
        "facemap.upload",
        "rpc.StartAuthentication",
    ];
    assert_eq!(actions(&events), want);
    assert!(events.as_array().unwrap().iter().all(|event| event["account_hash"] == hash.as_str()));
    assert_eq!(events[1]["detail"], "capture");
    assert_eq!(events[4]["detail"], "authentication");
    assert_eq!(events[4]["request_id"], events[6]["request_id"], "one call, one request");
    assert!(!of_account.stdout.contains(&person.account), "no clear id");

    let opened = ["audit", "query", "--action", "facemap.decrypt", "--since", "1h", "--json"];
    assert_eq!(site.run(&opened).await.json().as_array().unwrap().len(), 2);
    let by_caller = ["audit", "query", "--caller", "loopback", "--json"];
    let by_caller = site.run(&by_caller).await.json();
    assert!(actions(&by_caller).contains(&"rpc.StartAuthentication"));
    assert!(!actions(&by_caller).iter().any(|action| action.starts_with("rpc.HashSubject")));

    let unknown = AccountId::generate().hyphenated();
    assert_eq!(site.run(&["auth", "start", &unknown, "--reference", "x"]).await.code, Some(4));
    let refused = site.run(&["audit", "query", "--failed", "--json"]).await.json();
    assert_eq!(refused[0]["reason"], "ENROLLMENT_NOT_FOUND", "{refused}");
    assert_eq!(site.run(&["audit", "query", "--account", "nobody"]).await.code, Some(2));
    server.stop(Signal::TERM).await;
}

#[tokio::test]
async fn events_are_exported_for_a_siem_and_for_a_table() {
    let (site, server, person) = captured().await;
    let out = site.path("events.jsonl");
    let file = out.to_str().unwrap();
    site.run(&["audit", "export", "--as", "ocsf", "--out", file]).await.ok();
    assert_eq!(
        site.run(&["audit", "export", "--out", file]).await.code,
        Some(7),
        "not over a file"
    );
    let text = fs::read_to_string(&out).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        let (class, activity) = (&event["class_uid"], event["activity_id"].as_i64().unwrap());
        assert_eq!(event["type_uid"], class.as_i64().unwrap() * 100 + activity, "{event}");
        assert_eq!(event["metadata"]["version"], "1.6.0");
        assert!(event["time"].as_i64().unwrap() > 1_700_000_000_000, "{event}");
    }
    let of = |action: &str| {
        events.iter().find(|event| event["metadata"]["event_code"] == action).unwrap()
    };
    assert_eq!(of("facemap.decrypt")["type_uid"], 600_510);
    assert_eq!(of("enrollment.register")["type_uid"], 300_410);
    assert_eq!(of("server.start")["class_uid"], 6002);
    assert!(of("rpc.StartAuthentication")["actor"]["user"]["uid"].is_string());
    assert!(!text.contains(&person.account) && !text.contains(&person.execution));

    let csv = site.run(&["audit", "export", "--as", "csv", "--action", "facemap."]).await;
    let lines: Vec<_> = csv.ok().lines().collect();
    let width = lines[0].split(',').count();
    assert_eq!((lines[0].split(',').next(), lines.len()), (Some("sequence"), 1 + 4));
    assert!(lines.iter().all(|line| line.split(',').count() == width), "{lines:#?}");
    server.stop(Signal::TERM).await;
}

#[tokio::test]
async fn a_copy_is_verified_without_a_vault_and_an_edit_is_named() {
    let (site, server, _) = captured().await;
    let verified = site.run(&["audit", "verify", "--json"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let head = verified.json()["head"].as_str().unwrap().to_owned();
    let later = site.run(&["audit", "verify", "--head", &head]).await;
    let status = site.run(&["status"]).await;
    let line = status.ok().lines().find(|line| line.starts_with(" AUDIT ")).unwrap();
    let dir = site.path("audit").display().to_string();
    for part in ["writable", " records, head ", "reserve 64 KiB of 64 KiB", &dir] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(later.ok().contains("still has the head"), "{later:?}");
    server.stop(Signal::TERM).await;
    assert!(site.log().contains("audit trail"), "a line with the head");

    let copy = site.path("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(site.path("audit/ledger.00000001"), copy.join("ledger.00000001")).unwrap();
    let dir = copy.to_str().unwrap();
    let blind = site.run(&["audit", "verify", dir]).await;
    assert!(blind.ok().contains("cannot be known"), "{blind:?}");

    let file = copy.join("ledger.00000001");
    let whole = fs::read(&file).unwrap();
    let mut edited = whole.clone();
    edited[32 + 2 * 160 + 90] ^= 1;
    fs::write(&file, &edited).unwrap();
    let found = site.run(&["audit", "verify", dir]).await;
    assert_eq!(found.code, Some(3), "{found:?}");
    assert!(found.stdout.contains("segment 1, offset 352: record 3 was edited"), "{found:?}");

    fs::write(&file, &whole[..32 + 3 * 160]).unwrap();
    let cut = site.run(&["audit", "verify", dir, "--head", &head]).await;
    assert_eq!(cut.code, Some(3), "{cut:?}");
    assert!(cut.stdout.contains("the trail ends here"), "{cut:?}");
    assert_eq!(site.run(&["audit", "verify", dir, "--head", "7"]).await.code, Some(2));
    let nothing = site.run(&["audit", "verify", site.path("store").to_str().unwrap()]).await;
    assert_eq!(nothing.code, Some(4), "{nothing:?}");
}
