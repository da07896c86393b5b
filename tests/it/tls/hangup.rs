//! The real binary reads its settings again: when the file changes, and on SIGHUP.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::ask;
use crate::support::caller::{Caller, Told};
use crate::support::pki::{Authority, Leaf, channel, client};
use crate::support::secured::{BACKEND, TLS, eventually, write_certificates};
use crate::support::site::Site;

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
