//! What the doctor says about the keys of the running vault.

use crate::proto::admin::v1;
use crate::proto::admin::v1::check::Outcome;
use crate::vault::{KeyView, KeyringFile, Settings};

use super::doctor_service::said;

/// Whether it is time for new keys.
pub(super) fn ages(keys: &[KeyView], settings: &Settings) -> v1::Check {
    let name = "age and use of the keys";
    let due: Vec<_> = keys.iter().filter(|key| key.rotation_due).collect();
    if due.iter().any(|key| key.is_worn_out()) {
        return said(
            name,
            Outcome::Fail,
            "a key version has wrapped all that it may, and wraps no more",
        )
        .next("fmvault keys rotate, now");
    }
    let days = settings.key_max_age.as_secs() / 86_400;
    match due.len() {
        0 => said(name, Outcome::Ok, format!("none is older than {days} days or near its limit")),
        count => said(
            name,
            Outcome::Warn,
            format!(
                "{count} versions are older than {days} days, or have wrapped 2^30 keys and more"
            ),
        )
        .next("fmvault keys rotate"),
    }
}

/// Whether the keyring has a file to fall back on.
pub(super) fn files(files: [KeyringFile; 2]) -> v1::Check {
    let name = "files of the keyring";
    let bad = (0..).zip(files).find(|(_, state)| *state != KeyringFile::Whole);
    let Some((file, state)) = bad else { return said(name, Outcome::Ok, "both are whole") };
    let what = format!("keyring.{file} is {}", state.name());
    match state {
        KeyringFile::Whole | KeyringFile::Damaged | KeyringFile::Missing => {
            said(name, Outcome::Fail, what).next(
                "back up the other one now, and check the disk; the next start, or change of keys, \
                 writes this one anew",
            )
        }
        KeyringFile::Unreadable => {
            said(name, Outcome::Fail, what).next("give it back to the vault's user, mode 0600")
        }
        KeyringFile::Old => said(name, Outcome::Fail, what).next(
            "the next start would refuse the two: move this one away, and restart the vault, which \
             writes it anew",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_whole_is_named() {
        assert_eq!(files([KeyringFile::Whole; 2]).outcome(), Outcome::Ok);
        for state in KeyringFile::ALL.into_iter().filter(|state| *state != KeyringFile::Whole) {
            let check = files([KeyringFile::Whole, state]);
            assert_eq!(check.outcome(), Outcome::Fail);
            assert_eq!(check.detail, format!("keyring.1 is {}", state.name()));
            assert!(!check.next.is_empty());
        }
    }
}
