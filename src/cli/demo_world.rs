//! The demo's world: a simulated Jumio and a vault with throw-away keys and data, in one process.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Config;
use crate::model::Timestamp;
use crate::serve::{Running, initialize, start};
use crate::sim::{self, Remote, Simulator};

use super::demo_certificates::{BACKEND, CA, Certificates, VAULT, VAULT_KEY};
use super::exit::{Exit, Failure};
use super::server::failure;

/// A running demo. Its data is gone when it is dropped, unless it was told to keep it.
pub(super) struct DemoWorld {
    /// The vault.
    pub(super) vault: Running,
    /// The simulator.
    pub(super) simulator: sim::Running,
    /// A client of the simulator.
    pub(super) remote: Remote,
    /// What the vault and its callers show each other.
    pub(super) certificates: Certificates,
    _data: Option<TempDir>,
}

impl DemoWorld {
    /// Starts both on loopback; port 0 takes a free one. `keep`: where the data goes and stays.
    ///
    /// # Errors
    ///
    /// If a port is taken, or the data cannot be written.
    pub(super) async fn start(
        sim_port: u16,
        grpc_port: u16,
        keep: Option<&Path>,
    ) -> Result<Self, Failure> {
        let (data, dir) = directory(keep)?;
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let options = sim::Options { listen: Some(loopback(sim_port)), ..sim::Options::default() };
        let simulator = Simulator::start(options).await.map_err(|error| {
            let message = format!("the simulator does not start on port {sim_port}: {error}");
            Failure::new(Exit::Conflict, message, "choose another --port")
        })?;
        let certificates = Certificates::make(dir.join("certificates"), Timestamp::now())?;
        let config = settings(&dir, &simulator, &certificates, loopback(grpc_port))?;
        if !config.store.path.exists() {
            initialize(&config, Timestamp::now()).await.map_err(|error| failure(&error))?;
        }
        let vault = start(&config, |_| {}).await.map_err(|error| failure(&error))?;
        let remote = Remote::new(simulator.url(), simulator.client_id(), simulator.client_secret());
        Ok(Self { vault, simulator, remote, certificates, _data: data })
    }

    /// Stops both.
    pub(super) async fn stop(self) {
        self.vault.stop().await;
        self.simulator.stop().await;
    }
}

fn directory(keep: Option<&Path>) -> Result<(Option<TempDir>, PathBuf), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Conflict,
            format!("no directory for the demo's data: {error}"),
            "choose another --keep",
        )
    };
    match keep {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(failed)?;
            Ok((None, dir.canonicalize().map_err(failed)?))
        }
        None => {
            let data =
                tempfile::Builder::new().prefix("fmvault-demo-").tempdir().map_err(failed)?;
            let dir = data.path().to_owned();
            Ok((Some(data), dir))
        }
    }
}

/// The settings of a vault beside `simulator`, with a key file of its own.
fn settings(
    dir: &Path,
    simulator: &sim::Running,
    certificates: &Certificates,
    grpc: SocketAddr,
) -> Result<Config, Failure> {
    let secret = dir.join("client-secret");
    write_private(&secret, simulator.client_secret())?;
    let path = |name: &str| dir.join(name).display().to_string();
    let url = simulator.url().to_owned();
    let all = r#"["enroll", "read", "authenticate", "erase", "callback"]"#;
    let backend = format!(r#"[{{ san = "{BACKEND}", permissions = {all} }}]"#);
    let flags = [
        ("mode", "simulator".to_owned()),
        ("jumio.client_id", simulator.client_id().to_owned()),
        ("jumio.client_secret", format!("file:{}", secret.display())),
        ("jumio.user_agent", "ExampleBank demo/1.0".to_owned()),
        ("jumio.retention", "30d".to_owned()),
        ("jumio.auth_url", url.clone()),
        ("jumio.account_url", url.clone()),
        ("jumio.api_url", url.clone()),
        ("jumio.retrieval_url", url),
        ("store.path", path("store")),
        ("audit.dir", path("audit")),
        // Whatever else keeps this machine busy: a demo waits.
        ("audit.write_timeout", "10s".to_owned()),
        ("keys.keyring", path("keyring")),
        ("keys.key_file", format!("file:{}", path("root-key"))),
        ("listen.public.address", grpc.to_string()),
        ("listen.public.reflection", "true".to_owned()),
        ("listen.public.tls_cert", certificates.path(VAULT)),
        ("listen.public.tls_key", format!("file:{}", certificates.path(VAULT_KEY))),
        ("listen.public.client_ca", certificates.path(CA)),
        ("listen.public.caller", backend),
        ("listen.http.address", "127.0.0.1:0".to_owned()),
        ("listen.admin.socket", path("admin.sock")),
    ];
    match Config::load(None, std::iter::empty(), &flags) {
        Ok(loaded) => Ok(loaded.config),
        Err(problems) => Err(Failure::unexpected(format!("the demo's settings: {problems}"))),
    }
}

/// Writes a file that only we may read.
///
/// # Errors
///
/// If it cannot be written.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::unexpected(format!("{}: {error}", path.display())))
}
