//! What operators are told about keys, by the real binary: in answers, in `keys list`, by the doctor, in the
//! metrics and in the log.

use std::fs;
use std::time::Duration;

use facemap_vault::crypto::Keyring;
use facemap_vault::model::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fail_closed::change;
use crate::support::process::{Process, Ran};
use crate::support::site::Site;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn register(site: &Site) -> Ran {
    let person = site.onboard(json!({ "facemap_size": 100 })).await;
    let register =
        ["enroll", "register", &person.account, "--workflow-execution", &person.execution];
    site.run(&[&register[..], &["--wait", "10s"]].concat()).await
}

/// The value of a series of the metrics.
async fn metric(server: &Process, series: &str) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("http://{}/metrics", server.told("http"))).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).trim().parse().unwrap()
}

/// Outcome, detail and next step of a row of the doctor.
async fn doctor(site: &Site, name: &str) -> [String; 3] {
    let found = site.run(&["doctor", "--json"]).await.json();
    let row = found["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    let row = row.unwrap_or_else(|| panic!("no {name} in {found}"));
    ["outcome", "detail", "next"].map(|key| row[key].as_str().unwrap().to_owned())
}

fn refused(ran: &Ran, code: i32, reason: &str, next: &str) {
    assert_eq!(ran.code, Some(code), "{reason}: {ran:?}");
    assert!(ran.stderr.contains(reason), "{reason}: {ran:?}");
    assert!(ran.next().contains(next), "{reason}: {ran:?}");
}

#[tokio::test]
async fn each_refusal_names_what_it_is_about_and_the_command_that_helps() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let _server = site.serve(&[]).await;
    for _ in 0..3 {
        register(&site).await.ok();
    }
    let run = async |line: &str| site.run(&line.split(' ').collect::<Vec<_>>()).await;

    let none = "keys rotate begins a rotation";
    refused(&run("keys rewrap get").await, 4, "(REWRAP_NOT_FOUND)", none);
    refused(&run("keys rewrap cancel").await, 4, "(REWRAP_NOT_FOUND)", none);
    let unknown = run("keys retire 0.4711 --confirm 0.4711").await;
    refused(&unknown, 4, "(KEY_VERSION_NOT_FOUND)", "fmvault keys list");

    let listed = run("keys list --json").await.json();
    let used = |key: &&Value| key["record_count"].as_u64().unwrap() > 0;
    let key = listed.as_array().unwrap().iter().find(used).unwrap();
    let version = key["version"].as_str().unwrap();
    let in_use = run(&format!("keys retire {version} --confirm {version}")).await;
    let count = format!("(KEY_VERSION_IN_USE: records that name it: {})", key["record_count"]);
    refused(&in_use, 7, &count, "fmvault keys rotate");

    let planned = run("keys rotate --dry-run").await;
    for said in
        ["Nothing is changed", "16 (0.2, 1.2, 2.2 ... 15.2)", "3 are wrapped", "a second or two"]
    {
        assert!(planned.ok().contains(said), "{said}: {planned:?}");
    }
    assert_eq!(run("keys list --json").await.json(), listed, "nothing is changed");

    let slow = run("keys rotate --yes --no-wait --rate 1/s --json").await.json();
    let open = format!("(REWRAP_IN_PROGRESS: it is {})", slow["name"].as_str().unwrap());
    for again in
        ["keys rotate --yes", "keys rotate --dry-run", "keys rewrap", "keys rewrap --dry-run"]
    {
        refused(&run(again).await, 7, &open, "fmvault keys rewrap --resume");
    }
    run("keys rewrap cancel").await.ok();
    let rest = run("keys rewrap --dry-run").await;
    for said in ["Old keys    16 (0.1, ", "wrapped under the new keys"] {
        assert!(rest.ok().contains(said) && !rest.stdout.contains("New keys"), "{said}: {rest:?}");
    }
    run("keys rewrap").await.ok();
    let ended = run("keys rewrap cancel").await;
    refused(&ended, 7, "(REWRAP_NOT_CANCELLABLE)", "fmvault keys rewrap get");
}

