//! `fmvault server` and `fmvault sim`: one ready line, one owner of a store, an orderly end.

use std::time::{Duration, Instant};

use facemap_vault::sim::Remote;
use rustix::process::Signal;
use serde_json::json;

use crate::support::caller::{Caller, connect, connect_socket, start};
use crate::support::process::{Process, fmvault, run};
use crate::support::site::Site;

#[tokio::test]
async fn a_server_says_where_it_is_and_ends_when_told() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    for signal in [Signal::TERM, Signal::INT] {
        let server = site.serve(&[]).await;
        let keys: Vec<_> = server.ready.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["admin", "grpc", "http"]);
        connect(server.told("grpc")).await;
        connect_socket(server.told("admin").as_ref()).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ready =
            http.get(format!("http://{}/readyz", server.told("http"))).send().await.unwrap();
        assert_eq!(ready.status(), 200);

        let begun = Instant::now();
        let (rest, ended) = server.stop(signal).await;
        assert_eq!((ended.code(), rest.as_str()), (Some(0), ""), "{signal:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(!site.path("admin.sock").exists(), "it takes its socket along");
    }
    // For people it is one line of text.
    let mut command = site.command(&["server", "--check", "--quiet"]);
    assert_eq!(run(&mut command).await.ok(), "everything opens\n");
}

/// Who reads the ready line may stop the server at once.
#[tokio::test]
async fn a_server_can_be_stopped_the_moment_it_is_ready() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    for _ in 0..10 {
        let ended = site.serve(&[]).await.stop(Signal::TERM).await.1;
        assert_eq!(ended.code(), Some(0));
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    let person = site.onboard(json!({})).await;
    let mut caller = Caller::new(connect(server.told("grpc")).await);
    caller.create_enrollment(crate::support::caller::enroll(&person, 10)).await.unwrap();

    site.fault(json!({ "method": "PUT", "action": { "delay": "2s" } })).await;
    let request = start(&person.account);
    let waiting = tokio::spawn(async move { caller.start_authentication(request).await });
    // The update has reached Jumio when its fault is used up.
    let struck = || async { site.remote.get("faults").await.unwrap()["faults"][0]["hits"] == 1 };
    while !struck().await {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    let ended = server.stop(Signal::TERM).await.1;
    assert_eq!(ended.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    let started = waiting.await.unwrap().expect("it was under way").into_inner();
    let execution = started.authentication.unwrap().workflow_execution_id;
    assert_eq!(site.uploads(&execution).await, [person.sha256]);
}

#[tokio::test]
async fn a_second_server_says_who_has_the_store() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let server = site.serve(&[]).await;
    for arguments in [&["server"][..], &["server", "--check"]] {
        let ran = site.run(arguments).await;
        assert_eq!(ran.code, Some(7), "{ran:?}");
        assert!(ran.stderr.contains("in use by process "), "{ran:?}");
        assert!(!ran.next().is_empty());
    }
    site.run(&["status"]).await.ok();
    server.kill().await;
    // A killed server leaves a socket and a note behind; neither is in the way.
    assert!(site.path("admin.sock").exists());
    let ended = site.serve(&[]).await.stop(Signal::TERM).await.1;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let site = Site::start(&[]).await;
    site.keys_init().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let set = format!("listen.public.address={address}");
    let ran = site.run(&["server", "--set", &set]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains(&address), "{ran:?}");
    assert!(ran.next().contains("another address"), "{ran:?}");
}

#[tokio::test]
async fn a_simulator_says_where_it_is_and_ends_when_told() {
    let server = Process::start(&mut fmvault(&["sim", "--format", "json", "--quiet"])).await;
    let keys: Vec<_> = server.ready.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["client_id", "client_secret", "url"]);
    let remote =
        Remote::new(server.told("url"), server.told("client_id"), server.told("client_secret"));
    remote.post("onboardings", &json!({})).await.unwrap();
    let unknown = "/api/v1/accounts/7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
    assert_eq!(remote.retrieve(unknown).await.unwrap().0, 405);
    let begun = Instant::now();
    let (rest, ended) = server.stop(Signal::TERM).await;
    assert_eq!((ended.code(), rest.as_str()), (Some(0), ""));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
