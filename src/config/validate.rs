//! The rules that no single value can keep.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::{Config, Mode, Period, RootSource, SecretRef};
use crate::model::Facemap;

/// A rule that the settings break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The settings it is about, the one to change first.
    pub keys: &'static [&'static str],
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// Workflows that check a face against an older one. Their facemap is the one in question.
const AUTHENTICATIONS: [&str; 4] = ["10071", "10014", "16", "9"];

/// Longest path of a UNIX socket, in bytes (Linux: 108 with the zero at the end).
const SOCKET_PATH_MAX: usize = 107;

/// Lifetimes that Jumio accepts for the tokens of an execution.
const TOKEN_LIFETIMES: [Period; 2] = [Period::minutes(5), Period::days(60)];

/// Jumio's documents: a consent holds for three years.
const CONSENT_MAX: Period = Period::days(1095);

impl Config {
    /// The rules that these settings break; none once they come from [`Config::load`].
    pub fn validate(&self) -> Vec<Invalid> {
        let mut found = Vec::new();
        self.check_jumio(&mut found);
        self.check_limits(&mut found);
        self.check_secrets(&mut found);
        self.check_paths(&mut found);
        self.check_audit(&mut found);
        self.check_addresses(&mut found);
        self.check_public(&mut found);
        self.check_callback(&mut found);
        self.check_capture(&mut found);
        self.check_times(&mut found);
        found
    }

    fn check_jumio(&self, found: &mut Vec<Invalid>) {
        let jumio = &self.jumio;
        let urls: [(&[&str], _); 4] = [
            (&["jumio.auth_url", "mode"], &jumio.auth_url),
            (&["jumio.account_url", "mode"], &jumio.account_url),
            (&["jumio.api_url", "mode"], &jumio.api_url),
            (&["jumio.retrieval_url", "mode"], &jumio.retrieval_url),
        ];
        for (keys, url) in urls {
            match (self.mode, url) {
                (Mode::Production, Some(url)) if !url.is_https() => {
                    break_rule(found, keys, "must be https in production", "write https://");
                }
                (Mode::Simulator, Some(url)) if !url.is_https() && !url.is_loopback() => {
                    let fix = "write https://, or http:// and an address of this machine";
                    break_rule(found, keys, "plain http would leave this machine", fix);
                }
                (Mode::Simulator, None) => {
                    let message = "is missing: in simulator mode nothing may reach Jumio itself";
                    let fix = "write where the simulator is, such as \"http://127.0.0.1:8080\"";
                    break_rule(found, keys, message, fix);
                }
                (Mode::Production | Mode::Simulator, _) => {}
            }
        }
        let agent = &jumio.user_agent;
        let visible = agent.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        let names_someone = agent
            .split_whitespace()
            .filter(|word| !word.to_ascii_lowercase().starts_with("fmvault"))
            .any(|word| word.chars().any(|c| c.is_ascii_alphabetic()));
        if !visible || !names_someone || agent.len() > 256 {
            let message = "must be visible ASCII that names your company, at most 256 characters";
            let fix = "write \"YourCompany fmvault/1.0\"";
            break_rule(found, &["jumio.user_agent"], message, fix);
        }
    }

    fn check_limits(&self, found: &mut Vec<Invalid>) {
        let limits = &self.jumio.limits;
        let rates: [(&[&str], f64); 3] = [
            (&["jumio.limits.account_per_second"], limits.account_per_second),
            (&["jumio.limits.retrieval_per_second"], limits.retrieval_per_second),
            (&["jumio.limits.token_per_second"], limits.token_per_second),
        ];
        for (keys, rate) in rates {
            // Below one call in an hour it is a slip; above a million it is no limit.
            if !(1.0 / 3600.0..=1_000_000.0).contains(&rate) {
                let message = "must be more than 0: one in an hour to a million per second";
                break_rule(found, keys, message, "write what Jumio allows your tenant");
            }
        }
        if !(0.0..=0.9).contains(&limits.reserve_for_authentication) {
            let message = "is a share from 0 to 0.9; above, captures would starve";
            let keys = &["jumio.limits.reserve_for_authentication"];
            break_rule(found, keys, message, "write 0.3 for 30 percent");
        }
    }

    fn check_secrets(&self, found: &mut Vec<Invalid>) {
        if self.mode == Mode::Simulator {
            return;
        }
        for (keys, reference) in self.secrets() {
            if matches!(reference, SecretRef::Environment(_)) {
                let message = "must not come from the environment in production: it leaks into \
                               processes, logs and dumps";
                break_rule(found, keys, message, "write \"cred:NAME\" or \"file:/path\"");
            }
        }
    }

