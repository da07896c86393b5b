//! Starts the real server on a directory and asks it about everything that was promised.

use std::path::Path;
use std::time::Duration;

use facemap_vault::grpc::REASON_TRAILER;
use facemap_vault::proto::v1::GetEnrollmentRequest;
use tonic::{Code, Status};

use super::journal::{Due, Journal, Promise};
use super::server::{Begun, Server, begin};
use crate::support::caller::{Caller, connect, start};
use crate::support::site::Site;

/// What may be wrong with the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// A crash, a power cut, a failing disk: every promise is kept, and nobody has to help.
    Nothing,
    /// Bytes were changed behind its back: what is wrong must be said, not hidden.
    Damage,
    /// The same for the settings, which may also name another Jumio, another limit: any reason will do.
    Settings,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// The start was refused, with these words.
    pub(crate) refused: Option<String>,
    /// Accounts for which the vault says that their record is damaged.
    pub(crate) damaged: usize,
    /// Accounts that were refused for another reason.
    pub(crate) said: usize,
    /// What must never be.
    pub(crate) violations: Vec<String>,
}

/// Examines the vault in `dir`, which `site`'s Jumio knows, against `promised`.
pub(crate) async fn examine(
    site: &Site,
    dir: &Path,
    promised: &Journal,
    tolerance: Tolerance,
) -> Findings {
    let mut findings = Findings::default();
    let over = match begin(dir, None).await {
        Begun::Over(over) => {
            // Only then does anybody know what to do.
            if !over.log.contains("Next: ") && !over.log.contains("\"next\"") {
                findings.violations.push(format!("a refusal without a next step: {}", over.said()));
            }
            findings.refused = Some(over.said());
            if tolerance == Tolerance::Nothing {
                findings.violations.push(format!("it does not start: {}", over.said()));
            }
            over
        }
        Begun::Ready(server) => {
            ask(site, &server, promised, tolerance, &mut findings).await;
            server.kill().await
        }
    };
    findings.violations.extend(over.violation());
    findings
}

async fn ask(
    site: &Site,
    server: &Server,
    promised: &Journal,
    tolerance: Tolerance,
    findings: &mut Findings,
) {
    let mut caller = Caller::new(connect(server.address()).await);
    for (account, promise) in promised.promises() {
        let asked = match promise.due() {
            Due::Active => uses(site, &mut caller, account, promise).await,
            Due::Enrolled | Due::ActiveOrErased | Due::Erased => {
                looks(&mut caller, account, promise).await
            }
        };
        match asked {
            Asked::Kept => {}
            Asked::Damaged if tolerance != Tolerance::Nothing => findings.damaged += 1,
            Asked::Said(_) if tolerance == Tolerance::Settings => findings.said += 1,
            Asked::Said(what) => findings.violations.push(format!("{account}: {what}")),
            Asked::Damaged => findings.violations.push(format!("{account} is damaged")),
            Asked::Broken(what) => {
                findings.violations.push(format!("{account}: {what}, promised: {promise:?}"));
            }
        }
    }
}

enum Asked {
    Kept,
    Damaged,
    /// Refused, for a reason that does not deny that the account is known.
    Said(String),
    Broken(String),
}

/// Authenticates: Jumio must receive what it once gave.
async fn uses(site: &Site, caller: &mut Caller, account: &str, promise: &Promise) -> Asked {
    let mut request = tonic::Request::new(start(account));
    request.get_mut().on_in_progress = 2;
    request.set_timeout(Duration::from_secs(30));
    let started = match caller.start_authentication(request).await {
        Ok(started) => started.into_inner(),
        Err(status) => return Asked::by(&status),
    };
    let execution = started.authentication.unwrap().workflow_execution_id;
    let uploads = site.uploads(&execution).await;
    if uploads == std::slice::from_ref(&promise.sha256) {
        return Asked::Kept;
    }
    Asked::Broken(format!("Jumio received {uploads:?}"))
}

async fn looks(caller: &mut Caller, account: &str, promise: &Promise) -> Asked {
    let request = GetEnrollmentRequest { name: format!("enrollments/{account}") };
    match caller.get_enrollment(request).await {
        Ok(seen) => {
            let state = seen.into_inner().enrollment.unwrap().state();
            match promise.due().allows(state) {
                true => Asked::Kept,
                false => Asked::Broken(format!("it is {state:?}")),
            }
        }
        Err(status) => Asked::by(&status),
    }
}

impl Asked {
    fn by(status: &Status) -> Self {
        let reason = status.metadata().get(REASON_TRAILER).and_then(|value| value.to_str().ok());
        match (status.code(), reason) {
            (Code::DataLoss, Some("FACEMAP_CORRUPT")) => Self::Damaged,
            (code, Some(reason)) if code != Code::NotFound => {
                Self::Said(format!("{code:?} {reason}"))
            }
            (code, reason) => Self::Broken(format!("{code:?} {reason:?} {}", status.message())),
        }
    }
}
