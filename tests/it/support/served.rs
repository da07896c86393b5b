//! A vault that serves, beside a simulated Jumio, and the program that operators use on it.

use std::process::Output;

use facemap_vault::config::Config;
use facemap_vault::model::Timestamp;
use facemap_vault::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;
use facemap_vault::proto::v1::{CreateEnrollmentRequest, Enrollment};
use facemap_vault::serve::{self, Running, initialize};
use facemap_vault::sim::{self, Options, Remote, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

/// See the module. Everything of it is gone when it is stopped.
pub(crate) struct Served {
    pub(crate) sim: sim::Running,
    pub(crate) remote: Remote,
    pub(crate) vault: Running,
    flags: Vec<(String, String)>,
    _dir: TempDir,
}

/// Somebody who was onboarded at the simulator.
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) execution: String,
}

impl Served {
    /// Starts both, with the settings in `extra` besides what is needed.
    pub(crate) async fn start(extra: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = Simulator::start(Options::default()).await.unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        write_secret(&path("client-secret"), sim.client_secret());
        let url = sim.url();
        let mut flags: Vec<(String, String)> = [
            ("mode", "simulator"),
            ("jumio.client_id", sim.client_id()),
            ("jumio.client_secret", &format!("file:{}", path("client-secret"))),
            ("jumio.user_agent", "ExampleBank tests/1.0"),
            ("jumio.retention", "30d"),
            ("jumio.auth_url", url),
            ("jumio.account_url", url),
            ("jumio.api_url", url),
            ("jumio.retrieval_url", url),
            ("store.path", &path("store")),
            ("keys.keyring", &path("keyring")),
            ("keys.key_file", &format!("file:{}", path("root-key"))),
            ("listen.public.address", "127.0.0.1:0"),
            ("listen.http.address", "127.0.0.1:0"),
            ("listen.admin.socket", &path("admin.sock")),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        for (key, value) in extra {
            flags.retain(|(known, _)| known != key);
            flags.push(((*key).to_owned(), (*value).to_owned()));
        }
        let config = config(&flags);
        initialize(&config, Timestamp::now()).await.unwrap();
        let vault = serve::start(&config, |_| {}).await.unwrap();
        let remote = Remote::new(sim.url(), sim.client_id(), sim.client_secret());
        Self { sim, remote, vault, flags, _dir: dir }
    }

    /// Ends both.
    pub(crate) async fn stop(self) {
        self.vault.stop().await;
        self.sim.stop().await;
    }

    /// A client of the vault as backends have one.
    pub(crate) async fn client(&self) -> FacemapVaultServiceClient<Channel> {
        FacemapVaultServiceClient::connect(format!("http://{}", self.vault.grpc)).await.unwrap()
    }

    /// Somebody completes an onboarding as `what` says.
    pub(crate) async fn onboard(&self, what: Value) -> Person {
        let made = self.remote.post("onboardings", &what).await.unwrap();
        let text = |key: &str| made["onboardings"][0][key].as_str().unwrap().to_owned();
        Person { account: text("account_id"), execution: text("workflow_execution_id") }
    }

    /// Enrolls `person` and waits until the capture is settled, or for `wait` seconds.
    pub(crate) async fn enroll(&self, person: &Person, wait: i64) -> Result<Enrollment, Status> {
        let request = CreateEnrollmentRequest {
            enrollment: Some(Enrollment {
                account_id: person.account.clone(),
                workflow_execution_id: person.execution.clone(),
                ..Enrollment::default()
            }),
            wait: Some(prost_types::Duration { seconds: wait, nanos: 0 }),
            ..CreateEnrollmentRequest::default()
        };
        let answer = self.client().await.create_enrollment(request).await?;
        Ok(answer.into_inner().enrollment.unwrap_or_default())
    }

    /// Changes the settings of the simulated tenant.
    pub(crate) async fn tenant(&self, change: Value) {
        let url = format!("{}/__sim/tenant", self.sim.url());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = change.to_string();
        let answer = http.patch(url).header("content-type", "application/json").body(body);
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }

    /// Spoils what Jumio answers to requests whose path `path` finds, from now on.
    pub(crate) async fn spoil(&self, path: &str, status: u16) {
        let fault = json!({ "path": path, "times": 1_000, "action": { "status": status } });
        self.remote.post("faults", &fault).await.unwrap();
    }

    /// What the vault answers on its HTTP listener.
    pub(crate) async fn http(&self, path: &str) -> reqwest::Response {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(format!("http://{}{path}", self.vault.http)).send().await.unwrap()
    }

    /// Runs the program with the settings of this vault.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fmvault"));
        command.env_clear().args(arguments);
        for (key, value) in &self.flags {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.output().await.unwrap()
    }
}

fn config(flags: &[(String, String)]) -> Config {
    let flags: Vec<_> = flags.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    Config::load(None, std::iter::empty(), &flags).unwrap().config
}

fn write_secret(path: &str, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, secret).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
