//! The real server on a disk that fills up or turns read-only, and comes back.

pub(crate) mod disk;

use std::process::Stdio;
use std::time::{Duration, Instant};

use facemap_vault::proto::v1::CreateEnrollmentRequest;
use facemap_vault::proto::v1::enrollment::State;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::{Value, json};
use tonic::Code;

use crate::support::caller::{Caller, Told, connect, enroll, start};
use crate::support::process::Process;
use crate::support::site::{Person, Site};
use crate::torture::shim::Shim;
use disk::{Ext4, Tmpfs};

/// What is promised: so soon after the disk has come back, changes are taken again.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// Large enough that a few of them matter.
const FACEMAP_LEN: u64 = 300_000;

/// A site with its store at `path`, where somebody may log in again and again.
async fn a_site(path: &str) -> Site {
    Site::start(&[("store.path", path), ("authentication.on_in_progress", "supersede")]).await
}

/// A server, who calls it, and who is enrolled there.
struct Scene<'s> {
    site: &'s Site,
    server: Process,
    caller: Caller,
    captured: Vec<Person>,
}

impl<'s> Scene<'s> {
    async fn start(site: &'s Site) -> Self {
        Self::with(site, site.serve(&[]).await).await
    }

    /// As [`Self::start`], with `shim` between the server and its disk.
    async fn under(site: &'s Site, shim: &Shim) -> Self {
        let mut command = site.command(&["server", "--format", "json"]);
        shim.under(command.stderr(Stdio::null()));
        Self::with(site, Process::start(&mut command).await).await
    }

    async fn with(site: &'s Site, server: Process) -> Self {
        let caller = Caller::new(connect(server.told("grpc")).await);
        Self { site, server, caller, captured: Vec::new() }
    }

    async fn someone(&self) -> CreateEnrollmentRequest {
        enroll(&self.site.onboard(json!({ "facemap_size": FACEMAP_LEN })).await, 20)
    }

    async fn capture_someone(&mut self) {
        let person = self.site.onboard(json!({ "facemap_size": FACEMAP_LEN })).await;
        let made = self.caller.create_enrollment(enroll(&person, 20)).await.unwrap();
        assert_eq!(made.into_inner().enrollment.unwrap().state(), State::Active);
        self.captured.push(person);
    }

    /// Enrolls people, and waits for their facemaps, until the disk refuses; the refusal.
    async fn until_refused(&mut self) -> Told {
        for _ in 0..200 {
            let person = self.site.onboard(json!({ "facemap_size": FACEMAP_LEN })).await;
            match self.caller.create_enrollment(enroll(&person, 20)).await {
                Ok(made)
                    if made.get_ref().enrollment.as_ref().unwrap().state() == State::Active =>
                {
                    self.captured.push(person);
                }
                // The enrollment had room and its facemap had not: the next one finds that out.
                Ok(_) => {}
                Err(refused) => return Told::by(&refused),
            }
        }
        panic!("{} facemaps and never refused", self.captured.len());
    }

    /// Everybody who was captured can log in.
    async fn everybody_logs_in(&mut self) {
        assert!(!self.captured.is_empty(), "nobody was captured");
        for person in &self.captured {
            let started = self.caller.start_authentication(start(&person.account)).await;
            let authentication = started.unwrap().into_inner().authentication.unwrap();
            let uploads = self.site.uploads(&authentication.workflow_execution_id).await;
            assert_eq!(uploads, std::slice::from_ref(&person.sha256));
        }
    }

    /// Changes are refused for `reason`, everything says so, and logins go on.
    async fn assert_refusing(&mut self, code: Code, reason: &str, state: &str) {
        let request = self.someone().await;
        let told = Told::by(&self.caller.create_enrollment(request).await.unwrap_err());
        assert_eq!(told.what(), (code, reason));
        self.everybody_logs_in().await;
        // The look that finds it may be a second away.
        let give_up = Instant::now() + BACK_WITHIN;
        while self.status().await["store_state"] != state {
            assert!(Instant::now() < give_up, "{}", self.status().await);
        }
        let status = self.status().await;
        assert_eq!(status["state"], "UNSEALED", "{status}");
        assert!(status["attention"].to_string().contains("takes no changes"), "{status}");
        assert!(self.doctor().await.starts_with("fail"), "{}", self.doctor().await);
        assert_eq!(self.page("readyz").await, "ready, but the store takes no changes\n");
        assert!(self.page("metrics").await.contains("fmvault_store_writable 0"));
    }

    /// Changes are taken again before long, without help; everything says so.
    async fn assert_comes_back(&mut self) {
        let back = Instant::now();
        let request = self.someone().await;
        while let Err(refused) = self.caller.create_enrollment(request.clone()).await {
            assert!(back.elapsed() < BACK_WITHIN, "still refused: {refused:?}");
        }
        assert!(back.elapsed() < BACK_WITHIN, "it took {:?}", back.elapsed());
        while self.status().await["store_state"] != "writable" {
            assert!(back.elapsed() < BACK_WITHIN, "{}", self.status().await);
        }
        assert!(self.doctor().await.starts_with("ok"), "{}", self.doctor().await);
        assert_eq!(self.page("readyz").await, "ready\n");
        assert!(self.page("metrics").await.contains("fmvault_store_writable 1"));
        self.everybody_logs_in().await;
    }

    async fn status(&self) -> Value {
        self.site.run(&["status", "--json"]).await.json()
    }

