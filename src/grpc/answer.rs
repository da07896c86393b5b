//! What every request goes through: who asks, how much time there is, and one place where failures
//! are logged and become a status.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tonic::{Request, Response, Status};

use crate::model::Timestamp;
use crate::vault::VaultError;

use super::caller::Caller;
use super::guard::Admitted;
use super::inform::deadline;
use super::status::{RpcError, status};

/// What is known about a request besides its message.
pub(super) struct Context {
    /// Who asks.
    pub(super) caller: Caller,
    /// When: stamped once.
    pub(super) now: Timestamp,
    /// How long the caller waits, if it says.
    pub(super) time_left: Option<Duration>,
}

/// Kept back from the caller's deadline, so that our answer, with its reason, arrives in time.
const MARGIN: Duration = Duration::from_millis(10);

/// Runs `work` for one request of `rpc`.
///
/// # Errors
///
/// A [`Status`] with an `ErrorInfo`, always.
pub(super) async fn answer<M, R, W>(
    rpc: &'static str,
    request: Request<M>,
    work: impl FnOnce(M, Context) -> W,
) -> Result<Response<R>, Status>
where
    W: Future<Output = Result<R, RpcError>>,
{
    let time_left = deadline(request.metadata().as_ref()).ok().flatten();
    let time_left = time_left.map(|left| left.saturating_sub(MARGIN));
    let admitted =
        request.extensions().get::<Admitted>().filter(|admitted| admitted.rpc.name == rpc);
    let caller = admitted.map(|admitted| admitted.caller.clone());
    let result = match (&caller, time_left) {
        // Nothing that the guard did not let through for this very method.
        (None, _) => Err(RpcError::Unauthenticated),
        (Some(_), Some(Duration::ZERO)) => Err(RpcError::Deadline),
        (Some(caller), time_left) => {
            let context = Context { caller: caller.clone(), now: Timestamp::now(), time_left };
            // A panic is one request's misfortune. What it held is dropped; the vault's own state is
            // behind locks that survive it.
            let work = AssertUnwindSafe(work(request.into_inner(), context)).catch_unwind();
            match time_left {
                None => work.await.unwrap_or(Err(RpcError::Panicked)),
                Some(left) => match tokio::time::timeout(left, work).await {
                    Ok(result) => result.unwrap_or(Err(RpcError::Panicked)),
                    Err(_) => Err(RpcError::Deadline),
                },
            }
        }
    };
    conclude(rpc, caller.as_ref(), result)
}

/// Every call of one of our methods ends here, allowed or refused, once: what the guard refuses, and
/// what was carried out. `caller` is none if nobody can say who asked.
pub(super) fn conclude<R>(
    rpc: &'static str,
    caller: Option<&Caller>,
    result: Result<R, RpcError>,
) -> Result<Response<R>, Status> {
    result.map(Response::new).map_err(|error| {
        log(rpc, caller, &error);
        status(&error)
    })
}

/// Logged once, here, as a chain. Level error: a person must look.
fn log(rpc: &'static str, caller: Option<&Caller>, error: &RpcError) {
    let caller = caller.map_or("nobody", |caller| &caller.name);
    let RpcError::Vault(cause) = error else {
        return match error {
            RpcError::Panicked => tracing::error!(rpc, caller, "a request panicked"),
            RpcError::NotPermitted { permission, .. } => {
                tracing::warn!(rpc, caller, permission, "refused: not permitted");
            }
            RpcError::Fields(_)
            | RpcError::Reference { .. }
            | RpcError::Unauthenticated
            | RpcError::TooMany { .. }
            | RpcError::Deadline
            | RpcError::Vault(_) => tracing::debug!(rpc, caller, ?error, "refused"),
        };
    };
    let chain = chain(cause);
    match **cause {
        VaultError::Keys(ref keys) if !keys.is_refusal() => {
            tracing::error!(rpc, error = chain, "failed");
        }
        VaultError::Unreadable { .. }
        | VaultError::Damaged { .. }
        | VaultError::StoreFull
        | VaultError::StoreReadOnly
        | VaultError::StoreBroken
        | VaultError::Store(_)
        | VaultError::AuditUnavailable(_)
        | VaultError::Audit(_)
        | VaultError::RolledBack(_)
        | VaultError::Seal(_)
        | VaultError::JumioCredentialsRejected
        | VaultError::JumioPermissionMissing { .. }
        | VaultError::JumioWorkflowNotEnabled
        | VaultError::JumioResponseUnexpected { .. }
        | VaultError::JumioUrlRejected { .. } => {
            tracing::error!(rpc, caller, error = chain, "failed")
        }
        VaultError::NotEnrolled(_)
        | VaultError::NotCaptured { .. }
        | VaultError::Blocked { .. }
        | VaultError::Lost
        | VaultError::Captured
        | VaultError::Erased
        | VaultError::OnLegalHold
        | VaultError::AlreadyStarted { .. }
        | VaultError::RequestIdReused
        | VaultError::SessionOver
        | VaultError::AuthenticationNotFound
        | VaultError::ConsentExpired { .. }
        | VaultError::Conflict
        | VaultError::PageTokenInvalid
        | VaultError::JumioThrottled { .. }
        | VaultError::JumioUnavailable(_)
        | VaultError::JumioTimeout
        | VaultError::JumioAccountUnknown
        | VaultError::JumioRefused { .. }
        | VaultError::JumioOutcomeUnknown(_)
        | VaultError::UploadInterrupted(_)
        | VaultError::FacemapTooLong { .. }
        | VaultError::SweepInProgress { .. }
        | VaultError::SweepNotFound
        | VaultError::Keys(_)
        | VaultError::ShuttingDown => tracing::info!(rpc, caller, error = chain, "refused"),
    }
}

/// An error and its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    /// Requests come with what the transport knows of the peer; without it nothing is done.
    #[tokio::test]
    async fn a_peer_that_nobody_knows_is_refused_before_any_work() {
        let refused = answer("GetEnrollment", Request::new(()), |(), _| async {
            panic!("it must not get here");
            #[expect(unreachable_code, reason = "tells the type of the answer")]
            Ok(())
        });
        let status = refused.await.expect_err("nobody asked");
        assert_eq!(status.code(), Code::Unauthenticated);
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        assert_eq!(reason, Some("CALLER_UNAUTHENTICATED"));
    }
}