/// Ninety days, half of the wraps, all of the wraps: each is told in every place, and a rotation ends it.
#[tokio::test]
async fn a_key_that_is_old_or_worn_is_told_in_every_place() {
    type Wear = fn(&Keyring) -> Keyring;
    let old: Wear = |ring| {
        let before =
            Timestamp::from_millis(Timestamp::now().as_millis() - 91 * DAY.as_millis() as u64);
        ring.rotated(&(0..16).collect::<Vec<_>>(), before).unwrap()
    };
    let half: Wear = |ring| ring.with_wraps(|_| Keyring::WRAPS_WARN).unwrap();
    let all: Wear = |ring| ring.with_wraps(|_| Keyring::WRAPS_MAX).unwrap();
    for (what, wear, outcome, version) in
        [("old", old, "warn", "0.2"), ("half", half, "warn", "0.1"), ("all", all, "fail", "0.1")]
    {
        let site = Site::start(&[]).await;
        site.keys_init().await;
        change(&site, |ring| Ok(wear(ring)));
        let server = site.serve(&[]).await;

        let listed = site.run(&["keys", "list"]).await;
        assert_eq!(listed.code, Some(3), "{what}");
        assert!(listed.stderr.contains("16 versions are due: fmvault keys rotate"), "{listed:?}");
        let status = site.run(&["status"]).await;
        assert_eq!(status.code, Some(3), "{what}");
        let [got, _, next] = doctor(&site, "age and use of the keys").await;
        assert!(got == outcome && next.starts_with("fmvault keys rotate"), "{what}: {got} {next}");
        let labels = format!("{{version=\"{version}\",state=\"primary\"}}");
        let created =
            metric(&server, &format!("fmvault_key_created_timestamp_seconds{labels}")).await;
        let age = Timestamp::now().as_millis() as f64 / 1000.0 - created;
        assert_eq!(age > 90.0 * DAY.as_secs_f64(), what == "old", "{what}: {age}");
        let wraps = metric(&server, &format!("fmvault_key_wraps{labels}")).await;
        assert_eq!(wraps >= 1_073_741_824.0, what != "old", "{what}: {wraps}");

        let registered = register(&site).await;
        match what {
            "all" => {
                let next = "fmvault keys rotate";
                refused(&registered, 7, "KEY_VERSION_WORN_OUT: it is version ", next);
            }
            _ => drop(registered.ok()),
        }
        site.run(&["keys", "rotate", "--yes"]).await.ok();
        site.run(&["keys", "list"]).await.ok();
        register(&site).await.ok();
        assert_eq!(doctor(&site, "age and use of the keys").await[0], "ok", "{what}");
        server.stop(Signal::TERM).await;
        assert!(site.log().contains("keys are to be rotated: fmvault keys rotate"), "{what}");
    }
}

/// While it runs: the file is named in metric and doctor, and the next change writes it anew.
#[tokio::test]
async fn a_keyring_file_that_is_not_whole_is_told_and_mended() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let file = site.path("keyring/keyring.0");
    let copy = fs::read(&file).unwrap();
    for _ in 0..2 {
        site.run(&["keys", "slot", "add", "recovery"]).await.ok();
    }
    let server = site.serve(&[]).await;
    let series = |state: &str| format!("fmvault_keyring_file{{file=\"0\",state=\"{state}\"}}");
    type Spoil<'a> = &'a dyn Fn();
    let cut = || fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(90).unwrap();
    let table: [(&str, Spoil<'_>); 2] =
        [("missing", &|| fs::remove_file(&file).unwrap()), ("damaged", &cut)];
    for (state, spoil) in table {
        assert_eq!(metric(&server, &series("whole")).await, 1.0);
        assert_eq!(doctor(&site, "files of the keyring").await[0], "ok");
        spoil();
        assert_eq!(metric(&server, &series("whole")).await, 0.0, "{state}");
        assert_eq!(metric(&server, &series(state)).await, 1.0, "{state}");
        let [outcome, detail, next] = doctor(&site, "files of the keyring").await;
        assert_eq!((&*outcome, detail), ("fail", format!("keyring.0 is {state}")));
        assert!(next.contains("back up the other one now"), "{next}");
        // A change of keys writes both.
        site.run(&["keys", "rotate", "--yes"]).await.ok();
    }
    fs::write(&file, copy).unwrap();
    assert_eq!(metric(&server, &series("old")).await, 1.0);
    assert_eq!(doctor(&site, "files of the keyring").await[1], "keyring.0 is old");
    server.stop(Signal::TERM).await;
    assert!(site.log().contains("a keyring file is not whole"), "{}", site.log());
}
