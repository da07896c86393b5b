//! Which callbacks were heard, so that each execution is looked up at most once a minute for them. In
//! memory only: a restart costs one look.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::jumio::{Callback, ExecutionStatus};
use crate::model::{Timestamp, WorkflowExecutionId};

/// Most executions remembered: about 20 MB at worst. Only executions that the vault knows anyway get
/// here, so strangers cannot fill it.
const EXECUTIONS_MAX: usize = 100_000;
/// Between two looks at one execution because of callbacks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Callbacks told apart for one execution. Jumio has six states; further ones push out the oldest.
const SAID_MAX: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Rumours {
    executions: Mutex<HashMap<WorkflowExecutionId, Heard>>,
    executions_max: usize,
}

#[derive(Debug, Default)]
struct Heard {
    looked: Option<Instant>,
    said: Vec<Said>,
}

/// What makes two callbacks about one execution the same one.
type Said = (Option<ExecutionStatus>, Option<Timestamp>);

/// What to do about a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Ask Jumio.
    Look,
    /// Nothing: it was heard before.
    Duplicate,
    /// Nothing: there is nothing to be learned, or it is too soon.
    Ignore,
}

impl Default for Rumours {
    fn default() -> Self {
        Self { executions: Mutex::default(), executions_max: EXECUTIONS_MAX }
    }
}

impl Rumours {
    /// Whether this callback was heard before. Remembers nothing.
    pub(super) fn is_known(&self, callback: &Callback) -> bool {
        let executions = self.executions.lock().unwrap_or_else(PoisonError::into_inner);
        executions
            .get(&callback.execution)
            .is_some_and(|heard| heard.said.contains(&said(callback)))
    }

    /// Remembers a callback about an execution that the vault knows. `worth` is whether a look at it
    /// can change anything.
    ///
    /// One that came too soon after a look is not remembered, so that it counts when it is repeated.
    pub(super) fn hear(&self, callback: &Callback, worth: bool, now: Instant) -> Advice {
        let mut executions = self.executions.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |heard: &Heard| heard.looked.is_some_and(|at| now - at < LOOK_EVERY);
        if !executions.contains_key(&callback.execution) && executions.len() >= self.executions_max
        {
            executions.retain(|_, heard| is_recent(heard));
            if executions.len() >= self.executions_max {
                return Advice::Ignore;
            }
        }
        let heard = executions.entry(callback.execution).or_default();
        if heard.said.contains(&said(callback)) {
            return Advice::Duplicate;
        }
        if worth && is_recent(heard) {
            return Advice::Ignore;
        }
        if heard.said.len() == SAID_MAX {
            heard.said.remove(0);
        }
        heard.said.push(said(callback));
        if !worth {
            return Advice::Ignore;
        }
        heard.looked = Some(now);
        Advice::Look
    }
}

fn said(callback: &Callback) -> Said {
    (callback.status, callback.sent_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountId;

    fn callback(execution: u8, sent_at: u64) -> Callback {
        Callback {
            account: AccountId::from_bytes([1; 16]),
            execution: WorkflowExecutionId::from_bytes([execution; 16]),
            status: Some(ExecutionStatus::Processed),
            sent_at: Some(Timestamp::from_millis(sent_at)),
        }
    }

    #[test]
    fn an_execution_is_looked_up_once_a_minute() {
        let rumours = Rumours::default();
        let start = Instant::now();
        let table = [
            (0, 1, Advice::Look),
            (0, 1, Advice::Duplicate),
            (1, 2, Advice::Ignore),
            (59, 2, Advice::Ignore),
            (60, 2, Advice::Look),
            (61, 1, Advice::Duplicate),
            (119, 3, Advice::Ignore),
            (120, 3, Advice::Look),
        ];
        for (second, sent_at, want) in table {
            let now = start + Duration::from_secs(second);
            let got = rumours.hear(&callback(1, sent_at), true, now);
            assert_eq!(got, want, "callback {sent_at} in second {second}");
        }
        assert!(rumours.is_known(&callback(1, 3)));
        assert!(!rumours.is_known(&callback(2, 3)));
        assert_eq!(rumours.hear(&callback(2, 1), true, start), Advice::Look, "another execution");
    }

    #[test]
    fn what_is_not_worth_a_look_never_gets_one_and_does_not_delay_another() {
        let rumours = Rumours::default();
        let now = Instant::now();
        assert_eq!(rumours.hear(&callback(1, 1), false, now), Advice::Ignore);
        assert_eq!(rumours.hear(&callback(1, 1), false, now), Advice::Duplicate);
        assert_eq!(rumours.hear(&callback(1, 2), true, now), Advice::Look);
    }

    #[test]
    fn memory_is_bounded() {
        let rumours = Rumours { executions_max: 3, ..Rumours::default() };
        let start = Instant::now();
        for execution in 1..=3 {
            assert_eq!(rumours.hear(&callback(execution, 1), true, start), Advice::Look);
        }
        assert_eq!(rumours.hear(&callback(4, 1), true, start), Advice::Ignore, "it is full");
        assert_eq!(rumours.hear(&callback(1, 1), true, start), Advice::Duplicate);
        let later = start + LOOK_EVERY;
        assert_eq!(rumours.hear(&callback(4, 1), true, later), Advice::Look, "the others are old");
        for sent_at in 1..=100 {
            rumours.hear(&callback(4, sent_at), false, later);
        }
        let executions = rumours.executions.lock().unwrap();
        assert!(executions.values().all(|heard| heard.said.len() <= SAID_MAX));
    }
}
