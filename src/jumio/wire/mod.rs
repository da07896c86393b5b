//! Jumio's JSON, and nothing but: what we send, and what we read in the answers.
//!
//! Unknown fields are ignored. A field that decides something and is missing or wrong is an error that
//! names its place and not its content.

mod account;
mod authentication;
mod onboarding;
mod token;

use super::json::At;
use super::{DecisionType, ExecutionStatus, JumioError};
use crate::model::{Id, IdKind, Timestamp};

pub(super) use account::{is_about_workflow, request, started};
pub(super) use authentication::{processed, status};
pub(super) use onboarding::onboarding;
pub(super) use token::access_token;

/// Checks that the id under `key` is the one that we asked for.
fn same_id<K: IdKind>(at: &At<'_>, asked: Id<K>) -> Result<(), JumioError> {
    let at = at.need("id")?;
    if at.id::<K>()? == asked { Ok(()) } else { Err(at.unexpected()) }
}

/// How far an execution got. A word we do not know is not the end.
fn execution_status(at: &At<'_>) -> Result<ExecutionStatus, JumioError> {
    Ok(match at.need("status")?.text()? {
        "ACQUISITION_STARTED" => ExecutionStatus::AcquisitionStarted,
        "ACQUIRED" => ExecutionStatus::Acquired,
        "PROCESSED" => ExecutionStatus::Processed,
        "SESSION_EXPIRED" => ExecutionStatus::SessionExpired,
        "TOKEN_EXPIRED" => ExecutionStatus::TokenExpired,
        _ => ExecutionStatus::Initiated,
    })
}

/// The decision of an execution or of one capability.
fn decision(at: &At<'_>) -> Result<DecisionType, JumioError> {
    let kind = at.need("decision")?.need("type")?;
    match kind.text()? {
        "PASSED" => Ok(DecisionType::Passed),
        "WARNING" => Ok(DecisionType::Warning),
        "REJECTED" => Ok(DecisionType::Rejected),
        "NOT_EXECUTED" => Ok(DecisionType::NotExecuted),
        _ => Err(kind.unexpected()),
    }
}

/// The decision of an execution: needed once there is a result, before that worth no error.
fn overall(at: &At<'_>, needed: bool) -> Result<Option<DecisionType>, JumioError> {
    if needed { decision(at).map(Some) } else { Ok(decision(at).ok()) }
}

/// A time that decides nothing: unreadable is as good as missing.
fn time(at: &At<'_>, key: &'static str) -> Result<Option<Timestamp>, JumioError> {
    Ok(at.field(key)?.and_then(|at| at.time().ok()))
}

/// The items of `capabilities.{key}`.
fn capability<'a>(top: &At<'a>, key: &'static str) -> Result<Vec<At<'a>>, JumioError> {
    top.field("capabilities")?.map_or(Ok(Vec::new()), |at| at.items(key))
}
