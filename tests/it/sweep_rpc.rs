//! Sweeps and the forecast as operators reach them: a whole vault, over its admin socket.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs::OpenOptions, io::Write as _};

use facemap_vault::config::Config;
use facemap_vault::model::Timestamp;
use facemap_vault::proto::admin::v1;
use facemap_vault::proto::admin::v1::start_sweep_request::IfRunning;
use facemap_vault::proto::admin::v1::status_service_client::StatusServiceClient;
use facemap_vault::proto::admin::v1::sweep::State;
use facemap_vault::proto::admin::v1::sweep_service_client::SweepServiceClient;
use facemap_vault::proto::v1 as public;
use facemap_vault::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;
use facemap_vault::serve::{Running, initialize, start};
use facemap_vault::sim::{self, Options, Remote, Simulator};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::service_fn;

struct World {
    sim: sim::Running,
    remote: Remote,
    vault: Running,
    channel: Channel,
    _data: TempDir,
}

impl World {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let sim = Simulator::start(Options::default()).await.unwrap();
        let config = config(data.path(), &sim);
        initialize(&config, Timestamp::now()).await.unwrap();
        let vault = start(&config, |_| {}).await.unwrap();
        let channel = connect(vault.admin.clone()).await;
        let remote = Remote::new(sim.url(), sim.client_id(), sim.client_secret());
        Self { sim, remote, vault, channel, _data: data }
    }

    async fn enroll(&self, count: usize) {
        let how = json!({ "count": count, "workflow_key": "10011" });
        let made = self.remote.post("onboardings", &how).await.unwrap();
        for one in made["onboardings"].as_array().unwrap() {
            let id = |key: &str| one[key].as_str().unwrap().to_owned();
            let enrollment = public::Enrollment {
                account_id: id("account_id"),
                workflow_execution_id: id("workflow_execution_id"),
                ..public::Enrollment::default()
            };
            let request = public::CreateEnrollmentRequest {
                enrollment: Some(enrollment),
                ..public::CreateEnrollmentRequest::default()
            };
            let mut client = FacemapVaultServiceClient::new(self.channel.clone());
            client.create_enrollment(request).await.unwrap();
        }
    }

    fn sweeps(&self) -> SweepServiceClient<Channel> {
        SweepServiceClient::new(self.channel.clone())
    }

    async fn start(&self, request: v1::StartSweepRequest) -> Result<v1::Sweep, Status> {
        Ok(self.sweeps().start_sweep(request).await?.into_inner().sweep.unwrap())
    }

    async fn ended(&self, name: &str) -> v1::Sweep {
        loop {
            let wait = Some(prost_types::Duration { seconds: 10, nanos: 0 });
            let request = v1::GetSweepRequest { name: name.to_owned(), wait };
            let sweep = self.sweeps().get_sweep(request).await.unwrap().into_inner().sweep.unwrap();
            if sweep.state != i32::from(State::Running) {
                return sweep;
            }
        }
    }

    async fn stop(self) {
        self.vault.stop().await;
        self.sim.stop().await;
    }
}

async fn connect(socket: PathBuf) -> Channel {
    let connect = service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://fmvault.invalid");
    endpoint.connect_with_connector(connect).await.unwrap()
}

/// A vault whose own sweep does not come in between, and which captures nothing by itself.
fn config(dir: &Path, sim: &sim::Running) -> Config {
    let secret = dir.join("client-secret");
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret).unwrap();
    file.write_all(sim.client_secret().as_bytes()).unwrap();
    let path = |name: &str| dir.join(name).display().to_string();
    let url = sim.url().to_owned();
    let flags = [
        ("mode", "simulator".to_owned()),
        ("jumio.client_id", sim.client_id().to_owned()),
        ("jumio.client_secret", format!("file:{}", secret.display())),
        ("jumio.user_agent", "ExampleBank test/1.0".to_owned()),
        ("jumio.retention", "30d".to_owned()),
        ("jumio.auth_url", url.clone()),
        ("jumio.account_url", url.clone()),
        ("jumio.api_url", url.clone()),
        ("jumio.retrieval_url", url),
        ("jumio.limits.retrieval_per_second", "20".to_owned()),
        ("store.path", path("store")),
        ("audit.dir", path("audit")),
        ("audit.write_timeout", "60s".to_owned()),
        ("keys.keyring", path("keyring")),
        ("keys.key_file", format!("file:{}", path("root-key"))),
        ("capture.immediate", "false".to_owned()),
        ("sweep.interval", "90d".to_owned()),
        ("listen.public.address", "127.0.0.1:0".to_owned()),
        ("listen.http.address", "127.0.0.1:0".to_owned()),
        ("listen.admin.socket", path("admin.sock")),
    ];
    match Config::load(None, std::iter::empty(), &flags) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{problems}"),
    }
}

