//! The real server with the audit trail on a disk of its own, which fills up, hangs, turns read-only or
//! goes away: nothing is done unrecorded, that is said soon, and it ends by itself.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use facemap_vault::model::{AccountId, WorkflowExecutionId};
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use facemap_vault::proto::admin::v1::{
    EnrollmentRow, EraseEnrollmentRequest, RegisterEnrollmentsRequest,
};
use facemap_vault::proto::v1::GetEnrollmentRequest;
use rustix::process::Signal;
use serde_json::json;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::disk_trouble::disk::{Ext4, Tmpfs};
use crate::support::caller::{Caller, Told, connect, connect_socket, enroll, start};
use crate::support::process::Process;
use crate::support::site::{Person, Site};
use crate::torture::shim::Shim;

/// What is promised: so soon a caller knows that nothing can be recorded.
const TOLD_WITHIN: Duration = Duration::from_millis(200);
/// How often that is measured. The best of them counts: this machine has other work, and a limit that is
/// too long would make all of them too late.
const ROUNDS: usize = 5;
/// So soon after the disk has come back the vault serves again.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// Settings of a trail on a disk of its own, with the time-out that is usual.
const APART: [(&str, &str); 3] = [
    ("audit.dir", "{dir}disk/audit"),
    ("audit.write_timeout", "100ms"),
    ("authentication.on_in_progress", "supersede"),
];

/// A server and somebody who is captured there.
struct Scene<'s> {
    site: &'s Site,
    server: Process,
    caller: Caller,
    admin: Channel,
    person: Person,
}

impl<'s> Scene<'s> {
    async fn start(site: &'s Site) -> Self {
        Self::with(site, site.serve(&[]).await).await
    }

    async fn with(site: &'s Site, server: Process) -> Self {
        let mut caller = Caller::new(connect(server.told("grpc")).await);
        let admin = connect_socket(Path::new(server.told("admin"))).await;
        let person = site.onboard(json!({})).await;
        // Other work may make the disk slow for a moment, which is no fault here.
        while let Err(refused) = caller.create_enrollment(enroll(&person, 20)).await {
            assert_eq!(Told::by(&refused).reason, "AUDIT_UNAVAILABLE");
        }
        let scene = Self { site, server, caller, admin, person };
        scene.serves_again().await;
        scene
    }

    /// Asks for what everybody may ask.
    async fn ask(&self) -> Result<(), Status> {
        let name = format!("enrollments/{}", self.person.account);
        self.caller.clone().get_enrollment(GetEnrollmentRequest { name }).await.map(drop)
    }

    /// How long it takes until a caller is refused.
    async fn told_after(&self) -> Duration {
        let asked = Instant::now();
        let refused = self.ask().await.expect_err("nothing can be recorded");
        let took = asked.elapsed();
        assert_eq!(Told::by(&refused).what(), (Code::Unavailable, "AUDIT_UNAVAILABLE"));
        took
    }

    /// The trail is out of order and everything says so.
    async fn assert_refusing(&self, state: &str) {
        self.told_after().await;
        let refused = self.caller.clone().start_authentication(start(&self.person.account)).await;
        assert_eq!(Told::by(&refused.unwrap_err()).reason, "AUDIT_UNAVAILABLE");
        let (status, ready) = self.page("readyz").await;
        assert_eq!((status, ready.as_str()), (503, "the audit trail cannot be written\n"));
        assert_eq!(self.page("livez").await.0, 200, "nobody must restart it for that");
        let seen = self.site.run(&["status", "--json"]).await;
        assert_eq!(seen.code, Some(3), "{seen:?}");
        assert_eq!(seen.json()["audit"]["state"], state, "{seen:?}");
        assert!(seen.json()["attention"].to_string().contains("audit trail"), "{seen:?}");
    }

