//! What operators do to enrollments besides erasing them: register many, try again, give up.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{AccountId, Blocked, CLOSE_REASON_LEN_MAX, RowKey, Timestamp};
use crate::proto::admin::v1;
use crate::proto::admin::v1::registration::Outcome;
use crate::proto::admin::v1::retry_capture_request::Target;
use crate::proto::v1::ErrorReason;
use crate::vault::{
    Cursor, ENROLL_MANY_MAX, Enroll, Jumio, Loaded, Registered, Store, Vault, VaultError,
};

use super::catalogue::reason_name;
use super::convert::parse_enrollment_name;
use super::fields::{Fields, Violation};
use super::status::{REASON_TRAILER, RpcError, blocked_reason, status};
use super::view;

/// Registers a page of onboardings.
pub(super) async fn register<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    request: v1::RegisterEnrollmentsRequest,
    now: Timestamp,
) -> Result<v1::RegisterEnrollmentsResponse, RpcError> {
    if request.rows.len() > ENROLL_MANY_MAX {
        let what = "must be at most 1,000 rows";
        return Err(RpcError::Fields(vec![Violation { field: "rows", what }]));
    }
    let parsed: Vec<_> = request.rows.into_iter().map(enroll).collect();
    let good = parsed.iter().filter_map(|row| row.as_ref().ok().copied()).collect();
    let mut answers = vault.enroll_many(good, now).await?.into_iter();
    let registrations = parsed.into_iter().map(|row| match row {
        Err(violations) => invalid(RpcError::Fields(violations)),
        Ok(_) => match answers.next() {
            Some(Ok(Registered::New)) => outcome(Outcome::New),
            Some(Ok(Registered::Known)) => outcome(Outcome::Known),
            Some(Err(error)) => invalid(error.into()),
            // The vault answers every request; if it ever did not, this says so.
            None => invalid(RpcError::Panicked),
        },
    });
    Ok(v1::RegisterEnrollmentsResponse { registrations: registrations.collect() })
}

/// Tries one enrollment again, or opens a page of blocked ones.
pub(super) async fn retry<S: Store, J: Jumio>(
    vault: &Arc<Vault<S, J>>,
    request: v1::RetryCaptureRequest,
    now: Timestamp,
) -> Result<v1::RetryCaptureResponse, RpcError> {
    match request.target {
        Some(Target::Name(name)) => {
            let account = account(&name)?;
            vault.retry(account).await?;
            // In a task of its own: an attempt that began comes to its end, whoever waits for it.
            let capturing = Arc::clone(vault);
            let job = tokio::spawn(async move { capturing.capture(account, now).await });
            let loaded = job.await.map_err(|_| VaultError::ShuttingDown)??;
            let enrollment = Some(seen(vault, &loaded, now));
            Ok(v1::RetryCaptureResponse { enrollment, ..v1::RetryCaptureResponse::default() })
        }
        Some(Target::Reason(reason)) => retry_blocked(vault, &reason, &request.page_token).await,
        None => {
            let what = "must be set, or reason";
            Err(RpcError::Fields(vec![Violation { field: "name", what }]))
        }
    }
}

/// Gives up on an enrollment.
pub(super) async fn close<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    request: v1::CloseEnrollmentRequest,
    now: Timestamp,
) -> Result<v1::CloseEnrollmentResponse, RpcError> {
    let mut fields = Fields::default();
    let what = "must have 1 to 200 printable characters";
    let account = parse_enrollment_name("name", &request.name, &mut fields);
    if request.reason.trim().is_empty() {
        fields.refuse("reason", what);
    }
    let reason = fields.text("reason", request.reason, CLOSE_REASON_LEN_MAX, what);
    let (account, reason) = fields.finish(account.zip(reason))?;
    let loaded = vault.close(account, &reason, now).await?;
    Ok(v1::CloseEnrollmentResponse { enrollment: Some(seen(vault, &loaded, now)) })
}

async fn retry_blocked<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    reason: &str,
    page_token: &str,
) -> Result<v1::RetryCaptureResponse, RpcError> {
    let Some(why) = BLOCKED.into_iter().find(|why| reason_name(blocked_reason(*why)) == reason)
    else {
        let what = "must be a reason for which enrollments are blocked";
        return Err(RpcError::Fields(vec![Violation { field: "reason", what }]));
    };
    let binding = format!("RetryCapture|{reason}").into_bytes();
    let after = after(vault, page_token, &binding)?;
    let reopened = vault.retry_blocked(why, after).await?;
    let token = |row| vault.page_token(Cursor::Settled(Some(row)), &binding);
    let next = reopened.next.map(token).transpose()?;
    Ok(v1::RetryCaptureResponse {
        enrollment: None,
        reopened_count: i32::try_from(reopened.count).unwrap_or(i32::MAX),
        next_page_token: next.map(|token| URL_SAFE_NO_PAD.encode(token)).unwrap_or_default(),
    })
}

/// What can be tried again by its reason.
const BLOCKED: [Blocked; 4] = [
    Blocked::DownloadNotEnabled,
    Blocked::LivenessUnsupported,
    Blocked::OnboardingNotAccepted,
    Blocked::TooLong,
];

fn after<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    page_token: &str,
    binding: &[u8],
) -> Result<Option<RowKey>, RpcError> {
    if page_token.is_empty() {
        return Ok(None);
    }
    let token = URL_SAFE_NO_PAD.decode(page_token).map_err(|_| VaultError::PageTokenInvalid)?;
    match vault.cursor(&token, binding)? {
        Cursor::Settled(row) => Ok(row),
        Cursor::Pending(_) => Err(VaultError::PageTokenInvalid.into()),
    }
}

fn account(name: &str) -> Result<AccountId, Vec<Violation>> {
    let mut fields = Fields::default();
    let account = parse_enrollment_name("name", name, &mut fields);
    fields.finish(account)
}

fn enroll(row: v1::EnrollmentRow) -> Result<Enroll, Vec<Violation>> {
    let mut fields = Fields::default();
    let account = fields.id("account_id", &row.account_id);
    let execution = fields.id("workflow_execution_id", &row.workflow_execution_id);
    let completed = fields.time("completed_time", row.completed_time);
    let ids = account.zip(execution);
    fields.finish(ids.map(|(account, execution)| Enroll { account, execution, completed }))
}

fn outcome(outcome: Outcome) -> v1::Registration {
    v1::Registration { outcome: outcome.into(), ..v1::Registration::default() }
}

fn invalid(error: RpcError) -> v1::Registration {
    let status = status(&error);
    let reason = status.metadata().get(REASON_TRAILER).and_then(|reason| reason.to_str().ok());
    v1::Registration {
        outcome: Outcome::Invalid.into(),
        reason: reason.unwrap_or(reason_name(ErrorReason::Internal)).to_owned(),
        message: status.message().to_owned(),
    }
}

fn seen<S: Store, J: Jumio>(
    vault: &Vault<S, J>,
    loaded: &Loaded,
    now: Timestamp,
) -> crate::proto::v1::Enrollment {
    view::enrollment(loaded, vault.settings(), false, now)
}
