//! What only the running vault can find out about the tenant at Jumio. Reads, and never opens an
//! execution or downloads a facemap.

use crate::jumio::{Jumio, JumioError};
use crate::model::{AccountId, Blocked, State, Timestamp, WorkflowExecutionId};
use crate::store::Store;

use super::admission::{Admission, admit};
use super::{Vault, VaultError};

/// One thing found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Jumio gave an access token for the credentials.
    TokenGiven,
    /// Jumio refuses the credentials.
    CredentialsRejected,
    /// Executions may be read.
    RetrievalPermitted,
    /// The credentials are right, but may not read executions.
    RetrievalForbidden,
    /// Jumio could not be asked: what the client saw.
    JumioFailed(JumioError),
    /// How many seconds Jumio's clock is ahead of ours; none if no answer told.
    ClockAhead(Option<i64>),
    /// Jumio took the authentication workflow when it was last used.
    WorkflowAccepted(Timestamp),
    /// Jumio refused the authentication workflow when it was last used.
    WorkflowRefused(Timestamp),
    /// No authentication was started since the vault was.
    WorkflowUntested,
    /// So many captures are blocked for one reason.
    CapturesBlocked(Blocked, u64),
    /// No account to look at was named.
    NoAccount,
    /// What the named account shows.
    Account(AccountFinding),
}

/// What one enrolled account shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountFinding {
    /// It is not enrolled here.
    NotEnrolled,
    /// Its record cannot be read.
    Unreadable,
    /// Jumio announces the facemap for download.
    Downloadable,
    /// Jumio has not decided yet, or does not have the execution yet.
    NotYet,
    /// The facemap cannot be captured.
    Blocked(Blocked),
    /// Jumio deleted it, and it is stored here.
    GoneButStored,
    /// Jumio deleted it, and it is not stored here.
    Gone,
    /// The credentials may not read its execution.
    Forbidden,
    /// Jumio could not be asked: what the client saw.
    JumioFailed(JumioError),
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Asks Jumio what can be asked without an effect, and looks at `account` if there is one.
    pub async fn diagnose(&self, account: Option<AccountId>) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Nobody has these ids, so that "not found" is the answer that shows that all is well.
        let nobody = (AccountId::generate(), WorkflowExecutionId::generate());
        let reachable = match self.jumio.onboarding(nobody.0, nobody.1).await {
            Ok(_) | Err(JumioError::NotFound { .. }) => {
                findings.extend([Finding::TokenGiven, Finding::RetrievalPermitted]);
                true
            }
            Err(JumioError::PermissionMissing { .. }) => {
                findings.extend([Finding::TokenGiven, Finding::RetrievalForbidden]);
                true
            }
            Err(JumioError::CredentialsRejected) => {
                findings.push(Finding::CredentialsRejected);
                false
            }
            Err(error) => {
                findings.push(Finding::JumioFailed(error));
                false
            }
        };
        findings.push(Finding::ClockAhead(self.jumio.clock_ahead()));
        findings.push(match self.watch.workflow() {
            Some((at, true)) => Finding::WorkflowAccepted(at),
            Some((at, false)) => Finding::WorkflowRefused(at),
            None => Finding::WorkflowUntested,
        });
        let blocked = self.census().blocked;
        let blocked = blocked.into_iter().filter(|(_, n)| *n > 0);
        findings.extend(blocked.map(|(why, n)| Finding::CapturesBlocked(why, n)));
        match account {
            None => findings.push(Finding::NoAccount),
            Some(account) if reachable => {
                findings.push(Finding::Account(self.diagnose_account(account).await));
            }
            Some(_) => {}
        }
        findings
    }

    async fn diagnose_account(&self, account: AccountId) -> AccountFinding {
        let enrollment = match self.enrollment(account).await {
            Ok(loaded) => loaded.enrollment,
            Err(VaultError::NotEnrolled(_)) => return AccountFinding::NotEnrolled,
            Err(_) => return AccountFinding::Unreadable,
        };
        let state = enrollment.onboarding.state;
        let gone = match state {
            State::Captured => AccountFinding::GoneButStored,
            State::Pending { .. } => AccountFinding::NotYet,
            State::Blocked { .. } | State::Lost { .. } | State::Erased { .. } => {
                AccountFinding::Gone
            }
        };
        let details = match self.jumio.onboarding(account, enrollment.onboarding.execution).await {
            Ok(details) => details,
            Err(JumioError::NotFound { .. }) => return gone,
            Err(JumioError::PermissionMissing { .. }) => return AccountFinding::Forbidden,
            Err(error) => return AccountFinding::JumioFailed(error),
        };
        match (admit(&details, &self.settings.admission), state) {
            // The details may promise what the download then refused, or what was too long.
            (Admission::Capture { .. }, State::Blocked { why, .. }) => AccountFinding::Blocked(why),
            (Admission::Capture { .. }, _) => AccountFinding::Downloadable,
            (Admission::NotYet, _) => AccountFinding::NotYet,
            (Admission::Blocked(why), _) => AccountFinding::Blocked(why),
            (Admission::Lost, State::Captured) => AccountFinding::GoneButStored,
            (Admission::Lost, _) => AccountFinding::Gone,
        }
    }
}