    /// Until a caller is served.
    async fn serves_again(&self) {
        let back = Instant::now();
        while let Err(refused) = self.ask().await {
            assert_eq!(Told::by(&refused).reason, "AUDIT_UNAVAILABLE");
            assert!(back.elapsed() < BACK_WITHIN, "still refused after {:?}", back.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Comes back by itself, and stays whole.
    async fn assert_comes_back(self, gaps: &[&str]) {
        self.serves_again().await;
        let back = Instant::now();
        while self.page("readyz").await.0 != 200 {
            assert!(back.elapsed() < BACK_WITHIN, "not ready");
        }
        let started = self.caller.clone().start_authentication(start(&self.person.account)).await;
        started.expect("people log in again");
        let verified = self.site.run(&["audit", "verify", "--json"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
        let verified = verified.json();
        let found = verified["gaps"].as_array().unwrap().iter().map(|gap| gap.as_str().unwrap());
        let causes: Vec<_> = found.filter_map(|gap| gap.rsplit(' ').next()).collect();
        assert_eq!(causes, gaps, "{verified}");
        let (_, ended) = self.server.stop(Signal::TERM).await;
        assert_eq!(ended.code(), Some(0));
        self.site.run(&["server", "--check"]).await.ok();
    }

    async fn page(&self, page: &str) -> (u16, String) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/{page}", self.server.told("http"));
        let answer = http.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn erase(&self) -> Result<(), Status> {
        let name = format!("enrollments/{}", self.person.account);
        let mut operators = EnrollmentAdminServiceClient::new(self.admin.clone());
        operators.erase_enrollment(EraseEnrollmentRequest { name }).await.map(drop)
    }

    /// Uses up the room: a page of a backlog makes a thousand records.
    async fn register_until_refused(&self) -> Status {
        let mut operators = EnrollmentAdminServiceClient::new(self.admin.clone());
        for _ in 0..100 {
            let row = |_| EnrollmentRow {
                account_id: AccountId::generate().hyphenated(),
                workflow_execution_id: WorkflowExecutionId::generate().hyphenated(),
                completed_time: None,
            };
            let request = RegisterEnrollmentsRequest { rows: (0..1000).map(row).collect() };
            if let Err(refused) = operators.register_enrollments(request).await {
                return refused;
            }
        }
        panic!("a full disk is never noticed");
    }
}

/// The disk fills up, by others. What was reserved is still there, and the last of it is for erasures.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_only_erasures_go_on_until_there_is_room() {
    let reserve = ("audit.reserve", "2MiB");
    let patient = ("audit.write_timeout", "60s");
    let site = Site::start(&[&APART[..], &[reserve, patient]].concat()).await;
    let Some(disk) = Tmpfs::mount(&site.path("disk"), "16m") else { return };
    site.keys_init().await;
    let scene = Scene::start(&site).await;
    disk.fill();
    scene.ask().await.expect("what is reserved is there");
    let told = Told::by(&scene.register_until_refused().await);
    assert_eq!(told.what(), (Code::Unavailable, "AUDIT_UNAVAILABLE"));
    scene.assert_refusing("scarce").await;
    scene.erase().await.expect("erasures go on");
    scene.assert_refusing("scarce").await;
    disk.make_room();
    scene.serves_again().await;
    let erased = scene.caller.clone().start_authentication(start(&scene.person.account)).await;
    assert_eq!(Told::by(&erased.unwrap_err()).reason, "FACEMAP_ERASED", "and it stays erased");
    let verified = site.run(&["audit", "verify", "--json"]).await;
    assert_eq!(verified.json()["gaps"], json!([]), "nothing was lost: {verified:?}");
    let erasures = ["audit", "query", "--action", "enrollment.erase", "--json"];
    assert_eq!(site.run(&erasures).await.json().as_array().map(Vec::len), Some(1));
    scene.server.stop(Signal::TERM).await;
}

/// Whoever writes to the disk waits, as on a network file system whose server is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_is_told_within_200_ms() {
    let site = Site::start(&APART).await;
    let Some(disk) = Ext4::mount(&site.path("disk"), "64m") else { return };
    site.keys_init().await;
    let scene = Scene::start(&site).await;
    let (mut first, mut later) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        disk.stall();
        first = first.min(scene.told_after().await);
        // From now on it is known, and nobody waits.
        later = later.min(scene.told_after().await);
        disk.release();
        scene.serves_again().await;
    }
    assert!(first <= TOLD_WITHIN && later <= TOLD_WITHIN, "{first:?}, {later:?} at best");
    disk.stall();
    scene.told_after().await;
    scene.assert_refusing("slow").await;
    disk.release();
    scene.assert_comes_back(&[]).await;
}

/// Each sync takes seconds; the rest of the system is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_slow_is_told_within_200_ms() {
    let (site, shim, _beside) = under_shim().await;
    let scene = under(&site, &shim).await;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        shim.tell(&["delay sync *ledger* 1 1500".to_owned()]);
        best = best.min(scene.told_after().await);
        scene.serves_again().await;
    }
    assert!(best <= TOLD_WITHIN, "{best:?} at best");
    scene.assert_comes_back(&[]).await;
}

