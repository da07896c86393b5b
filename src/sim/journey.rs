//! What a person, or a wrong finalize, does to an execution.

use super::{
    clock::Moment,
    decision::{Outcome, Status, Verdict},
    execution::{Execution, Flow},
    facemap::{Fingerprint, Source},
    id::Id,
    world::WorldState,
};

/// What the person does in the web client or SDK.
pub(super) struct Play {
    /// Who holds the device; `None` is the account's own person.
    pub(super) person: Option<String>,
    /// What they do.
    pub(super) act: Act,
    /// A decision to force, whatever the faces say.
    pub(super) decision: Option<Verdict>,
    /// The face the device records, should the journey be completed.
    pub(super) source: Source,
    /// Its fingerprint.
    pub(super) print: Fingerprint,
}

/// What a person can do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Open the client and do nothing more: the session timer runs.
    Begin,
    /// Go through to the end.
    Complete,
    /// Begin and go away for good: the session expires.
    Abandon,
}

/// Why a journey cannot be played.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no such execution.
    Unknown,
    /// It is over, and how.
    Over(Status),
}

impl WorldState {
    /// Plays `play` on the execution `id` at `now`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such execution or it is over.
    pub(super) fn play(&mut self, id: Id, play: Play, now: Moment) -> Result<(), Refusal> {
        let account = self.executions.get(&id).ok_or(Refusal::Unknown)?.account;
        let execution = self.execution(account, id, now).ok_or(Refusal::Unknown)?;
        if execution.status.is_terminal() {
            return Err(Refusal::Over(execution.status));
        }
        let begun = execution.session.is_some();
        execution.session = Some(now);
        if !begun {
            self.advance(id, Status::AcquisitionStarted);
        }
        match play.act {
            Act::Begin => self.touch(account, now),
            Act::Abandon => self.end(id, Status::SessionExpired, None, now),
            Act::Complete => self.complete(id, account, play, now),
        }
        Ok(())
    }

    fn complete(&mut self, id: Id, account: Id, play: Play, now: Moment) {
        self.advance(id, Status::Acquired);
        let person = self.resolve_person(account, play.person);
        let Some(execution) = self.executions.get(&id) else { return };
        let judged = match play.decision {
            Some(forced) => forced,
            None if execution.flow.authenticates() => self.compare(execution, &person),
            None => Verdict::Passed,
        };
        if let Some(execution) = self.executions.get_mut(&id) {
            execution.started = Some(now);
            execution.facemap = Some(play.source);
            if !execution.flow.authenticates()
                && let Some(account) = self.accounts.get_mut(&account)
            {
                account.person = Some(person.clone());
            }
        }
        if let Some(account) = self.accounts.get_mut(&account) {
            account.produced.push((play.print, person));
        }
        let outcome = Outcome { decision: judged, face: judged, captured: true };
        self.touch(account, now);
        self.end(id, Status::Processed, Some(outcome), now);
    }

    /// Who plays: the one named, else the account's own person, else somebody new.
    fn resolve_person(&self, account: Id, named: Option<String>) -> String {
        let own = self.accounts.get(&account).and_then(|account| account.person.clone());
        named.or(own).unwrap_or_else(|| Id::random().to_string())
    }

    /// The verdict on `person` in an execution that authenticates.
    fn compare(&self, execution: &Execution, person: &str) -> Verdict {
        let Some(account) = self.accounts.get(&execution.account) else {
            return Verdict::NotExecuted;
        };
        let same = match execution.flow {
            Flow::OnPremises => {
                let Some(stored) = execution.stored_facemap() else { return Verdict::NotExecuted };
                let mut faces = account.produced.iter().filter(|(print, _)| *print == stored);
                faces.any(|(_, face)| face == person)
            }
            Flow::Authentication if !self.has_facemap(account) => return Verdict::NotExecuted,
            Flow::Authentication | Flow::Onboarding | Flow::Liveness => {
                account.person.as_deref() == Some(person)
            }
        };
        if same { Verdict::Passed } else { Verdict::Rejected }
    }

    /// Processes `id` with whatever was uploaded, as a finalize over the API does.
    pub(super) fn finalize(&mut self, id: Id, now: Moment) {
        let Some(execution) = self.executions.get_mut(&id) else { return };
        execution.started = Some(now);
        let account = execution.account;
        self.advance(id, Status::Acquired);
        let missing = Verdict::NotExecuted;
        let outcome = Outcome { decision: missing, face: missing, captured: false };
        self.touch(account, now);
        self.end(id, Status::Processed, Some(outcome), now);
    }
}
