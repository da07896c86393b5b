//! What callers see of enrollments and authentications: the vault's words in, protobuf out.

use crate::model::{Enrollment, LastError, Risk, State, Timestamp};
use crate::proto::v1;
use crate::proto::v1::ErrorReason;
use crate::proto::v1::authentication::{Decision, State as AuthenticationState};
use crate::proto::v1::enrollment::{ArtifactType, Risk as RiskValue, State as StateValue};
use crate::vault::{
    AuthenticationView, DecisionType, Enroll, ExecutionStatus, Loaded, Settings, Started,
};

use super::catalogue::reason_name;
use super::convert::{authentication_name, enrollment_name, timestamp};
use super::status::blocked_reason;

/// An enrollment at `now`. `capturing`: somebody is at it right now.
pub(super) fn enrollment(
    loaded: &Loaded,
    settings: &Settings,
    capturing: bool,
    now: Timestamp,
) -> v1::Enrollment {
    let enrollment = &loaded.enrollment;
    let onboarding = &enrollment.onboarding;
    let facemap = enrollment.facemap.as_ref();
    let header = &loaded.record.header;
    let capture_by = match onboarding.state {
        State::Pending { capture_by, .. } if enrollment.is_awaited() => Some(capture_by),
        State::Pending { .. }
        | State::Blocked { .. }
        | State::Captured
        | State::Lost { .. }
        | State::Erased { .. } => None,
    };
    v1::Enrollment {
        name: enrollment_name(enrollment.account),
        account_id: enrollment.account.hyphenated(),
        workflow_execution_id: onboarding.execution.hyphenated(),
        state: state(enrollment, capturing).into(),
        risk: risk(enrollment.risk(now, settings.warning, settings.critical)).into(),
        create_time: Some(timestamp(enrollment.created)),
        completed_time: onboarding.completed.map(timestamp),
        capture_by_time: capture_by.map(timestamp),
        captured_time: facemap.map(|facemap| timestamp(facemap.captured_at)),
        key_version: format!("{}.{}", header.kek.bucket, header.kek.epoch),
        facemap_size_bytes: facemap.map_or(0, |f| i32::try_from(f.len).unwrap_or(i32::MAX)),
        liveness_type: facemap.map(|f| f.liveness_type.clone()).unwrap_or_default(),
        last_error_reason: last_error(onboarding.state),
        etag: hex::encode(loaded.record.revision().0),
        artifact_type: ArtifactType::Facemap.into(),
        close_time: enrollment.closed.as_ref().map(|closed| timestamp(closed.at)),
        close_reason: enrollment.closed.as_ref().map(|c| c.reason.clone()).unwrap_or_default(),
    }
}

/// What an enrollment would be, for a caller that only wants to know whether its request is valid.
pub(super) fn not_enrolled_yet(request: &Enroll) -> v1::Enrollment {
    v1::Enrollment {
        name: enrollment_name(request.account),
        account_id: request.account.hyphenated(),
        workflow_execution_id: request.execution.hyphenated(),
        completed_time: request.completed.map(timestamp),
        artifact_type: ArtifactType::Facemap.into(),
        ..v1::Enrollment::default()
    }
}

/// An authentication that was just started, and what the person's device needs.
pub(super) fn started(started: &Started) -> v1::StartAuthenticationResponse {
    let authentication = v1::Authentication {
        name: authentication_name(started.account, started.execution),
        account_id: started.account.hyphenated(),
        workflow_execution_id: started.execution.hyphenated(),
        state: AuthenticationState::Ready.into(),
        decision: Decision::Unspecified.into(),
        decision_label: String::new(),
        create_time: Some(timestamp(started.created)),
        expire_time: Some(timestamp(started.expires)),
        customer_internal_reference: started.reference.clone(),
    };
    let client_session = v1::ClientSession {
        sdk_token: started.sdk_token.expose().to_owned(),
        web_href: started.web_link.as_ref().map(|l| l.expose().to_owned()).unwrap_or_default(),
        datacenter: sdk_datacenter(&started.datacenter),
    };
    v1::StartAuthenticationResponse {
        authentication: Some(authentication),
        client_session: Some(client_session),
    }
}

