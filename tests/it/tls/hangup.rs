//! The real binary reads its settings again: when the file changes, and on SIGHUP.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::ask;
use crate::support::caller::{Caller, Told};
use crate::support::pki::{Authority, Leaf, channel, client};
use crate::support::secured::{BACKEND, TLS, eventually, write_certificates};
use crate::support::site::{Site, write_private};

#[tokio::test]
async fn a_running_vault_takes_over_callers_and_survives_nonsense() {
    let authority = Authority::root("callers' root");
    let site = Site::start(&TLS).await;
    write_certificates(&site, &authority);
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let who = authority.sign(&Leaf::uri(BACKEND));
    let connector = client(&site.path("clients-ca.crt"), Some(&who));
    let mut caller = Caller::new(channel(server.told("grpc"), &connector));
    assert_eq!(Told::by(&ask(&mut caller).await).reason, "PERMISSION_MISSING");

    let without = fs::read_to_string(site.settings_file()).unwrap();
    let entry =
        format!("\n[[listen.public.caller]]\nsan = \"{BACKEND}\"\npermissions = [\"read\"]\n");
    fs::write(site.settings_file(), format!("{without}{entry}")).unwrap();
    eventually("the file is read again", async || {
        Told::by(&ask(&mut caller).await).reason == "ENROLLMENT_NOT_FOUND"
    })
    .await;

    fs::write(site.settings_file(), format!("{without}{entry}nonsense")).unwrap();
    eventually("nonsense is reported", async || site.log().contains("stay as they were")).await;
    assert_eq!(Told::by(&ask(&mut caller).await).reason, "ENROLLMENT_NOT_FOUND");

    fs::write(site.settings_file(), format!("{without}{entry}")).unwrap();
    let times = || site.log().matches("read again\"").count();
    eventually("it is well again", async || times() == 2).await;
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    eventually("SIGHUP is heard", async || times() == 3).await;
    assert_eq!(Told::by(&ask(&mut caller).await).reason, "ENROLLMENT_NOT_FOUND");
    server.stop(Signal::TERM).await;
}

/// Certificate, key, authorities, revocations and callers: each is looked at again on SIGHUP. While one of
/// them is broken or gone all stays as it was, on old and on new connections, and the metrics say so.
#[tokio::test]
async fn each_file_is_read_again_on_sighup_and_a_broken_one_keeps_the_old() {
    let authority = Authority::root("callers' root");
    let caller = format!(r#"[{{ san = "{BACKEND}", permissions = ["read"] }}]"#);
    let settings = [&TLS[..], &[("listen.public.caller", caller.as_str())]].concat();
    let site = Site::start(&settings).await;
    write_certificates(&site, &authority);
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let who = authority.sign(&Leaf::uri(BACKEND));
    let connector = client(&site.path("clients-ca.crt"), Some(&who));
    let mut standing = Caller::new(channel(server.told("grpc"), &connector));
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let well = async || {
        let url = format!("http://{}/metrics", server.told("http"));
        let page = http.get(url).send().await.unwrap().text().await.unwrap();
        page.lines().any(|line| line == "fmvault_config_reload_success 1")
    };
    let (again, kept) = ("read again\"", "stay as they were");
    let times = |what: &str| site.log().matches(what).count();
    for file in ["server.crt", "server.key", "clients-ca.crt", "clients.crl", "fmvault.toml"] {
        let path = site.path(file);
        let good = fs::read(&path).unwrap();
        let before = times(again);
        kill_process(pid, Signal::HUP).unwrap();
        eventually("SIGHUP is heard", async || times(again) > before).await;
        for broken in [Some("nonsense"), Some(""), None] {
            match broken {
                // Without any settings there are no callers, which is no mistake.
                Some("") | None if file == "fmvault.toml" => continue,
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            eventually(&format!("{file}, {broken:?} is noticed"), async || !well().await).await;
            let before = times(kept);
            kill_process(pid, Signal::HUP).unwrap();
            eventually(&format!("{file}, {broken:?} at SIGHUP"), async || times(kept) > before)
                .await;
            let new = Caller::new(channel(server.told("grpc"), &connector));
            for mut caller in [standing.clone(), new] {
                let told = Told::by(&ask(&mut caller).await);
                assert_eq!(told.reason, "ENROLLMENT_NOT_FOUND", "{file}, {broken:?}");
            }
            let _ = fs::remove_file(&path);
            write_back(&path, &good);
            eventually("it is well again", &well).await;
        }
        assert_eq!(Told::by(&ask(&mut standing).await).reason, "ENROLLMENT_NOT_FOUND", "{file}");
    }
    server.stop(Signal::TERM).await;
}

/// As it was: complete when it appears, and private, as a key must be.
fn write_back(path: &std::path::Path, bytes: &[u8]) {
    let staged = path.with_extension("staged");
    write_private(&staged, bytes);
    fs::rename(staged, path).unwrap();
}
