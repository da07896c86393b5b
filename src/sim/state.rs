//! What all requests to one simulator share: its clock, its clients and their worlds.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    callback,
    clock::SimClock,
    oauth::{Client, Grants},
    token::TokenKey,
    world::World,
};

/// Response header on everything a simulator answers.
pub const X_SIMULATOR: &str = "x-fmvault-simulator";

/// What all requests to one simulator share.
pub(super) struct Sim {
    pub(super) clock: SimClock,
    /// Base URL of this simulator.
    pub(super) url: String,
    /// Whether it speaks TLS and so may be reached under Jumio's host names.
    pub(super) tls: bool,
    pub(super) token_key: TokenKey,
    /// Sends callbacks.
    pub(super) callbacks: reqwest::Client,
    /// Changes when the simulator stops.
    pub(super) stopped: watch::Receiver<()>,
    /// The world of the first client.
    pub(super) first: Arc<World>,
    core: Mutex<Core>,
}

/// Clients and their access tokens.
#[derive(Default)]
pub(super) struct Core {
    pub(super) clients: HashMap<String, Client>,
    pub(super) grants: Grants,
}

impl Core {
    /// Adds a client, replacing one of the same id.
    pub(super) fn add_client(&mut self, client: Client) {
        self.clients.insert(client.id.clone(), client);
    }
}

impl Sim {
    /// A simulator without clients that calls itself `url`.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness, or the HTTP client for callbacks cannot be made.
    pub(super) fn new(url: String, tls: bool, stopped: watch::Receiver<()>) -> io::Result<Self> {
        let callbacks = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            clock: SimClock::default(),
            url,
            tls,
            token_key: TokenKey::random().map_err(io::Error::other)?,
            callbacks,
            stopped,
            first: Arc::default(),
            core: Mutex::default(),
        })
    }

    /// Clients and grants. Poison is ignored for the reason given at [`World::lock`].
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All worlds, the first one first.
    pub(super) fn worlds(&self) -> Vec<Arc<World>> {
        let mut worlds = vec![Arc::clone(&self.first)];
        for client in self.core().clients.values() {
            if !worlds.iter().any(|known| Arc::ptr_eq(known, &client.world)) {
                worlds.push(Arc::clone(&client.world));
            }
        }
        worlds
    }
}

/// A secret nobody can guess, as hexadecimal text.
pub(super) fn random_secret() -> io::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    Ok(hex::encode(secret))
}

/// Lets time do its work in all worlds.
pub(super) fn settle_all(sim: &Arc<Sim>) {
    let now = sim.clock.now();
    for world in sim.worlds() {
        world.lock().settle_open(now);
        callback::flush(sim, &world);
    }
}
