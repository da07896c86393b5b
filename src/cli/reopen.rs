//! `fmvault enrollment retry` and `close`: what nobody tries any more is tried again, or given up.

use serde_json::json;

use crate::proto::admin::v1::retry_capture_request::Target;
use crate::proto::admin::v1::{CloseEnrollmentRequest, RetryCaptureRequest};
use crate::proto::v1::enrollment::State;

use super::Session;
use super::client::Client;
use super::enrollment::{name, print};
use super::exit::{Exit, Failure};

/// Which ones to try again.
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    /// Jumio's account id; it is tried at once. A lost one is tried too: Jumio may have restored it
    #[arg(required_unless_present = "reason", conflicts_with = "reason")]
    account: Option<String>,
    /// All that are blocked for this reason, such as FACEMAP_DOWNLOAD_NOT_ENABLED; the sweep tries them
    #[arg(long)]
    reason: Option<String>,
}

/// What to give up on.
#[derive(Debug, clap::Args)]
pub(super) struct Close {
    /// Jumio's account id
    account: String,
    /// Why, in 1 to 200 characters; `enrollment list` shows it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Tries again.
pub(super) async fn retry(session: &Session, command: Retry) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    if let Some(reason) = command.reason {
        return retry_all(session, &client, reason).await;
    }
    let target = Some(Target::Name(name(&command.account.unwrap_or_default())));
    let request = client.request(RetryCaptureRequest { target, page_token: String::new() });
    let answer = client.enrollment_admin().retry_capture(request).await?.into_inner();
    let enrollment = answer.enrollment.unwrap_or_default();
    print(session, &enrollment);
    Ok(match State::try_from(enrollment.state).unwrap_or_default() {
        State::Lost | State::Blocked => Exit::Attention,
        State::Pending | State::Capturing | State::Retrying => {
            session.output.note("not captured yet: the vault goes on by itself");
            Exit::PartlyDone
        }
        State::Unspecified | State::Active | State::Erased | State::Closed => Exit::Done,
    })
}

async fn retry_all(session: &Session, client: &Client, reason: String) -> Result<Exit, Failure> {
    let mut reopened = 0_i64;
    let mut page_token = String::new();
    loop {
        let target = Some(Target::Reason(reason.clone()));
        let request = client.request(RetryCaptureRequest { target, page_token });
        let answer = client.enrollment_admin().retry_capture(request).await?.into_inner();
        reopened += i64::from(answer.reopened_count);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let json = json!({ "reason": reason, "reopened": reopened });
    session.output.value(&json, || format!("{reopened} will be tried again by the sweep"));
    Ok(Exit::Done)
}

/// Gives up.
pub(super) async fn close(session: &Session, command: Close) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let Close { account, reason } = command;
    let request = client.request(CloseEnrollmentRequest { name: name(&account), reason });
    let answer = client.enrollment_admin().close_enrollment(request).await?.into_inner();
    print(session, &answer.enrollment.unwrap_or_default());
    Ok(Exit::Done)
}
