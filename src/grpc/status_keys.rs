//! What an operator is told about each [`KeysError`].

use crate::model::KekRef;
use crate::proto::v1::ErrorReason as R;
use crate::vault::KeysError;

use super::status::{Answer, answer};

/// There is no wildcard arm: see [`super::status_vault::of_vault`].
pub(super) fn of_keys(error: &KeysError) -> Answer {
    use KeysError as E;
    match error {
        E::NotChanged(_) => answer(R::KeyringFailed),
        E::RewrapInProgress { id } => {
            answer(R::RewrapInProgress).with("name", format!("rewraps/{}", id.hyphenated()))
        }
        E::RewrapNotFound => answer(R::RewrapNotFound),
        E::PastCancelling => answer(R::RewrapNotCancellable),
        E::VersionNotFound => answer(R::KeyVersionNotFound),
        E::VersionInUse { records } => {
            answer(R::KeyVersionInUse).with("enrollmentCount", records.to_string())
        }
        E::WornOut(KekRef { bucket, epoch, .. }) => {
            answer(R::KeyVersionWornOut).with("keyVersion", format!("{bucket}.{epoch}"))
        }
    }
}
