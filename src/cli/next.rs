//! What to do about a reason of the error catalogue, where its exit code alone does not tell.

use std::collections::HashMap;

/// The next step; none if the exit code's own is right.
pub(super) fn of(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "AUTHENTICATION_IN_PROGRESS" => {
            "use the running one (fmvault auth get), or repeat with --supersede"
        }
        "AUTHENTICATION_NOT_FOUND" => "fmvault auth start begins one",
        "JUMIO_OUTCOME_UNKNOWN" => "repeat it with a new --request-id",
        "SWEEP_NOT_FOUND" => "fmvault sweep list",
        "KEY_VERSION_NOT_FOUND" => "fmvault keys list",
        "KEY_VERSION_IN_USE" => {
            "fmvault keys list shows what names it; fmvault keys rotate replaces one that wraps new \
             facemaps, fmvault keys rewrap brings records under the newest"
        }
        "KEY_VERSION_WORN_OUT" => "fmvault keys rotate",
        "REWRAP_IN_PROGRESS" => {
            "fmvault keys rewrap --resume goes on with it or watches it; fmvault keys rewrap cancel \
             gives it up"
        }
        "REWRAP_NOT_FOUND" => "fmvault keys list; fmvault keys rotate begins a rotation",
        "REWRAP_NOT_CANCELLABLE" => "fmvault keys rewrap get",
        "KEYRING_FAILED" => {
            "look at the vault's log and at the disk of keys.keyring, then fmvault keys rewrap --resume"
        }
        _ => return None,
    })
}

/// What the metadata add to the message, in words.
pub(super) fn detail(reason: &str, metadata: &HashMap<String, String>) -> Option<String> {
    let value = |key| metadata.get(key).map(String::as_str);
    Some(match reason {
        "KEY_VERSION_IN_USE" => match value("enrollmentCount")? {
            "0" => "no record names it, but it wraps new facemaps".to_owned(),
            count => format!("records that name it: {count}"),
        },
        "KEY_VERSION_WORN_OUT" => format!("it is version {}", value("keyVersion")?),
        "REWRAP_IN_PROGRESS" => format!("it is {}", value("name")?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::catalogue::{Raised, tables};

    /// A new reason about keys is not left with the next step of its exit code, which is about something
    /// else. Those that a start prints have theirs there.
    #[test]
    fn every_reason_about_keys_names_the_command_that_helps() {
        let about_keys = |name: &str| name.starts_with("KEY") || name.starts_with("REWRAP");
        let sent = tables().flatten().filter(|entry| entry.raised == Raised::Call);
        let mut seen = 0;
        for entry in sent.filter(|entry| about_keys(entry.name())) {
            let next = of(entry.name()).unwrap_or_else(|| panic!("none for {}", entry.name()));
            assert!(next.contains("fmvault keys "), "{}: {next}", entry.name());
            for (key, _) in entry.metadata {
                let metadata = HashMap::from([((*key).to_owned(), "4711".to_owned())]);
                let detail = detail(entry.name(), &metadata).unwrap_or_default();
                assert!(detail.contains("4711"), "{} does not show {key}", entry.name());
            }
            seen += 1;
        }
        assert_eq!(seen, 7);
    }
}
