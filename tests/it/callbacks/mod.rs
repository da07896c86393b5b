//! Callbacks: real ones from the simulator, forged ones from strangers, through a whole vault.

mod bodies;
mod forged;
mod journeys;
mod log;
mod orders;
mod receiver;

use std::path::Path;
use std::time::Duration;

use facemap_vault::config::Config;
use facemap_vault::model::{RequestId, Timestamp};
use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use facemap_vault::proto::v1;
use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;
use facemap_vault::proto::v1::ingest_callback_response::Outcome;
use facemap_vault::{serve, sim};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// What makes the receiver's path secret.
const SECRET: &str = "marker-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// Longer than anything here takes; a wait that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A simulated Jumio that calls back, and a vault that captures nothing by itself.
struct World {
    sim: sim::Running,
    vault: serve::Running,
    http: reqwest::Client,
    calls: FacemapVaultServiceClient<Channel>,
    _data: TempDir,
}

/// One execution of one account.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    account: String,
    execution: String,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these settings besides those that are needed.
    async fn start_with(more: &[(&'static str, &str)]) -> Self {
        let sim = sim::Simulator::start(sim::Options::default()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut flags = settings(data.path(), &sim);
        flags.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let config = Config::load(None, std::iter::empty(), &flags).unwrap().config;
        serve::initialize(&config, Timestamp::now()).await.unwrap();
        let vault = serve::start(&config, |_| {}).await.unwrap();
        let address = format!("http://{}", vault.grpc);
        let calls = FacemapVaultServiceClient::connect(address).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().user_agent("Test Suite/1.0");
        let world = Self { sim, vault, http: http.build().unwrap(), calls, _data: data };
        let url = world.callback_url(SECRET);
        world.control("PATCH", "tenant", json!({ "callback_url": url })).await;
        world
    }

    async fn stop(self) {
        self.vault.stop().await;
        self.sim.stop().await;
    }

    fn callback_url(&self, secret: &str) -> String {
        format!("http://{}/callback/{secret}", self.vault.callback.unwrap())
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/__sim/{path}", self.sim.url());
        let request = self.http.request(method.parse().unwrap(), url).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// A new account whose person has not begun yet.
    async fn open_onboarding(&self) -> Run {
        let token = self
            .http
            .post(format!("{}/oauth2/token", self.sim.url()))
            .basic_auth(self.sim.client_id(), Some(self.sim.client_secret()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let token = token.send().await.unwrap().bytes().await.unwrap();
        let token: Value = serde_json::from_slice(&token).unwrap();
        let body =
            json!({ "customerInternalReference": "o", "workflowDefinition": { "key": 10011 } });
        let opened = self
            .http
            .post(format!("{}/api/v1/accounts", self.sim.url()))
            .bearer_auth(token["access_token"].as_str().unwrap())
            .header("content-type", "application/json")
            .body(body.to_string());
        let opened = opened.send().await.unwrap().bytes().await.unwrap();
        let opened: Value = serde_json::from_slice(&opened).unwrap();
        let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
        Run { account: text(&opened["account"]), execution: text(&opened["workflowExecution"]) }
    }

    /// A passed onboarding, about which no callback was sent.
    async fn onboard(&self) -> Run {
        let answer = self.control("POST", "onboardings", json!({ "facemap_size": 1000 })).await;
        let text = |name: &str| answer["onboardings"][0][name].as_str().unwrap().to_owned();
        Run { account: text("account_id"), execution: text("workflow_execution_id") }
    }

    /// The person goes through to the end; Jumio calls back.
    async fn journey(&self, run: &Run) {
        self.control("POST", &format!("executions/{}/journey", run.execution), json!({})).await;
    }

    async fn enroll(&self, run: &Run) -> State {
        let enrollment = v1::Enrollment {
            account_id: run.account.clone(),
            workflow_execution_id: run.execution.clone(),
            ..v1::Enrollment::default()
        };
        let request =
            v1::CreateEnrollmentRequest { enrollment: Some(enrollment), ..Default::default() };
        let answer = self.calls.clone().create_enrollment(request).await.unwrap().into_inner();
        answer.enrollment.unwrap().state()
    }

    /// Enrolls, and captures by a callback.
    async fn captured(&self) -> Run {
        let run = self.onboard().await;
        self.enroll(&run).await;
        let said = self.hear(&callback(&run, "PROCESSED", "2026-10-19T11:34:19.803Z")).await;
        assert_eq!(said, Outcome::EnrollmentUpdated);
        run
    }

    async fn state(&self, account: &str) -> Option<State> {
        let request = v1::GetEnrollmentRequest { name: format!("enrollments/{account}") };
        let answer = self.calls.clone().get_enrollment(request).await;
        Some(answer.ok()?.into_inner().enrollment.unwrap().state())
    }

    async fn enrollments(&self) -> Vec<v1::Enrollment> {
        let request = v1::ListEnrollmentsRequest { page_size: 1000, ..Default::default() };
        let answer = self.calls.clone().list_enrollments(request).await.unwrap();
        answer.into_inner().enrollments
    }

    /// Starts an authentication of `account`, if none is running.
    async fn authenticate(&self, account: &str) -> Result<Run, tonic::Status> {
        let request = v1::StartAuthenticationRequest {
            enrollment: format!("enrollments/{account}"),
            request_id: RequestId::generate().hyphenated(),
            customer_internal_reference: "login".to_owned(),
            ..Default::default()
        };
        let answer = self.calls.clone().start_authentication(request).await?.into_inner();
        let execution = answer.authentication.unwrap().workflow_execution_id;
        Ok(Run { account: account.to_owned(), execution })
    }

    async fn erase(&self, account: &str) {
        let socket = self.vault.admin.clone();
        let connect = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { tokio::net::UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://fmvault.invalid");
        let channel = channel.connect_with_connector(connect).await.unwrap();
        let name = format!("enrollments/{account}");
        let request = EraseEnrollmentRequest { name };
        EnrollmentAdminServiceClient::new(channel).erase_enrollment(request).await.unwrap();
    }

    /// Hands a callback to the vault by RPC.
    async fn hear(&self, body: &Value) -> Outcome {
        self.try_hear(body.to_string().into_bytes(), "").await.unwrap()
    }

    async fn try_hear(&self, body: Vec<u8>, source_ip: &str) -> Result<Outcome, tonic::Status> {
        let request = v1::IngestCallbackRequest { body, source_ip: source_ip.to_owned() };
        let answer = self.calls.clone().ingest_callback(request).await?;
        Ok(answer.into_inner().outcome())
    }

    /// Hands a callback to the vault over HTTP.
    async fn post(&self, body: &Value) -> u16 {
        let request = self.http.post(self.callback_url(SECRET)).body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    }

    /// How often Jumio was asked about `execution`: by its status, or by its details at once.
    async fn looks(&self, execution: &str) -> usize {
        let requests = self.requests().await;
        let ends = |end: &str| requests.iter().filter(|path| path.ends_with(end)).count();
        ends(&format!("{execution}/status")).max(ends(execution))
    }

    /// The paths of all requests to Jumio but those for access tokens.
    async fn requests(&self) -> Vec<String> {
        let journal = self.control("GET", "journal", json!({})).await;
        let entries = journal["entries"].as_array().unwrap().iter();
        let paths = entries.map(|entry| entry["path"].as_str().unwrap().to_owned());
        paths.filter(|path| !path.ends_with("/oauth2/token")).collect()
    }

    /// Waits until the enrollment of `account` is in `state`.
    async fn until(&self, account: &str, state: State) {
        let reached = async {
            while self.state(account).await != Some(state) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "still {:?}, not {state:?}", self.state(account).await);
    }
}

/// The settings of a vault beside `sim`: nothing is captured at once, and no sweep finds anything due.
fn settings(data: &Path, sim: &sim::Running) -> Vec<(&'static str, String)> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = |name: &str| data.join(name).display().to_string();
    for (name, text) in [("client-secret", sim.client_secret()), ("callback", SECRET)] {
        std::fs::write(path(name), text).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let url = || sim.url().to_owned();
    let free = || "127.0.0.1:0".to_owned();
    vec![
        ("mode", "simulator".to_owned()),
        ("jumio.client_id", sim.client_id().to_owned()),
        ("jumio.client_secret", format!("file:{}", path("client-secret"))),
        ("jumio.user_agent", "Test Suite/1.0".to_owned()),
        ("jumio.retention", "30d".to_owned()),
        ("jumio.limits.retrieval_per_second", "1000.0".to_owned()),
        ("jumio.limits.account_per_second", "1000.0".to_owned()),
        ("jumio.auth_url", url()),
        ("jumio.account_url", url()),
        ("jumio.api_url", url()),
        ("jumio.retrieval_url", url()),
        ("store.path", path("store")),
        ("audit.dir", path("audit")),
        ("audit.write_timeout", "60s".to_owned()),
        ("keys.keyring", path("keyring")),
        ("keys.key_file", format!("file:{}", path("root-key"))),
        ("listen.public.address", free()),
        ("listen.http.address", free()),
        ("listen.admin.socket", path("admin.sock")),
        ("listen.callback.enabled", "true".to_owned()),
        ("listen.callback.address", free()),
        ("listen.callback.path_secret", format!("file:{}", path("callback"))),
        ("capture.immediate", "false".to_owned()),
        ("sweep.horizon", "2d".to_owned()),
    ]
}

/// A callback as Jumio sends it.
fn callback(run: &Run, status: &str, sent_at: &str) -> Value {
    let Run { account, execution } = run;
    json!({
        "callbackSentAt": sent_at,
        "userReference": "user-1",
        "workflowExecution": {
            "id": execution,
            "href": format!("https://retrieval.example.test/api/v1/workflow-executions/{execution}"),
            "definitionKey": "10011",
            "status": status,
        },
        "account": { "id": account, "href": "https://retrieval.example.test/api/v1/accounts" },
    })
}

/// A random id, as Jumio makes them.
fn id() -> String {
    RequestId::generate().hyphenated()
}
