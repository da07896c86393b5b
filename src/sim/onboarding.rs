//! Onboardings made by the control API: executions that are over when they appear.

use std::{sync::Arc, time::Duration};

use super::{
    clock::Moment,
    decision::{Outcome, Status, Verdict},
    execution::{Execution, Flow},
    facemap::{Fingerprint, Source},
    hosts::Bases,
    id::Id,
    world::{Account, WorldState},
};

/// What an onboarding shall be like.
pub(super) struct Onboarding {
    /// The account, if it exists already.
    pub(super) account: Option<Id>,
    pub(super) key: String,
    pub(super) decision: Verdict,
    /// The decision of its liveness capability.
    pub(super) face: Verdict,
    pub(super) liveness_type: Option<String>,
    pub(super) download_allowed: Option<bool>,
    pub(super) retention: Option<Duration>,
    pub(super) completed_ago: Duration,
    pub(super) person: Option<String>,
    pub(super) user_reference: Option<String>,
}

/// The facemap of one onboarding.
pub(super) struct Seed {
    pub(super) source: Source,
    pub(super) print: Fingerprint,
}

impl WorldState {
    /// Adds a finished onboarding; returns account and execution.
    ///
    /// # Errors
    ///
    /// What is wrong with `onboarding`.
    pub(super) fn onboard(
        &mut self,
        onboarding: &Onboarding,
        seed: Seed,
        bases: &Arc<Bases>,
        now: Moment,
    ) -> Result<(Id, Id), &'static str> {
        let (flow, key) =
            Flow::of(&onboarding.key, &self.tenant).ok_or("workflow_key: is not known")?;
        if flow.authenticates() {
            return Err("workflow_key: is not an onboarding");
        }
        let completed = now.before(onboarding.completed_ago);
        let account = match onboarding.account {
            Some(account) => account,
            None => Id::random(),
        };
        if onboarding.account.is_some() {
            self.settle(account, now);
            if !self.accounts.contains_key(&account) {
                return Err("account_id: is not known");
            }
        }
        let owner = self.accounts.entry(account).or_insert_with(|| Account::new(completed));
        let named = onboarding.person.clone().or_else(|| owner.person.clone());
        let person = named.unwrap_or_else(|| Id::random().to_string());
        owner.person = Some(person.clone());
        owner.produced.push((seed.print, person));
        owner.last_activity = owner.last_activity.max(completed);
        owner.retention = onboarding.retention.or(owner.retention);
        let id = Id::random();
        self.add(Execution {
            id,
            account,
            flow,
            key,
            reference: "simulated-onboarding".to_owned(),
            user_reference: onboarding.user_reference.clone(),
            callback_url: None,
            bases: Arc::clone(bases),
            token: String::new(),
            token_expires: completed,
            created: completed.before(Duration::from_secs(350)),
            started: Some(completed.before(Duration::from_secs(21))),
            completed: Some(completed),
            wiped: None,
            session: None,
            status: Status::Processed,
            outcome: Some(Outcome {
                decision: onboarding.decision,
                face: onboarding.face,
                captured: onboarding.decision != Verdict::NotExecuted,
            }),
            facemap: Some(seed.source),
            liveness_type: onboarding
                .liveness_type
                .clone()
                .unwrap_or_else(|| self.tenant.liveness_type.clone()),
            download_allowed: onboarding.download_allowed,
            uploads: Vec::new(),
        });
        Ok((account, id))
    }
}