fn horizon(days: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 })
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_error_details().error_info().unwrap().reason.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_plans_starts_watches_and_lists_a_sweep() {
    let world = World::new().await;
    world.enroll(5).await;

    let request = v1::GetCoverageRequest { horizon: None };
    let mut status = StatusServiceClient::new(world.channel.clone());
    let coverage = status.get_coverage(request).await.unwrap().into_inner().coverage.unwrap();
    assert_eq!((coverage.pending, coverage.missed_deadlines, coverage.overdue), (5, 0, 0));
    // 20 calls a second, less three tenths, two calls each.
    assert!((coverage.captures_per_second_budget - 7.0).abs() < 1e-9, "{coverage:?}");
    assert_eq!(coverage.days.iter().map(|day| day.pending).sum::<i64>(), 5);

    let preview = v1::StartSweepRequest {
        horizon: horizon(31),
        validate_only: true,
        ..v1::StartSweepRequest::default()
    };
    let preview = world.start(preview).await.unwrap();
    assert_eq!((preview.name.as_str(), preview.due_total), ("", 5));

    let run = v1::StartSweepRequest { horizon: horizon(31), ..v1::StartSweepRequest::default() };
    let sweep = world.start(run).await.unwrap();
    let ended = world.ended(&sweep.name).await;
    assert_eq!((ended.state, ended.captured), (State::Succeeded.into(), 5), "{ended:?}");
    assert!(ended.end_time.is_some() && ended.errors.is_empty());
    let list = world.sweeps().list_sweeps(v1::ListSweepsRequest {}).await.unwrap().into_inner();
    assert_eq!(list.sweeps.first().map(|sweep| &sweep.name), Some(&sweep.name));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sweep_is_the_running_one_or_refused() {
    let world = World::new().await;
    world.enroll(60).await;
    let run = v1::StartSweepRequest { horizon: horizon(31), ..v1::StartSweepRequest::default() };
    // 60 captures take more than eight seconds at this budget.
    let first = world.start(run).await.unwrap();
    assert_eq!(world.start(run).await.unwrap().name, first.name);

    let reject = v1::StartSweepRequest { if_running: IfRunning::Reject.into(), ..run };
    let status = world.start(reject).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Aborted, "SWEEP_IN_PROGRESS".to_owned()));
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["name"], first.name);

    let cancel = v1::CancelSweepRequest { name: first.name.clone() };
    let cancelled = world.sweeps().cancel_sweep(cancel).await.unwrap().into_inner().sweep.unwrap();
    assert_eq!(cancelled.state, i32::from(State::Cancelled));
    assert!(cancelled.remaining > 0 && cancelled.captured + cancelled.remaining >= 60 - 16);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said() {
    let world = World::new().await;
    let unknown = "sweeps/7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10".to_owned();
    let request = v1::GetSweepRequest { name: unknown, wait: None };
    let status = world.sweeps().get_sweep(request).await.unwrap_err();
    assert_eq!(reason(&status), (Code::NotFound, "SWEEP_NOT_FOUND".to_owned()));

    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    let request = v1::CancelSweepRequest { name: "7b1f0c7e".to_owned() };
    let status = world.sweeps().cancel_sweep(request).await.unwrap_err();
    assert_eq!(reason(&status), invalid);
    let default = v1::StartSweepRequest::default();
    let table = [
        v1::StartSweepRequest { limit: -1, ..default },
        v1::StartSweepRequest { horizon: horizon(-1), ..default },
        v1::StartSweepRequest { horizon: horizon(4_000), ..default },
        v1::StartSweepRequest { if_running: 9, ..default },
    ];
    for request in table {
        assert_eq!(reason(&world.start(request).await.unwrap_err()), invalid, "{request:?}");
    }
    world.stop().await;
}
