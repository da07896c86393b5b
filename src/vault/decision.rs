//! How an authentication ended, as Jumio says.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::jumio::{DecisionType, ExecutionStatus, Jumio, JumioError};
use crate::model::{AccountId, Timestamp, WorkflowExecutionId};
use crate::store::Store;

use super::{Vault, VaultError};

/// An authentication as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationView {
    /// The account.
    pub account: AccountId,
    /// The workflow execution at Jumio.
    pub execution: WorkflowExecutionId,
    /// How far it got.
    pub status: ExecutionStatus,
    /// The decision, once there is one.
    pub decision: Option<DecisionType>,
    /// Jumio's label of it, such as `OK` or `FAILED`.
    pub label: Option<String>,
    /// The caller's reference, if Jumio repeats it.
    pub reference: Option<String>,
    /// When it was started.
    pub created: Option<Timestamp>,
    /// When its tokens end, if it was started by this process.
    pub expires: Option<Timestamp>,
}

/// The wait between two looks: short at first, since most people are quick, then steady.
const LOOKS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
];
const LOOK_STEADY: Duration = Duration::from_secs(5);

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Where the authentication `execution` of `account` stands. With a `wait`, looks again until it
    /// has ended or the wait is over.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotEnrolled`] for an unknown account,
    /// [`VaultError::AuthenticationNotFound`] if Jumio has no such execution or it is not an
    /// authentication; otherwise by what went wrong at Jumio.
    pub async fn authentication(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
        wait: Duration,
    ) -> Result<AuthenticationView, VaultError> {
        self.enrollment(account).await?;
        let end = Instant::now() + wait;
        let mut looks = LOOKS.into_iter();
        loop {
            let view = self.look(account, execution).await?;
            let next = Instant::now() + looks.next().unwrap_or(LOOK_STEADY);
            if view.has_ended() {
                if self.in_flight.ended(account, execution) {
                    self.watch.authentication_ended(&view);
                }
                return Ok(view);
            }
            if next > end {
                return Ok(view);
            }
            sleep_until(next).await;
        }
    }

    async fn look(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<AuthenticationView, VaultError> {
        let details = match self.jumio.authentication(account, execution).await {
            Ok(details) if self.is_authentication(&details.workflow_key) => details,
            Ok(_) | Err(JumioError::NotFound { .. }) => {
                return Err(VaultError::AuthenticationNotFound);
            }
            Err(error) => return Err(error.into()),
        };
        Ok(AuthenticationView {
            account,
            execution,
            status: details.status,
            decision: details.decision,
            label: details.label,
            reference: details.customer_internal_reference,
            created: details.created,
            expires: self.in_flight.started(account, execution),
        })
    }

    /// Jumio takes key 16 of its version 3 as 10071 and may report either.
    fn is_authentication(&self, key: &str) -> bool {
        key == self.settings.workflow_key || (self.settings.workflow_key == "10071" && key == "16")
    }
}

impl AuthenticationView {
    /// Whether nothing more will happen.
    pub fn has_ended(&self) -> bool {
        match self.status {
            ExecutionStatus::Initiated
            | ExecutionStatus::AcquisitionStarted
            | ExecutionStatus::Acquired => false,
            ExecutionStatus::Processed
            | ExecutionStatus::SessionExpired
            | ExecutionStatus::TokenExpired => true,
        }
    }
}
