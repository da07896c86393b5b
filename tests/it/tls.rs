//! The callers' listener with TLS: who comes in, who may do what, and what is read again.

mod certificates;
mod erase;
mod floods;
mod hangup;
mod lookalikes;
mod permissions;
mod reload;
mod shares;

use facemap_vault::proto::v1::GetEnrollmentRequest;
use tonic::Status;

use crate::support::caller::Caller;

/// An account that no vault of ours knows.
const NOBODY: &str = "enrollments/7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";

/// Asks about [`NOBODY`]: whoever may read is told that there is no such enrollment.
pub(crate) async fn ask(caller: &mut Caller) -> Status {
    caller.get_enrollment(GetEnrollmentRequest { name: NOBODY.to_owned() }).await.unwrap_err()
}

/// Whether a refusal came from the transport: the vault's gRPC never heard of it.
pub(crate) fn is_handshake(status: &Status) -> bool {
    use std::error::Error as _;
    status.source().is_some() && status.details().is_empty()
}
