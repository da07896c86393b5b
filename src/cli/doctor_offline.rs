//! What `fmvault doctor` sees by itself: settings, files and their permissions, the lock, the clock.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::config::{Config, SecretRef};
use crate::crypto::{Selected, select};
use crate::model::Timestamp;
use crate::store::keyring_file::{KeyringFileError, KeyringFiles};
use crate::store::{StoreUse, store_use};
use crate::tls::certificate_expiry;

use super::Session;
use super::doctor::{Check, Outcome};

/// No machine that runs this program lives before 2026-01-01.
const EARLIEST: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// Nor after 2100-01-01.
const LATEST: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// A certificate should be renewed this long before it ends. The alert says it at the same time.
const RENEW: Duration = Duration::from_secs(14 * 24 * 3600);

const NOT_OURS: &str = "only the vault's user can look; run doctor as that user to check it";

/// All checks that need no vault.
pub(super) fn checks(session: &Session) -> Vec<Check> {
    if session.global.config.is_none() && session.global.socket.is_some() {
        let why = "no settings named; give --config to check them too";
        return vec![Check::new("configuration", Outcome::Skip, why), clock()];
    }
    let loaded = match super::config::load(session) {
        Ok(loaded) => loaded,
        Err(failure) => {
            return vec![Check::fail("configuration", failure.message, failure.next), clock()];
        }
    };
    let file = session.global.config.as_ref();
    let from =
        file.map_or("no file: flags and environment".to_owned(), |f| f.display().to_string());
    let mut checks = vec![Check::new("configuration", Outcome::Ok, from)];
    checks.extend(loaded.warnings.iter().map(|warning| {
        Check::new("configuration", Outcome::Warn, warning.message.clone())
            .next(warning.fix.clone())
    }));
    let config = &loaded.config;
    checks.push(secret("client secret", &config.jumio.client_secret));
    checks.extend(config.keys.root.reference().map(|reference| secret("root key", reference)));
    checks.push(keyring(config));
    let public = &config.listen.public;
    checks.extend(public.tls_cert.iter().map(|path| certificate(path, Timestamp::now())));
    checks.extend(public.tls_key.iter().map(|key| secret("key of the certificate", key)));
    checks.push(store(&config.store.path));
    checks.push(clock());
    checks
}

/// Reads a secret and wipes it at once: that is the only proof that it can be read.
fn secret(name: &str, reference: &SecretRef) -> Check {
    let place = String::from(reference.clone());
    match (reference, reference.read_bytes()) {
        (_, Ok(_)) => Check::new(name, Outcome::Ok, format!("{place}, readable")),
        (SecretRef::Credential(_), Err(_)) => Check::new(
            name,
            Outcome::Skip,
            format!("{place}: systemd gives it to the service only"),
        ),
        (SecretRef::File(path), Err(_)) if is_denied(path) => {
            Check::new(name, Outcome::Skip, format!("{place}: {NOT_OURS}"))
        }
        (SecretRef::File(_) | SecretRef::Environment(_), Err(error)) => {
            Check::fail(name, error.to_string(), "make it readable for the vault's user alone")
        }
    }
}

/// An expired certificate, or one that soon will be, stops all callers at once.
fn certificate(path: &Path, now: Timestamp) -> Check {
    let name = "certificate";
    let pem = match std::fs::read(path) {
        Ok(pem) => pem,
        Err(_) if is_denied(path) => return Check::new(name, Outcome::Skip, NOT_OURS),
        Err(error) => {
            let detail = format!("{}: {error}", path.display());
            return Check::fail(name, detail, "correct listen.public.tls_cert");
        }
    };
    let renew = "have a new one issued and write it over the old one; the vault reads it by itself";
    match certificate_expiry(&pem) {
        Err(error) => {
            Check::fail(name, error.to_string(), "write it as PEM, the vault's own first")
        }
        Ok(expires) if expires <= now => {
            Check::fail(name, format!("expired at {expires}: nobody can connect"), renew)
        }
        Ok(expires) if expires.since(now) < RENEW => {
            Check::new(name, Outcome::Warn, format!("expires soon, at {expires}")).next(renew)
        }
        Ok(expires) => Check::new(name, Outcome::Ok, format!("valid until {expires}")),
    }
}

fn is_denied(path: &Path) -> bool {
    std::fs::File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// Reads the keyring without unlocking it.
fn keyring(config: &Config) -> Check {
    let name = "keyring";
    let dir = &config.keys.keyring;
    if !dir.exists() && !is_denied(dir) {
        return Check::fail(
            name,
            format!("there is none in {}", dir.display()),
            "fmvault keys init",
        );
    }
    let read = KeyringFiles::open(dir).and_then(|files| files.read());
    let [zero, one] = match read {
        Ok(files) => files,
        Err(KeyringFileError::Foreign { .. }) => return Check::new(name, Outcome::Skip, NOT_OURS),
        Err(_) if is_denied(dir) => return Check::new(name, Outcome::Skip, NOT_OURS),
        Err(error) => {
            return Check::fail(
                name,
                error.to_string(),
                "give it to the vault's user alone (mode 0700)",
            );
        }
    };
    match select(zero.as_deref(), one.as_deref()) {
        Ok(Selected { other_damaged: true, .. }) => Check::new(
            name,
            Outcome::Warn,
            "one of its two files is damaged",
        )
        .next(
            "back up the whole one now, and check the disk; the next start writes the other anew",
        ),
        Ok(Selected { keyring, .. }) => {
            Check::new(name, Outcome::Ok, format!("whole, for mode {}", keyring.mode()))
        }
        Err(error) => Check::fail(name, error.to_string(), "restore the keyring from its backup"),
    }
}

fn store(path: &Path) -> Check {
    let name = "store";
    let mode = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Check::new(name, Outcome::Skip, NOT_OURS);
        }
        Err(error) => {
            let detail = format!("{}: {error}", path.display());
            return Check::fail(name, detail, "fmvault keys init, or correct store.path");
        }
    };
    if mode & 0o077 != 0 {
        let next = format!("chmod 700 {}", path.display());
        return Check::fail(name, format!("mode {mode:03o}: others may enter"), next);
    }
    match store_use(path) {
        Ok(StoreUse::Free) => Check::new(name, Outcome::Ok, "there; no vault has it open"),
        Ok(StoreUse::Held(Some((pid, since)))) => {
            Check::new(name, Outcome::Ok, format!("there; process {pid} has it open since {since}"))
        }
        Ok(StoreUse::Held(None)) => {
            Check::new(name, Outcome::Ok, "there; some process has it open")
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Check::new(name, Outcome::Skip, NOT_OURS)
        }
        Err(error) => Check::fail(name, error.to_string(), "check the disk and its log"),
    }
}

fn clock() -> Check {
    let now = Timestamp::now();
    if now < EARLIEST || now > LATEST {
        let next = "set the clock and switch on a time service (timedatectl set-ntp true)";
        return Check::fail("clock of this machine", format!("it says {now}"), next);
    }
    Check::new("clock of this machine", Outcome::Ok, format!("it says {now}"))
}