/// Where an authentication stands.
pub(super) fn authentication(view: AuthenticationView) -> v1::Authentication {
    let state = match view.status {
        ExecutionStatus::Initiated => AuthenticationState::Ready,
        ExecutionStatus::AcquisitionStarted | ExecutionStatus::Acquired => {
            AuthenticationState::Acquired
        }
        ExecutionStatus::Processed => AuthenticationState::Processed,
        ExecutionStatus::SessionExpired | ExecutionStatus::TokenExpired => {
            AuthenticationState::Expired
        }
    };
    let decision = match view.decision {
        None => Decision::Unspecified,
        Some(DecisionType::Passed) => Decision::Passed,
        Some(DecisionType::Warning) => Decision::Warning,
        Some(DecisionType::Rejected) => Decision::Rejected,
        Some(DecisionType::NotExecuted) => Decision::NotExecuted,
    };
    v1::Authentication {
        name: authentication_name(view.account, view.execution),
        account_id: view.account.hyphenated(),
        workflow_execution_id: view.execution.hyphenated(),
        state: state.into(),
        decision: decision.into(),
        decision_label: view.label.unwrap_or_default(),
        create_time: view.created.map(timestamp),
        expire_time: view.expires.map(timestamp),
        customer_internal_reference: view.reference.unwrap_or_default(),
    }
}

/// "Capturing" and "retrying" are not stored: they follow from what is running and was tried.
fn state(enrollment: &Enrollment, capturing: bool) -> StateValue {
    match enrollment.onboarding.state {
        State::Pending { .. } | State::Blocked { .. } if enrollment.closed.is_some() => {
            StateValue::Closed
        }
        State::Pending { .. } if capturing => StateValue::Capturing,
        State::Pending { attempts: 0, .. } => StateValue::Pending,
        State::Pending { .. } => StateValue::Retrying,
        State::Blocked { .. } => StateValue::Blocked,
        State::Captured => StateValue::Active,
        State::Lost { .. } => StateValue::Lost,
        State::Erased { .. } => StateValue::Erased,
    }
}

fn risk(risk: Risk) -> RiskValue {
    match risk {
        Risk::None => RiskValue::None,
        Risk::Warning => RiskValue::Warning,
        Risk::Critical => RiskValue::Critical,
        Risk::Overdue => RiskValue::Overdue,
    }
}

fn last_error(state: State) -> String {
    let reason = match state {
        State::Pending { last_error: Some(error), .. } => last_error_reason(error),
        State::Blocked { why, .. } => blocked_reason(why),
        State::Lost { .. } => ErrorReason::FacemapLost,
        State::Erased { .. } => ErrorReason::FacemapErased,
        State::Pending { last_error: None, .. } | State::Captured => return String::new(),
    };
    reason_name(reason).to_owned()
}

/// The reason for which an attempt did not capture.
pub(super) fn last_error_reason(error: LastError) -> ErrorReason {
    match error {
        LastError::NotYet => ErrorReason::FacemapNotCaptured,
        LastError::RateLimited => ErrorReason::JumioRateLimited,
        LastError::Unavailable => ErrorReason::JumioUnavailable,
        LastError::Timeout => ErrorReason::JumioTimeout,
        LastError::CredentialsRejected => ErrorReason::JumioCredentialsRejected,
        LastError::PermissionMissing => ErrorReason::JumioPermissionMissing,
        LastError::ResponseUnexpected => ErrorReason::JumioResponseUnexpected,
        LastError::UrlRejected => ErrorReason::JumioUrlRejected,
        LastError::Refused => ErrorReason::JumioRefused,
        LastError::StoreFailed => ErrorReason::StoreFailed,
    }
}

/// Jumio's mobile SDKs spell a region by its continent (Jumio's documents).
fn sdk_datacenter(region: &str) -> String {
    match region {
        "amer-1" => "US",
        "emea-1" => "EU",
        "apac-1" => "SG",
        other => other,
    }
    .to_owned()
}
