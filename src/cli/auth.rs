//! `fmvault auth`: start an authentication and see how it ends, for testing.

use std::time::Duration;

use serde_json::json;

use crate::model::RequestId;
use crate::proto::v1;
use crate::proto::v1::authentication::State;
use crate::proto::v1::start_authentication_request::OnInProgress;

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{authentication, client_session, text};

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Auth {
    /// Start an authentication. Prints tokens: whoever has them can act as the person's device
    Start {
        /// Jumio's account id
        account: String,
        /// Your reference, 1 to 100 characters; no personal data
        #[arg(long, value_name = "TEXT")]
        reference: String,
        /// Names the request, so that repeating it is harmless
        #[arg(long, value_name = "UUID")]
        request_id: Option<String>,
        /// Replace a running authentication
        #[arg(long)]
        supersede: bool,
        /// Check only
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
    /// Show where an authentication stands
    Get {
        /// Its name, as `start` printed it
        name: String,
        /// Wait for the end, or this long
        #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
}

/// Runs the command.
pub(super) async fn run(session: &Session, command: Auth) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    match command {
        Auth::Start { account, reference, request_id, supersede, dry_run } => {
            let on_in_progress =
                if supersede { OnInProgress::Supersede } else { OnInProgress::Unspecified };
            let request = client.request(v1::StartAuthenticationRequest {
                enrollment: format!("enrollments/{account}"),
                request_id: request_id.unwrap_or_else(|| RequestId::generate().hyphenated()),
                customer_internal_reference: reference,
                on_in_progress: on_in_progress.into(),
                validate_only: dry_run,
                ..v1::StartAuthenticationRequest::default()
            });
            let answer = client.vault().start_authentication(request).await?.into_inner();
            if dry_run {
                session
                    .output
                    .value(&json!({ "valid": true }), || "the request is valid".to_owned());
                return Ok(Exit::Done);
            }
            started(session, &answer);
            Ok(Exit::Done)
        }
        Auth::Get { name, wait } => {
            let mut request = client.request(v1::GetAuthenticationRequest {
                name,
                wait: prost_types::Duration::try_from(wait).ok(),
            });
            request.set_timeout(session.global.timeout + wait);
            let answer = client.vault().get_authentication(request).await?.into_inner();
            let found = answer.authentication.unwrap_or_default();
            let json = authentication(&found);
            session.output.value(&json, || {
                let decision = [text(&json, "decision"), text(&json, "decision_label")].join(" ");
                format!("{}\nstate     {}\ndecision  {decision}", found.name, text(&json, "state"))
            });
            Ok(match State::try_from(found.state).unwrap_or_default() {
                State::Expired | State::Failed => Exit::Attention,
                State::Unspecified
                | State::Preparing
                | State::Ready
                | State::Acquired
                | State::Processed => Exit::Done,
            })
        }
    }
}

fn started(session: &Session, answer: &v1::StartAuthenticationResponse) {
    let found = answer.authentication.clone().unwrap_or_default();
    let tokens = answer.client_session.clone().unwrap_or_default();
    let json = json!({
        "authentication": authentication(&found),
        "client_session": client_session(&tokens),
    });
    session.output.value(&json, || {
        format!(
            "{}\nweb link   {}\nSDK token  {}\ndatacenter {}\nNext: fmvault auth get {} --wait 2m",
            found.name, tokens.web_href, tokens.sdk_token, tokens.datacenter, found.name
        )
    });
}
