//! On whose behalf something is done: carried along with the work, so that every record can say it.

use std::sync::{Arc, OnceLock};

use crate::model::RowKey;

use super::record::Entry;

/// Whoever a call came from. Without one, the vault itself acts: a sweep, a capture in the background.
#[derive(Debug, Clone, Default)]
pub struct Actor(Option<Arc<Who>>);

#[derive(Debug)]
struct Who {
    caller: [u8; 16],
    request: [u8; 16],
    row: OnceLock<RowKey>,
}

tokio::task_local! {
    static ACTOR: Actor;
}

impl Actor {
    /// The caller with this keyed hash, in this request.
    pub fn new(caller: [u8; 16], request: [u8; 16]) -> Self {
        Self(Some(Arc::new(Who { caller, request, row: OnceLock::new() })))
    }

    /// The row that the call is about, once that is known.
    pub fn row(&self) -> Option<RowKey> {
        self.0.as_ref().and_then(|who| who.row.get().copied())
    }

    /// `entry`, on behalf of this actor.
    #[must_use]
    pub fn sign(&self, entry: Entry) -> Entry {
        match &self.0 {
            Some(who) => Entry { caller: who.caller, request: who.request, ..entry },
            None => entry,
        }
    }
}

/// Runs `work` on behalf of `actor`. Work in a task of its own has to be given its actor again.
pub async fn acting<T>(actor: Actor, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor, work).await
}

/// On whose behalf this is.
pub fn actor() -> Actor {
    ACTOR.try_with(Clone::clone).unwrap_or_default()
}

/// The call that is being answered is about `row`.
pub fn about(row: RowKey) {
    let _ = ACTOR.try_with(|actor| {
        if let Some(who) = &actor.0 {
            let _ = who.row.set(row);
        }
    });
}
