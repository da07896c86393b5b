//! Reasons that lie in the keyring, its key versions and their rotation.

use tonic::Code as C;

use crate::proto::v1::ErrorReason as R;

use super::{Acts, Entry, Raised, new};

pub(super) const ENTRIES: &[Entry] = &[
    new(
        R::VaultSealed,
        C::Unavailable,
        Acts::Operator,
        "The vault has no key.",
        "The operator must bring the passphrase or the key file.",
    )
    .raised(Raised::Start),
    new(
        R::KeyMismatch,
        C::FailedPrecondition,
        Acts::Operator,
        "The key is not the one this vault was made with.",
        "The operator must bring the right keyring.",
    )
    .raised(Raised::Start)
    .note("Which key is needed and which one is there, by their fingerprints, stands in the line that the start prints."),
    new(
        R::KeyVersionMissing,
        C::FailedPrecondition,
        Acts::Operator,
        "A key version that records need is not in the keyring.",
        "The operator must bring the keyring that has it.",
    )
    .raised(Raised::Start)
    .note("Which versions, and how many records need them, stands in the line that the start prints."),
    new(
        R::KeyVersionNotFound,
        C::NotFound,
        Acts::Operator,
        "The keyring has no such key version.",
        "List the key versions.",
    )
    .note("`fmvault keys list` shows them."),
    new(
        R::KeyVersionInUse,
        C::FailedPrecondition,
        Acts::Operator,
        "The key version is still in use.",
        "Rotate or rewrap until no record names it, then retire it.",
    )
    .carries(&[("enrollmentCount", "how many records name it")]),
    new(
        R::KeyVersionWornOut,
        C::FailedPrecondition,
        Acts::Operator,
        "The key version has wrapped as many keys as one may.",
        "The operator must rotate: fmvault keys rotate.",
    )
    .carries(&[("keyVersion", "which")])
    .note("The limit is 2,147,483,648 wraps under one key; a warning comes at half of it."),
    new(
        R::RewrapInProgress,
        C::Aborted,
        Acts::Operator,
        "A rotation is open.",
        "Watch it, resume it, or cancel it before another begins.",
    )
    .carries(&[("name", "of the open one")]),
    new(
        R::RewrapNotFound,
        C::NotFound,
        Acts::Operator,
        "There is no such rotation.",
        "Leave the name out for the newest one.",
    ),
    new(
        R::RewrapNotCancellable,
        C::FailedPrecondition,
        Acts::Operator,
        "The rotation has ended or is destroying the old key: nothing is left to cancel.",
        "Watch it.",
    ),
    new(
        R::KeyringFailed,
        C::Internal,
        Acts::Operator,
        "The keyring could not be written.",
        "The operator must look at its disk, then resume the rotation.",
    )
    .note("No key was changed. `fmvault keys rewrap --resume` goes on."),
];
