//! Who was tried a moment ago in the background, so that a sweep does not ask Jumio the same again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::AccountId;

/// As long as the waits of the first attempts.
const RECENT: Duration = Duration::from_secs(30);

/// See the module. Holds as many accounts as were tried in the last half minute.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<HashMap<AccountId, Instant>>);

impl Recent {
    /// `account` is tried now.
    pub(super) fn note(&self, account: AccountId) {
        let now = Instant::now();
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.len() == tried.capacity() {
            tried.retain(|_, at| now - *at < RECENT);
        }
        tried.insert(account, now);
    }

    /// Whether `account` was tried a moment ago.
    pub(super) fn contains(&self, account: AccountId) -> bool {
        let tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tried.get(&account).is_some_and(|at| at.elapsed() < RECENT)
    }
}
