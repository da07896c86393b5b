//! The calls with an access token, and what sets one apart from another.

use super::Limit;
use super::budget::Priority;
use super::transport::Connection;

/// What sets one call with an access token apart from another.
pub(super) struct Call {
    pub(super) endpoint: &'static str,
    /// What we ask for, in messages.
    pub(super) what: &'static str,
    pub(super) limit: Limit,
    pub(super) priority: Priority,
    pub(super) connection: Connection,
}

pub(super) const ONBOARDING: Call = Call {
    endpoint: "onboarding",
    what: "workflow execution",
    limit: Limit::Retrieval,
    priority: Priority::Capture,
    connection: Connection::Pooled,
};
pub(super) const FACEMAP: Call =
    Call { endpoint: "facemap", what: "part", connection: Connection::Fresh, ..ONBOARDING };
pub(super) const ACCOUNT: Call = Call {
    endpoint: "account",
    what: "account",
    limit: Limit::Account,
    priority: Priority::Authentication,
    connection: Connection::Pooled,
};
pub(super) const STATUS: Call =
    Call { endpoint: "status", priority: Priority::Authentication, ..ONBOARDING };
pub(super) const DETAILS: Call = Call { endpoint: "details", ..STATUS };
