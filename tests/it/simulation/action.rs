//! What can happen in one step.

use std::time::Duration;

use facemap_vault::jumio::{JumioError, Limit};
use facemap_vault::vault::DecisionType;

use super::{ACCOUNTS, Call};
use crate::support::mem_store::Failure;
use crate::support::rng::Rng;

/// One step. Numbers are accounts, or hours.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Onboard(u8),
    Enroll(u8),
    Capture(u8),
    Start(u8),
    /// The same request again as some time before.
    StartAgain,
    /// The newest authentication ends.
    End(DecisionType),
    Wait(u32),
    Sweep(u32),
    Erase(u8),
    Rotate,
    JumioFails(Call, usize, JumioError),
    JumioDeletes(u8),
    /// Jumio says for a while that it knows nothing of an onboarding.
    JumioHesitates(u8),
    /// Jumio does not let a facemap be downloaded.
    JumioRefuses(u8),
    StoreFails(usize, Failure),
    Crash,
}

impl Action {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let n = 1 + rng.below(usize::from(ACCOUNTS)) as u8;
        match rng.below(100) {
            0..12 => Self::Onboard(n),
            12..28 => Self::Enroll(n),
            28..40 => Self::Capture(n),
            40..54 => Self::Start(n),
            54..60 => Self::StartAgain,
            60..64 => Self::End(rng.pick(&[DecisionType::Passed, DecisionType::Rejected])),
            64..70 => Self::Wait(rng.pick(&[1, 1, 6, 48, 24 * 31])),
            70..75 => Self::Sweep(rng.pick(&[0, 6, 24 * 31, 24 * 62])),
            75..81 => Self::Erase(n),
            81..83 => Self::Rotate,
            83..88 => failure(rng),
            88..90 => Self::JumioDeletes(n),
            90..92 => Self::JumioHesitates(n),
            92..93 => Self::JumioRefuses(n),
            93..97 => Self::StoreFails(
                rng.pick(&[1, 1, 2, 5]),
                rng.pick(&[
                    Failure::Unavailable,
                    Failure::AnswerLostDone,
                    Failure::AnswerLostUndone,
                ]),
            ),
            _ => Self::Crash,
        }
    }
}

fn failure(rng: &mut Rng) -> Action {
    let call = rng.pick(&[
        Call::Onboarding,
        Call::Download,
        Call::Update,
        Call::Upload,
        Call::Upload,
        Call::Authentication,
    ]);
    let error = rng.pick(&[
        JumioError::NotFound { what: "as the test asked" },
        JumioError::CredentialsRejected,
        JumioError::Throttled { retry_after: None, limit: Limit::Retrieval },
        JumioError::Unavailable { what: "as the test asked" },
        JumioError::Timeout { limit: Duration::from_secs(1) },
        JumioError::OutcomeUnknown { what: "as the test asked" },
        JumioError::UploadInterrupted { what: "as the test asked" },
        JumioError::Refused { status: 400 },
        JumioError::ResponseUnexpected { pointer: "/x".to_owned() },
        JumioError::UrlRejected { pointer: "/x".to_owned() },
    ]);
    Action::JumioFails(call, 1 + rng.below(3), error)
}