/// The file system says that it is read-only, or that it is broken, and later that it is well.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_writes_for_a_while_is_used_again() {
    for (errno, state) in [("EROFS", "failed"), ("EIO", "failed"), ("ENOSPC", "full")] {
        let (site, shim, _beside) = under_shim().await;
        let scene = under(&site, &shim).await;
        shim.tell(&[format!("fail any *audit* 1+ {errno}")]);
        assert!(scene.ask().await.is_err(), "{errno}");
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            best = best.min(scene.told_after().await);
        }
        assert!(best <= TOLD_WITHIN, "{errno}: {best:?} at best");
        scene.assert_refusing(state).await;
        let erased = Told::by(&scene.erase().await.unwrap_err());
        assert_eq!(erased.reason, "AUDIT_UNAVAILABLE", "{errno}: not unrecorded either");
        shim.tell(&[]);
        scene.assert_comes_back(&["write-failed"]).await;
    }
}

/// The directory is moved away under the running server, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_gone_is_noticed_and_so_is_that_it_is_back() {
    let site = Site::start(&APART).await;
    fs::create_dir(site.path("disk")).unwrap();
    site.keys_init().await;
    let scene = Scene::start(&site).await;
    let (dir, away) = (site.path("disk/audit"), site.path("disk/away"));
    fs::rename(&dir, &away).unwrap();
    // Noticed at the next write at the latest, whose record is not told as done.
    assert!(scene.ask().await.is_err());
    scene.assert_refusing("failed").await;
    fs::rename(&away, &dir).unwrap();
    scene.assert_comes_back(&["file-gone"]).await;
}

/// Only the file is removed: the next one says so, nobody is refused for long, and the metrics count it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_is_followed_by_one_that_says_so() {
    let site = Site::start(&APART).await;
    fs::create_dir(site.path("disk")).unwrap();
    site.keys_init().await;
    let scene = Scene::start(&site).await;
    fs::remove_file(site.path("disk/audit/ledger.00000001")).unwrap();
    scene.serves_again().await;
    let noted = site.run(&["audit", "query", "--action", "audit.gap", "--json"]).await.json();
    assert_eq!(noted[0]["detail"], "file-gone", "{noted}");
    let (_, metrics) = scene.page("metrics").await;
    let failures = metrics.lines().find(|line| line.starts_with("fmvault_audit_write_failures"));
    assert_ne!(failures, Some("fmvault_audit_write_failures_total 0"), "{failures:?}");
    let verified = site.run(&["audit", "verify"]).await;
    assert!(verified.ok().contains("file-gone"), "{verified:?}");
    scene.server.stop(Signal::TERM).await;
}

async fn under_shim() -> (Site, Shim, tempfile::TempDir) {
    let site = Site::start(&APART).await;
    fs::create_dir(site.path("disk")).unwrap();
    site.keys_init().await;
    let beside = tempfile::tempdir().unwrap();
    let shim = Shim::new(beside.path(), &[site.path("disk/audit")]);
    (site, shim, beside)
}

async fn under<'s>(site: &'s Site, shim: &Shim) -> Scene<'s> {
    let mut command = site.command(&["server", "--format", "json"]);
    shim.under(command.stderr(Stdio::null()));
    Scene::with(site, Process::start(&mut command).await).await
}
