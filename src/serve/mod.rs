//! Wiring: unlock, open, build, listen, sweep, drain. The only place that builds things.

mod access;
mod callback;
mod clock_watch;
mod error;
mod fence;
mod initialize;
mod keys;
mod ledger_watch;
mod listen;
mod logging;
mod open;
mod process;
mod recover;
mod settings;
mod stamps;
mod start_reason;
mod store_watch;
mod unlock;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::Ledger;
use crate::config::{Config, Public};
use crate::grpc::{self, Listeners, ServerSettings};
use crate::jumio::HttpJumio;
use crate::metrics::Metrics;
use crate::model::{Mode, Timestamp};
use crate::ops;
use crate::store::RocksStore;
use crate::vault::Vault;

use access::{Access, watch_files};
use clock_watch::{ClockWatch, watch_clock};

pub use error::StartError;
pub(crate) use fence::accept_older;
pub(crate) use initialize::write_secret;
pub use initialize::{Initialized, initialize, initialize_with};
pub use logging::{LogOutput, start_logging};
pub use process::harden;
pub use recover::{Recovery, open_trail, recover};
pub use stamps::Stamps;
pub(crate) use unlock::{Found, Unlocked, find, unlock_with};

/// The vault as this program runs it.
type TheVault = Vault<RocksStore, HttpJumio>;

/// A running vault.
#[derive(Debug)]
pub struct Running {
    /// Where callers connect.
    pub grpc: SocketAddr,
    /// Where operators connect.
    pub admin: PathBuf,
    /// Where health and metrics are read.
    pub http: SocketAddr,
    /// Where callbacks are received, if they are.
    pub callback: Option<SocketAddr>,
    access: Arc<Access>,
    config: Config,
    ledger: Arc<Ledger>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// How long running requests may take to end after the vault was told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Between the start and the first sweep: what was left over from before is not urgent to the second.
const FIRST_SWEEP: Duration = Duration::from_secs(5);

/// From a sweep that gave up because Jumio served nobody to the next one.
const AGAIN: Duration = Duration::from_secs(60);

/// Starts a vault. Nothing listens before the keyring is unlocked, every key has proved itself, and
/// every record has been read. `progress` is told the number of records read so far.
///
/// # Errors
///
/// [`StartError`], with what to do next. Nothing was written then.
pub async fn start(config: &Config, progress: impl Fn(u64)) -> Result<Running, StartError> {
    process::check_memory(config)?;
    let metrics = Arc::new(Metrics::default());
    let vault = Arc::new(open::open_vault(config, &metrics, progress).await?);
    vault.resume_rotation(Timestamp::now()).await?;
    let access = Arc::new(Access::open(config, &metrics)?);
    let public = listen::tcp(config.listen.public.address).await?;
    let http = listen::tcp(config.listen.http.address).await?;
    let receiver = callback::bind(config).await?;
    let callback = receiver.as_ref().map(|receiver| receiver.address);
    let admin = listen::unix(&config.listen.admin.socket)?;
    let addresses = (local(&public)?, local(&http)?);

    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let server = ServerSettings {
        policy: access.policy(),
        connection_age: config.listen.public.connection_age.duration(),
        public_reflection: config.listen.public.reflection,
        capture_at_once: config.capture.immediate,
        horizon: config.sweep.horizon.duration(),
        simulator: settings::mode(config) == Mode::Simulator,
        memory: process::memory,
    };
    let listeners = Listeners { public: access.at(public), admin };
    let serving = grpc::serve(Arc::clone(&vault), listeners, server, stopped.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(error = %error, "a listener failed");
        }
    });
    tasks.spawn(ops::serve(http, Arc::clone(&vault), config.store.path.clone(), stopped.clone()));
    if let Some(receiver) = receiver {
        tasks.spawn(receiver.serve(Arc::clone(&vault), stopped.clone()));
    }
    let clock = Arc::new(ClockWatch::new(Timestamp::now()));
    tasks.spawn(watch_clock(Arc::clone(&clock), Arc::clone(&vault), stopped.clone()));
    tasks.spawn(keys::look_after_keys(Arc::clone(&vault), stopped.clone()));
    tasks.spawn(watch_files(Arc::clone(&access), stopped.clone()));
    tasks.spawn(store_watch::watch_store(Arc::clone(&vault), stopped.clone()));
    let ledger = Arc::clone(vault.ledger());
    ledger_watch::started(&ledger);
    tasks.spawn(ledger_watch::watch_ledger(Arc::clone(&ledger), metrics, stopped.clone()));
    let sweep = &config.sweep;
    tasks.spawn(sweep_loop(
        Arc::clone(&vault),
        clock,
        sweep.interval.duration(),
        sweep.horizon.duration(),
        stopped,
    ));
    tracing::info!(grpc = %addresses.0, http = %addresses.1, "serving");
    Ok(Running {
        grpc: addresses.0,
        admin: config.listen.admin.socket.clone(),
        http: addresses.1,
        callback,
        access,
        config: config.clone(),
        ledger,
        stop,
        tasks,
    })
}

impl Running {
    /// Takes certificates and callers from settings that were read again, without disturbing a call. If
    /// anything is wrong, or `read` failed, all stays as it was and the metrics say so.
    pub async fn reload(&self, read: Result<Config, String>) {
        let config = match read {
            Ok(config) => config,
            Err(error) => return self.access.not_reloaded(&error),
        };
        if rest(&config) != rest(&self.config) {
            tracing::warn!("other settings have changed too; they need a restart");
        }
        let access = Arc::clone(&self.access);
        // A disk that hangs must not hold a thread that serves.
        let _ = tokio::task::spawn_blocking(move || access.reload(&config.listen.public)).await;
    }

    /// Stops accepting, lets running requests end for ten seconds at most, and closes the store.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        self.tasks.shutdown().await;
        ledger_watch::stopped(&self.ledger).await;
        // Removed by us because we made it; a leftover would only make the next start look twice.
        let _ = std::fs::remove_file(&self.admin);
    }
}

async fn sweep_loop(
    vault: Arc<TheVault>,
    clock: Arc<ClockWatch>,
    interval: Duration,
    horizon: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut wait = FIRST_SWEEP.min(interval);
    vault.metrics().sweep_begins(Timestamp::now(), interval);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        clock.guard(&vault);
        let (sweep, _) = vault.start_sweep(vault.sweep_plan(horizon, None), Timestamp::now());
        let ended = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => None,
            ended = vault.sweep_ended(sweep.id, Duration::MAX) => Some(ended),
        };
        let Some(ended) = ended else {
            // It holds the store open; its end is only a moment away.
            let _ = vault.cancel_sweep(sweep.id).await;
            return;
        };
        // Jumio served nobody for a while: some tenants' data is gone before the next regular sweep.
        let gave_up = ended.is_ok_and(|sweep| sweep.gave_up.is_some());
        wait = if gave_up { interval.min(AGAIN) } else { interval };
    }
}

/// The settings without those that can be read again.
fn rest(config: &Config) -> Config {
    let mut rest = config.clone();
    let Public {
        address, reflection, connection_age, connections_max, connections_per_peer, ..
    } = rest.listen.public;
    rest.listen.public = Public {
        address,
        reflection,
        connection_age,
        connections_max,
        connections_per_peer,
        ..Public::default()
    };
    rest
}

fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen { what: "TCP".to_owned(), source })
}
