//! Started authentications, by request id and by account. In memory only: tokens are never at rest.
//!
//! The same request of the same caller is answered with what it was answered before, tokens included,
//! until those end; then, for as long again, with that they have ended. Another caller's equal request id is another request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{AccountId, RequestId, Timestamp, WorkflowExecutionId};

use super::{StartAuthentication, Started, VaultError};

/// How a start ended; shared by all who asked for it.
pub(super) type Outcome = Result<Arc<Started>, Arc<VaultError>>;

/// An execution opened at Jumio for which no token was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orphan {
    /// The execution. It expires at Jumio by itself.
    pub execution: WorkflowExecutionId,
    /// When we gave it up.
    pub at: Timestamp,
}

/// Most requests remembered. Beyond it the ones that end soonest are forgotten, which costs their
/// callers a new authentication and nothing else.
const REQUESTS_MAX: usize = 100_000;
/// Fewer requests than this are never looked through.
const ROOM_MIN: usize = 1_000;
/// Most orphans remembered for the status page.
const ORPHANS_MAX: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    by_request: HashMap<Key, Entry>,
    by_account: HashMap<AccountId, Running>,
    orphans: VecDeque<Orphan>,
    tickets: u64,
    /// At how many requests the ended ones are dropped next.
    full_at: usize,
}

type Key = (String, RequestId);

#[derive(Debug)]
struct Entry {
    request: Arc<StartAuthentication>,
    outcome: watch::Receiver<Option<Outcome>>,
    /// Until when it is answered with its outcome; afterwards it is over.
    replay_until: Timestamp,
    forget_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    ticket: u64,
    execution: Option<WorkflowExecutionId>,
    expires: Timestamp,
}

/// What to do with a request.
pub(super) enum Begin {
    /// Do it, and tell the ticket how it ended.
    New(Ticket),
    /// Someone did or does it: wait for the same outcome.
    Joined(watch::Receiver<Option<Outcome>>),
}

/// The right to carry out one request. Dropped without [`Ticket::settle`], it forgets the request.
pub(super) struct Ticket {
    tables: Arc<Mutex<Tables>>,
    key: Key,
    account: AccountId,
    number: u64,
    /// The running authentication this one is to replace.
    replaces: Option<Running>,
    outcome: Option<watch::Sender<Option<Outcome>>>,
}

