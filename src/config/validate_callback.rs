//! The rules for the receiver of callbacks.

use super::validate::break_rule;
use super::{Config, Invalid};

impl Config {
    /// Adds the rules that `[listen.callback]` breaks.
    pub(super) fn check_callback(&self, found: &mut Vec<Invalid>) {
        let callback = &self.listen.callback;
        if !callback.address.ip().is_loopback() {
            let message = "must be an address of this machine: Jumio speaks TLS, which a reverse proxy \
                           ends";
            let fix = "write \"127.0.0.1:8082\" and let the reverse proxy lead here";
            break_rule(found, &["listen.callback.address"], message, fix);
        }
        if !callback.enabled {
            return;
        }
        if callback.path_secret.is_none() {
            let keys = &["listen.callback.path_secret", "listen.callback.enabled"];
            let message = "is missing: callbacks are not signed, so a secret in the path must say who \
                           sends them";
            break_rule(found, keys, message, "write \"cred:callback-path\" or \"file:/path\"");
        }
        let others = [self.listen.public.address, self.listen.http.address];
        if others.contains(&callback.address) && callback.address.port() != 0 {
            let keys = &["listen.callback.address", "listen.callback.enabled"];
            break_rule(found, keys, "two listeners cannot share an address", "choose another port");
        }
        if !callback.sources.is_empty() && callback.trusted_proxies.is_empty() {
            let keys = &["listen.callback.sources", "listen.callback.trusted_proxies"];
            let message =
                "cannot be told without `trusted_proxies`: behind a proxy all come from it";
            break_rule(found, keys, message, "write trusted_proxies = [\"127.0.0.1\", \"::1\"]");
        }
    }
}
