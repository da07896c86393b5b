//! A caller's request to erase.

use crate::model::{AccountId, RequestId, Revision, State};
use crate::proto::v1;
use crate::vault::Loaded;

use super::convert::{parse_enrollment_name, timestamp};
use super::fields::{Fields, Violation};

/// What to erase.
#[derive(Debug)]
pub(super) struct Delete {
    /// Whom.
    pub(super) account: AccountId,
    /// Why, for the log.
    pub(super) reason: Option<String>,
    /// Only this state of the record.
    pub(super) seen: Option<Revision>,
}

/// Longest reason, in characters: as that of closing.
const REASON_LEN_MAX: usize = 200;

impl TryFrom<v1::DeleteEnrollmentRequest> for Delete {
    type Error = Vec<Violation>;

    fn try_from(request: v1::DeleteEnrollmentRequest) -> Result<Self, Vec<Violation>> {
        let mut fields = Fields::default();
        let account = parse_enrollment_name("name", &request.name, &mut fields);
        if !request.request_id.is_empty() {
            let _: Option<RequestId> = fields.id("request_id", &request.request_id);
        }
        let what = "must have up to 200 printable characters";
        let reason = fields.text("erasure_reason", request.erasure_reason, REASON_LEN_MAX, what);
        let mut revision = [0; 24];
        let seen = match request.etag.as_str() {
            "" => None,
            etag => {
                if hex::decode_to_slice(etag, &mut revision).is_err() {
                    fields.refuse("etag", "must be the etag of an enrollment");
                }
                Some(Revision(revision))
            }
        };
        Ok(Self { account: fields.finish(account)?, reason, seen })
    }
}

/// The receipt of an erasure.
pub(super) fn receipt(erased: &Loaded) -> v1::ErasureReceipt {
    let erase_time = match erased.enrollment.onboarding.state {
        State::Erased { erased_at } => Some(timestamp(erased_at)),
        State::Pending { .. } | State::Blocked { .. } | State::Captured | State::Lost { .. } => {
            None
        }
    };
    v1::ErasureReceipt {
        account_id: erased.enrollment.account.hyphenated(),
        erase_time,
        stage: v1::erasure_receipt::Stage::ErasedLogically.into(),
    }
}
