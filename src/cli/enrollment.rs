//! `fmvault enrollment`: enrolled accounts.

use std::time::Duration;

use serde_json::Value;

use crate::model::Timestamp;
use crate::proto::admin::v1::EraseEnrollmentRequest;
use crate::proto::v1;
use crate::proto::v1::enrollment::{Risk, State};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{self, text};
use super::register::{self, Register};
use super::reopen::{self, Close, Retry};

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Enrollment {
    /// Tell the vault that an account finished its onboarding, so that its facemap is captured
    Register(Register),
    /// Show one account
    Get {
        /// Jumio's account id
        account: String,
    },
    /// List accounts, soonest deadline first
    List {
        /// Only these states, such as pending,retrying
        #[arg(long, value_delimiter = ',', value_parser = parse_state)]
        state: Vec<State>,
        /// Only these risks, such as critical,overdue
        #[arg(long, value_delimiter = ',', value_parser = parse_risk)]
        risk: Vec<Risk>,
        /// Only those to be captured within this time, such as 7d
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        capture_by_before: Option<Duration>,
        /// At most this many
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Try again what is blocked, lost or closed, after something changed at Jumio
    Retry(Retry),
    /// Give up on a facemap that is not captured, and say why
    Close(Close),
    /// Erase an account's facemap and its key, also if the record is damaged. A tombstone stays
    Erase {
        /// Jumio's account id
        account: String,
        /// The account id once more
        #[arg(long, value_name = "ACCOUNT")]
        confirm: String,
    },
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Enrollment) -> Result<Exit, Failure> {
    match command {
        Enrollment::Register(command) => register::run(session, command).await,
        Enrollment::Get { account } => {
            let client = Client::connect(session).await?;
            let request = client.request(v1::GetEnrollmentRequest { name: name(&account) });
            let answer = client.vault().get_enrollment(request).await?.into_inner();
            print(session, &answer.enrollment.unwrap_or_default());
            Ok(Exit::Done)
        }
        Enrollment::List { state, risk, capture_by_before, limit } => {
            let before = capture_by_before.map(|within| Timestamp::now().plus(within));
            let request = v1::ListEnrollmentsRequest {
                page_size: i32::try_from(limit.min(1000)).unwrap_or(1000),
                page_token: String::new(),
                states: state.into_iter().map(Into::into).collect(),
                risks: risk.into_iter().map(Into::into).collect(),
                capture_by_before: before.map(proto_time),
            };
            list(session, request, limit).await
        }
        Enrollment::Retry(command) => reopen::retry(session, command).await,
        Enrollment::Close(command) => reopen::close(session, command).await,
        Enrollment::Erase { account, confirm } => erase(session, &account, &confirm).await,
    }
}

async fn list(
    session: &Session,
    mut request: v1::ListEnrollmentsRequest,
    limit: usize,
) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let mut items: Vec<Value> = Vec::new();
    loop {
        let message = client.request(request.clone());
        let page = client.vault().list_enrollments(message).await?.into_inner();
        items.extend(page.enrollments.iter().map(json::enrollment));
        if page.next_page_token.is_empty() || items.len() >= limit {
            break;
        }
        request.page_token = page.next_page_token;
    }
    items.truncate(limit);
    let columns = ["ACCOUNT", "STATE", "RISK", "CAPTURE BY", "CAPTURED", "REASON", "CLOSED"];
    session.output.rows(&items, &columns, |item| {
        let keys = ["account_id", "state", "risk", "capture_by_time", "captured_time"];
        let more = ["last_error_reason", "close_reason"];
        keys.into_iter().chain(more).map(|key| text(item, key)).collect()
    });
    Ok(Exit::Done)
}

async fn erase(session: &Session, account: &str, confirm: &str) -> Result<Exit, Failure> {
    if account != confirm {
        return Err(Failure::new(
            Exit::Usage,
            "--confirm does not repeat the account id",
            format!("fmvault enrollment erase {account} --confirm {account}"),
        ));
    }
    let client = Client::connect(session).await?;
    let request = client.request(EraseEnrollmentRequest { name: name(account) });
    let answer = client.enrollment_admin().erase_enrollment(request).await?.into_inner();
    print(session, &answer.enrollment.unwrap_or_default());
    Ok(Exit::Done)
}

/// Prints an enrollment, a line for each member.
pub(super) fn print(session: &Session, enrollment: &v1::Enrollment) {
    let json = json::enrollment(enrollment);
    session.output.value(&json, || {
        let lines = json
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| format!("{key:<24}{}", text(&json, key)));
        lines.collect::<Vec<_>>().join("\n")
    });
}

/// The name of an account's enrollment.
pub(super) fn name(account: &str) -> String {
    format!("enrollments/{account}")
}

/// A moment, for a message.
pub(super) fn proto_time(at: Timestamp) -> prost_types::Timestamp {
    let seconds = i64::try_from(at.as_seconds()).unwrap_or(i64::MAX);
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn parse_state(text: &str) -> Result<State, &'static str> {
    State::from_str_name(&format!("STATE_{}", text.to_ascii_uppercase()))
        .filter(|state| *state != State::Unspecified)
        .ok_or("want pending, capturing, active, retrying, lost, blocked, erased or closed")
}

fn parse_risk(text: &str) -> Result<Risk, &'static str> {
    Risk::from_str_name(&format!("RISK_{}", text.to_ascii_uppercase()))
        .filter(|risk| *risk != Risk::Unspecified)
        .ok_or("want none, warning, critical or overdue")
}
