//! How far an execution is, and what came of it, in Jumio's words.

/// How far an execution is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// Created.
    Initiated,
    /// The person has begun.
    AcquisitionStarted,
    /// Everything is there and being processed.
    Acquired,
    /// There is a result.
    Processed,
    /// The person began and went away.
    SessionExpired,
    /// The token ran out before anybody began.
    TokenExpired,
}

impl Status {
    /// Jumio's word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Initiated => "INITIATED",
            Self::AcquisitionStarted => "ACQUISITION_STARTED",
            Self::Acquired => "ACQUIRED",
            Self::Processed => "PROCESSED",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::TokenExpired => "TOKEN_EXPIRED",
        }
    }

    /// Whether nothing can happen any more.
    pub(super) fn is_terminal(self) -> bool {
        match self {
            Self::Initiated | Self::AcquisitionStarted | Self::Acquired => false,
            Self::Processed | Self::SessionExpired | Self::TokenExpired => true,
        }
    }
}

/// Jumio's decision types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// PASSED.
    Passed,
    /// WARNING.
    Warning,
    /// REJECTED.
    Rejected,
    /// NOT_EXECUTED.
    NotExecuted,
}

impl Verdict {
    /// Reads Jumio's word.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Passed, Self::Warning, Self::Rejected, Self::NotExecuted]
            .into_iter()
            .find(|verdict| verdict.name() == name)
    }

    /// Jumio's word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warning => "WARNING",
            Self::Rejected => "REJECTED",
            Self::NotExecuted => "NOT_EXECUTED",
        }
    }

    /// A risk score inside the default thresholds of this type.
    pub(super) fn score(self) -> f64 {
        match self {
            Self::Passed => 0.0,
            Self::Warning => 50.0,
            Self::Rejected => 100.0,
            Self::NotExecuted => -1.0,
        }
    }
}

/// The result of a processed execution.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    /// Overall decision.
    pub(super) decision: Verdict,
    /// Decision of the capability about the live face: liveness or authentication.
    pub(super) face: Verdict,
    /// Whether the person's device delivered anything.
    pub(super) captured: bool,
}