impl InFlight {
    /// Enters `request` of `caller` under `id`. `expires` is when its tokens end at the latest as far
    /// as known now.
    ///
    /// # Errors
    ///
    /// [`VaultError::RequestIdReused`] if the caller used the id for something else,
    /// [`VaultError::SessionOver`] if what it started is over,
    /// [`VaultError::AlreadyStarted`] if the account has a running authentication and the request
    /// does not supersede it.
    pub(super) fn begin(
        &self,
        caller: &str,
        id: RequestId,
        request: &Arc<StartAuthentication>,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<Begin, VaultError> {
        let mut tables = lock(&self.0);
        tables.make_room(now);
        let key = (caller.to_owned(), id);
        if let Some(entry) = tables.by_request.get(&key).filter(|entry| entry.forget_at > now) {
            if *entry.request != **request {
                return Err(VaultError::RequestIdReused);
            }
            if entry.replay_until <= now {
                return Err(VaultError::SessionOver);
            }
            return Ok(Begin::Joined(entry.outcome.clone()));
        }
        let running = tables.by_account.get(&request.account);
        let running = running.filter(|running| running.expires > now);
        if let (Some(running), false) = (running, request.supersede) {
            return Err(VaultError::AlreadyStarted {
                account: request.account,
                execution: running.execution,
                expires: running.expires,
            });
        }
        let (sender, outcome) = watch::channel(None);
        tables.tickets += 1;
        let number = tables.tickets;
        let (replay_until, forget_at) = (expires, expires);
        let entry = Entry { request: Arc::clone(request), outcome, replay_until, forget_at };
        tables.by_request.insert(key.clone(), entry);
        let running = Running { ticket: number, execution: None, expires };
        let replaces = tables.by_account.insert(request.account, running);
        let replaces = replaces.filter(|replaced| replaced.expires > now);
        let (tables, account) = (Arc::clone(&self.0), request.account);
        Ok(Begin::New(Ticket { tables, key, account, number, replaces, outcome: Some(sender) }))
    }

    /// Forgets everything about an account: nothing of it is answered again.
    pub(super) fn forget(&self, account: AccountId) {
        let mut tables = lock(&self.0);
        tables.by_request.retain(|_, entry| entry.request.account != account);
        tables.by_account.remove(&account);
    }

    /// The authentication ended at Jumio: the account is free for another one. Whether this is news,
    /// of an authentication that was started here.
    pub(super) fn ended(&self, account: AccountId, execution: WorkflowExecutionId) -> bool {
        let mut tables = lock(&self.0);
        let is_it = |running: &Running| running.execution == Some(execution);
        let is_news = tables.by_account.get(&account).is_some_and(is_it);
        if is_news {
            tables.by_account.remove(&account);
        }
        is_news
    }

    /// When the tokens of `execution` end, if it was started here and is not forgotten.
    pub(super) fn started(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Option<Timestamp> {
        let tables = lock(&self.0);
        let running = tables.by_account.get(&account)?;
        (running.execution == Some(execution)).then_some(running.expires)
    }

    pub(super) fn orphans(&self) -> Vec<Orphan> {
        lock(&self.0).orphans.iter().copied().collect()
    }
}

impl Ticket {
    /// Remembers an execution that was opened and will not be used.
    pub(super) fn orphaned(&self, execution: WorkflowExecutionId, at: Timestamp) {
        let mut tables = lock(&self.tables);
        if tables.orphans.len() == ORPHANS_MAX {
            tables.orphans.pop_front();
        }
        tables.orphans.push_back(Orphan { execution, at });
    }

    /// Tells everybody who asked how it ended. A success is replayed until its tokens end, and for `grace`
    /// after that it is known that they have. A failure is forgotten, so that the same request may be tried again; but if Jumio may have received it,
    /// the failure is replayed for `grace`, so that one request id never opens two executions unseen.
    pub(super) fn settle(mut self, outcome: Outcome, now: Timestamp, grace: Duration) {
        let mut tables = lock(&self.tables);
        let times = match &outcome {
            Ok(started) => Some((started.expires, started.expires.plus(grace))),
            Err(error) => may_be_open(error).then(|| (now.plus(grace), now.plus(grace))),
        };
        match (times, tables.by_request.get_mut(&self.key)) {
            (Some(times), Some(entry)) => (entry.replay_until, entry.forget_at) = times,
            (None, _) => drop(tables.by_request.remove(&self.key)),
            (Some(_), None) => {}
        }
        match &outcome {
            Ok(started) if tables.is_latest(self.account, self.number) => {
                let (execution, expires) = (Some(started.execution), started.expires);
                let running = Running { ticket: self.number, execution, expires };
                tables.by_account.insert(self.account, running);
            }
            Ok(_) => {}
            Err(_) => tables.give_back(self.account, self.number, self.replaces),
        }
        drop(tables);
        if let Some(sender) = self.outcome.take() {
            // Nobody may be waiting any more; the entry keeps a receiver, so this always arrives.
            sender.send_replace(Some(outcome));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            return;
        }
        let mut tables = lock(&self.tables);
        tables.by_request.remove(&self.key);
        tables.give_back(self.account, self.number, self.replaces);
    }
}

/// Whether Jumio may have opened an execution although we have no use for its answer.
fn may_be_open(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::JumioOutcomeUnknown(_)
            | VaultError::JumioResponseUnexpected { .. }
            | VaultError::JumioUrlRejected { .. }
    )
}

impl Tables {
    fn is_latest(&self, account: AccountId, ticket: u64) -> bool {
        self.by_account.get(&account).is_some_and(|running| running.ticket == ticket)
    }

    /// The start of `ticket` came to nothing: what it was to replace still runs, if it ever did.
    fn give_back(&mut self, account: AccountId, ticket: u64, replaced: Option<Running>) {
        if !self.is_latest(account, ticket) {
            return;
        }
        match replaced.filter(|running| running.execution.is_some()) {
            Some(running) => self.by_account.insert(account, running),
            None => self.by_account.remove(&account),
        };
    }

    /// Drops what has ended, and more if there is too much. Only once there are twice as many as were
    /// left the last time, since it looks at all of them.
    fn make_room(&mut self, now: Timestamp) {
        if self.by_request.len().max(self.by_account.len()) < self.full_at {
            return;
        }
        self.by_account.retain(|_, running| running.expires > now);
        self.by_request.retain(|_, entry| entry.forget_at > now);
        if self.by_request.len() >= REQUESTS_MAX {
            let mut ends: Vec<_> = self.by_request.values().map(|entry| entry.forget_at).collect();
            let (_, &mut median, _) = ends.select_nth_unstable(REQUESTS_MAX / 2);
            self.by_request.retain(|_, entry| entry.forget_at > median);
        }
        let left = self.by_request.len().max(self.by_account.len());
        self.full_at = (left * 2).clamp(ROOM_MIN, REQUESTS_MAX);
    }
}

fn lock(tables: &Mutex<Tables>) -> MutexGuard<'_, Tables> {
    tables.lock().unwrap_or_else(PoisonError::into_inner)
}