    async fn doctor(&self) -> String {
        let found = self.site.run(&["doctor", "--json"]).await.json();
        let checks = found["checks"].as_array().unwrap();
        let is_it = |check: &&Value| check["name"] == "store takes changes";
        let check = checks.iter().find(is_it).unwrap();
        format!("{} {}", check["outcome"].as_str().unwrap(), check["detail"].as_str().unwrap())
    }

    async fn page(&self, page: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/{page}", self.server.told("http"));
        http.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Stops; a new server has everything.
    async fn restart(self) -> Self {
        let (_, ended) = self.server.stop(Signal::TERM).await;
        assert_eq!(ended.code(), Some(0));
        Self { captured: self.captured, ..Self::start(self.site).await }
    }
}

/// A limit of file sizes needs no rights to set, and is met by the engine in the middle of a write.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_file_sizes_is_a_full_disk_and_lifting_it_is_enough() {
    let site = a_site("{dir}store").await;
    site.keys_init().await;
    let mut scene = Scene::start(&site).await;
    let pid = Pid::from_raw(i32::try_from(scene.server.id()).unwrap()).unwrap();
    let limit = |current| Rlimit { current, maximum: None };
    prlimit(Some(pid), Resource::Fsize, limit(Some(2 << 20))).unwrap();

    let refused = scene.until_refused().await;
    assert_eq!(refused.what(), (Code::ResourceExhausted, "STORE_FULL"));
    scene.assert_refusing(Code::ResourceExhausted, "STORE_FULL", "full").await;
    prlimit(Some(pid), Resource::Fsize, limit(None)).unwrap();
    scene.assert_comes_back().await;
    scene.restart().await.everybody_logs_in().await;
}

/// After a failed sync nobody knows what is on the disk. That it works again afterwards changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_not_made_durable_stops_changes_until_a_restart() {
    let site = a_site("{dir}store").await;
    site.keys_init().await;
    let beside = tempfile::tempdir().unwrap();
    let shim = Shim::new(beside.path(), &[site.path("store")]);
    let mut scene = Scene::under(&site, &shim).await;
    scene.capture_someone().await;

    shim.tell(&["fail sync * 1 EIO".to_owned()]);
    let request = scene.someone().await;
    let told = Told::by(&scene.caller.create_enrollment(request).await.unwrap_err());
    assert_eq!(told.what(), (Code::Unavailable, "STORE_READ_ONLY"));
    shim.tell(&[]);
    scene.assert_refusing(Code::Unavailable, "STORE_READ_ONLY", "broken").await;
    let request = scene.someone().await;
    let told = Told::by(&scene.caller.create_enrollment(request).await.unwrap_err());
    assert!(told.message.contains("restart the vault"), "{told:?}");

    let mut scene = scene.restart().await;
    scene.everybody_logs_in().await;
    scene.capture_someone().await;
}

/// The store's disk really fills up, by others; then there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_until_there_is_room() {
    let site = a_site("{dir}disk/store").await;
    let Some(disk) = Tmpfs::mount(&site.path("disk"), "400m") else { return };
    site.keys_init().await;
    let mut scene = Scene::start(&site).await;
    scene.capture_someone().await;

    disk.fill();
    scene.assert_refusing(Code::ResourceExhausted, "STORE_FULL", "full").await;
    disk.make_room();
    scene.assert_comes_back().await;
    scene.restart().await.everybody_logs_in().await;
}

/// An error of the file system makes it read-only under the running server, as a failing disk does.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_refuses_changes() {
    let site = a_site("{dir}disk/store").await;
    let Some(disk) = Ext4::mount(&site.path("disk"), "600m") else { return };
    site.keys_init().await;
    let mut scene = Scene::start(&site).await;
    scene.capture_someone().await;

    disk.break_it();
    scene.assert_refusing(Code::Unavailable, "STORE_READ_ONLY", "read_only").await;
    let (_, ended) = scene.server.stop(Signal::TERM).await;
    assert_eq!(ended.code(), Some(0));

    // A start on it is refused, with the reason.
    let refused = site.run(&["server", "--check"]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("STORE_READ_ONLY"), "{refused:?}");
}

/// The same by the system's word, which it takes back after a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_was_read_only_for_a_while_is_used_again() {
    let site = a_site("{dir}store").await;
    site.keys_init().await;
    let beside = tempfile::tempdir().unwrap();
    let shim = Shim::new(beside.path(), &[site.path("store")]);
    let mut scene = Scene::under(&site, &shim).await;
    scene.capture_someone().await;

    let fails = |kind| format!("fail {kind} */store/* 1+ EROFS");
    shim.tell(&["write", "create", "resize", "rename", "unlink"].map(fails));
    let request = scene.someone().await;
    let told = Told::by(&scene.caller.create_enrollment(request).await.unwrap_err());
    assert_eq!(told.what(), (Code::Unavailable, "STORE_READ_ONLY"));
    scene.assert_refusing(Code::Unavailable, "STORE_READ_ONLY", "read_only").await;
    shim.tell(&[]);
    scene.assert_comes_back().await;
    scene.restart().await.everybody_logs_in().await;
}

#[tokio::test]
async fn a_start_on_a_read_only_disk_is_refused_with_the_reason() {
    let site = a_site("{dir}disk/store").await;
    let Some(disk) = Tmpfs::mount(&site.path("disk"), "400m") else { return };
    site.keys_init().await;
    disk.read_only(true);
    let refused = site.run(&["server", "--check"]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("STORE_READ_ONLY"), "{refused:?}");
    disk.read_only(false);
    site.run(&["server", "--check"]).await.ok();
}
