//! `fmvault enrollment register`: one account, or all that were there before the vault.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::Timestamp;
use crate::proto::v1;
use crate::proto::v1::enrollment::State;

use super::Session;
use super::backlog::{self, Backlog};
use super::backlog_rows::InputFormat;
use super::client::Client;
use super::enrollment::{print, proto_time};
use super::exit::{Exit, Failure};

/// See the module.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Register {
    /// Jumio's account id
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    account: Option<String>,
    /// The onboarding's workflow execution id
    #[arg(long, value_name = "ID", required_unless_present = "from", conflicts_with = "from")]
    workflow_execution: Option<String>,
    /// When it was completed, such as 2026-03-02T09:15:52Z; Jumio tells it too
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "from")]
    completed: Option<Timestamp>,
    /// Wait until the facemap is captured, or this long
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration, conflicts_with = "from")]
    wait: Duration,
    /// Check only
    #[arg(short = 'n', long, conflicts_with = "from")]
    dry_run: bool,
    /// A file with a row for each account, or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// How the rows are written, if the name of the file does not tell
    #[arg(long, value_enum, requires = "from", conflicts_with = "account")]
    input_format: Option<InputFormat>,
    /// Where rows go that cannot be used [default: FILE.rejected, or standard error]
    #[arg(long, value_name = "PATH", requires = "from", conflicts_with = "account")]
    rejects: Option<PathBuf>,
    /// Begin at the beginning, even if an earlier run was interrupted
    #[arg(long, requires = "from", conflicts_with = "account")]
    restart: bool,
}

const AFTER_HELP: &str = "\
Examples:
  fmvault enrollment register ACCOUNT --workflow-execution ID --wait 30s
  fmvault enrollment register --from users.csv
  ./export-users | fmvault enrollment register --from - --input-format jsonl

Columns or members: account_id, workflow_execution_id, completed_time (may be left out).";

/// Runs the command.
pub(super) async fn run(session: &Session, command: Register) -> Result<Exit, Failure> {
    if let Some(from) = command.from {
        let Register { input_format, rejects, restart, .. } = command;
        return backlog::run(session, &Backlog { from, format: input_format, rejects, restart })
            .await;
    }
    let Register { account, workflow_execution, completed, wait, dry_run, .. } = command;
    let enrollment = v1::Enrollment {
        // clap has seen to it that both are there.
        account_id: account.unwrap_or_default(),
        workflow_execution_id: workflow_execution.unwrap_or_default(),
        completed_time: completed.map(proto_time),
        ..v1::Enrollment::default()
    };
    one(session, enrollment, wait, dry_run).await
}

async fn one(
    session: &Session,
    enrollment: v1::Enrollment,
    wait: Duration,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let mut request = client.request(v1::CreateEnrollmentRequest {
        enrollment: Some(enrollment),
        request_id: String::new(),
        wait: prost_types::Duration::try_from(wait).ok(),
        validate_only: dry_run,
    });
    request.set_timeout(session.global.timeout + wait);
    let answer = client.vault().create_enrollment(request).await?.into_inner();
    let enrollment = answer.enrollment.unwrap_or_default();
    print(session, &enrollment);
    Ok(match State::try_from(enrollment.state).unwrap_or_default() {
        State::Lost | State::Blocked => Exit::Attention,
        State::Unspecified
        | State::Pending
        | State::Capturing
        | State::Active
        | State::Retrying
        | State::Erased
        | State::Closed => Exit::Done,
    })
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("want a time such as 2026-03-02T09:15:52Z")
}
