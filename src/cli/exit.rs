//! How a command ends: its exit code, and on failure what to do next.

use std::process::ExitCode;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::next;

/// The exit codes, as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done, healthy.
    Done = 0,
    /// A defect.
    Unexpected = 1,
    /// Wrong flags or arguments.
    Usage = 2,
    /// Worked, but somebody should look.
    Attention = 3,
    /// There is no such thing.
    NotFound = 4,
    /// Not allowed.
    NotPermitted = 5,
    /// The key is missing or wrong.
    Sealed = 6,
    /// Something else is in the way.
    Conflict = 7,
    /// Some is done, and the rest will be tried again.
    PartlyDone = 8,
    /// Jumio is down or busy.
    JumioUnavailable = 9,
    /// No vault answers.
    NotReachable = 10,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// With which exit code.
    pub(super) exit: Exit,
    /// The reason of the error catalogue, if the vault gave one.
    pub(super) reason: Option<String>,
    /// What happened.
    pub(super) message: String,
    /// What to do next.
    pub(super) next: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit, reason: None, message: message.into(), next: next.into() }
    }

    /// Ctrl-C, where nothing goes on without the command.
    pub(super) fn interrupted() -> Self {
        let next = "run it again; what the vault was told to do goes on";
        Self::new(Exit::Interrupted, "interrupted", next)
    }

    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Exit::Unexpected, message, "report this with the log of the vault")
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let exit = exit_of(status.code(), reason.as_deref());
        let wait = details.retry_info().and_then(|info| info.retry_delay);
        let next = match (reason.as_deref().and_then(next::of), wait) {
            (Some(next), _) => next.to_owned(),
            (None, Some(wait)) => format!("try again in {}", humantime::format_duration(wait)),
            (None, None) => next_of(exit).to_owned(),
        };
        let metadata = details.error_info().map(|info| &info.metadata);
        let detail = reason.as_deref().zip(metadata).and_then(|(r, m)| next::detail(r, m));
        let message = match &reason {
            Some(reason) => {
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                format!("{} ({reason}{detail})", status.message())
            }
            None => format!("the vault does not answer: {}", status.message()),
        };
        Self { exit, reason, message, next }
    }
}

fn next_of(exit: Exit) -> &'static str {
    match exit {
        Exit::NotReachable => "fmvault server --config FILE, or name its socket with --socket",
        Exit::NotFound => "fmvault enrollment list",
        Exit::JumioUnavailable => "try again; fmvault status shows how things are",
        Exit::Usage => "fix what is named above",
        Exit::NotPermitted => "ask who runs the vault for the permission",
        Exit::Done
        | Exit::Unexpected
        | Exit::Attention
        | Exit::Sealed
        | Exit::Conflict
        | Exit::PartlyDone
        | Exit::Interrupted => "fmvault status shows how things are",
    }
}

fn exit_of(code: Code, reason: Option<&str>) -> Exit {
    let Some(reason) = reason else { return Exit::NotReachable };
    if matches!(
        reason,
        "JUMIO_UNAVAILABLE" | "JUMIO_RATE_LIMITED" | "JUMIO_TIMEOUT" | "JUMIO_OUTCOME_UNKNOWN"
    ) {
        return Exit::JumioUnavailable;
    }
    match code {
        Code::NotFound => Exit::NotFound,
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::PermissionDenied | Code::Unauthenticated => Exit::NotPermitted,
        Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => Exit::Conflict,
        Code::Unavailable if reason == "VAULT_SEALED" => Exit::Sealed,
        Code::Unavailable | Code::ResourceExhausted | Code::DataLoss => Exit::Attention,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal => Exit::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing of this on the admin socket, but a vault may be asked from elsewhere.
    #[test]
    fn what_is_not_permitted_is_5() {
        for (code, reason) in [
            (Code::PermissionDenied, "PERMISSION_MISSING"),
            (Code::Unauthenticated, "CALLER_UNAUTHENTICATED"),
        ] {
            assert_eq!(exit_of(code, Some(reason)), Exit::NotPermitted, "{reason}");
        }
        assert_eq!(exit_of(Code::Unavailable, None), Exit::NotReachable);
    }
}
