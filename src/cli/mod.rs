//! The command line: the tree of commands, and what each of them shares.

mod api;
mod api_page;
mod audit;
mod audit_export;
mod audit_verify;
mod auth;
mod backlog;
mod backlog_files;
mod backlog_meter;
mod backlog_pages;
mod backlog_rows;
mod backlog_send;
mod client;
mod config;
mod demo;
mod demo_certificates;
mod demo_journey;
mod demo_world;
mod doctor;
mod doctor_offline;
mod enrollment;
mod exit;
mod interrupt;
mod json;
mod key_drill;
mod key_failure;
mod key_init;
mod key_restore;
mod key_slots;
mod key_source;
mod keys;
mod keys_bar;
mod keys_plan;
mod keys_rotate;
mod keys_watch;
mod next;
mod output;
mod register;
mod reopen;
mod server;
mod sim;
mod status;
mod store;
mod sweep;
mod sweep_bar;
mod sweep_plan;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::serve::harden;

use exit::{Exit, Failure};
use interrupt::{GoesOn, interruptible};
use output::{Format, Output};

/// Keeps Jumio facemaps sealed after Jumio has deleted them, and starts authentications with them.
#[derive(Debug, Parser)]
#[command(name = "fmvault", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  fmvault demo journey                          the whole story, offline, in a few seconds
  fmvault demo                                  a vault and a simulated Jumio to play with
  fmvault status                                one screen about the running vault
  fmvault doctor --online                       what is wrong, and what to do about it
  fmvault enrollment register ACCOUNT --workflow-execution ID --wait 30s

Exit codes: 0 done, 1 unexpected, 2 usage, 3 attention needed, 4 not found, 5 not permitted,
6 sealed or wrong key, 7 conflict, 8 partly done, 9 Jumio unavailable, 10 vault not reachable,
130 interrupted.";

/// Flags that every command takes, before or after its name.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The settings file
    #[arg(long, global = true, value_name = "FILE", env = "FMVAULT_CONFIG")]
    config: Option<PathBuf>,
    /// One setting, such as jumio.region=emea-1; wins over environment and file
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// The admin socket of the running vault
    #[arg(long, global = true, value_name = "PATH", env = "FMVAULT_SOCKET")]
    socket: Option<PathBuf>,
    /// How to print: table on a terminal, plain elsewhere
    #[arg(long, global = true, value_enum, env = "FMVAULT_FORMAT")]
    format: Option<Format>,
    /// Short for --format json, and wins over it
    #[arg(long, global = true)]
    json: bool,
    /// How long to wait for the vault
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Nothing on stderr but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more in the log
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// No colours (also: the environment variable NO_COLOR)
    #[arg(long, global = true)]
    no_color: bool,
    /// Never ask
    #[arg(long, global = true)]
    no_input: bool,
    /// Answer yes to what would be asked
    #[arg(short, long, global = true)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A vault and a simulated Jumio with throw-away data, offline
    Demo(demo::Demo),
    /// Run the vault
    Server(server::Server),
    /// Run the Jumio simulator alone
    Sim(sim::Sim),
    /// One screen about the running vault; the exit code tells its health
    Status,
    /// Check everything, with advice; exit 3 if something does not work
    Doctor(doctor::Doctor),
    /// The settings file
    #[command(subcommand)]
    Config(config::Config),
    /// Enrolled accounts
    #[command(subcommand, alias = "enroll")]
    Enrollment(enrollment::Enrollment),
    /// Authentications, for testing
    #[command(subcommand)]
    Auth(auth::Auth),
    /// The keyring
    #[command(subcommand)]
    Keys(keys::Keys),
    /// What programs need to call the vault: error reasons, descriptors, service config
    #[command(subcommand)]
    Api(api::Api),
    /// Capture what is due now, and see whether all will be in time
    #[command(subcommand)]
    Sweep(sweep::Sweep),
    /// The audit trail: who did what, and is it whole
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The store, while no vault runs
    #[command(subcommand)]
    Store(store::Store),
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// The version, and what it was built with
    Version {
        /// Also what it was built with
        #[arg(long)]
        build_info: bool,
    },
}

/// Runs the command line `arguments`. `environment` holds the process's variables.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: Vec<(String, String)>,
) -> ExitCode {
    harden();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help to stdout and mistakes to stderr; its exit code for a mistake is 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if cli.global.no_color || environment.iter().any(|(k, v)| k == "NO_COLOR" && !v.is_empty()) {
        anstream::ColorChoice::Never.write_global();
    }
    let output = Output::new(cli.global.format, cli.global.json, cli.global.quiet);
    let session = Session { global: cli.global, output, environment, goes_on: Arc::default() };
    match dispatch(&session, cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => session.output.failure(&failure),
    }
}

/// What every command is given.
struct Session {
    global: Global,
    output: Output,
    environment: Vec<(String, String)>,
    /// What goes on in the vault if this command is interrupted, and how to look at it.
    goes_on: Arc<OnceLock<GoesOn>>,
}

fn dispatch(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(command) => block_on(demo::run(session, command)),
        Command::Server(command) => block_on(server::run(session, command)),
        Command::Sim(command) => block_on(sim::run(session, command)),
        Command::Status => interruptible(session, status::run(session)),
        Command::Doctor(command) => interruptible(session, doctor::run(session, command)),
        Command::Config(command) => config::run(session, command),
        Command::Enrollment(command) => interruptible(session, enrollment::run(session, command)),
        Command::Auth(command) => interruptible(session, auth::run(session, command)),
        Command::Keys(command) => interruptible(session, keys::run(session, command)),
        Command::Api(command) => api::run(session, command),
        Command::Sweep(command) => interruptible(session, sweep::run(session, command)),
        Command::Audit(command) => block_on(audit::run(session, command)),
        Command::Store(command) => block_on(store::run(session, command)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "fmvault", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Command::Version { build_info } => Ok(version(session, build_info)),
    }
}

fn version(session: &Session, build_info: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    let built = [
        ("version", version),
        ("store_format", "1"),
        ("sealing", "C2SP chunked-encryption, Cobblestone-256"),
        ("providers", "aws-lc, rust-crypto"),
        ("minimum_rust", env!("CARGO_PKG_RUST_VERSION")),
        ("target", std::env::consts::ARCH),
    ];
    let shown = if build_info { &built[..] } else { built.get(..1).unwrap_or_default() };
    let json = shown.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    session.output.value(&serde_json::Value::Object(json), || match build_info {
        false => format!("fmvault {version}"),
        true => shown.iter().map(|(k, v)| format!("{k}: {v}")).collect::<Vec<_>>().join("\n"),
    });
    Exit::Done
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unexpected(format!("no runtime: {error}")))?
        .block_on(work)
}

fn key_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("want KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
