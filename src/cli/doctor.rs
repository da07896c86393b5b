//! `fmvault doctor`: checks with advice. Needs no vault for what it can see by itself; asks the vault
//! for what only that can find out.

use serde_json::{Value, json};

use crate::model::AccountId;
use crate::proto::admin::v1::check::Outcome as WireOutcome;
use crate::proto::admin::v1::{
    Check as WireCheck, DiagnoseRequest, GetStatusRequest, InspectRequest,
};

use super::Session;
use super::client::Client;
use super::doctor_offline;
use super::exit::{Exit, Failure};

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Also let the vault ask Jumio: access token, permissions, clock. Opens and downloads nothing
    #[arg(long)]
    online: bool,
    /// With --online: also look at this enrolled account; a recent one tells most
    #[arg(long, value_name = "UUID", requires = "online")]
    account: Option<AccountId>,
}

/// One check.
#[derive(Debug)]
pub(super) struct Check {
    name: String,
    outcome: Outcome,
    detail: String,
    next: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All is well.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be tested.
    Skip,
    /// No program can test it.
    Note,
}

/// Checks everything; exit 3 if something does not work.
pub(super) async fn run(session: &Session, command: Doctor) -> Result<Exit, Failure> {
    let mut checks = doctor_offline::checks(session);
    let vault = ask_vault(session, &command, &mut checks).await;
    if let Err(failure) = vault {
        checks.push(Check::fail("vault", failure.message, failure.next));
    }
    if !command.online {
        checks.push(Check::new("Jumio", Outcome::Skip, "give --online to let the vault ask Jumio"));
    }
    let items: Vec<Value> = checks.iter().map(Check::json).collect();
    let failed = checks.iter().filter(|check| check.outcome == Outcome::Fail).count();
    session.output.value(&json!({ "checks": items, "failed": failed }), || {
        checks.iter().map(Check::line).collect::<Vec<_>>().join("\n")
    });
    Ok(if failed == 0 { Exit::Done } else { Exit::Attention })
}

/// What the running vault says.
///
/// # Errors
///
/// If no vault answers.
async fn ask_vault(
    session: &Session,
    command: &Doctor,
    checks: &mut Vec<Check>,
) -> Result<(), Failure> {
    let client = Client::connect(session).await?;
    let status = client.status().get_status(client.request(GetStatusRequest {})).await?;
    checks.push(Check::new(
        "vault",
        Outcome::Ok,
        format!("answers, version {}", status.into_inner().version),
    ));
    let seen = client.doctor().inspect(client.request(InspectRequest {})).await?.into_inner();
    checks.extend(seen.checks.into_iter().map(Check::from));
    if !command.online {
        return Ok(());
    }
    let enrollment = command.account.map(|account| format!("enrollments/{}", account.hyphenated()));
    let request = DiagnoseRequest { enrollment: enrollment.unwrap_or_default() };
    let found = client.doctor().diagnose(client.request(request)).await?.into_inner();
    checks.extend(found.checks.into_iter().map(Check::from));
    Ok(())
}

impl From<WireCheck> for Check {
    fn from(check: WireCheck) -> Self {
        let outcome = match check.outcome() {
            WireOutcome::Ok => Outcome::Ok,
            WireOutcome::Warn => Outcome::Warn,
            WireOutcome::Fail => Outcome::Fail,
            WireOutcome::Skip => Outcome::Skip,
            WireOutcome::Note | WireOutcome::Unspecified => Outcome::Note,
        };
        Self { name: check.name, outcome, detail: check.detail, next: check.next }
    }
}

impl Check {
    pub(super) fn new(
        name: impl Into<String>,
        outcome: Outcome,
        detail: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), outcome, detail: detail.into(), next: String::new() }
    }

    /// Something does not work; `next` says what to do.
    pub(super) fn fail(
        name: impl Into<String>,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { next: next.into(), ..Self::new(name, Outcome::Fail, detail) }
    }

    /// Says what to do.
    pub(super) fn next(self, next: impl Into<String>) -> Self {
        Self { next: next.into(), ..self }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "outcome": self.outcome.name(),
            "detail": self.detail,
            "next": self.next,
        })
    }

    /// `[ ok ]   what was checked            what was seen`, and what to do on a line of its own.
    fn line(&self) -> String {
        let style = self.outcome.style();
        let mark = self.outcome.mark();
        let mut line = format!("{style}[{mark}]{style:#}   {:<30} {}", self.name, self.detail);
        if !self.next.is_empty() {
            line.push_str("\n         Next: ");
            line.push_str(&self.next);
        }
        line
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Note => "note",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Ok => " ok ",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
            Self::Note => "note",
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Self::Ok => anstyle::AnsiColor::Green.on_default(),
            Self::Warn => anstyle::AnsiColor::Yellow.on_default(),
            Self::Fail => anstyle::AnsiColor::Red.on_default().bold(),
            Self::Skip | Self::Note => anstyle::Style::new(),
        }
    }
}
