//! Our own notes of what was acknowledged and of what happened.

use facemap_vault::model::{RequestId, Timestamp, WorkflowExecutionId};
use facemap_vault::vault::StartAuthentication;

/// What happened, so that we know that enough did.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Total {
    pub(super) tokens: usize,
    pub(super) captures: usize,
    pub(super) erasures: usize,
}

impl Total {
    pub(super) fn add(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.captures += other.captures;
        self.erasures += other.erasures;
    }
}

/// What we know of an account.
#[derive(Default)]
pub(super) struct Notes {
    /// In the order in which they were completed.
    pub(super) onboardings: Vec<Onboarded>,
    /// The newest onboarding that was acknowledged and is not settled.
    pub(super) wanted: Option<WorkflowExecutionId>,
    pub(super) enrolled: bool,
    /// The one that was seen to serve.
    pub(super) serving: Option<WorkflowExecutionId>,
    pub(super) erased_at: Option<Timestamp>,
}

pub(super) struct Onboarded {
    pub(super) execution: WorkflowExecutionId,
    pub(super) completed: Timestamp,
    pub(super) bytes: Vec<u8>,
    /// How often Jumio had served it when we last looked.
    pub(super) served: usize,
}

/// A request for an authentication, and how often it may be received by Jumio.
pub(super) struct Requested {
    pub(super) id: RequestId,
    pub(super) request: StartAuthentication,
    pub(super) begun: Timestamp,
    pub(super) allowed: usize,
}

impl Notes {
    pub(super) fn onboarded(&self, execution: WorkflowExecutionId) -> &Onboarded {
        let is_it = |onboarded: &&Onboarded| onboarded.execution == execution;
        self.onboardings.iter().find(is_it).expect("every execution is noted")
    }

    pub(super) fn completed(&self, execution: WorkflowExecutionId) -> Timestamp {
        self.onboarded(execution).completed
    }
}
