//! `fmvault sim`: run the Jumio simulator alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use crate::sim::{BANNER, Options, Simulator};

use super::Session;
use super::exit::{Exit, Failure};
use super::server::StopSignals;

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Sim {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Certificate chain (PEM): serve HTTPS, and tell Jumio's hosts apart by name
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Client id of the first world; random if not given
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Secret of that client; random if not given. Simulated, so it may stand here
    #[arg(long, value_name = "TEXT")]
    client_secret: Option<String>,
}

/// Runs the simulator until SIGTERM or SIGINT.
pub(super) async fn run(session: &Session, command: Sim) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| {
            let message = format!("{}: {error}", path.display());
            Failure::new(Exit::Usage, message, "name a readable PEM file")
        })
    };
    let tls = match (&command.tls_cert, &command.tls_key) {
        (Some(cert), Some(key)) => Some((read(cert)?, read(key)?)),
        (None, _) | (_, None) => None,
    };
    let options = Options {
        listen: Some(command.listen),
        tls,
        client_id: command.client_id,
        client_secret: command.client_secret,
    };
    let mut stop = StopSignals::listen()?;
    let running = Simulator::start(options).await.map_err(|error| {
        let message = format!("the simulator does not start on {}: {error}", command.listen);
        Failure::new(
            Exit::Conflict,
            message,
            "choose another --listen, or check certificate and key",
        )
    })?;
    session.output.note(BANNER);
    let json = json!({
        "url": running.url(),
        "client_id": running.client_id(),
        "client_secret": running.client_secret(),
    });
    session.output.ready(&json, || {
        format!(
            "simulated Jumio at {}\nclient id     {}\nclient secret {}\ncontrol API   {}/__sim/",
            running.url(),
            running.client_id(),
            running.client_secret(),
            running.url()
        )
    });
    stop.wait().await;
    running.stop().await;
    Ok(Exit::Done)
}
