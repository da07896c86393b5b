//! Who may come in and what they may do: read from files at the start, and again when they change.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::{CallerEntry, Config, Public};
use crate::grpc::{self, Grant, Policy};
use crate::metrics::Metrics;
use crate::model::Timestamp;
use crate::tls::{Door, Identity, Limits, Material};

use super::StartError;
use super::stamps::Stamps;

/// Who may come in and what they may do.
#[derive(Debug)]
pub(super) struct Access {
    door: Option<Arc<Door>>,
    policy: Arc<Policy>,
    metrics: Arc<Metrics>,
    read: Mutex<Read>,
}

/// By what it was last read.
#[derive(Debug)]
struct Read {
    public: Public,
    /// As the files were before they were read, so that no change is missed.
    stamps: Stamps,
}

/// Longest file read, in bytes: a revocation list of some hundred thousand entries.
const FILE_LEN_MAX: u64 = 16 * 1024 * 1024;
/// How often files are looked at. A withdrawn certificate must be refused within a second.
const LOOK: Duration = Duration::from_millis(250);
/// File descriptors besides those of connections: the store's files, and calls to Jumio.
const OTHER_FILES: u64 = 1024;

impl Access {
    /// Reads the files that `[listen.public]` names.
    ///
    /// # Errors
    ///
    /// [`StartError::File`], [`StartError::Secret`], [`StartError::Tls`].
    pub(super) fn open(config: &Config, metrics: &Arc<Metrics>) -> Result<Self, StartError> {
        let public = &config.listen.public;
        let read = Read { public: public.clone(), stamps: Stamps::of(files(public)) };
        let door = match public.is_tls() {
            true => Some(Arc::new(Door::new(&material(public)?)?)),
            false => None,
        };
        let policy = Arc::new(Policy::new(grants(public)));
        if door.is_some() && public.caller.is_empty() {
            tracing::warn!("there is no [[listen.public.caller]], so nobody may call");
        }
        let (metrics, read) = (Arc::clone(metrics), Mutex::new(read));
        let access = Self { door, policy, metrics, read };
        access.count(true);
        Ok(access)
    }

    /// What each caller may do.
    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// How callers come in at `listener`.
    pub(super) fn at(&self, listener: TcpListener) -> grpc::Public {
        let Some(door) = &self.door else { return grpc::Public::Plain(listener) };
        let public = self.last().public.clone();
        let connections_max = usize::from(public.connections_max);
        enough_files(u64::from(public.connections_max) + OTHER_FILES);
        let connections_per_peer = usize::from(public.connections_per_peer);
        let limits = Limits { connections_max, connections_per_peer };
        grpc::Public::Tls(listener, Arc::clone(door), limits)
    }

    /// Reads the files again, those that `public` names from now on. Whatever is wrong with them, all
    /// stays as it was, and the metrics say so.
    pub(super) fn reload(&self, public: &Public) {
        match self.exchange(public) {
            Ok(()) => {
                tracing::info!(
                    callers = public.caller.len(),
                    "certificates and callers read again"
                );
                self.count(true);
            }
            Err(error) => self.not_reloaded(&error.to_string()),
        }
    }

    /// Something to be read again was not fit to be used.
    pub(super) fn not_reloaded(&self, error: &str) {
        tracing::error!(
            error,
            "certificates and callers stay as they were: they cannot be read again"
        );
        self.count(false);
    }

    fn exchange(&self, public: &Public) -> Result<(), StartError> {
        let stamps = Stamps::of(files(public));
        // All or nothing: the door first, since only that can fail.
        match (&self.door, public.is_tls()) {
            (Some(door), true) => door.exchange(&material(public)?)?,
            (None, false) => {}
            (Some(_), false) | (None, true) => return Err(StartError::TlsSwitched),
        }
        self.policy.exchange(grants(public));
        *self.last() = Read { public: public.clone(), stamps };
        Ok(())
    }

    fn count(&self, success: bool) {
        self.metrics.config_reloaded(success, Timestamp::now());
        let expires = self.door.as_ref().and_then(|door| door.expires());
        self.metrics.certificate_expires("public", expires);
    }

    fn last(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the files again whenever one of them changes, until `stop` says so.
pub(super) async fn watch_files(access: Arc<Access>, mut stop: watch::Receiver<bool>) {
    if access.door.is_none() {
        return;
    }
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let changed = {
            let mut read = access.last();
            read.stamps.changed().then(|| read.public.clone())
        };
        if let Some(public) = changed {
            let access = Arc::clone(&access);
            // A disk that hangs must not hold a thread that serves.
            let _ = tokio::task::spawn_blocking(move || access.reload(&public)).await;
        }
    }
}

/// The files that `[listen.public]` names.
fn files(public: &Public) -> Vec<PathBuf> {
    let key = public.tls_key.as_ref().and_then(|key| key.path());
    let paths = [&public.tls_cert, &public.client_ca, &public.client_crl];
    paths.into_iter().flatten().cloned().chain(key).collect()
}

fn material(public: &Public) -> Result<Material, StartError> {
    let (Some(certificate), Some(key), Some(client_ca)) =
        (&public.tls_cert, &public.tls_key, &public.client_ca)
    else {
        return Err(StartError::TlsSwitched);
    };
    Ok(Material {
        certificate: read(certificate)?,
        key: key.read_bytes()?,
        client_ca: read(client_ca)?,
        client_crl: public.client_crl.as_deref().map(read).transpose()?,
        tls12: public.tls12,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    let failed = |source| StartError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > FILE_LEN_MAX {
        true => Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 16 MiB"))),
        false => Ok(bytes),
    }
}

fn grants(public: &Public) -> Vec<Grant> {
    public.caller.iter().filter_map(grant).collect()
}

/// The settings are checked: an entry has one of the two names.
fn grant(entry: &CallerEntry) -> Option<Grant> {
    let identity = match (&entry.san, &entry.dns) {
        (Some(san), None) => Identity::Uri(san.clone()),
        (None, Some(dns)) => Identity::Dns(dns.clone()),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(Grant {
        identity,
        permissions: entry.permissions.clone(),
        calls_per_second: entry.calls_per_second,
        calls_at_once: entry.calls_at_once,
    })
}

/// Lets the process have as many file descriptors as it may, and says if those are too few.
fn enough_files(wanted: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let possible = maximum.unwrap_or(wanted.max(current.unwrap_or(wanted)));
    if current.is_some_and(|current| current < possible) {
        // Then it stays as it was, and the warning below is right.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum });
    }
    let has = getrlimit(Resource::Nofile).current;
    if has.is_some_and(|has| has < wanted) {
        tracing::warn!(
            has,
            wanted,
            "too few file descriptors for listen.public.connections_max; \
            raise LimitNOFILE=, or lower it"
        );
    }
}
