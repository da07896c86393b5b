//! A world: everything one tenant has at the simulated Jumio, apart from all others.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    callback::{Delivery, Notice},
    clock::Moment,
    decision::{Outcome, Status, Verdict},
    execution::Execution,
    facemap::Fingerprint,
    faults::Faults,
    id::Id,
    journal::Journal,
    limits::Buckets,
    tenant::Tenant,
};

/// How long a person may pause before the session expires.
const SESSION_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A world, shared between requests.
#[derive(Default)]
pub(super) struct World(Mutex<WorldState>);

impl World {
    /// The world's state. A request that panicked cannot have left it half changed in a way that
    /// matters to a simulator, so a poisoned lock is taken over.
    pub(super) fn lock(&self) -> MutexGuard<'_, WorldState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in a world.
#[derive(Default)]
pub(super) struct WorldState {
    pub(super) tenant: Tenant,
    pub(super) accounts: HashMap<Id, Account>,
    pub(super) executions: HashMap<Id, Execution>,
    /// Executions that are not terminal yet.
    pub(super) open: HashSet<Id>,
    pub(super) faults: Faults,
    pub(super) journal: Journal,
    pub(super) buckets: Buckets,
    /// Callbacks that are due and not yet on their way.
    pub(super) outbox: Vec<Notice>,
    /// Callbacks that were sent, oldest first.
    pub(super) deliveries: Vec<Delivery>,
}

/// An account: one person at this tenant.
pub(super) struct Account {
    /// Who it is, by a name that only the simulator knows.
    pub(super) person: Option<String>,
    /// The facemaps this account ever produced and whose face is in each. Outlives Jumio's
    /// deletion: a face stays a face.
    pub(super) produced: Vec<(Fingerprint, String)>,
    /// Its executions, oldest first.
    pub(super) executions: Vec<Id>,
    /// Retention counts from here.
    pub(super) last_activity: Moment,
    /// Its own retention; `None` leaves it to the tenant.
    pub(super) retention: Option<Duration>,
}

impl Account {
    /// An account nobody has used yet.
    pub(super) fn new(now: Moment) -> Self {
        Self {
            person: None,
            produced: Vec::new(),
            executions: Vec::new(),
            last_activity: now,
            retention: None,
        }
    }

    /// When Jumio deletes the data unless something happens before.
    pub(super) fn deleted_at(&self, tenant: &Tenant) -> Moment {
        self.last_activity.after(self.retention.unwrap_or(tenant.retention))
    }
}

impl WorldState {
    /// Lets everything happen to `account` that time alone brings about until `now`.
    pub(super) fn settle(&mut self, account: Id, now: Moment) {
        let Some(found) = self.accounts.get(&account) else { return };
        let ids = found.executions.clone();
        let delete_at = found.deleted_at(&self.tenant);
        for id in &ids {
            self.expire(*id, now);
        }
        if delete_at <= now {
            self.wipe(&ids, delete_at);
        }
    }

    /// The same for every execution that is still open.
    pub(super) fn settle_open(&mut self, now: Moment) {
        let open: Vec<Id> = self.open.iter().copied().collect();
        for id in open {
            self.expire(id, now);
        }
    }

    /// Deletes the data of those of `executions` that are over, as of `at`.
    pub(super) fn wipe(&mut self, executions: &[Id], at: Moment) {
        for id in executions {
            let Some(execution) = self.executions.get_mut(id) else { continue };
            if execution.status.is_terminal() && execution.wiped.is_none() {
                execution.wiped = Some(at);
                execution.facemap = None;
            }
        }
    }

    /// Ends an execution whose session or token has run out.
    fn expire(&mut self, id: Id, now: Moment) {
        let Some(execution) = self.executions.get(&id) else { return };
        if execution.status.is_terminal() {
            return;
        }
        let (due, status) = match execution.session {
            Some(last) => (last.after(SESSION_PAUSE), Status::SessionExpired),
            None => (execution.token_expires, Status::TokenExpired),
        };
        if due <= now {
            self.end(id, status, None, due);
        }
    }

    /// Ends an execution.
    pub(super) fn end(
        &mut self,
        id: Id,
        status: Status,
        outcome: Option<Outcome>,
        completed: Moment,
    ) {
        let Some(execution) = self.executions.get_mut(&id) else { return };
        execution.status = status;
        execution.outcome = outcome;
        execution.completed = Some(completed);
        execution.session = None;
        self.open.remove(&id);
        self.notify(id);
    }

    /// Moves an open execution on and tells the callback listener, if it wants to know.
    pub(super) fn advance(&mut self, id: Id, status: Status) {
        let Some(execution) = self.executions.get_mut(&id) else { return };
        execution.status = status;
        if self.tenant.intermediate_callbacks {
            self.notify(id);
        }
    }

    /// Queues a callback with the present status of `id`.
    pub(super) fn notify(&mut self, id: Id) {
        let Some(execution) = self.executions.get(&id) else { return };
        let url = execution.callback_url.as_ref().or(self.tenant.callback_url.as_ref());
        if let Some(url) = url {
            self.outbox.push(Notice::of(execution, url.clone()));
        }
    }

    /// Records that something happened on `account`; this is what retention counts from.
    pub(super) fn touch(&mut self, account: Id, now: Moment) {
        if let Some(account) = self.accounts.get_mut(&account) {
            account.last_activity = account.last_activity.max(now);
        }
    }

    /// An execution of `account`, brought up to date.
    pub(super) fn execution(&mut self, account: Id, id: Id, now: Moment) -> Option<&mut Execution> {
        self.settle(account, now);
        self.executions.get_mut(&id).filter(|execution| execution.account == account)
    }

    /// Adds `execution` to its account, which must exist.
    pub(super) fn add(&mut self, execution: Execution) {
        if let Some(account) = self.accounts.get_mut(&execution.account) {
            account.executions.push(execution.id);
        }
        if !execution.status.is_terminal() {
            self.open.insert(execution.id);
        }
        self.executions.insert(execution.id, execution);
    }

    /// Whether Jumio still has a facemap of a passed execution of `account`.
    pub(super) fn has_facemap(&self, account: &Account) -> bool {
        account.executions.iter().filter_map(|id| self.executions.get(id)).any(|execution| {
            execution.wiped.is_none()
                && execution.outcome.is_some_and(|outcome| outcome.face == Verdict::Passed)
        })
    }

    /// Removes one execution and all that is known about it.
    pub(super) fn delete_execution(&mut self, id: Id) {
        self.open.remove(&id);
        if let Some(execution) = self.executions.remove(&id)
            && let Some(account) = self.accounts.get_mut(&execution.account)
        {
            account.executions.retain(|other| *other != id);
        }
    }

    /// Removes an account with everything in it. Returns whether there was one.
    pub(super) fn delete_account(&mut self, id: Id) -> bool {
        let Some(account) = self.accounts.remove(&id) else { return false };
        for execution in account.executions {
            self.open.remove(&execution);
            self.executions.remove(&execution);
        }
        true
    }

    /// Forgets everything but the tenant's settings.
    pub(super) fn reset(&mut self) {
        let tenant = std::mem::take(&mut self.tenant);
        *self = Self { tenant, ..Self::default() };
    }
}
