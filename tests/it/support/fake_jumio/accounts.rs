//! What the fake Jumio knows of one account.

use std::collections::HashMap;

use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, JumioError,
    Liveness, OnboardingDetails, UploadSlot,
};
use facemap_vault::model::{CredentialId, Timestamp, WorkflowExecutionId};

/// One account.
#[derive(Default)]
pub(super) struct Account {
    pub(super) onboardings: HashMap<WorkflowExecutionId, Onboarded>,
    pub(super) started: HashMap<WorkflowExecutionId, Started>,
}

/// One onboarding.
pub(crate) struct Onboarded {
    /// What Jumio says about it.
    pub(crate) details: OnboardingDetails,
    /// What it serves.
    pub(crate) facemap: Vec<u8>,
    /// How many more times Jumio knows nothing of it yet.
    pub(crate) not_yet: usize,
    /// Jumio knows nothing of it any more.
    pub(crate) forgotten: bool,
    /// How many times the facemap was served.
    pub(crate) served: usize,
}

/// One started authentication.
pub(super) struct Started {
    pub(super) details: AuthenticationDetails,
    credential: CredentialId,
    uploads: usize,
}

impl Onboarded {
    /// An onboarding that may be captured.
    pub(super) fn good(completed: Timestamp, facemap: &[u8]) -> Self {
        let credential = CredentialId::generate();
        let details = OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(completed),
            deleted: None,
            decision: Some(DecisionType::Passed),
            liveness: vec![Liveness {
                decision: DecisionType::Passed,
                liveness_type: "IPROOV_STANDARD".to_owned(),
                credentials: vec![CredentialId::generate(), credential],
                valid_facemap: Some(credential),
            }],
            facemaps: vec![FacemapPart { credential, downloadable: true }],
        };
        Self { details, facemap: facemap.to_vec(), not_yet: 0, forgotten: false, served: 0 }
    }

    /// Jumio deletes what is personal in it, and the decision with it.
    pub(crate) fn delete(&mut self, at: Timestamp) {
        self.details.deleted = Some(at);
        self.details.decision = None;
        self.details.liveness.clear();
        self.details.facemaps.clear();
    }
}

impl Account {
    pub(super) fn onboarding(
        &mut self,
        execution: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        let not_found = JumioError::NotFound { what: "workflow execution" };
        let onboarded = self.onboardings.get_mut(&execution).ok_or(not_found.clone())?;
        if onboarded.not_yet > 0 {
            onboarded.not_yet -= 1;
            return Err(not_found);
        }
        match onboarded.forgotten {
            true => Err(not_found),
            false => Ok(onboarded.details.clone()),
        }
    }

    pub(super) fn serve(
        &mut self,
        credential: CredentialId,
        len_max: usize,
    ) -> Result<Vec<u8>, JumioError> {
        let has_it = |onboarded: &&mut Onboarded| {
            let parts = &onboarded.details.facemaps;
            !onboarded.forgotten && parts.iter().any(|part| part.credential == credential)
        };
        let onboarded = self.onboardings.values_mut().find(has_it);
        let onboarded = onboarded.ok_or(JumioError::NotFound { what: "part" })?;
        if onboarded.facemap.len() > len_max {
            let len = onboarded.facemap.len() as u64;
            return Err(JumioError::FacemapTooLong { len, len_max });
        }
        onboarded.served += 1;
        Ok(onboarded.facemap.clone())
    }

    /// Takes an upload; tells what is wrong with it.
    pub(super) fn receive(&mut self, slot: &UploadSlot, bytes: &[u8]) -> Option<String> {
        let execution = slot.execution;
        let Some(started) = self.started.get_mut(&execution) else {
            return Some(format!("upload into {execution}, which was never opened"));
        };
        started.uploads += 1;
        if started.uploads > 1 {
            return Some(format!("second upload into {execution}"));
        }
        let token = format!("upload {}", execution.hyphenated());
        if started.credential != slot.credential || slot.token.expose() != token {
            return Some(format!("upload into the wrong slot of {execution}"));
        }
        let is_it = |onboarded: &Onboarded| onboarded.served > 0 && onboarded.facemap == bytes;
        match self.onboardings.values().any(is_it) {
            true => None,
            false => Some(format!("{execution} got bytes that were not served for its account")),
        }
    }

    pub(super) fn authentication(
        &self,
        execution: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        let started = self.started.get(&execution);
        let started = started.ok_or(JumioError::NotFound { what: "workflow execution" })?;
        Ok(started.details.clone())
    }
}

impl Started {
    pub(super) fn new(update: &AccountUpdate, credential: CredentialId) -> Self {
        let details = AuthenticationDetails {
            status: ExecutionStatus::Initiated,
            workflow_key: "10071".to_owned(),
            created: None,
            customer_internal_reference: Some(update.customer_internal_reference.clone()),
            decision: None,
            label: None,
        };
        Self { details, credential, uploads: 0 }
    }
}
