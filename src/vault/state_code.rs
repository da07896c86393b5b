//! An onboarding's state as bytes: a tag, a moment, and what the state needs besides.

use crate::model::{Blocked, LastError, State, Timestamp};

/// The state as stored.
pub(super) fn encode(state: State) -> Vec<u8> {
    let at = |tag: u8, when: Timestamp| {
        let mut out = vec![tag];
        out.extend_from_slice(&when.as_millis().to_be_bytes());
        out
    };
    match state {
        State::Pending { capture_by, attempts, last_error } => {
            let mut out = at(1, capture_by);
            out.extend_from_slice(&attempts.to_be_bytes());
            out.push(last_error.map_or(0, last_error_code));
            out
        }
        State::Blocked { why, since } => {
            let mut out = at(2, since);
            out.push(blocked_code(why));
            out
        }
        State::Captured => vec![3],
        State::Lost { noticed_at } => at(4, noticed_at),
        State::Erased { erased_at } => at(5, erased_at),
    }
}

/// The state in stored bytes; `None` if they are not as [`encode`] writes them.
pub(super) fn decode(bytes: &[u8]) -> Option<State> {
    let (&tag, rest) = bytes.split_first()?;
    Some(match tag {
        1 => {
            let (when, rest) = rest.split_first_chunk::<8>()?;
            let (attempts, rest) = rest.split_first_chunk::<4>()?;
            let &[code] = rest else { return None };
            State::Pending {
                capture_by: time(when)?,
                attempts: u32::from_be_bytes(*attempts),
                last_error: match code {
                    0 => None,
                    code => Some(LAST_ERRORS.into_iter().find(|e| last_error_code(*e) == code)?),
                },
            }
        }
        2 => {
            let (when, rest) = rest.split_first_chunk::<8>()?;
            let &[code] = rest else { return None };
            let why = BLOCKED.into_iter().find(|why| blocked_code(*why) == code)?;
            State::Blocked { why, since: time(when)? }
        }
        3 if rest.is_empty() => State::Captured,
        4 => State::Lost { noticed_at: time(rest)? },
        5 => State::Erased { erased_at: time(rest)? },
        _ => return None,
    })
}

/// The number of a reason on disk. Never reuse one.
fn blocked_code(why: Blocked) -> u8 {
    match why {
        Blocked::DownloadNotEnabled => 1,
        Blocked::LivenessUnsupported => 2,
        Blocked::OnboardingNotAccepted => 3,
        Blocked::TooLong => 4,
    }
}

pub(super) const BLOCKED: [Blocked; 4] = [
    Blocked::DownloadNotEnabled,
    Blocked::LivenessUnsupported,
    Blocked::OnboardingNotAccepted,
    Blocked::TooLong,
];

/// The number of an error on disk; 0 is none. Never reuse one.
fn last_error_code(error: LastError) -> u8 {
    match error {
        LastError::NotYet => 1,
        LastError::RateLimited => 2,
        LastError::Unavailable => 3,
        LastError::Timeout => 4,
        LastError::CredentialsRejected => 5,
        LastError::PermissionMissing => 6,
        LastError::ResponseUnexpected => 7,
        LastError::UrlRejected => 8,
        LastError::Refused => 9,
        LastError::StoreFailed => 10,
    }
}

pub(super) const LAST_ERRORS: [LastError; 10] = [
    LastError::NotYet,
    LastError::RateLimited,
    LastError::Unavailable,
    LastError::Timeout,
    LastError::CredentialsRejected,
    LastError::PermissionMissing,
    LastError::ResponseUnexpected,
    LastError::UrlRejected,
    LastError::Refused,
    LastError::StoreFailed,
];

fn time(bytes: &[u8]) -> Option<Timestamp> {
    bytes.try_into().ok().map(u64::from_be_bytes).map(Timestamp::from_millis)
}
