//! A simulated Jumio in this process, a directory of its own, and the settings of a vault beside it.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io::Write as _};

use facemap_vault::sim::{Options, Remote, Running, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The simulator, the directory, the settings. All of it is gone when this is dropped.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) sim: Running,
    pub(crate) remote: Remote,
    settings: Vec<(String, String)>,
}

/// Somebody who was onboarded at the simulator.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) execution: String,
    pub(crate) sha256: String,
}

/// The client id of every site, and its secret: known, so that tests can look for them.
pub(crate) const CLIENT_ID: &str = "client-5f0c2ad1";
pub(crate) const CLIENT_SECRET: &str = "jumio-client-secret-84be0d2f6c";

impl Site {
    /// A site whose vault has `extra` settings besides, or instead of, the usual ones.
    pub(crate) async fn start(extra: &[(&str, &str)]) -> Self {
        let dir = tempfile::Builder::new().prefix("fmvault-test-").tempdir().unwrap();
        let options = Options {
            client_id: Some(CLIENT_ID.to_owned()),
            client_secret: Some(CLIENT_SECRET.to_owned()),
            ..Options::default()
        };
        let sim = Simulator::start(options).await.unwrap();
        let remote = Remote::new(sim.url(), CLIENT_ID, CLIENT_SECRET);
        write_private(&dir.path().join("client-secret"), CLIENT_SECRET.as_bytes());
        let settings = settings(dir.path(), sim.url(), extra);
        let site = Self { dir, sim, remote, settings };
        fs::write(site.settings_file(), site.as_toml()).unwrap();
        site
    }

    /// The settings as flags: key and value.
    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// The same settings in a file.
    pub(crate) fn settings_file(&self) -> PathBuf {
        self.dir.path().join("fmvault.toml")
    }

    /// A path in the site's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Onboards somebody; see the simulator's control API for `body`.
    pub(crate) async fn onboard(&self, body: Value) -> Person {
        self.onboard_many(body).await.remove(0)
    }

    /// Onboards as many as `body` says.
    pub(crate) async fn onboard_many(&self, body: Value) -> Vec<Person> {
        let answer = self.remote.post("onboardings", &body).await.unwrap();
        answer["onboardings"].as_array().unwrap().iter().map(Person::from).collect()
    }

    /// Adds a fault; see the simulator's control API.
    pub(crate) async fn fault(&self, fault: Value) {
        self.remote.post("faults", &fault).await.unwrap();
    }

    /// Removes all faults.
    pub(crate) async fn no_more_faults(&self) {
        self.control(reqwest::Method::DELETE, "faults", json!({})).await;
    }

    /// Changes the simulated tenant.
    pub(crate) async fn tenant(&self, change: Value) {
        self.control(reqwest::Method::PATCH, "tenant", change).await;
    }

    /// The SHA-256 of what was uploaded into an execution, in order.
    pub(crate) async fn uploads(&self, execution: &str) -> Vec<String> {
        uploads(&self.remote, execution).await
    }

    /// How many account updates Jumio has seen.
    pub(crate) async fn account_updates(&self) -> usize {
        let journal = self.remote.get("journal?since=0").await.unwrap();
        let entries = journal["entries"].as_array().unwrap();
        entries.iter().filter(|entry| entry["method"] == "PUT").count()
    }

    async fn control(&self, method: reqwest::Method, path: &str, body: Value) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/__sim/{path}", self.sim.url());
        let answer = http.request(method, url).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    fn as_toml(&self) -> String {
        let raw = |value: &str| {
            value.parse::<f64>().is_ok()
                || ["true", "false"].contains(&value)
                || value.starts_with('[')
        };
        let line = |(key, value): &(String, String)| match raw(value) {
            true => format!("{key} = {value}\n"),
            false => format!("{key} = \"{value}\"\n"),
        };
        self.settings.iter().map(line).collect()
    }
}

impl From<&Value> for Person {
    fn from(made: &Value) -> Self {
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Self {
            account: text("account_id"),
            execution: text("workflow_execution_id"),
            sha256: text("facemap_sha256"),
        }
    }
}

/// The SHA-256 of what was uploaded into an execution, in order.
pub(crate) async fn uploads(remote: &Remote, execution: &str) -> Vec<String> {
    let seen = remote.get(&format!("executions/{execution}")).await.unwrap();
    let uploads = seen["uploads"].as_array().unwrap();
    uploads.iter().map(|upload| upload["sha256"].as_str().unwrap().to_owned()).collect()
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn settings(dir: &Path, url: &str, extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let path = |name: &str| dir.join(name).display().to_string();
    let usual = [
        ("mode", "simulator".to_owned()),
        ("jumio.client_id", CLIENT_ID.to_owned()),
        ("jumio.client_secret", format!("file:{}", path("client-secret"))),
        ("jumio.user_agent", "ExampleBank test/1.0".to_owned()),
        ("jumio.retention", "30d".to_owned()),
        ("jumio.auth_url", url.to_owned()),
        ("jumio.account_url", url.to_owned()),
        ("jumio.api_url", url.to_owned()),
        ("jumio.retrieval_url", url.to_owned()),
        // Tests are in a hurry and the simulator has no limits of its own.
        ("jumio.limits.account_per_second", "100000".to_owned()),
        ("jumio.limits.retrieval_per_second", "100000".to_owned()),
        ("jumio.limits.token_per_second", "100000".to_owned()),
        ("store.path", path("store")),
        ("audit.dir", path("audit")),
        // Other work may keep this machine busy.
        ("audit.write_timeout", "60s".to_owned()),
        ("audit.reserve", "64KiB".to_owned()),
        ("keys.keyring", path("keyring")),
        ("keys.key_file", format!("file:{}", path("root-key"))),
        ("listen.public.address", "127.0.0.1:0".to_owned()),
        ("listen.http.address", "127.0.0.1:0".to_owned()),
        ("listen.admin.socket", path("admin.sock")),
    ];
    let mut settings: Vec<_> =
        usual.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    for (key, value) in extra {
        settings.retain(|(known, _)| known != key);
        // An empty text takes a setting away.
        if !value.is_empty() {
            settings.push(((*key).to_owned(), value.replace("{dir}", &path(""))));
        }
    }
    settings
}