    /// The secrets, each with its key.
    pub(super) fn secrets(&self) -> Vec<(&'static [&'static str], &SecretRef)> {
        let mut secrets: Vec<(&[&str], _)> =
            vec![(&["jumio.client_secret", "mode"], &self.jumio.client_secret)];
        if let Some(reference) = self.keys.root.reference() {
            secrets.push((self.keys.root.setting(), reference));
        }
        if let Some(reference) = &self.listen.callback.path_secret {
            secrets.push((&["listen.callback.path_secret", "mode"], reference));
        }
        if let Some(reference) = &self.listen.public.tls_key {
            secrets.push((&["listen.public.tls_key", "mode"], reference));
        }
        secrets
    }

    fn check_paths(&self, found: &mut Vec<Invalid>) {
        let paths: [(&[&str], &Path); 4] = [
            (&["store.path", "mode"], &self.store.path),
            (&["audit.dir", "mode"], &self.audit.dir),
            (&["keys.keyring", "mode"], &self.keys.keyring),
            (&["listen.admin.socket", "mode"], &self.listen.admin.socket),
        ];
        for (keys, path) in paths {
            if path.as_os_str().is_empty() || (self.mode == Mode::Production && path.is_relative())
            {
                let message = "must be an absolute path: a relative one depends on where you start";
                break_rule(found, keys, message, "begin it with /");
            }
        }
        let (store, keyring) = (plain(&self.store.path), plain(&self.keys.keyring));
        if keyring.starts_with(&store) || store.starts_with(&keyring) {
            let message = "the keyring and the store must not be within each other: whoever copies \
                           one would have both";
            let fix = "give the keyring a directory of its own, better on a medium of its own";
            break_rule(found, &["keys.keyring", "store.path"], message, fix);
        }
        if self.listen.admin.socket.as_os_str().len() > SOCKET_PATH_MAX {
            let message = "the path of a UNIX socket has at most 107 bytes";
            break_rule(found, &["listen.admin.socket"], message, "choose a shorter path");
        }
    }

    fn check_addresses(&self, found: &mut Vec<Invalid>) {
        let (public, http) = (self.listen.public.address, self.listen.http.address);
        let local = |address: SocketAddr| address.ip().is_loopback();
        if !local(http) {
            let message = "must be an address of this machine: it answers everyone";
            break_rule(found, &["listen.http.address"], message, "write \"127.0.0.1:9090\"");
        }
        if public == http && public.port() != 0 {
            let message = "two listeners cannot share an address";
            let keys = &["listen.http.address", "listen.public.address"];
            break_rule(found, keys, message, "choose another port");
        }
    }

    fn check_capture(&self, found: &mut Vec<Invalid>) {
        let capture = &self.capture;
        let keys = &["capture.critical", "capture.warning"];
        if capture.critical > capture.warning {
            let message = "must not be longer than `capture.warning`";
            break_rule(found, keys, message, "a warning comes before it is critical");
        }
        let keys = &["capture.max_facemap_bytes"];
        let len_max = Facemap::LEN_MAX as u64;
        if !(1024..=len_max).contains(&capture.max_facemap_bytes.bytes()) {
            let message = "must be 1KiB to 16MiB; facemaps seen so far have less than 400KiB";
            break_rule(found, keys, message, "write \"8MiB\"");
        }
        if !(1..=10_000).contains(&capture.background_max) {
            let message = "must be 1 to 10000";
            let fix = "to capture nothing at once, write immediate = false";
            break_rule(found, &["capture.background_max"], message, fix);
        }
        if let RootSource::Program(command) = &self.keys.root
            && !command.first().is_some_and(|path| Path::new(path).is_absolute())
        {
            let message = "must begin with the absolute path of a program";
            break_rule(found, &["keys.program"], message, "write [\"/usr/libexec/fmvault-key\"]");
        }
        if !(1..=256).contains(&self.keys.buckets) {
            break_rule(found, &["keys.buckets"], "must be 1 to 256", "write 16");
        }

        let keys = &["capture.onboarding_workflow_keys"];
        let onboardings = &capture.onboarding_workflow_keys;
        if onboardings.is_empty() {
            break_rule(found, keys, "is empty, so nothing could be captured", "write [10011]");
        }
        for (at, key) in onboardings.iter().enumerate() {
            let known = AUTHENTICATIONS.contains(&key.as_str());
            let own = !known && *key == self.jumio.workflow_key;
            let fix = format!("remove {}", key.as_str());
            let keys: &[&str] = match own {
                true => &["capture.onboarding_workflow_keys", "jumio.workflow_key"],
                false => keys,
            };
            if own || known {
                let message = format!(
                    "{} is an authentication, not an onboarding: its facemap is the one to be checked",
                    key.as_str()
                );
                break_rule(found, keys, &message, &fix);
            } else if onboardings.iter().take(at).any(|other| other == key) {
                let message = format!("{} is there twice", key.as_str());
                break_rule(found, keys, &message, &fix);
            }
        }
    }

    fn check_times(&self, found: &mut Vec<Invalid>) {
        let [shortest, longest] = TOKEN_LIFETIMES;
        let authentication = &self.authentication;
        if !(shortest..=longest).contains(&authentication.token_lifetime) {
            let message = "must be 5m to 60d, as Jumio allows";
            break_rule(found, &["authentication.token_lifetime"], message, "write \"30m\"");
        }
        if authentication.consent_max_age > CONSENT_MAX {
            let message = "must be at most 1095d: for Jumio a consent holds three years";
            break_rule(found, &["authentication.consent_max_age"], message, "write \"1095d\"");
        }
        if self.sweep.interval.duration() < Duration::from_secs(1) {
            let message = "must be at least 1s: a sweep would follow the other without a pause";
            break_rule(found, &["sweep.interval"], message, "write \"1h\"");
        }
    }
}

/// Adds a rule that is broken. The first of `keys` is the one to change.
pub(super) fn break_rule(
    found: &mut Vec<Invalid>,
    keys: &'static [&'static str],
    message: &str,
    fix: &str,
) {
    let name = keys.first().copied().unwrap_or_default();
    found.push(Invalid { keys, message: format!("`{name}`: {message}"), fix: fix.to_owned() });
}

/// The path without `.` and `..`, as far as that can be known without asking the disk.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain
}
