//! `fmvault api`: what a program needs to call the vault. Needs no vault.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::grpc::catalogue::{Entry, Raised, code_name, tables};
use crate::proto::DESCRIPTOR_SET;

use super::Session;
use super::exit::{Exit, Failure};
use super::json::text;

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Api {
    /// Every error reason: its code, who acts, what to do
    Errors {
        /// As the page of the documentation
        #[arg(long)]
        markdown: bool,
    },
    /// The descriptors of all services, for grpcurl -protoset and the like
    Descriptor {
        /// Write them here; otherwise to stdout, which must not be a terminal
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The service config for gRPC clients: what they repeat by themselves, and the health check
    ServiceConfig,
}

/// What gRPC clients take as their service config.
const SERVICE_CONFIG: &str = include_str!("../../proto/service_config.json");

/// Runs the command.
pub(super) fn run(session: &Session, command: Api) -> Result<Exit, Failure> {
    match command {
        Api::Errors { markdown: true } => {
            let page = super::api_page::page();
            session.output.value(&json!({ "markdown": page }), || page.trim_end().to_owned());
        }
        Api::Errors { markdown: false } => {
            let reasons: Vec<_> = tables().flatten().map(reason).collect();
            let columns = ["REASON", "CODE", "ACTS", "RETRY", "WHAT TO DO"];
            session.output.rows(&reasons, &columns, |reason| {
                let retry =
                    if reason.get("retry") == Some(&Value::Bool(true)) { "yes" } else { "" };
                vec![
                    text(reason, "reason"),
                    text(reason, "code"),
                    text(reason, "acts"),
                    retry.to_owned(),
                    text(reason, "fix"),
                ]
            });
        }
        Api::Descriptor { out } => descriptor(out.as_deref())?,
        Api::ServiceConfig => {
            let config: Value =
                serde_json::from_str(SERVICE_CONFIG).expect("a test reads the file too");
            session.output.value(&config, || SERVICE_CONFIG.trim_end().to_owned());
        }
    }
    Ok(Exit::Done)
}

fn reason(entry: &Entry) -> Value {
    let metadata: Map<String, Value> =
        entry.metadata.iter().map(|(key, what)| ((*key).to_owned(), (*what).into())).collect();
    json!({
        "reason": entry.name(),
        "number": entry.reason as i32,
        "code": code_name(entry.code),
        "acts": entry.acts.name(),
        "retry": entry.retry,
        "happened": entry.happened,
        "fix": entry.fix,
        "metadata": metadata,
        "raised": match entry.raised {
            Raised::Call => "call",
            Raised::Start => "start",
            Raised::Nowhere => "nowhere",
        },
    })
}

fn descriptor(out: Option<&Path>) -> Result<(), Failure> {
    let failed = |what: String| Failure::new(Exit::Attention, what, "name another --out FILE");
    match out {
        Some(path) => std::fs::write(path, DESCRIPTOR_SET)
            .map_err(|error| failed(format!("{}: {error}", path.display()))),
        None if std::io::stdout().is_terminal() => {
            let message = "the descriptors are no text for a terminal";
            Err(Failure::new(Exit::Usage, message, "fmvault api descriptor --out fmvault.protoset"))
        }
        None => std::io::stdout()
            .write_all(DESCRIPTOR_SET)
            .map_err(|error| failed(format!("stdout: {error}"))),
    }
}
