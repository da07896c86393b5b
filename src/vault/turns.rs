//! One turn per account: captures of one account follow each other, so that no facemap is downloaded
//! twice at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::model::AccountId;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<AccountId, Arc<AsyncMutex<()>>>>);

/// Holds an account's turn; gives it back when dropped.
pub(super) struct Turn<'a> {
    locks: &'a Turns,
    account: AccountId,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn of `account`.
    pub(super) async fn turn(&self, account: AccountId) -> Turn<'_> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(account).or_default())
        };
        // Before the wait, so that one who stops waiting tidies up as well.
        let mut turn = Turn { locks: self, account, guard: None };
        turn.guard = Some(lock.lock_owned().await);
        turn
    }

    /// Whether somebody has the turn of `account` now.
    pub(super) fn is_taken(&self, account: AccountId) -> bool {
        let locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.get(&account).is_some_and(|lock| lock.try_lock().is_err())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and a waiter each hold one: without waiters, forget the account.
        if locks.get(&self.account).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.account);
        }
    }
}
