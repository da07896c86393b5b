//! Requests about enrollments: protobuf in, the vault's words out. Past this door nothing is
//! re-checked.

use std::time::Duration;

use crate::model::{AccountId, RequestId, Timestamp, WorkflowExecutionId};
use crate::proto::v1::{
    CreateEnrollmentRequest, GetAuthenticationRequest, GetEnrollmentRequest, ListEnrollmentsRequest,
};
use crate::vault::{Enroll, ListFilter};

use super::fields::{Fields, Violation};

/// A validated `CreateEnrollment`.
#[derive(Debug)]
pub(super) struct CreateEnrollment {
    pub(super) enroll: Enroll,
    pub(super) wait: Duration,
    pub(super) validate_only: bool,
}

/// A validated `GetAuthentication`.
#[derive(Debug)]
pub(super) struct GetAuthentication {
    pub(super) account: AccountId,
    pub(super) execution: WorkflowExecutionId,
    pub(super) wait: Duration,
}

/// A validated `ListEnrollments`.
#[derive(Debug)]
pub(super) struct ListEnrollments {
    pub(super) filter: ListFilter,
    pub(super) states: Vec<i32>,
    pub(super) risks: Vec<i32>,
    pub(super) page_size: usize,
    pub(super) page_token: String,
}

/// Longest `wait` accepted: longer ones tie up connections without telling anyone anything sooner.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Page size if none is given, and the largest.
const PAGE_SIZE: usize = 50;
const PAGE_SIZE_MAX: usize = 1000;

impl TryFrom<CreateEnrollmentRequest> for CreateEnrollment {
    type Error = Vec<Violation>;

    fn try_from(request: CreateEnrollmentRequest) -> Result<Self, Vec<Violation>> {
        let mut fields = Fields::default();
        let given = request.enrollment.unwrap_or_default();
        let account = fields.id("enrollment.account_id", &given.account_id);
        let execution = fields.id("enrollment.workflow_execution_id", &given.workflow_execution_id);
        let completed = fields.time("enrollment.completed_time", given.completed_time);
        let named = account.is_none_or(|account| {
            given.name.is_empty() || given.name.eq_ignore_ascii_case(&enrollment_name(account))
        });
        if !named {
            fields.refuse("enrollment.name", "must be empty or enrollments/{account_id}");
        }
        if !request.request_id.is_empty() {
            let _: Option<RequestId> = fields.id("request_id", &request.request_id);
        }
        let wait = wait(&mut fields, request.wait);
        let ids = account.zip(execution);
        fields.finish(ids.map(|(account, execution)| Self {
            enroll: Enroll { account, execution, completed },
            wait,
            validate_only: request.validate_only,
        }))
    }
}

impl TryFrom<GetAuthenticationRequest> for GetAuthentication {
    type Error = Vec<Violation>;

    fn try_from(request: GetAuthenticationRequest) -> Result<Self, Vec<Violation>> {
        let mut fields = Fields::default();
        let ids = parse_authentication_name(&request.name);
        if ids.is_none() {
            let what = "must be enrollments/{account_id}/authentications/{workflow_execution_id}";
            fields.refuse("name", what);
        }
        let wait = wait(&mut fields, request.wait);
        fields.finish(ids.map(|(account, execution)| Self { account, execution, wait }))
    }
}

impl TryFrom<ListEnrollmentsRequest> for ListEnrollments {
    type Error = Vec<Violation>;

    fn try_from(request: ListEnrollmentsRequest) -> Result<Self, Vec<Violation>> {
        use crate::proto::v1::enrollment::{Risk, State};

        let mut fields = Fields::default();
        let known =
            |state: &i32| matches!(State::try_from(*state), Ok(s) if s != State::Unspecified);
        if !request.states.iter().all(known) {
            fields.refuse("states", "must be states of an enrollment");
        }
        let known = |risk: &i32| matches!(Risk::try_from(*risk), Ok(r) if r != Risk::Unspecified);
        if !request.risks.iter().all(known) {
            fields.refuse("risks", "must be risks of an enrollment");
        }
        let page_size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_SIZE,
            Ok(size) => size.min(PAGE_SIZE_MAX),
            Err(_) => {
                fields.refuse("page_size", "must not be negative");
                0
            }
        };
        let capture_by_before = fields.time("capture_by_before", request.capture_by_before);
        let any_state = request.states.is_empty();
        let wants = |state: State| any_state || request.states.contains(&state.into());
        let at_risk_only = !request.risks.is_empty() && !request.risks.contains(&Risk::None.into());
        let filter = ListFilter {
            pending: [State::Pending, State::Capturing, State::Retrying].into_iter().any(wants),
            settled: !at_risk_only
                && [State::Active, State::Lost, State::Blocked, State::Erased, State::Closed]
                    .into_iter()
                    .any(wants),
            capture_by_before,
        };
        fields.finish(Some(Self {
            filter,
            states: request.states,
            risks: request.risks,
            page_size,
            page_token: request.page_token,
        }))
    }
}

/// The account that a `GetEnrollment` names.
pub(super) fn enrollment_of(request: &GetEnrollmentRequest) -> Result<AccountId, Vec<Violation>> {
    let mut fields = Fields::default();
    let account = parse_enrollment_name("name", &request.name, &mut fields);
    fields.finish(account)
}

/// Reads `enrollments/{account_id}`.
pub(super) fn parse_enrollment_name(
    field: &'static str,
    name: &str,
    fields: &mut Fields,
) -> Option<AccountId> {
    let account = name.strip_prefix("enrollments/").and_then(|id| id.parse().ok());
    if account.is_none() {
        fields.refuse(field, "must be enrollments/{account_id}");
    }
    account
}

fn parse_authentication_name(name: &str) -> Option<(AccountId, WorkflowExecutionId)> {
    let (account, execution) =
        name.strip_prefix("enrollments/")?.split_once("/authentications/")?;
    Some((account.parse().ok()?, execution.parse().ok()?))
}

/// `enrollments/{account_id}`.
pub(super) fn enrollment_name(account: AccountId) -> String {
    format!("enrollments/{}", account.hyphenated())
}

/// `enrollments/{account_id}/authentications/{workflow_execution_id}`.
pub(super) fn authentication_name(account: AccountId, execution: WorkflowExecutionId) -> String {
    format!("{}/authentications/{}", enrollment_name(account), execution.hyphenated())
}

/// A moment, for a message.
pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.as_millis();
    prost_types::Timestamp {
        seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or(0),
    }
}

fn wait(fields: &mut Fields, wait: Option<prost_types::Duration>) -> Duration {
    let what = "must be between 0 and 300 seconds";
    fields.duration("wait", wait, Duration::ZERO, WAIT_MAX, what).unwrap_or_default()
}
