//! One page of a backlog goes to the vault, again and again while it is busy.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::proto::admin::v1::registration::Outcome;
use crate::proto::admin::v1::{EnrollmentRow, RegisterEnrollmentsRequest, Registration};

use super::backlog_pages::Page;
use super::backlog_rows::{Line, Position, Row};
use super::client::Client;
use super::enrollment::proto_time;
use super::exit::Failure;

/// What became of a page.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) new: u64,
    pub(super) known: u64,
    /// Rows that could not be used: line, reason, the row as it was. In the order of the lines.
    pub(super) rejects: Vec<(u64, String, Vec<u8>)>,
    /// Behind the page.
    pub(super) end: Position,
}

/// Why a page was not taken.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The vault was busy, or away, for too long. Going on helps.
    Busy(Status),
    /// Going on does not help.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// First wait before a page is sent again; each further one is twice as long.
const WAIT_MIN: Duration = Duration::from_millis(200);
/// Longest wait, if the vault does not ask for more.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Sends a page, and again while the vault is busy, for as long as `patience`.
pub(super) async fn send(client: &Client, page: Page, patience: Duration) -> Result<Sent, Stopped> {
    let good = page.lines.iter().filter_map(|line| line.row.as_ref().ok());
    let request = RegisterEnrollmentsRequest { rows: good.map(message).collect() };
    if request.rows.is_empty() {
        return Ok(sent(page, Vec::new()));
    }
    let give_up = Instant::now() + patience;
    let mut wait = WAIT_MIN;
    loop {
        let request = client.request(request.clone());
        match client.enrollment_admin().register_enrollments(request).await {
            Ok(answer) => return Ok(sent(page, answer.into_inner().registrations)),
            Err(status) => {
                let Some(asked) = worth_another_try(&status) else {
                    return Err(Stopped::Failed(status.into()));
                };
                let pause = wait.max(asked);
                if Instant::now() + pause > give_up {
                    return Err(Stopped::Busy(status));
                }
                sleep(pause).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

/// How long to wait at least, if trying again may help.
fn worth_another_try(status: &Status) -> Option<Duration> {
    let details = status.get_error_details();
    let asked = details.retry_info().and_then(|info| info.retry_delay);
    let is_ours = details.error_info().is_some();
    let passes = match status.code() {
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded | Code::Cancelled => true,
        Code::ResourceExhausted => asked.is_some(),
        // Without a reason it is not the vault that speaks: the connection broke.
        Code::Unknown | Code::Internal => !is_ours,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    };
    passes.then(|| asked.unwrap_or_default())
}

fn message(row: &Row) -> EnrollmentRow {
    EnrollmentRow {
        account_id: row.account.hyphenated(),
        workflow_execution_id: row.execution.hyphenated(),
        completed_time: row.completed.map(proto_time),
    }
}

fn sent(page: Page, registrations: Vec<Registration>) -> Sent {
    let mut sent = Sent { new: 0, known: 0, rejects: Vec::new(), end: page.end };
    let mut registrations = registrations.into_iter();
    for Line { number, original, row } in page.lines {
        let reason = match row {
            Err(reason) => reason.to_owned(),
            Ok(_) => match registrations.next() {
                Some(answer) if answer.outcome == i32::from(Outcome::New) => {
                    sent.new += 1;
                    continue;
                }
                Some(answer) if answer.outcome == i32::from(Outcome::Known) => {
                    sent.known += 1;
                    continue;
                }
                Some(answer) => format!("{} ({})", answer.message, answer.reason),
                None => "the vault did not answer for this row".to_owned(),
            },
        };
        sent.rejects.push((number, reason, original));
    }
    sent
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn what_passes_is_tried_again() {
        let of = |code, reason: bool, retry: Option<u64>| {
            let mut details = ErrorDetails::new();
            if reason {
                details.set_error_info("ANY", "facemapvault", []);
            }
            if let Some(seconds) = retry {
                details.set_retry_info(Some(Duration::from_secs(seconds)));
            }
            worth_another_try(&Status::with_error_details(code, "", details))
        };
        let seconds = |n| Some(Duration::from_secs(n));
        let table = [
            (Code::Unavailable, true, Some(2), seconds(2)),
            (Code::Unavailable, true, None, seconds(0)),
            (Code::Unavailable, false, None, seconds(0)),
            (Code::ResourceExhausted, true, Some(3), seconds(3)),
            (Code::ResourceExhausted, true, None, None),
            (Code::Unknown, false, None, seconds(0)),
            (Code::Internal, true, None, None),
            (Code::InvalidArgument, true, None, None),
            (Code::DeadlineExceeded, true, None, seconds(0)),
        ];
        for (code, reason, retry, want) in table {
            assert_eq!(of(code, reason, retry), want, "{code:?} {reason} {retry:?}");
        }
    }
}
