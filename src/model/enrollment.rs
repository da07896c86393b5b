//! The enrollment: what we know of one account, and which step may follow which.

use std::time::Duration;

use super::{AccountId, CredentialId, Timestamp, WorkflowExecutionId};

/// Our record of one account.
///
/// It names the newest onboarding we were told of, and the facemap that serves authentications. The
/// two differ while a newer onboarding is being captured: the older facemap serves until the newer
/// one is verified and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// Jumio's account.
    pub account: AccountId,
    /// When the account was first enrolled here.
    pub created: Timestamp,
    /// The newest onboarding we were told of.
    pub onboarding: Onboarding,
    /// The facemap that serves authentications.
    pub facemap: Option<StoredFacemap>,
    /// When the account was last erased here. An onboarding completed before then is never captured
    /// again, however late somebody asks for it.
    pub erased_at: Option<Timestamp>,
    /// An operator gave up on the newest onboarding, which is pending, blocked or lost and stays so.
    /// Nobody tries any more until it is reopened; a newer onboarding starts open.
    pub closed: Option<Closed>,
}

/// That an operator gave up, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// The operator's words: 1 to [`CLOSE_REASON_LEN_MAX`] printable characters.
    pub reason: String,
}

/// Longest reason for giving up, in characters.
pub const CLOSE_REASON_LEN_MAX: usize = 200;

/// One onboarding at Jumio, and how far we got with its facemap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Onboarding {
    /// The workflow execution in which the facemap was made.
    pub execution: WorkflowExecutionId,
    /// When it was completed: from Jumio, else as the caller said, else unknown.
    pub completed: Option<Timestamp>,
    /// How far we got.
    pub state: State,
}

/// How far we got with an onboarding's facemap. Only states that mean something after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not captured yet; the sweep goes on trying.
    Pending {
        /// The earliest moment Jumio may delete its copy.
        capture_by: Timestamp,
        /// Attempts made so far.
        attempts: u32,
        /// How the newest attempt ended.
        last_error: Option<LastError>,
    },
    /// Jumio will not let it be downloaded; trying again cannot help until someone acts.
    Blocked {
        /// What has to change.
        why: Blocked,
        /// When we noticed.
        since: Timestamp,
    },
    /// Its facemap is the one in [`Enrollment::facemap`].
    Captured,
    /// Jumio deleted it before we captured it.
    Lost {
        /// When we noticed.
        noticed_at: Timestamp,
    },
    /// Erased here. A tombstone: nothing brings it back but a newer onboarding.
    Erased {
        /// When.
        erased_at: Timestamp,
    },
}

/// The facemap that serves authentications, but for its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFacemap {
    /// The onboarding it was made in.
    pub execution: WorkflowExecutionId,
    /// The FACEMAP credential it was downloaded from.
    pub credential: CredentialId,
    /// When that onboarding was completed, if Jumio told.
    pub completed: Option<Timestamp>,
    /// When it was stored here.
    pub captured_at: Timestamp,
    /// When our own retention erases it. `None`: kept until erased on request.
    pub erase_after: Option<Timestamp>,
    /// Jumio's name of the liveness technology that made it, such as `IPROOV_STANDARD`.
    pub liveness_type: String,
    /// Its length in bytes.
    pub len: u32,
}

/// Why Jumio will not let a facemap be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Blocked {
    /// The tenant option "Allow download of facemap" is off.
    DownloadNotEnabled,
    /// Made by a liveness technology whose facemaps cannot be downloaded (Jumio Liveness).
    LivenessUnsupported,
    /// The onboarding was not accepted: rejected, liveness not passed, or not an onboarding.
    OnboardingNotAccepted,
    /// Longer than the limit set here.
    TooLong,
}

impl Blocked {
    /// One word for it, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::DownloadNotEnabled => "download_not_enabled",
            Self::LivenessUnsupported => "liveness_unsupported",
            Self::OnboardingNotAccepted => "onboarding_not_accepted",
            Self::TooLong => "too_long",
        }
    }
}

impl LastError {
    /// One word for it, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotYet => "not_yet",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::CredentialsRejected => "credentials_rejected",
            Self::PermissionMissing => "permission_missing",
            Self::ResponseUnexpected => "response_unexpected",
            Self::UrlRejected => "url_rejected",
            Self::Refused => "refused",
            Self::StoreFailed => "store_failed",
        }
    }
}

