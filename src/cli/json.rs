//! Messages of the vault as the JSON that `--format json` prints: the names of the proto, times as
//! RFC 3339, states by name. Part of the documented contract.

use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::proto::v1::authentication::{Decision, State as AuthenticationState};
use crate::proto::v1::enrollment::{Risk, State};
use crate::proto::v1::{Authentication, ClientSession, Enrollment};

/// An enrollment.
pub(super) fn enrollment(e: &Enrollment) -> Value {
    json!({
        "name": e.name,
        "account_id": e.account_id,
        "workflow_execution_id": e.workflow_execution_id,
        "state": State::try_from(e.state).unwrap_or_default().as_str_name().trim_start_matches("STATE_"),
        "risk": Risk::try_from(e.risk).unwrap_or_default().as_str_name().trim_start_matches("RISK_"),
        "create_time": time(e.create_time.as_ref()),
        "completed_time": time(e.completed_time.as_ref()),
        "capture_by_time": time(e.capture_by_time.as_ref()),
        "captured_time": time(e.captured_time.as_ref()),
        "key_version": e.key_version,
        "facemap_size_bytes": e.facemap_size_bytes,
        "liveness_type": e.liveness_type,
        "last_error_reason": e.last_error_reason,
        "close_time": time(e.close_time.as_ref()),
        "close_reason": e.close_reason,
        "etag": e.etag,
    })
}

/// An authentication.
pub(super) fn authentication(a: &Authentication) -> Value {
    let state = AuthenticationState::try_from(a.state).unwrap_or_default();
    let decision = Decision::try_from(a.decision).unwrap_or_default();
    json!({
        "name": a.name,
        "account_id": a.account_id,
        "workflow_execution_id": a.workflow_execution_id,
        "state": state.as_str_name().trim_start_matches("STATE_"),
        "decision": decision.as_str_name().trim_start_matches("DECISION_"),
        "decision_label": a.decision_label,
        "create_time": time(a.create_time.as_ref()),
        "expire_time": time(a.expire_time.as_ref()),
        "customer_internal_reference": a.customer_internal_reference,
    })
}

/// What the person's device needs: secrets, printed because the operator asked for them.
pub(super) fn client_session(session: &ClientSession) -> Value {
    json!({
        "sdk_token": session.sdk_token,
        "web_href": session.web_href,
        "datacenter": session.datacenter,
    })
}

/// A time, or null.
pub(super) fn time(time: Option<&prost_types::Timestamp>) -> Value {
    let moment = time.and_then(|time| {
        let seconds = u64::try_from(time.seconds).ok()?;
        let nanos = u64::try_from(time.nanos).ok()?;
        Some(Timestamp::from_millis(seconds * 1000 + nanos / 1_000_000).to_string())
    });
    moment.map_or(Value::Null, Value::String)
}

/// A member of a JSON object as text; `-` if it is null or empty.
pub(super) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
