//! Which caller may do what, and how much of it. It can be exchanged while calls are running.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::model::Permission;
use crate::tls::Identity;

/// One caller, as the settings have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose certificate says this.
    pub identity: Identity,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Calls per second; a second's worth may come at once.
    pub calls_per_second: u32,
    /// Calls under way at once.
    pub calls_at_once: u32,
}

/// Which caller may do what: empty, and so nobody may do anything, until it is told.
#[derive(Debug, Default)]
pub struct Policy {
    callers: RwLock<HashMap<Identity, Arc<Known>>>,
}

/// A caller that the policy knows.
#[derive(Debug)]
pub(super) struct Known {
    grant: Grant,
    /// When all calls so far have been paid for.
    paid: Mutex<Option<Instant>>,
    under_way: Arc<Semaphore>,
}

/// A call that may go on, until this is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Policy {
    /// A policy of `grants`.
    pub fn new(grants: Vec<Grant>) -> Self {
        let policy = Self::default();
        policy.exchange(grants);
        policy
    }

    /// Judges by `grants` from now on. Who keeps its limits keeps what it has used of them.
    pub fn exchange(&self, grants: Vec<Grant>) {
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *callers);
        *callers = grants
            .into_iter()
            .map(|grant| {
                let same = |known: &&Arc<Known>| known.grant == grant;
                let known = before.get(&grant.identity).filter(same).cloned();
                let identity = grant.identity.clone();
                (identity, known.unwrap_or_else(|| Arc::new(Known::new(grant))))
            })
            .collect();
    }

    /// The caller of that identity.
    pub(super) fn find(&self, identity: &Identity) -> Option<Arc<Known>> {
        self.callers.read().unwrap_or_else(PoisonError::into_inner).get(identity).cloned()
    }
}

/// What a caller with too many calls under way is told to wait. One of them will have ended.
const WAIT_AT_ONCE: Duration = Duration::from_secs(1);

impl Known {
    fn new(grant: Grant) -> Self {
        let under_way = usize::try_from(grant.calls_at_once).unwrap_or(Semaphore::MAX_PERMITS);
        let under_way = Arc::new(Semaphore::new(under_way.min(Semaphore::MAX_PERMITS)));
        Self { grant, paid: Mutex::default(), under_way }
    }

    /// Whether it was given `permission`.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.grant.permissions.contains(&permission)
    }

    /// Counts one more call.
    ///
    /// # Errors
    ///
    /// How long to wait, if that is more than the caller may ask for.
    pub(super) fn turn(&self, now: Instant) -> Result<Turn, Duration> {
        let permit = Arc::clone(&self.under_way).try_acquire_owned();
        let permit = permit.map_err(|_| WAIT_AT_ONCE)?;
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let since = paid.map_or(now, |paid| paid.max(now));
        // A second's worth of calls may come at once.
        let ahead = since - now;
        let interval = Duration::from_secs(1) / self.grant.calls_per_second.max(1);
        let over = (ahead + interval).saturating_sub(Duration::from_secs(1));
        if !over.is_zero() {
            return Err(over);
        }
        *paid = Some(since + interval);
        Ok(Turn(permit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(calls_per_second: u32, calls_at_once: u32) -> Grant {
        let identity = Identity::Uri("spiffe://bank/backend".to_owned());
        Grant { identity, permissions: vec![Permission::Read], calls_per_second, calls_at_once }
    }

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_each_waits() {
        let known = Known::new(grant(10, 100));
        let now = Instant::now();
        assert_eq!((0..20).filter(|_| known.turn(now).is_ok()).count(), 10);
        assert_eq!(known.turn(now).unwrap_err(), Duration::from_millis(100));
        assert!(known.turn(now + Duration::from_millis(100)).is_ok());
        assert!(known.turn(now + Duration::from_millis(100)).is_err());
        let later = now + Duration::from_secs(60);
        assert_eq!(
            (0..20).filter(|_| known.turn(later).is_ok()).count(),
            10,
            "nothing is saved up"
        );
    }

    #[test]
    fn a_call_under_way_takes_a_place_until_it_ends() {
        let known = Known::new(grant(1000, 2));
        let now = Instant::now();
        let first = known.turn(now).unwrap();
        let _second = known.turn(now).unwrap();
        assert_eq!(known.turn(now).unwrap_err(), WAIT_AT_ONCE);
        drop(first);
        assert!(known.turn(now).is_ok());
    }

    #[test]
    fn a_new_policy_forgets_who_is_not_in_it_and_keeps_what_was_used() {
        let policy = Policy::new(vec![grant(1, 100)]);
        let identity = grant(1, 100).identity;
        let now = Instant::now();
        assert!(policy.find(&identity).unwrap().turn(now).is_ok());
        policy.exchange(vec![grant(1, 100)]);
        assert!(
            policy.find(&identity).unwrap().turn(now).is_err(),
            "reading again is no new start"
        );
        policy.exchange(vec![grant(5, 100)]);
        assert!(policy.find(&identity).unwrap().turn(now).is_ok());
        policy.exchange(Vec::new());
        assert!(policy.find(&identity).is_none());
    }
}
