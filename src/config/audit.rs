//! `[audit]`: the audit trail.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::validate::{break_rule, plain};
use super::{ByteSize, Config, Invalid, Period};

/// `[audit]`: the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The directory of its files.
    pub dir: PathBuf,
    /// Room on its disk that is kept for it.
    pub reserve: ByteSize,
    /// A record that is not on the disk in this time fails the call it is about.
    pub write_timeout: Period,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/var/lib/fmvault/audit"),
            reserve: ByteSize::mebibytes(16),
            write_timeout: Period::millis(100),
        }
    }
}

impl Config {
    /// Adds the rules that `[audit]` breaks.
    pub(super) fn check_audit(&self, found: &mut Vec<Invalid>) {
        let audit = &self.audit;
        let dir = plain(&audit.dir);
        let others: [(&[&str], &Path); 2] = [
            (&["audit.dir", "store.path"], &self.store.path),
            (&["audit.dir", "keys.keyring"], &self.keys.keyring),
        ];
        for (keys, other) in others {
            let other = plain(other);
            if dir.starts_with(&other) || other.starts_with(&dir) {
                let message = "must be a directory of its own, neither within the store or the keyring \
                               nor around it: it must not be set back with them";
                let fix = "write \"/var/lib/fmvault/audit\", better on a medium of its own";
                break_rule(found, keys, message, fix);
            }
        }
        if !(64 << 10..=1 << 30).contains(&audit.reserve.bytes()) {
            let message = "must be 64KiB to 1GiB; a record has 160 or 264 bytes";
            break_rule(found, &["audit.reserve"], message, "write \"16MiB\"");
        }
        let timeout = audit.write_timeout.duration().as_millis();
        if !(10..=60_000).contains(&timeout) {
            let message = "must be 10ms to 60s: calls wait that long, and are refused then";
            break_rule(found, &["audit.write_timeout"], message, "write \"100ms\"");
        }
    }
}
