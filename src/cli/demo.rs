//! `fmvault demo`: everything offline, with throw-away data.

use std::path::PathBuf;

use serde_json::json;

use super::Session;
use super::demo_world::DemoWorld;
use super::exit::{Exit, Failure};
use super::server::StopSignals;

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    #[command(subcommand)]
    command: Option<Story>,
    /// Port of the simulated Jumio; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the vault; 0 takes a free one
    #[arg(long, default_value_t = 50051)]
    grpc_port: u16,
    /// Put the data here and leave it; otherwise it is gone at the end
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Story {
    /// Run the whole story in the terminal, step by step, and end
    Journey,
}

/// Runs the demo until it is stopped, or the story to its end.
pub(super) async fn run(session: &Session, command: Demo) -> Result<Exit, Failure> {
    if let Some(Story::Journey) = command.command {
        let world = DemoWorld::start(0, 0, None).await?;
        let result = super::demo_journey::run(session, &world).await;
        world.stop().await;
        return result;
    }
    let mut stop = StopSignals::listen()?;
    let world = DemoWorld::start(command.port, command.grpc_port, command.keep.as_deref()).await?;
    let grpc = world.vault.grpc.to_string();
    let admin = world.vault.admin.display().to_string();
    let url = world.simulator.url();
    let certificates = world.certificates.dir().display().to_string();
    let program = std::env::args().next().unwrap_or_else(|| "fmvault".to_owned());
    let json = json!({
        "grpc": grpc,
        "certificates": certificates,
        "admin": admin,
        "http": world.vault.http.to_string(),
        "simulator": url,
        "client_id": world.simulator.client_id(),
        "client_secret": world.simulator.client_secret(),
    });
    session.output.ready(&json, || {
        format!(
            "\
+-----------------------------------------------------------------+
| SIMULATION: made-up people, throw-away keys, no Jumio involved. |
+-----------------------------------------------------------------+
vault       grpc   {grpc}, TLS with the certificates in
                   {certificates}
            admin  {admin}
            http   http://{}
simulator          {url}
control API        {url}/__sim/

Two things to try next, in another terminal:
  1. onboard somebody, and see the ids:
       curl -s -X POST {url}/__sim/onboardings -d '{{}}'
     then bring that facemap into the vault:
       {program} --socket {admin} enrollment register ACCOUNT --workflow-execution ID --wait 10s
  2. move the clock until Jumio has deleted it, and log in all the same:
       curl -s -X POST {url}/__sim/clock -d '{{\"advance\": \"31d\"}}'
       {program} --socket {admin} auth start ACCOUNT --reference try-1

From a program: examples/python and examples/typescript.

Ctrl-C ends it.",
            world.vault.http
        )
    });
    stop.wait().await;
    world.stop().await;
    Ok(Exit::Done)
}
