//! What an operator is told about each [`KeysError`].

use tonic::Code as C;

use crate::model::KekRef;
use crate::proto::v1::ErrorReason as R;
use crate::vault::KeysError;

use super::status::{Answer, answer};
use super::texts;

/// There is no wildcard arm: see [`super::status_vault::of_vault`].
pub(super) fn of_keys(error: &KeysError) -> Answer {
    use KeysError as E;
    match error {
        E::NotChanged(_) => answer(C::Internal, R::KeyringFailed, texts::KEYRING_FAILED),
        E::RewrapInProgress { id } => {
            answer(C::Aborted, R::RewrapInProgress, texts::REWRAP_IN_PROGRESS)
                .with("name", format!("rewraps/{}", id.hyphenated()))
        }
        E::RewrapNotFound => answer(C::NotFound, R::RewrapNotFound, texts::REWRAP_NOT_FOUND),
        E::PastCancelling => {
            answer(C::FailedPrecondition, R::RewrapNotCancellable, texts::PAST_CANCELLING)
        }
        E::VersionNotFound => {
            answer(C::NotFound, R::KeyVersionNotFound, texts::KEY_VERSION_NOT_FOUND)
        }
        E::VersionInUse { records } => {
            answer(C::FailedPrecondition, R::KeyVersionInUse, texts::KEY_VERSION_IN_USE)
                .with("enrollmentCount", records.to_string())
        }
        E::WornOut(KekRef { bucket, epoch, .. }) => {
            answer(C::FailedPrecondition, R::KeyVersionWornOut, texts::KEY_VERSION_WORN_OUT)
                .with("keyVersion", format!("{bucket}.{epoch}"))
        }
    }
}