/// How an attempt to capture ended that may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LastError {
    /// Jumio has no result yet, or not yet where we asked.
    NotYet,
    /// Jumio is busy: the tenant's call budget is used up.
    RateLimited,
    /// Jumio is down or cannot be reached.
    Unavailable,
    /// Jumio took too long.
    Timeout,
    /// Jumio refuses our credentials.
    CredentialsRejected,
    /// Our credentials may not do this at Jumio.
    PermissionMissing,
    /// Jumio answered something it does not document.
    ResponseUnexpected,
    /// Jumio's answer pointed at a place that is not ours to follow.
    UrlRejected,
    /// Jumio refused for a reason of its own.
    Refused,
    /// Our own store could not take it.
    StoreFailed,
}

/// How near the deadline of an uncaptured facemap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Captured, or the deadline is far.
    None,
    /// The deadline is within the warning window.
    Warning,
    /// The deadline is within the critical window.
    Critical,
    /// The deadline has passed.
    Overdue,
}

impl Enrollment {
    /// A new enrollment whose facemap is to be captured by `capture_by`.
    pub fn pending(account: AccountId, now: Timestamp, onboarding: Onboarding) -> Self {
        Self { account, created: now, onboarding, facemap: None, erased_at: None, closed: None }
    }

    /// Whether the newest facemap is still to be captured: pending, and nobody gave up on it.
    pub fn is_awaited(&self) -> bool {
        matches!(self.onboarding.state, State::Pending { .. }) && self.closed.is_none()
    }

    /// When the sweep must look at this enrollment: `capture_by` while a capture is awaited, else the
    /// moment our own retention erases the facemap.
    pub fn due(&self) -> Option<Timestamp> {
        match self.onboarding.state {
            State::Pending { capture_by, .. } if self.closed.is_none() => Some(capture_by),
            State::Pending { .. }
            | State::Blocked { .. }
            | State::Captured
            | State::Lost { .. } => self.facemap.as_ref().and_then(|facemap| facemap.erase_after),
            State::Erased { .. } => None,
        }
    }

    /// How near the deadline is at `now`, with the windows of the settings.
    pub fn risk(&self, now: Timestamp, warning: Duration, critical: Duration) -> Risk {
        let State::Pending { capture_by, .. } = self.onboarding.state else {
            return Risk::None;
        };
        if self.closed.is_some() {
            return Risk::None;
        }
        if now >= capture_by {
            return Risk::Overdue;
        }
        match capture_by.since(now) {
            left if left <= critical => Risk::Critical,
            left if left <= warning => Risk::Warning,
            _ => Risk::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(capture_by: u64) -> Enrollment {
        let onboarding = Onboarding {
            execution: WorkflowExecutionId::from_bytes([2; 16]),
            completed: None,
            state: State::Pending {
                capture_by: Timestamp::from_millis(capture_by),
                attempts: 0,
                last_error: None,
            },
        };
        Enrollment::pending(AccountId::from_bytes([1; 16]), Timestamp::from_millis(0), onboarding)
    }

    #[test]
    fn risk_grows_as_the_deadline_nears() {
        let (warning, critical) = (Duration::from_millis(100), Duration::from_millis(10));
        let table = [
            (1_000, 899, Risk::None),
            (1_000, 900, Risk::Warning),
            (1_000, 989, Risk::Warning),
            (1_000, 990, Risk::Critical),
            (1_000, 999, Risk::Critical),
            (1_000, 1_000, Risk::Overdue),
            (1_000, 9_999, Risk::Overdue),
        ];
        for (capture_by, now, want) in table {
            let got = pending(capture_by).risk(Timestamp::from_millis(now), warning, critical);
            assert_eq!(got, want, "at {now}");
        }
    }

    #[test]
    fn a_closed_one_is_neither_at_risk_nor_due() {
        let mut enrollment = pending(10);
        assert!(enrollment.is_awaited() && enrollment.due().is_some());

        let at = Timestamp::from_millis(5);
        enrollment.closed = Some(Closed { at, reason: "left the bank".to_owned() });

        assert!(!enrollment.is_awaited());
        assert_eq!(enrollment.due(), None);
        let late = Timestamp::from_millis(1_000);
        assert_eq!(enrollment.risk(late, Duration::MAX, Duration::MAX), Risk::None);
    }

    #[test]
    fn a_captured_facemap_is_at_no_risk() {
        let mut enrollment = pending(10);
        enrollment.onboarding.state = State::Captured;
        let late = Timestamp::from_millis(1_000);
        assert_eq!(enrollment.risk(late, Duration::MAX, Duration::MAX), Risk::None);
    }
}
